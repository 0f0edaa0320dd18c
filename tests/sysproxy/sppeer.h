/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sppeer.h - a remote client that a test plays, on the simulated host
 *
 * It speaks sysproxy(7) as it should, unless the test does something else in
 * between.  Its memory is that of the test: what the server asks for is copied
 * from and to where the pointers say.
 */

#ifndef SYSPROXY_SPPEER_H
#define SYSPROXY_SPPEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/sysproxy.h>
#include <rump/rumpsim.h>

struct sppeer {
	struct rumpsim_client *p_client;
	struct sp_welcome p_welcome;
	struct sp_region *p_region;
	uint32_t	 p_seq;
};

void	sppeer_hello(struct sp_hello *h, unsigned int kind);
/* Says it and waits for the welcome: 0, its error, or ECONNRESET. */
int	sppeer_greet(struct sppeer *p, const struct sp_hello *h);
/* Connects and greets; secret for SP_FORK, or NULL. */
int	sppeer_connect(struct sppeer *p, uint32_t uid, unsigned int kind,
	    const uint8_t *secret);
void	sppeer_close(struct sppeer *p);

/* A request and its reply in place: 0, its error, or ECONNRESET. */
int	sppeer_ctl(struct sppeer *p, struct sp_ctl *ctl, bool fd);
int	sppeer_slot(struct sppeer *p, unsigned int *ret_index);

/* The slot's turn goes to the server; false: it did not come back. */
bool	sppeer_give(struct sppeer *p, unsigned int index);
/*
 * A call in which all memory is asked for: a result, or -errno.  -ECONNRESET:
 * the server has gone; -EINPROGRESS: it sleeps in the call.
 */
long	sppeer_call(struct sppeer *p, unsigned int index, unsigned int nr,
	    unsigned long a, unsigned long b, unsigned long c);
/* What to do about the server's question in the slot; false: it is none. */
bool	sppeer_answer(struct sppeer *p, unsigned int index);
void	sppeer_bye(struct sppeer *p, unsigned int index);

static inline struct sp_slot *
sppeer_slot_of(const struct sppeer *p, unsigned int index)
{
	return &p->p_region->r_slot[index];
}

static inline uint8_t *
sppeer_area(const struct sppeer *p, unsigned int index)
{
	return (uint8_t *)p->p_region + SP_AREAOFF(index);
}

#endif /* SYSPROXY_SPPEER_H */
