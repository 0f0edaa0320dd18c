/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server.h - a kernel as a service: what rump_server, rump_allserver and
 * "rumpus server" share
 *
 * The three differ in what is linked in and in how they are called, nothing else.
 * A server goes through these steps, each a function below:
 *
 *	options		command line and file; nothing has happened yet
 *	background	fork; the parent waits for the end of all this
 *	place		the name's folder, sockets bound and listening
 *	prepare		libraries loaded, files made or looked at: one thread, no kernel
 *	lock-in 1	no new privileges; Landlock: files that were named, no others
 *	boot		devices, mounts, interfaces, clients served, control socket answered
 *	lock-in 2	seccomp: nothing can be opened any more
 *	ready		systemd and the waiting parent are told
 *	wait		for a signal, "rumpus stop", or a client's reboot(2)
 *	stop		no more clients, unmount, remove names
 *
 * Errors are exit codes of rumpus.h, after a message.
 */

#ifndef RUMP_SERVER_H
#define RUMP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_MAXLIST	64
#define SERVER_NAMELEN	32

struct server_program {
	const char	*sp_name;
	bool		 sp_whole;	/* all components are linked in */
	void		(*sp_help)(bool bad);	/* usage; bad: to stderr */
};

struct server_options {
	char		*so_url;	/* NULL: the socket of the name's folder */
	char		*so_name;	/* NULL: none given */
	char		*so_component[SERVER_MAXLIST];
	size_t		 so_ncomponents;
	char		*so_device[SERVER_MAXLIST];
	size_t		 so_ndevices;
	char		*so_mount[SERVER_MAXLIST];
	size_t		 so_nmounts;
	char		*so_metrics;	/* unix:PATH, file:PATH[,SECONDS] */
	char		*so_log;	/* stderr, syslog, file:PATH */
	unsigned long	 so_stoptime;	/* seconds for an orderly end */
	unsigned long	 so_endwith;	/* a pipe whose end is ours, too; 0: none */
	bool		 so_foreground;
	bool		 so_lockin;
	bool		 so_landlock;	/* as a part of it */
	int		 so_verbose;
};

extern struct server_options server_options;
extern const struct server_program *server_program;

/* main() of a server. */
int	server_main(const struct server_program *sp, int argc, char **argv);

/* server_options.c, server_config.c */
int	server_parse(int argc, char **argv);
int	server_option(int opt, char *arg);	/* -1: go on */
int	server_option_named(const char *name, char *value);	/* -1: go on */
int	server_config(const char *path);	/* -1: go on */

/* server_component.c */
int	server_component_load(const char *name);
int	server_components(void);		/* all that the options need */
bool	server_component_known(const char *name, char *ret_name, size_t size);

/* server_disk.c */
int	server_prepare_disks(void);		/* files made and named to the lock-in */
int	server_devices(void);
int	server_mounts(void);

/* server_net.c: files made and named to the lock-in. */
int	net_interfaces_prepare(void);

/* server_log.c: priorities are syslog's. */
int	server_log_open(void);
void	server_log_detach(void);	/* the terminal is gone */
void	server_log(int priority, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));

/* server_listen.c: the socket that clients connect to. */
int	server_listen(void);			/* binds it, or takes systemd's */
void	server_listen_keep(void);		/* before the lock-in */
int	server_serve(void);			/* hands it to the kernel */
int	server_shutdown(void);			/* clients leave, the kernel ends; an errno */
const char *server_url(void);
void	server_listen_remove(void);

/* server_notify.c: what systemd wants to know; no-ops without it. */
void	server_notify_open(void);
void	server_notify(const char *text);
unsigned int server_notify_watchdog(void);	/* milliseconds, 0: none */

/* server_control.c: answers "rumpus ps" and the like.  See rumpus-server(1). */
int	server_control_listen(void);
int	server_control_start(void);
void	server_control_stop(void);

/* server_stop.c */
#define STOP_SIGNAL	0x100	/* + the signal's number */
#define STOP_ASKED	0x200	/* by the control socket */
#define STOP_REBOOT	0x400	/* a client called reboot(2) */
#define STOP_ALONE	0x800	/* the pipe is at its end, and no client is left */
int	server_stop_prepare(void);
void	server_stop_ask(int why);
int	server_stop_wait(void);
bool	server_stop_again(int ms);		/* another signal within that time */

/* server_metrics.c */
struct textbuf;
unsigned int metrics_clients(void);
void	metrics_info(struct textbuf *tb);
void	metrics_json(struct textbuf *tb);
void	metrics_prometheus(struct textbuf *tb);
int	metrics_open(void);			/* the --metrics option */
int	metrics_fd(void);			/* listening socket, or -1 */
void	metrics_answer(struct textbuf *tb);	/* one request to it */
void	metrics_start(void);			/* the server is ready */
void	metrics_tick(void);			/* rewrites the file when it is time */
int	metrics_wait(void);			/* milliseconds until then, -1: never */

/* iface.c */
#define IFACE_NCOUNTERS	8
extern const char *const iface_counter_names[IFACE_NCOUNTERS];
struct iface_counters {
	char		 ic_name[16];
	bool		 ic_first;	/* of this walk */
	bool		 ic_up;
	unsigned int	 ic_mtu;
	uint64_t	 ic_count[IFACE_NCOUNTERS];
};
void	iface_iterate(void (*fn)(const struct iface_counters *, void *), void *arg);

/* Text that grows; on lack of memory it is marked bad and ignores more. */
struct textbuf {
	char	*tb_text;
	size_t	 tb_len, tb_room;
	bool	 tb_bad;
};
void	text_printf(struct textbuf *tb, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
void	text_json(struct textbuf *tb, const char *s);	/* quoted */
void	text_free(struct textbuf *tb);

#endif /* RUMP_SERVER_H */
