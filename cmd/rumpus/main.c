/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - the front end: finds the subcommand and explains itself
 */

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>

#include "../server/server_help.h"
#include "net.h"
#include "rumpus.h"
#include "serve.h"

#define IMAGE_ARG	"IMAGE[:PART][:/PATH]"
#define COMMON_HELP \
	"      --offset=N    the file system or disk starts N bytes into IMAGE (k, m, g, t)\n" \
	"      --help        this text\n"
#define HELP_HELP \
	"      --help        this text\n"
#define JSON_HELP \
	"      --json        a JSON array\n"

static const struct command commands[] = {
	{ "info", "IMAGE", "partitions and file systems of an image", cmd_info,
	    JSON_HELP COMMON_HELP },
	{ "ls", "[-1AadhilRrStU] " IMAGE_ARG "...", "list directories", cmd_ls,
	    "  -l  long   -a, -A  names with a dot too   -R  recurse   -d  the directory itself\n"
	    "  -i  inode numbers   -h  readable sizes   -1  one a line\n"
	    "  -t, -S  by time, by size   -r  reversed   -U  as the directory has it\n"
	    JSON_HELP COMMON_HELP },
	{ "cat", IMAGE_ARG "...", "print files", cmd_cat, COMMON_HELP },
	{ "cp", "[-apr] " IMAGE_ARG "... DEST", "copy out of an image", cmd_cp,
	    "  -a  all: recurse, keep links, modes, times, owners (as root), xattrs, holes\n"
	    "  -r  recurse   -p  keep modes and times\n" COMMON_HELP },
	{ "find", IMAGE_ARG " [TEST...]", "look for files", cmd_find,
	    "  -name GLOB  -iname GLOB  -path GLOB  -type [fdlbcps]  -size [+-]N[ckMG]\n"
	    "  -mtime [+-]DAYS  -perm MODE|-MODE  -uid N  -gid N  -links N  -inum N\n"
	    "  -empty  -mindepth N  -maxdepth N  -print0  -ls\n" JSON_HELP COMMON_HELP },
	{ "stat", IMAGE_ARG "...", "all that is known about files", cmd_stat,
	    JSON_HELP COMMON_HELP },
	{ "du", "[-abhs] [-d N] " IMAGE_ARG "...", "space used by trees", cmd_du,
	    "  -a  files too   -b  sizes instead of blocks   -h  readable   -s  sums only\n"
	    "  -d N  N levels\n" JSON_HELP COMMON_HELP },
	{ "df", "[-hi] IMAGE[:PART]", "space of file systems", cmd_df,
	    "  -h  readable   -i  inodes\n" JSON_HELP COMMON_HELP },
	{ "tree", "[-ad] [-L N] " IMAGE_ARG, "draw a tree", cmd_tree,
	    "  -a  names with a dot too   -d  directories only   -L N  N levels\n"
	    JSON_HELP COMMON_HELP },
	{ "sha256", "[-r] " IMAGE_ARG "...", "check sums of files", cmd_sha256,
	    "  -r  recurse\n" JSON_HELP COMMON_HELP },
	{ "tar", "[-f FILE] " IMAGE_ARG, "a tree as a tar archive", cmd_tar,
	    "  -f FILE  write there instead of to standard output\n" COMMON_HELP },
	{ "net", "up|cat|perf [OPTION...] [-- COMMAND...]", "a host on a network", cmd_net,
	    "  up    answer until Ctrl-C      --serve[=NAMES]  echo, discard, daytime, chargen, http\n"
	    "        -c COMMAND, or -- COMMAND...: in the same kernel   -i  commands from the input\n"
	    "  cat   [-lu46] [-p PORT] [-w TIME] [ADDRESS PORT]   input and output across the network\n"
	    "  perf  -s | [-46r] [--rr] [-t TIME] [-P N] [-l N] [-p PORT] ADDRESS   how fast\n" NET_HELP },
	{ "run", "[OPTION...] [--] PROGRAM [ARGUMENT...]", "a program with another kernel", cmd_run,
	    "      --net=KIND:LINK[,ADDRESS/LEN...]   the same as --if: a kernel inside the program\n"
	    "      --on=NAME|URL   the kernel is that server's\n"
	    "      --tree   a server of its own, for all that the program starts; implied by:\n"
	    "      --mount=IMAGE[:PART]:/DIR | tmpfs:/DIR   --map-uid=HOST:INSIDE[:GROUP][,...]\n"
	    "      --root   programs are told who they are there: 0\n"
	    "      --path=/PREFIX   the kernel's files are below it   --blanket=/A[:/B...]\n"
	    "      --socket=NAMES   whose sockets: all:nolocal   --fd-from=N   --verbose\n" NET_HELP },
	{ "sh", "[--engine=NAME] [--root] IMAGE[:PART] [PROGRAM [ARGUMENT...]]",
	    "your shell and tools with an image below /image", cmd_sh,
	    "      --engine=NAME   preload or supervisor, as 'rumpus run'   --root   be told that you are 0\n"
	    HELP_HELP },
	{ "ping", "[-46fq] [-c N] [-i T] [-s N] [-t TTL] [-W T] [-w T] ADDRESS", "is somebody there",
	    cmd_ping,
	    "  -c N  how many   -i TIME  between them   -s N  bytes   -t N  TTL   -f  flood\n"
	    "  -W TIME  for the last answer   -w TIME  for all   -q  the sum only   -4, -6\n" NET_HELP },
	{ "traceroute", "[-46] [-f N] [-m N] [-q N] [-w T] [-p N] [-s N] ADDRESS", "by which routers",
	    cmd_traceroute,
	    "  -f N  first TTL   -m N  last TTL   -q N  probes a hop   -w TIME  for an answer\n"
	    "  -p N  first port   -s N  bytes   -4, -6\n" NET_HELP },
	{ "ip", "[-46js] OBJECT [COMMAND]", "addresses, links, routes, neighbours, rules", cmd_ip,
	    "  address|link|route|neighbour|rule  [show|add|delete|set|replace|append|get] WORDS\n"
	    "  -s  statistics   -j  JSON   -4, -6   as ip(8)\n" NET_HELP },
	{ "ss", "[-tuwxk0aliemn46]", "sockets", cmd_ss,
	    "  -t TCP  -u UDP  -w raw  -x local  -k netlink  -0 packet\n"
	    "  -a  all states   -l  listening   -i  what TCP knows   -m  memory   -e  owner\n" NET_HELP },
	{ "capture", "[-i DEV] [-w FILE] [-c N] [-s N] [-t T] [-p]", "what passes an interface",
	    cmd_capture,
	    "  -w FILE  as pcapng (-: standard output)   -c N  packets   -s N  bytes of each\n"
	    "  -t TIME  then end   -p  not promiscuous\n" NET_HELP },
	{ "server", "--name=NAME [OPTION...] [URL]", "a kernel that other programs use", cmd_server,
	    SERVER_HELP },
	{ "ps", "[--clean] [--json]", "the servers of this user", cmd_ps,
	    "      --clean       remove what dead ones left\n" JSON_HELP HELP_HELP },
	{ "stop", "[-k] [-t SECONDS] [--json] NAME...", "end servers", cmd_stop,
	    "  -t SECONDS  for clients to leave   -k  then kill it\n" JSON_HELP HELP_HELP },
	{ "trace", "--on=NAME [PID]", "system calls of a server's clients", cmd_trace, HELP_HELP },
	{ "doctor", "[--json] [PROGRAM...]", "what this host allows, and how programs would run",
	    cmd_doctor, JSON_HELP HELP_HELP },
	{ "top", "--on=NAME [-d TIME] [-n COUNT] [--json]", "who uses a server, and how much", cmd_top,
	    "  -d TIME  between two looks   -n COUNT  so many, then end\n" JSON_HELP HELP_HELP },
};

const struct command *current_command;

static void
help(FILE *to)
{
	fputs("usage: rumpus COMMAND [OPTION...] IMAGE[:PART][:/PATH] ...\n\n"
	    "Reads disk images through a kernel of its own: no root, no mount.\n"
	    "The last ones are a host on a network, of this process only; they take no image.\n"
	    "PART is a number, or a partition's or file system's name or UUID.\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-10s %s\n", commands[i].c_name, commands[i].c_about);
	fputs("\n'rumpus COMMAND --help' tells more; see also rumpus(1).\n"
	    "Exit codes: 0 done, 1 differs or no match, 2 usage, 3 I/O, 4 bad image,\n"
	    "5 unsupported feature, 6 no space, 7 permission.\n", to);
}

static void
help_command(FILE *to)
{
	fprintf(to, "usage: rumpus %s [--help] %s\n%s\n\n%s", current_command->c_name,
	    current_command->c_args, current_command->c_about,
	    current_command->c_help);
}

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rumpus: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\ntry 'rumpus %s%s--help'\n",
	    current_command != NULL ? current_command->c_name : "",
	    current_command != NULL ? " " : "");
	return EX_USE;
}

int
usage_option(int opt)
{
	switch (opt) {
	case 'H':
		help_command(stdout);
		return finish_output();
	case 'J':
		want_json = true;
		return -1;
	case 'O':
		return image_set_offset(optarg) == EX_DONE ? -1 : EX_USE;
	default:
		fprintf(stderr, "try 'rumpus %s --help'\n", current_command->c_name);
		return EX_USE;
	}
}

/* A command of the network can also be carried out at a server; "run" goes there itself. */
static bool
is_network(size_t i)
{
	return commands[i].c_main != cmd_run && strstr(commands[i].c_help, "--on=") != NULL;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EX_USE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return finish_output();
	}
	if (strcmp(argv[1], "--version") == 0) {
		int v = rump_getversion();

		printf("rumpus %d.%d.%d\n", v / 10000, v / 100 % 100, v % 100);
		return finish_output();
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].c_name) != 0)
			continue;
		current_command = &commands[i];
		if (is_network(i) && wants_server(argc - 1, argv + 1) &&
		    !wants_help(argc - 1, argv + 1))
			return run_helper("rumpus-on", argv);
		/* getopt names the program in its messages. */
		argv[1] = argv[0];
		return commands[i].c_main(argc - 1, argv + 1);
	}
	return usage_error("no command '%s'", argv[1]);
}
