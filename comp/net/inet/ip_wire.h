/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_wire.h - IPv4, ICMP and ARP headers as bytes
 *
 * Pure: no lock, no allocation, no clock.  References: RFC 791, RFC 792, RFC 826.
 */

#ifndef IP_WIRE_H
#define IP_WIRE_H

#include <net/route.h>
#include <sys/types.h>

#define IP_HDRLEN	20
#define IP_HDRMAX	60
#define IP_MAXLEN	65535

#define IP_RF		0x8000
#define IP_DF		0x4000
#define IP_MF		0x2000
#define IP_OFFMASK	0x1fff

struct ip_hdr {
	uint8_t		 ih_hdrlen;
	uint8_t		 ih_tos;
	uint8_t		 ih_ttl;
	uint8_t		 ih_proto;
	uint16_t	 ih_len;
	uint16_t	 ih_id;
	uint16_t	 ih_frag;	/* flags and offset, host order */
	struct inaddr	 ih_src, ih_dst;
};

static inline uint32_t
ip_hdr_off(const struct ip_hdr *ih)
{
	return (uint32_t)(ih->ih_frag & IP_OFFMASK) * 8;
}

static inline bool
ip_hdr_isfrag(const struct ip_hdr *ih)
{
	return (ih->ih_frag & (IP_MF | IP_OFFMASK)) != 0;
}

/* How long the header says it is, from its first byte; 0: that is no IPv4 header. */
static inline size_t
ip_hdrlen_of(const uint8_t *h)
{
	return h[0] >> 4 == 4 && (h[0] & 15) >= 5 ? (size_t)(h[0] & 15) * 4 : 0;
}

/*
 * Reads the header at h, which is there as long as ip_hdrlen_of() says, of a packet of
 * len bytes.  EINVAL: lengths; EBADMSG: checksum; EMSGSIZE: cut short.
 */
int	ip_hdr_parse(const uint8_t *h, size_t len, struct ip_hdr *ret_ih);
/* Writes ih_hdrlen bytes of header but for the options, which stand there, and sums. */
void	ip_hdr_build(uint8_t *h, const struct ip_hdr *ih);
void	ip_hdr_sum(uint8_t *h, size_t hdrlen);
/* One hop less, and the sum follows (RFC 1624). */
void	ip_hdr_dec_ttl(uint8_t *h);

/* --- options (RFC 791 section 3.1, RFC 2113) ------------------------------ */

struct ip_optinfo {
	uint8_t		 io_srcroute;	/* offset of LSRR or SSRR from the options; 0xff: none */
	uint8_t		 io_rr;		/* of record route */
	uint8_t		 io_ts;		/* of time stamps */
	bool		 io_strict;
	bool		 io_alert;
};
#define IP_OPT_NONE	0xff
/* *ret_at: the byte that is wrong, from the start of the options.  EINVAL. */
int	ip_opt_parse(const uint8_t *opt, size_t len, struct ip_optinfo *ret_io, size_t *ret_at);
/* Options of a program, for setsockopt: also refuses what only a router may write. */
int	ip_opt_check(const uint8_t *opt, size_t len);
/* Those which each fragment carries (RFC 791: copied), padded; how many bytes. */
size_t	ip_opt_copied(const uint8_t *opt, size_t len, uint8_t *ret_opt);
/*
 * We were passed: writes our address (and the time of day in ms since midnight) where
 * record route and time stamp ask for it.  False: no room, parameter problem at *ret_at.
 */
bool	ip_opt_record(uint8_t *opt, const struct ip_optinfo *io, const struct inaddr *ours,
	    uint32_t ms, size_t *ret_at);

/* --- ARP ------------------------------------------------------------------ */

#define ARP_LEN		28
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_msg {
	uint16_t	 am_op;
	uint8_t		 am_sha[6], am_tha[6];
	struct inaddr	 am_sip, am_tip;
};
/* Of Ethernet and IPv4 only.  EINVAL. */
int	arpmsg_parse(const uint8_t *b, size_t len, struct arp_msg *ret_am);
void	arpmsg_build(uint8_t b[ARP_LEN], const struct arp_msg *am);

#endif /* IP_WIRE_H */
