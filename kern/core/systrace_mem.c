/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_mem.c - memory of a traced system call which describes itself
 *
 * Vectors, messages, socket addresses, directory entries, sets of
 * descriptors and locks: what is behind them is found by lengths that the
 * client wrote, so each is bounded before it is followed.
 */

#include "systrace_impl.h"

#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#define FDS_SHOWN	1024

/* limit: so many bytes of the memory hold something. */
void
trace_iovec(struct tracebuf *tb, unsigned long uaddr, size_t count, bool content,
    size_t limit)
{
	struct iovec iov;

	trace_printf(tb, "[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			trace_printf(tb, ", ");
		if (i == TRACE_ELEMENTS) {
			trace_printf(tb, "...");
			break;
		}
		if (!trace_fetch(uaddr + i * sizeof(iov), &iov, sizeof(iov))) {
			trace_address(tb, uaddr + i * sizeof(iov));
			break;
		}
		size_t len = iov.iov_len < limit ? iov.iov_len : limit;

		trace_printf(tb, "{iov_base=");
		if (content)
			trace_bytes(tb, (unsigned long)iov.iov_base, len);
		else
			trace_address(tb, (unsigned long)iov.iov_base);
		trace_printf(tb, ", iov_len=%zu}", (size_t)iov.iov_len);
		limit -= len;
	}
	trace_printf(tb, "]");
}

/* struct msghdr of the 64-bit ABI; UAPI has no header for it. */
struct trace_msghdr {
	uint64_t	mh_name;
	uint32_t	mh_namelen;
	uint64_t	mh_iov;
	uint64_t	mh_iovlen;
	uint64_t	mh_control;
	uint64_t	mh_controllen;
	uint32_t	mh_flags;
};

void
trace_msghdr(struct tracebuf *tb, unsigned long uaddr, bool content, size_t limit)
{
	struct trace_msghdr mh;

	if (!trace_fetch(uaddr, &mh, sizeof(mh))) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "{msg_name=");
	trace_sockaddr(tb, mh.mh_name, mh.mh_namelen);
	trace_printf(tb, ", msg_namelen=%u, msg_iov=", mh.mh_namelen);
	trace_iovec(tb, mh.mh_iov, mh.mh_iovlen, content, limit);
	trace_printf(tb, ", msg_iovlen=%llu, msg_controllen=%llu, msg_flags=",
	    (unsigned long long)mh.mh_iovlen, (unsigned long long)mh.mh_controllen);
	trace_flags(tb, SYSSET_msg, mh.mh_flags);
	trace_printf(tb, "}");
}

/* Addresses by their bytes: family, then port and address or a path. */
void
trace_sockaddr(struct tracebuf *tb, unsigned long uaddr, size_t len)
{
	unsigned char b[128];
	uint16_t family;

	if (len > sizeof(b))
		len = sizeof(b);
	if (uaddr == 0 || len < sizeof(family) || !trace_fetch(uaddr, b, len)) {
		trace_address(tb, uaddr);
		return;
	}
	memcpy(&family, b, sizeof(family));
	trace_printf(tb, "{sa_family=");
	trace_enum(tb, SYSSET_af, family);
	if (family == 1 && len > 2) {
		trace_printf(tb, ", sun_path=%s", b[2] == '\0' ? "@" : "");
		if (b[2] == '\0')
			trace_quoted(tb, (char *)b + 3, len - 3, false);
		else
			trace_quoted(tb, (char *)b + 2,
			    strnlen((char *)b + 2, len - 2), false);
	} else if (family == 2 && len >= 8) {
		trace_printf(tb, ", sin_port=htons(%u), "
		    "sin_addr=inet_addr(\"%u.%u.%u.%u\")",
		    (unsigned int)(b[2] << 8 | b[3]), b[4], b[5], b[6], b[7]);
	} else if (family == 10 && len >= 24) {
		trace_printf(tb, ", sin6_port=htons(%u), sin6_addr=\"",
		    (unsigned int)(b[2] << 8 | b[3]));
		for (unsigned int i = 8; i < 24; i += 2)
			trace_printf(tb, "%s%x", i > 8 ? ":" : "",
			    (unsigned int)(b[i] << 8 | b[i + 1]));
		trace_printf(tb, "\"");
	} else {
		trace_printf(tb, ", sa_data=");
		trace_quoted(tb, (char *)b + 2, len - 2 < 14 ? len - 2 : 14,
		    len - 2 > 14);
	}
	trace_printf(tb, "}");
}

/*
 * Directory entries: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.  They
 * are counted, the first names are shown.
 */
void
trace_dents(struct tracebuf *tb, unsigned long uaddr, size_t len)
{
	unsigned char head[19];
	char name[256];
	size_t off = 0, namelen;
	unsigned int n = 0;

	trace_printf(tb, "[");
	while (off + sizeof(head) < len && n < TRACE_ELEMENTS) {
		uint16_t reclen;

		if (!trace_fetch(uaddr + off, head, sizeof(head)))
			break;
		memcpy(&reclen, head + 16, sizeof(reclen));
		if (reclen <= sizeof(head) || reclen > len - off)
			break;
		namelen = reclen - sizeof(head);
		if (namelen > sizeof(name))
			namelen = sizeof(name);
		if (!trace_fetch(uaddr + off + sizeof(head), name, namelen))
			break;
		trace_printf(tb, "%s", n > 0 ? ", " : "");
		trace_quoted(tb, name, strnlen(name, namelen), false);
		off += reclen;
		n++;
	}
	trace_printf(tb, off < len ? ", ...]" : "]");
}

void
trace_fdset(struct tracebuf *tb, unsigned long uaddr, size_t nfds)
{
	unsigned char bits[FDS_SHOWN / 8];
	const char *sep = "";

	if ((int)nfds < 0 || uaddr == 0) {
		trace_address(tb, uaddr);
		return;
	}
	if (nfds > FDS_SHOWN)
		nfds = FDS_SHOWN;
	if (!trace_fetch(uaddr, bits, (nfds + 7) / 8)) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "[");
	for (size_t i = 0; i < nfds; i++) {
		if ((bits[i / 8] >> (i % 8) & 1) == 0)
			continue;
		trace_printf(tb, "%s%zu", sep, i);
		sep = " ";
	}
	trace_printf(tb, "]");
}

void
trace_flock(struct tracebuf *tb, unsigned long uaddr)
{
	struct flock fl;

	if (uaddr == 0 || !trace_fetch(uaddr, &fl, sizeof(fl))) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "{l_type=");
	trace_enum(tb, SYSSET_locktype, (uint32_t)fl.l_type);
	trace_printf(tb, ", l_whence=");
	trace_enum(tb, SYSSET_seek, (uint32_t)fl.l_whence);
	trace_printf(tb, ", l_start=%lld, l_len=%lld}", (long long)fl.l_start,
	    (long long)fl.l_len);
}
