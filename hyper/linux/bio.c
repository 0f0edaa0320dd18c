/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bio.c - asynchronous block I/O on Linux: picks the way
 *
 * io_uring where the host permits it, threads where not (old kernels,
 * containers whose filter forbids it, the sysctl that turns it off).  The
 * first request finds out; a kernel that does no block I/O pays nothing.
 * RUMPUSER_BIO=uring or =threads in the environment insists on one.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "bio_impl.h"
#include "common/hostfile.h"

static const struct bio_backend *const bio_backends[] = {
	&uring_bio_backend,
	&pool_bio_backend,
};
#define NBACKENDS (sizeof(bio_backends) / sizeof(bio_backends[0]))

/* Written once, by bio_choose(). */
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
static const struct bio_backend *bio_backend;

static void
bio_choose(void)
{
	const char *wanted = getenv("RUMPUSER_BIO");
	size_t i;

	for (i = 0; i < NBACKENDS && bio_backend == NULL; i++) {
		if (wanted != NULL &&
		    strcmp(wanted, bio_backends[i]->bb_name) != 0)
			continue;
		if (bio_backends[i]->bb_start() == 0)
			bio_backend = bio_backends[i];
	}
}

int
rumpuser_bio(struct rumpuser_bio *bio)
{
	int error;

	error = hostfile_bio_check(bio);
	if (error)
		return error;
	(void)pthread_once(&bio_once, bio_choose);
	if (bio_backend == NULL)
		return EOPNOTSUPP;
	return bio_backend->bb_submit(bio);
}
