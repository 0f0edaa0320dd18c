/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_opt.h - what setting and getting options share
 */

#ifndef NET_SOCKET_OPT_H
#define NET_SOCKET_OPT_H

#include <net/socket.h>

/* Numbers that came late to <asm/socket.h>. */
#define OPT_BUF_LOCK	72
#define OPT_RESERVE_MEM	73
#define OPT_TXREHASH	74
#define OPT_RCVMARK	75
#define OPT_PASSPIDFD	76
#define OPT_PEERPIDFD	77
#define OPT_RCVPRIORITY	82
#define OPT_PASSRIGHTS	83

/* Families in which an option means something. */
enum { OPTFAM_ANY, OPTFAM_INET, OPTFAM_SCM, OPTFAM_UNIX };

struct sockoptbit {
	int		 ob_name;	/* SO_* */
	uint32_t	 ob_bit;	/* SOO_* */
	int		 ob_who;	/* may set it */
	int		 ob_error;	/* of those who may not */
	unsigned int	 ob_families;	/* OPTFAM_*; elsewhere EOPNOTSUPP */
};

extern const struct sockoptbit socket_optbits[];
extern const size_t socket_noptbits;

const struct sockoptbit *sockoptbit_find(int name);	/* or NULL */
bool	sockopt_family_ok(const struct socket *so, unsigned int families);
bool	sockopt_istcp(const struct socket *so);
bool	sockopt_has_peekoff(const struct socket *so);
void	sockopt_setbits(struct socket *so, uint32_t bits, bool on);

/* socket_opttime.c; uval is the client's. */
int	sockopt_timeout(struct socket *so, struct sockbuf *sb, const void *uval, socklen_t len);
int	sockopt_timestamp(struct socket *so, int name, int val);
int	sockopt_timestamping(struct socket *so, int name, int val);
int	sockopt_linger(struct socket *so, const void *uval, socklen_t len);

#endif /* NET_SOCKET_OPT_H */
