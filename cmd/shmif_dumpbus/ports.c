/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ports.c - who is on a bus, for people and for programs
 *
 * A name was written by somebody else, perhaps this very moment: it is copied
 * first, and what is no plain letter is not shown.
 */

#include "ports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../comp/net/shmif/host/shmbus_host.h"

#define load(p)	__atomic_load_n((p), __ATOMIC_RELAXED)

static const char *
name_copy(const struct shmbus_ctl *ctl, char *buf)
{
	size_t n;

	memcpy(buf, ctl->sc_name, sizeof(ctl->sc_name));
	for (n = 0; n < sizeof(ctl->sc_name) - 1 && buf[n] != '\0'; n++) {
		if (buf[n] < ' ' || buf[n] > '~' || buf[n] == '"' || buf[n] == '\\')
			buf[n] = '?';
	}
	buf[n] = '\0';
	return buf;
}

static const char *
mac_text(uint64_t mac, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x",
	    (unsigned int)mac & 0xff, (unsigned int)(mac >> 8) & 0xff,
	    (unsigned int)(mac >> 16) & 0xff, (unsigned int)(mac >> 24) & 0xff,
	    (unsigned int)(mac >> 32) & 0xff, (unsigned int)(mac >> 40) & 0xff);
	return buf;
}

static const char *
state_text(const struct shmbus *bus, uint32_t port, uint32_t state)
{
	if (!rumpcomp_shmbus_locked(bus->sb_fd, SHMBUS_LOCK_PORT(port)))
		return "dead";
	return SHMBUS_STATE(state) == SHMBUS_PORT_LIVE ? "live" : "starting";
}

static void
port_print(const struct shmbus *bus, uint32_t port, bool json, bool first)
{
	const struct shmbus_ctl *ctl = shmbus_ctl(bus, port);
	uint32_t state = load(&ctl->sc_state);
	char mac[24], name[sizeof(ctl->sc_name)];
	const char *format = "%4" PRIu32 "  %-8s %s %8" PRIu32 "  %-16s%s %12" PRIu64
	    " %12" PRIu64 " %8" PRIu64 " %12" PRIu64 " %12" PRIu64 " %8" PRIu64 "\n";

	if (json) {
		format = "{\"port\":%" PRIu32 ",\"state\":\"%s\",\"address\":\"%s\","
		    "\"pid\":%" PRIu32 ",\"name\":\"%s\",\"promiscuous\":%s,"
		    "\"tx_frames\":%" PRIu64 ",\"tx_bytes\":%" PRIu64
		    ",\"tx_drops\":%" PRIu64 ",\"rx_frames\":%" PRIu64
		    ",\"rx_bytes\":%" PRIu64 ",\"rx_errors\":%" PRIu64 "}";
		(void)printf("%s", first ? "" : ",");
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)printf(format, port, state_text(bus, port, state),
	    mac_text(load(&ctl->sc_mac), mac, sizeof(mac)), load(&ctl->sc_pid),
	    name_copy(ctl, name), (load(&ctl->sc_flags) & SHMBUS_F_PROMISC) != 0 ?
	    (json ? "true" : "P") : (json ? "false" : " "),
	    load(&ctl->sc_txframes), load(&ctl->sc_txbytes), load(&ctl->sc_txdrops),
	    load(&ctl->sc_rxframes), load(&ctl->sc_rxbytes), load(&ctl->sc_rxerrors));
#pragma GCC diagnostic pop
}

void
ports_print(const struct shmbus *bus, bool json)
{
	bool first = true;

	if (json) {
		(void)printf("{\"ports_max\":%" PRIu32 ",\"ports\":[", bus->sb_geo.sg_nports);
	} else {
		(void)printf("port  state    address                pid  name              "
		    "   tx frames     tx bytes    drops    rx frames     rx bytes   errors\n");
	}
	for (uint32_t i = 0; i < bus->sb_geo.sg_nports; i++) {
		if (SHMBUS_STATE(load(&shmbus_ctl(bus, i)->sc_state)) == SHMBUS_PORT_FREE)
			continue;
		port_print(bus, i, json, first);
		first = false;
	}
	if (json)
		(void)printf("]}\n");
}
