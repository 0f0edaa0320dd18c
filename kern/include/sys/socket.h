/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket.h - the shapes and numbers of socket calls
 *
 * What a libc has in its <sys/socket.h> and the UAPI headers leave to it,
 * with the layout and the values of 64-bit Linux: socket(2), send(2), recv(2),
 * cmsg(3), socket(7).  UAPI headers that ask for <sys/socket.h> find this.
 */

#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include <asm/socket.h>		/* SOL_SOCKET, SO_* */
#include <linux/socket.h>	/* struct __kernel_sockaddr_storage */
#include <sys/types.h>

typedef uint32_t	socklen_t;
typedef uint16_t	sa_family_t;

struct sockaddr {
	sa_family_t	sa_family;
	char		sa_data[14];
};

#define sockaddr_storage __kernel_sockaddr_storage

struct iovec {
	void		*iov_base;
	size_t		 iov_len;
};

struct msghdr {
	void		*msg_name;
	socklen_t	 msg_namelen;
	struct iovec	*msg_iov;
	size_t		 msg_iovlen;
	void		*msg_control;
	size_t		 msg_controllen;
	int		 msg_flags;
};

struct mmsghdr {
	struct msghdr	 msg_hdr;
	unsigned int	 msg_len;
};

struct cmsghdr {
	size_t		 cmsg_len;	/* with this header */
	int		 cmsg_level;
	int		 cmsg_type;
};

#define CMSG_ALIGN(len)	(((len) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define CMSG_LEN(len)	(sizeof(struct cmsghdr) + (len))
#define CMSG_SPACE(len)	(sizeof(struct cmsghdr) + CMSG_ALIGN(len))
#define CMSG_DATA(cm)	((void *)((struct cmsghdr *)(cm) + 1))

struct ucred {
	pid_t		 pid;
	uid_t		 uid;
	gid_t		 gid;
};

struct linger {
	int		 l_onoff;
	int		 l_linger;	/* seconds */
};

/* Types of control messages of SOL_SOCKET. */
#define SCM_RIGHTS	0x01
#define SCM_CREDENTIALS	0x02

enum {
	AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_BRIDGE = 7, AF_INET6 = 10,
	AF_NETLINK = 16, AF_PACKET = 17, AF_MAX = 46,
};
#define AF_LOCAL	AF_UNIX

enum {
	SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4,
	SOCK_SEQPACKET = 5, SOCK_DCCP = 6, SOCK_PACKET = 10,
};
#define SOCK_TYPE_MASK	0xf
#define SOCK_CLOEXEC	02000000
#define SOCK_NONBLOCK	04000

#define MSG_OOB		0x01
#define MSG_PEEK	0x02
#define MSG_DONTROUTE	0x04
#define MSG_CTRUNC	0x08
#define MSG_PROBE	0x10
#define MSG_TRUNC	0x20
#define MSG_DONTWAIT	0x40
#define MSG_EOR		0x80
#define MSG_WAITALL	0x100
#define MSG_FIN		0x200
#define MSG_SYN		0x400
#define MSG_CONFIRM	0x800
#define MSG_RST		0x1000
#define MSG_ERRQUEUE	0x2000
#define MSG_NOSIGNAL	0x4000
#define MSG_MORE	0x8000
#define MSG_WAITFORONE	0x10000
#define MSG_BATCH	0x40000
#define MSG_ZEROCOPY	0x4000000
#define MSG_FASTOPEN	0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000

enum { SHUT_RD, SHUT_WR, SHUT_RDWR };

#define SOMAXCONN	4096

#define SOL_IP		0
#define SOL_TCP		6
#define SOL_UDP		17
#define SOL_IPV6	41
#define SOL_ICMPV6	58
#define SOL_RAW		255
#define SOL_PACKET	263
#define SOL_NETLINK	270

#endif /* SYS_SOCKET_H */
