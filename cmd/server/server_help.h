/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_help.h - what --help of a server says
 */

#ifndef RUMP_SERVER_HELP_H
#define RUMP_SERVER_HELP_H

#define SERVER_HELP \
	"A rump kernel that other programs use: unix:///tmp/ctl, unix://@name or tcp://host:port.\n\n" \
	"      --name=NAME       for 'rumpus ps', --on=NAME; makes a URL of its own\n" \
	"  -l, --component=NAME  load a component and what it needs: rumpnet_inet, fs_ext2\n" \
	"  -m, --module=FILE     load a library\n" \
	"  -d, --device=key=/dev/d0,hostpath=FILE,size=host|N[kmgt][,offset=N][,type=blk|chr|reg]\n" \
	"                        [,disklabel=PART]   a host file as a device\n" \
	"      --mount=IMAGE[:PART]:/DIR | tmpfs:/DIR[,size=N]   images are mounted read-only\n" \
	"      --net=KIND:LINK[,ADDRESS/LEN...][,dhcp]...   an interface, as 'rumpus net up --if';\n" \
	"                        also --route, --gw, --mtu, --mac, --sysctl and so on\n" \
	"  -c, --cpus=N|host     virtual processors      -r, --memory=SIZE  limit of the kernel\n" \
	"      --clients=N --client-threads=N   limits   --map-uid=HOST:INSIDE[:GROUP][,...]\n" \
	"      --config=FILE     options from a file, a line each\n" \
	"      --tls-psk=FILE | --tls-cert=FILE --tls-key=FILE --tls-ca=FILE   for tcp://HOST:PORT\n" \
	"  -s, --foreground      stay, do not become a daemon   -v, --verbose\n" \
	"      --log=stderr|syslog|file:PATH   --metrics=unix:PATH|file:PATH[,SECONDS]\n" \
	"      --stop-time=SECONDS  for clients to leave when it stops\n" \
	"      --end-with=FD     end with that pipe and the last client\n" \
	"      --no-lockin       keep the rights of the process (for debugging)\n"

#endif /* RUMP_SERVER_HELP_H */
