/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dnsname.h - domain names as the options of DHCPv6 and router advertisements have them
 */

#ifndef LIB_DNSNAME_H
#define LIB_DNSNAME_H

#include <sys/types.h>

/*
 * Uncompressed names (RFC 1035 section 3.1) behind each other, as text with blanks
 * between; ends at the first that is empty, malformed, does not fit, or has a
 * character that no host name has.
 */
void	dnsname_list(const uint8_t *data, size_t len, char *text, size_t size);

#endif /* LIB_DNSNAME_H */
