/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sysproxy.h - what clients and servers of a rump kernel say to each other
 *
 * A client has one control connection, and a channel for each thread that
 * makes calls.  A channel is a slot in memory that both sides map, or, where
 * they cannot, a connection of its own.
 *
 * A connection begins with a struct sp_hello and is answered by a struct
 * sp_welcome.  What follows on a control connection are struct sp_ctl, requests
 * of the client and replies of the server, each of the same size.  On a
 * channel the two sides take turns:
 *
 *	client	SP_CALL		server	SP_REPLY
 *				server	SP_COPYIN ...	client	SP_ANSWER, and so on
 *
 * Everything is in the byte order of the machine: both sides have the same
 * ABI, and the hello proves it.  Neither side believes the other: lengths and
 * offsets are checked against what is there, and what lies in shared memory
 * is copied before it is looked at.
 *
 * Manual: sysproxy(7).
 */

#ifndef PROTO_SYSPROXY_H
#define PROTO_SYSPROXY_H

#include <stddef.h>
#include <stdint.h>

#define SP_MAGIC	0x50535552u	/* "RUSP" */
#define SP_VERSION	2

/* --- the beginning of a connection ------------------------------------------ */

enum sp_kind {
	SP_GUEST = 1,		/* a new proc */
	SP_FORK = 2,		/* h_secret: a ticket; a proc like the one that has it */
	SP_EXEC = 3,		/* on an old control connection: another program goes on */
	SP_CHANNEL = 4,		/* h_secret: the session's; one more thread of it */
	SP_BELL = 5,		/* the same; the server writes to it to wake somebody */
	SP_PARCEL = 6,		/* h_secret: a parcel's, which this connection is from now on */
};

#define SP_FEAT_SHM	0x00000001u	/* slots in shared memory */
#define SP_FEAT_FDS	0x00000002u	/* descriptors can be passed: notification */
#define SP_FEATURES	(SP_FEAT_SHM | SP_FEAT_FDS)	/* of who shares memory */
#define SP_FEAT_AGENT	0x00000004u	/* client: h_hostpid is who it does this for */

#define SP_SECRET	16

struct sp_hello {
	uint32_t	 h_magic;
	uint16_t	 h_version_min;		/* what the client speaks */
	uint16_t	 h_version_max;
	uint32_t	 h_kind;		/* enum sp_kind */
	uint32_t	 h_features;
	uint16_t	 h_machine;		/* e_machine of elf(5) */
	uint8_t		 h_bigendian;
	uint8_t		 h_wordsize;		/* of a long, in bytes */
	uint32_t	 h_pagesize;
	uint32_t	 h_hostpid;		/* for people */
	uint32_t	 h_pad;
	uint8_t		 h_secret[SP_SECRET];
	char		 h_comm[16];		/* ended by a NUL or the end */
	uint8_t		 h_reserved[64];	/* 0 */
};

struct sp_welcome {
	uint32_t	 w_magic;
	uint16_t	 w_version;
	uint16_t	 w_kind;	/* SP_PARCEL: it stays in the connection, unread; else 0 */
	int32_t		 w_error;	/* an errno: the connection ends */
	uint32_t	 w_features;	/* those that both have */
	int32_t		 w_pid;		/* of the proc */
	uint32_t	 w_nslots;	/* in the region, which comes along (SCM_RIGHTS) */
	uint8_t		 w_secret[SP_SECRET];	/* for SP_CHANNEL; of a parcel: its own */
	uint32_t	 w_uid, w_gid;	/* what the client is inside */
	uint8_t		 w_instance[8];	/* another one after a restart */
	uint32_t	 w_slot;	/* of a channel; the handle of a bell */
	uint8_t		 w_reserved[68];
};

_Static_assert(sizeof(struct sp_hello) == 128, "hello");
_Static_assert(sizeof(struct sp_welcome) == 128, "welcome");

#if defined(__x86_64__)
#define SP_MACHINE	62	/* EM_X86_64 */
#elif defined(__aarch64__)
#define SP_MACHINE	183	/* EM_AARCH64 */
#else
#error "which machine is this?"
#endif
#define SP_BIGENDIAN	(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* --- the control connection -------------------------------------------------- */

enum sp_ctlop {
	SP_SLOT_OPEN = 1,	/* -> c_arg: the slot */
	SP_PREFORK = 2,		/* -> c_secret: a ticket */
	SP_FORK_CANCEL = 3,	/* c_secret */
	SP_INTERRUPT = 4,	/* c_arg: slot, c_seq2: of which call; no reply */
	SP_BIND = 5,		/* an eventfd comes along -> c_arg: its handle */
	SP_UNBIND = 6,		/* c_arg: handle */
	SP_EXECUTED = 7,	/* a struct sp_hello of kind SP_EXEC follows; no reply */
	SP_STOPPING = 8,	/* by the server, unasked: it ends in c_arg seconds */
	SP_LEND = 9,		/* a descriptor comes along -> c_arg: for SP_NR_LENT */
	SP_FETCH = 10,		/* c_arg: of SP_NR_FETCH -> a descriptor comes along */
	SP_SIGNALS = 11,	/* a pidfd of the client comes along: signals can go to that.  EPERM,
				   unless it is the same user */
};

struct sp_ctl {
	uint32_t	 c_op;		/* enum sp_ctlop */
	uint32_t	 c_seq;		/* a reply has that of its request */
	int32_t		 c_error;	/* replies: 0 or an errno */
	uint32_t	 c_arg;
	uint64_t	 c_seq2;
	uint8_t		 c_secret[SP_SECRET];
	uint8_t		 c_reserved[24];
};
_Static_assert(sizeof(struct sp_ctl) == 64, "ctl");

/* --- channels ----------------------------------------------------------------- */

enum sp_type {
	SP_CALL = 1,		/* m_nr, m_arg[0..5], segments */
	SP_ANSWER = 2,		/* to what the server asked: m_arg[0] errno, [1] result */
	SP_BYE = 3,		/* the thread ends: so does the channel */
	SP_REPLY = 16,		/* m_arg[0] result or -errno, [1] signals, a bit each,
				   [2..5] what was written: below */
	SP_COPYIN = 17,		/* m_arg[0] address, [1] length <= area; data in the area */
	SP_COPYOUT = 18,	/* the other way */
	SP_COPYINSTR = 19,	/* [1] at most so many -> [1] length with the NUL */
	SP_ANONMMAP = 20,	/* m_arg[0] length -> [1] address */
	SP_TOUCH = 21,		/* [0] address, [1] length: can it be written? */
};

/* Calls beyond those of the ABI. */
#define SP_NR_NOTIFY	0x10000		/* r, handle + 1 or 0 */
#define SP_NR_POLL_ARM	0x10001		/* struct pollfd *, n, handle */
#define SP_NR_LOST	0x10002		/* fd: open, but what it was is lost */
#define SP_NR_SEND	0x10003		/* fd, secret: it is in a parcel of that secret */
#define SP_NR_TAKE	0x10004		/* secret -> fd: what is in it */
#define SP_NR_COMM	0x10005		/* name of the program, 16 bytes in two words; hostpid */
#define SP_NR_LENT	0x10006		/* what SP_LEND said -> fd: stands for that descriptor */
#define SP_NR_FETCH	0x10007		/* fd -> for SP_FETCH; EINVAL: it stands for none */

struct sp_msg {
	uint32_t	 m_turn;	/* slots: below.  Streams: bytes that follow */
	uint16_t	 m_type;	/* enum sp_type */
	uint16_t	 m_nsegs;	/* struct sp_seg, m_segs bytes into the area */
	uint32_t	 m_nr;
	uint32_t	 m_segs;	/* calls: a multiple of 8 */
	uint64_t	 m_arg[6];
};
_Static_assert(sizeof(struct sp_msg) == 64, "msg");

/*
 * Memory of the client that rides along: s_len bytes of its address s_addr
 * are at s_off in the area.  s_lo and s_hi enclose what the server has written,
 * as offsets in the segment.  In a reply m_arg[2] to m_arg[5] say them of the
 * first four segments with SP_SEG_OUT (s_lo in the low half), the table of the others.
 *
 * A client had best take turns between the two halves of the area, and put what it sends
 * and what it wants on lines of their own: so either side can get hold of the lines
 * that it will write next while the other one reads those of this call.
 *
 * In a stream the area's first m_turn bytes follow the message: segments,
 * then what is IN.  After a reply come m_nsegs struct sp_written, and then of
 * each the bytes that were written, one after another.  Data that is asked for,
 * or pushed, in the middle of a call follows its message.
 */
struct sp_seg {
	uint64_t	 s_addr;
	uint32_t	 s_len;
	uint32_t	 s_off;		/* of 8 bytes each, in the low bits SP_IN, SP_OUT */
	uint32_t	 s_lo, s_hi;
};
_Static_assert(sizeof(struct sp_seg) == 24, "seg");

struct sp_written {
	uint32_t	 wr_seg;	/* of the call's segments */
	uint32_t	 wr_lo, wr_hi;
	uint32_t	 wr_off;	/* for the sender: where in its area */
};
_Static_assert(sizeof(struct sp_written) == 16, "written");

#define SP_SEG_IN	1u
#define SP_SEG_OUT	2u
#define SP_SEG_OFF(s)	((s)->s_off & ~7u)
#define SP_NRANGES	4		/* in a reply's message */
#define SP_RANGE(lo, hi)	((uint64_t)(hi) << 32 | (lo))

#define SP_NSEGS_MAX	1040		/* IOV_MAX, and some */
#define SP_AREA		(256u << 10)

/*
 * A slot.  Whose turn it is says m_turn: 0, the client's; else the number of
 * the server's thread, and the server's.  Who waits for his turn sets the bit
 * SP_WAITER and sleeps on it (futex(2), shared); who gives the turn away wakes
 * him if it is set.  When the server's thread dies the host sets SP_DIED,
 * in sl_alive first and then, if it was his turn, in m_turn, and wakes
 * (set_robust_list(2)): so a client that gives the turn away looks at
 * sl_alive afterwards.
 */
#define SP_WAITER	0x80000000u	/* FUTEX_WAITERS */
#define SP_DIED		0x40000000u	/* FUTEX_OWNER_DIED */
#define SP_TIDMASK	0x3fffffffu	/* FUTEX_TID_MASK */
#define SP_REFUSED	(SP_DIED | 1)	/* sl_alive: there never was a thread */

struct sp_slot {
	struct sp_msg	 sl_msg;	/* written by who has the turn */
	uint32_t	 sl_alive;	/* server: its thread's number */
	uint32_t	 sl_pad[15];
};
_Static_assert(sizeof(struct sp_slot) == 128, "slot");

/*
 * The region: a page with the head and the slots, then an area for each slot.
 */
#define SP_NSLOTS	1000
#define SP_HEADSIZE	131072u

struct sp_region {
	uint32_t	 r_gone;	/* server: set when it ends the session */
	uint32_t	 r_pad[15];
	uint64_t	 r_signals;	/* server: pending, a bit each */
	uint64_t	 r_pad2[7];
	struct sp_slot	 r_slot[SP_NSLOTS];
};
_Static_assert(sizeof(struct sp_region) <= SP_HEADSIZE, "region");

#define SP_REGIONSIZE	(SP_HEADSIZE + (uint64_t)SP_NSLOTS * SP_AREA)
#define SP_AREAOFF(i)	(SP_HEADSIZE + (uint64_t)(i) * SP_AREA)

#endif /* PROTO_SYSPROXY_H */
