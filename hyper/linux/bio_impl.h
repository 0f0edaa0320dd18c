/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bio_impl.h - the two ways of doing block I/O on Linux
 */

#ifndef HYPER_BIO_IMPL_H
#define HYPER_BIO_IMPL_H

struct rumpuser_bio;

/*
 * A way.  bb_start is called once before anything else, alone, and answers
 * an errno where the host does not allow it; bb_submit as rumpuser_bio(),
 * of requests found well-formed.
 */
struct bio_backend {
	const char	*bb_name;
	int		(*bb_start)(void);
	int		(*bb_submit)(struct rumpuser_bio *);
};

extern const struct bio_backend uring_bio_backend;
extern const struct bio_backend pool_bio_backend;

#endif /* HYPER_BIO_IMPL_H */
