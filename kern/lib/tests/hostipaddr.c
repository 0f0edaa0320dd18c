/* SPDX-License-Identifier: BSD-2-Clause */

/* hostipaddr.c - what the host's library takes an address for */

#include <arpa/inet.h>
#include <stdint.h>

int	harness_host_pton(int v6, const char *text, uint8_t *ret_addr);

int
harness_host_pton(int v6, const char *text, uint8_t *ret_addr)
{
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, ret_addr);
}
