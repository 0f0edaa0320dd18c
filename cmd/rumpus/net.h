/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net.h - what the network commands of rumpus(1) share
 *
 * Each command boots a kernel of its own, gives it the interfaces that --if and its
 * companions name, and works in it through rump_sys_*(): sockets and netlink, nothing
 * that a program of somebody else could not have.  "net up" stays, answers, and
 * runs further commands in the same kernel.
 *
 * Ctrl-C: SIGINT and SIGTERM are blocked in all threads and taken by one, which makes
 * net_stopfd() readable; whoever waits, waits for that too.
 */

#ifndef RUMPUS_NET_H
#define RUMPUS_NET_H

/* The UAPI macros that walk messages cast const away and mix signs; gcc forgives system headers. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wcast-qual"
#pragma clang diagnostic ignored "-Wsign-compare"
#endif

#include <netinet/in.h>
#include <sys/socket.h>

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rumpus.h"

/* --- interfaces and start (net_options.c, net_boot.c) ------------------------------ */

#define NET_MAXIFS	16
#define NET_MAXADDRS	16

struct netaddr {
	int		 na_family;
	union {
		struct in_addr	 v4;
		struct in6_addr	 v6;
		uint8_t		 bytes[16];
	} na_addr;
	unsigned int	 na_plen;
};

struct netif {
	char		 ni_kind[16];	/* "shm", "tap" ..: how names begin */
	char		 ni_name[16];
	char		*ni_link;	/* what it is connected to; NULL: nothing */
	char		*ni_mac;
	unsigned int	 ni_mtu;	/* 0: the driver's */
	bool		 ni_dhcp, ni_dhcp6, ni_auto;
	char		*ni_cond;	/* "loss=1%,delay=5ms": link conditions */
	char		*ni_capture;	/* file */
	unsigned int	 ni_naddrs;
	struct netaddr	 ni_addr[NET_MAXADDRS];
};

/* Long options that every network command has: into getopt's table. */
#define NET_OPTIONS \
	{ "if", required_argument, NULL, 0x100 }, \
	{ "route", required_argument, NULL, 0x101 }, \
	{ "gw", required_argument, NULL, 0x102 }, \
	{ "mtu", required_argument, NULL, 0x103 }, \
	{ "mac", required_argument, NULL, 0x104 }, \
	{ "loss", required_argument, NULL, 0x105 }, \
	{ "delay", required_argument, NULL, 0x106 }, \
	{ "jitter", required_argument, NULL, 0x107 }, \
	{ "rate", required_argument, NULL, 0x108 }, \
	{ "reorder", required_argument, NULL, 0x109 }, \
	{ "duplicate", required_argument, NULL, 0x10a }, \
	{ "corrupt", required_argument, NULL, 0x10b }, \
	{ "seed", required_argument, NULL, 0x10c }, \
	{ "capture", required_argument, NULL, 0x10d }, \
	{ "sysctl", required_argument, NULL, 0x10e }, \
	{ "json", no_argument, NULL, 'J' }, \
	{ "help", no_argument, NULL, 'H' }, \
	{ NULL, 0, NULL, 0 }

#define NET_HELP \
	"      --if=KIND:LINK[,ADDRESS/LEN...][,name=N][,mac=M][,mtu=N][,dhcp][,dhcp6][,auto]\n" \
	"                    an interface: shm:FILE, tap:NAME, passt; may be repeated\n" \
	"      --route='DST via GATEWAY'   --gw=GATEWAY   routes\n" \
	"      --mtu=N --mac=M --loss=P --delay=T --jitter=T --rate=BITS --reorder=P\n" \
	"      --duplicate=P --corrupt=P --seed=N --capture=FILE   of the last --if\n" \
	"      --sysctl=NAME=VALUE   a variable of the kernel\n" \
	"      --on=NAME|URL         at a server instead: it has all interfaces already\n" \
	"      --json        a JSON array\n" \
	"      --help        this text\n"

/* One option of getopt: -1 go on, else the exit code. */
int	net_option(int opt);
/* Boots the kernel and configures what the options said; once a process.  An exit code. */
int	net_boot(void);
/* The second half of it, in a kernel that runs. */
int	net_configure(void);
/* Before there are threads; and once there is a kernel, an errno. */
void	net_stop_block(void);
int	net_stop_start(void);
int	net_stopfd(void);		/* kernel descriptor; readable after Ctrl-C */
bool	net_stopped(void);
/* Waits for events on fd (a kernel descriptor, -1: none) or Ctrl-C; ms -1: for ever. */
short	net_wait(int fd, short events, int ms);

const struct netif *net_interfaces(size_t *ret_n);

/* --- addresses (net_addr.c) ---------------------------------------------------------- */

/* "10.0.0.1", "fd00::1", with "/24" if plen.  False: it is no address. */
bool	netaddr_parse(const char *text, bool plen, struct netaddr *ret_na);
void	netaddr_text(int family, const void *addr, char *buf, size_t size);
/* HOST to a sockaddr; "fe80::1%shm0" too.  EX_USE after a message. */
int	net_target(const char *host, uint16_t port, int family, struct sockaddr_storage *ret_ss,
	    socklen_t *ret_len);
/* "10.0.0.1:80", "[fd00::1]:80"; without the port if it is 0 and !port. */
void	sockaddr_text(const struct sockaddr_storage *ss, bool port, char *buf, size_t size);

double	net_seconds(void);		/* of a clock that only goes forward */
/* "10", "0.2", "5ms": seconds.  False: nonsense. */
bool	net_duration(const char *text, double *ret_seconds);
bool	net_number(const char *text, unsigned long max, unsigned long *ret_n);
/* Of the last rump_sys_*(): complains, and says the exit code. */
int	net_fail(const char *where, const char *operation);

/* --- netlink (nlclient.c) --------------------------------------------------------------- */

struct nlmsghdr;
struct rtattr;

#define NLC_ROOM	16384

struct nlc {
	int		 c_fd;		/* kernel descriptor */
	uint32_t	 c_seq;
	char		 c_error[256];	/* what the kernel said about the last error */
	_Alignas(8) uint8_t c_req[NLC_ROOM];
	size_t		 c_len;
};

int	nlc_open(struct nlc *c, int protocol);		/* errno */
void	nlc_close(struct nlc *c);
/* Begins a request with the family's header of len bytes. */
void	nlc_begin(struct nlc *c, uint16_t type, uint16_t flags, const void *hdr, size_t len);
void	nlc_attr(struct nlc *c, uint16_t type, const void *data, size_t len);
void	nlc_attr32(struct nlc *c, uint16_t type, uint32_t value);
void	nlc_attrtext(struct nlc *c, uint16_t type, const char *text);
size_t	nlc_nest(struct nlc *c, uint16_t type);
void	nlc_nest_end(struct nlc *c, size_t at);
/* Sends it; fn gets each message of the answer.  0, or the kernel's errno. */
int	nlc_talk(struct nlc *c, void (*fn)(const struct nlmsghdr *, void *), void *arg);
/* The attributes behind a header of hdrlen bytes, by type; absent: NULL. */
void	nlc_attrs(const struct nlmsghdr *nh, size_t hdrlen, struct rtattr **tb, size_t n);
void	nlc_nested(const struct rtattr *rta, struct rtattr **tb, size_t n);
uint32_t nlc_u32(const struct rtattr *rta);	/* NULL: 0 */
/* Complains about a failed nlc_talk(): the exit code. */
int	nlc_fail(const struct nlc *c, const char *where, const char *operation, int error);
/* Index to name and back; the name is static. */
const char *nlc_ifname(uint32_t index);
void	nlc_ifname_forget(void);	/* the last, which was kept */
uint32_t nlc_ifindex(const char *name);		/* 0: there is none */

/* --- commands ------------------------------------------------------------------------------ */

int	cmd_net(int argc, char **argv);
int	cmd_ping(int argc, char **argv);
int	cmd_traceroute(int argc, char **argv);
int	cmd_ip(int argc, char **argv);
int	cmd_ss(int argc, char **argv);
int	cmd_capture(int argc, char **argv);
int	cmd_run(int argc, char **argv);

int	net_up(int argc, char **argv);
int	net_cat(int argc, char **argv);
int	net_perf(int argc, char **argv);

/* A command and its words, in this kernel (net up). */
int	net_run(int argc, char **argv);
int	net_runline(char *line);

/* net_serve.c: small services, on a thread of their own.  An exit code. */
int	net_serve(const char *names);
const char *net_services(void);

#endif /* RUMPUS_NET_H */
