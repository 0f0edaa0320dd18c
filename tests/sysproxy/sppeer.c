/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sppeer.c - a remote client that a test plays, on the simulated host
 */

#include <errno.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "sppeer.h"

#define SCRATCH		(192u << 10)	/* where in the area the server asks */
#define PATIENCE	100		/* settlings until a turn is given up */

void
sppeer_hello(struct sp_hello *h, unsigned int kind)
{
	*h = (struct sp_hello){ .h_magic = SP_MAGIC, .h_version_min = SP_VERSION,
	    .h_version_max = SP_VERSION, .h_kind = kind,
	    .h_features = SP_FEAT_SHM | SP_FEAT_FDS, .h_machine = SP_MACHINE,
	    .h_bigendian = SP_BIGENDIAN, .h_wordsize = sizeof(long),
	    .h_pagesize = 4096, .h_comm = "peer" };
}

/* All of it, or nothing that makes sense. */
static bool
take(struct sppeer *p, void *buf, size_t len)
{
	rumpsim_settle();
	return rumpsim_client_recv(p->p_client, buf, len) == len;
}

int
sppeer_greet(struct sppeer *p, const struct sp_hello *h)
{
	if (rumpsim_client_send(p->p_client, h, sizeof(*h), false) != sizeof(*h) ||
	    !take(p, &p->p_welcome, sizeof(p->p_welcome)))
		return ECONNRESET;
	if (p->p_welcome.w_error != 0)
		return p->p_welcome.w_error;
	p->p_region = rumpsim_client_memory(p->p_client);
	/* None comes with a parcel, nor for those who want none. */
	return p->p_region != NULL || (p->p_welcome.w_features & SP_FEAT_SHM) == 0 ? 0 :
	    ECONNRESET;
}

int
sppeer_connect(struct sppeer *p, uint32_t uid, unsigned int kind,
    const uint8_t *secret)
{
	struct sp_hello h;
	int error;

	memset(p, 0, sizeof(*p));
	sppeer_hello(&h, kind);
	if (secret != NULL)
		memcpy(h.h_secret, secret, sizeof(h.h_secret));
	error = rumpsim_client_connect(uid, &p->p_client);
	if (error)
		return error;
	error = sppeer_greet(p, &h);
	if (error)
		sppeer_close(p);
	return error;
}

void
sppeer_close(struct sppeer *p)
{
	rumpsim_client_close(p->p_client);
	*p = (struct sppeer){ .p_client = NULL };
	rumpsim_settle();
}

int
sppeer_ctl(struct sppeer *p, struct sp_ctl *ctl, bool fd)
{
	ctl->c_seq = ++p->p_seq;
	if (rumpsim_client_send(p->p_client, ctl, sizeof(*ctl), fd) !=
	    sizeof(*ctl) || !take(p, ctl, sizeof(*ctl)) || ctl->c_seq != p->p_seq)
		return ECONNRESET;
	return ctl->c_error;
}

int
sppeer_slot(struct sppeer *p, unsigned int *ret_index)
{
	struct sp_ctl ctl = { .c_op = SP_SLOT_OPEN };
	int error;

	error = sppeer_ctl(p, &ctl, false);
	if (error)
		return error;
	rumpsim_settle();
	*ret_index = ctl.c_arg;
	return sppeer_slot_of(p, ctl.c_arg)->sl_alive & SP_DIED ? EAGAIN : 0;
}

bool
sppeer_give(struct sppeer *p, unsigned int index)
{
	struct sp_slot *sl = sppeer_slot_of(p, index);
	uint32_t *turn = &sl->sl_msg.m_turn;

	__atomic_store_n(turn, sl->sl_alive & SP_TIDMASK, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(turn, 1, RUMPUSER_PARK_SHARED);
	for (unsigned int i = 0; i < PATIENCE; i++) {
		uint32_t now = __atomic_load_n(turn, __ATOMIC_SEQ_CST);

		if ((now & ~SP_WAITER) == 0 || (now & SP_DIED) != 0)
			return (now & SP_DIED) == 0;
		rumpsim_settle();
	}
	return false;
}

/* The pointers are good: this is for clients that behave. */
bool
sppeer_answer(struct sppeer *p, unsigned int index)
{
	struct sp_msg *m = &sppeer_slot_of(p, index)->sl_msg;
	uint8_t *scratch = sppeer_area(p, index) + SCRATCH;
	union { uint64_t n; void *p; } at = { .n = m->m_arg[0] };
	uint64_t len = m->m_arg[1], value = 0;

	switch (m->m_type) {
	case SP_COPYIN:
		memcpy(scratch, at.p, len);
		break;
	case SP_COPYOUT:
		memcpy(at.p, scratch, len);
		break;
	case SP_COPYINSTR:
		value = strnlen(at.p, len);
		memcpy(scratch, at.p, value < len ? value + 1 : len);
		value++;
		break;
	case SP_TOUCH:
		break;
	default:
		return false;
	}
	m->m_type = SP_ANSWER;
	m->m_arg[0] = 0;
	m->m_arg[1] = value;
	return true;
}

static long
call_end(struct sppeer *p, unsigned int index)
{
	struct sp_slot *sl = sppeer_slot_of(p, index);

	do {
		if (!sppeer_give(p, index))
			return (__atomic_load_n(&sl->sl_alive, __ATOMIC_SEQ_CST) &
			    SP_DIED) != 0 ? -ECONNRESET : -EINPROGRESS;
	} while (sppeer_answer(p, index));
	return sl->sl_msg.m_type == SP_REPLY ? (long)sl->sl_msg.m_arg[0] :
	    -ECONNRESET;
}

long
sppeer_call(struct sppeer *p, unsigned int index, unsigned int nr,
    unsigned long a, unsigned long b, unsigned long c)
{
	struct sp_msg *m = &sppeer_slot_of(p, index)->sl_msg;

	m->m_type = SP_CALL;
	m->m_nsegs = 0;
	m->m_nr = nr;
	m->m_arg[0] = a;
	m->m_arg[1] = b;
	m->m_arg[2] = c;
	m->m_arg[3] = m->m_arg[4] = m->m_arg[5] = 0;
	return call_end(p, index);
}

void
sppeer_bye(struct sppeer *p, unsigned int index)
{
	sppeer_slot_of(p, index)->sl_msg.m_type = SP_BYE;
	(void)sppeer_give(p, index);
	rumpsim_settle();
}
