/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ipaddr.h - IPv4 and IPv6 addresses as people write them
 */

#ifndef LIB_IPADDR_H
#define LIB_IPADDR_H

#include <sys/types.h>

/* Dotted decimal, four parts, no leading zeroes.  EINVAL. */
int	ipaddr_parse4(const char *s, uint8_t ret_addr[4]);
/* RFC 4291 section 2.2, with an IPv4 tail or without.  EINVAL. */
int	ipaddr_parse6(const char *s, uint8_t ret_addr[16]);

#define IPADDR_TEXTLEN	46		/* with the NUL, of either family */
char	*ipaddr_format4(const uint8_t addr[4], char *buf);
/* RFC 5952's form. */
char	*ipaddr_format6(const uint8_t addr[16], char *buf);

#endif /* LIB_IPADDR_H */
