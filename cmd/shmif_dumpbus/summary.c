/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * summary.c - a frame in one line, for who looks at a terminal
 *
 * Who wants to know more asks tshark(1), which reads what we write.
 */

#include "summary.h"

#include <stdio.h>
#include <time.h>

static const struct {
	unsigned int	 type;
	const char	*name;
} types[] = {
	{ 0x0800, "IPv4" }, { 0x0806, "ARP" }, { 0x86dd, "IPv6" }, { 0x8100, "VLAN" },
	{ 0x8809, "LACP" }, { 0x88b5, "experiment" },
};

static const char *
type_name(unsigned int type)
{
	static char text[8];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == type)
			return types[i].name;
	}
	(void)snprintf(text, sizeof(text), "0x%04x", type);
	return text;
}

void
summary_print(int64_t time, const uint8_t *data, size_t len)
{
	time_t seconds = (time_t)(time / 1000000000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL)
		return;
	(void)printf("%02d:%02d:%02d.%06d %02x:%02x:%02x:%02x:%02x:%02x > "
	    "%02x:%02x:%02x:%02x:%02x:%02x %s, length %zu\n",
	    tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time / 1000 % 1000000),
	    data[6], data[7], data[8], data[9], data[10], data[11],
	    data[0], data[1], data[2], data[3], data[4], data[5],
	    type_name((unsigned int)data[12] << 8 | data[13]), len);
}
