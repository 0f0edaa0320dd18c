/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * random.c - random bytes
 *
 * Each vCPU has a generator: a key and a buffer of key stream that the key
 * made.  The first bytes of each new buffer become the next key and never
 * leave; bytes that are handed out are erased at once.  So who reads our
 * memory learns nothing of what was given out before ("fast key erasure").
 *
 * A generator is made when its seat first asks, seeded from the host, and
 * mixes in more of the host's entropy after so many bytes or so much time.
 * If the host has none to give at that moment, a new generator is seeded
 * from the root's, which boot has seeded, and an old one goes on with what
 * it has; boot itself fails without entropy.
 *
 * Large requests are made with a key of their own straight into the caller's
 * buffer.
 *
 * Locking: a generator belongs to the holder of its seat; root_lock protects
 * the root's key.
 */

#include <sys/random.h>

#include <lib/chacha20.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/vcpu.h>

#define GEN_BLOCKS	8
#define GEN_BUFFER	(GEN_BLOCKS * CHACHA20_BLOCK)
#define GEN_LARGE	(GEN_BUFFER / 2)	/* requests from here on */

#define RESEED_BYTES	(64u * 1024 * 1024)
#define RESEED_FILLS	256	/* look at the clock each time */
#define RESEED_NS	(300 * NSEC_PER_SEC)

/* All of it: the holder of the seat. */
struct generator {
	uint8_t		 g_key[CHACHA20_KEY];
	uint8_t		 g_buf[GEN_BUFFER];
	unsigned int	 g_left;	/* unused bytes at the end of g_buf */
	unsigned int	 g_fills;	/* since the clock was read */
	uint64_t	 g_bytes;	/* since the last seed */
	int64_t		 g_seeded;	/* when */
	bool		 g_ready;	/* has a key */
} __aligned_to(CACHE_LINE);

static struct generator generators[VCPU_MAX];

static kmutex_t root_lock = { .m_name = "random" };
static uint8_t root_key[CHACHA20_KEY];	/* root_lock */

static const uint8_t no_nonce[CHACHA20_NONCE];

static void
wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static int
host_entropy(void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t got;
	int error;

	while (len > 0) {
		error = rumpuser_getrandom(p, len, &got);
		if (error)
			return error;
		p += got;
		len -= got;
	}
	return 0;
}

int
random_boot(void)
{
	uint8_t seed[CHACHA20_KEY + sizeof(hash_secret)];
	int error;

	error = host_entropy(seed, sizeof(seed));
	if (error) {
		log_printf(LOG_ERR, "the host has no random numbers, error %d",
		    error);
		return error;
	}
	memcpy(root_key, seed, CHACHA20_KEY);
	memcpy(&hash_secret, seed + CHACHA20_KEY, sizeof(hash_secret));
	wipe(seed, sizeof(seed));
	return 0;
}

/* A key that nobody else gets; the root's own is replaced. */
static void
root_derive(uint8_t *key)
{
	uint8_t block[CHACHA20_BLOCK];

	mutex_enter(&root_lock);
	chacha20_stream(root_key, 0, no_nonce, block, 1);
	memcpy(root_key, block, CHACHA20_KEY);
	mutex_exit(&root_lock);
	memcpy(key, block + CHACHA20_KEY, CHACHA20_KEY);
	wipe(block, sizeof(block));
}

/* Makes key stream; its head becomes the key at once. */
static void
generator_fill(struct generator *g)
{
	chacha20_stream(g->g_key, 0, no_nonce, g->g_buf, GEN_BLOCKS);
	memcpy(g->g_key, g->g_buf, CHACHA20_KEY);
	wipe(g->g_buf, CHACHA20_KEY);
	g->g_left = GEN_BUFFER - CHACHA20_KEY;
	g->g_bytes += GEN_BUFFER;
}

/* Mixes entropy of the host into the key, if there is some. */
static void
generator_seed(struct generator *g)
{
	uint8_t seed[CHACHA20_KEY];

	g->g_fills = 0;
	if (host_entropy(seed, sizeof(seed)) != 0)
		return;
	for (size_t i = 0; i < sizeof(seed); i++)
		g->g_key[i] ^= seed[i];
	wipe(seed, sizeof(seed));
	g->g_bytes = 0;
	g->g_seeded = clock_mono();
}

static bool
generator_stale(struct generator *g)
{
	if (g->g_bytes >= RESEED_BYTES)
		return true;
	if (++g->g_fills < RESEED_FILLS)
		return false;
	g->g_fills = 0;
	return clock_mono() - g->g_seeded >= RESEED_NS;
}

static void
generator_refill(struct generator *g)
{
	if (generator_stale(g))
		generator_seed(g);
	generator_fill(g);
}

/* The calling seat's, which gets its key with the first use. */
static struct generator *
generator_self(void)
{
	struct generator *g = &generators[curlwp()->l_cpu->vc_index];
	uint8_t key[CHACHA20_KEY];

	if (likely(g->g_ready))
		return g;
	root_derive(key);		/* may sleep: look again */
	g = &generators[curlwp()->l_cpu->vc_index];
	if (!g->g_ready) {
		memcpy(g->g_key, key, sizeof(key));
		generator_seed(g);
		g->g_ready = true;
	}
	wipe(key, sizeof(key));
	return g;
}

/* len bytes of the key's stream, which is used for nothing else. */
static void
stream_bytes(const uint8_t *key, uint8_t *out, size_t len)
{
	uint8_t block[CHACHA20_BLOCK];
	size_t whole = len / CHACHA20_BLOCK;

	chacha20_stream(key, 0, no_nonce, out, whole);
	if (len % CHACHA20_BLOCK == 0)
		return;
	chacha20_stream(key, (uint32_t)whole, no_nonce, block, 1);
	memcpy(out + whole * CHACHA20_BLOCK, block, len % CHACHA20_BLOCK);
	wipe(block, sizeof(block));
}

static void
generator_take(struct generator *g, uint8_t *out, size_t len)
{
	uint8_t *from;

	if (g->g_left < len)
		generator_refill(g);
	from = g->g_buf + GEN_BUFFER - g->g_left;
	memcpy(out, from, len);
	wipe(from, len);
	g->g_left -= (unsigned int)len;
}

/* Beyond 2^32 blocks a stream would repeat; long before we change the key. */
#define STREAM_MAX	(1ul << 30)

void
random_bytes(void *buf, size_t len)
{
	struct generator *g = generator_self();
	uint8_t key[CHACHA20_KEY];
	uint8_t *out = buf;
	size_t n;

	if (len < GEN_LARGE) {
		generator_take(g, out, len);
		return;
	}
	for (; len > 0; len -= n, out += n) {
		n = len < STREAM_MAX ? len : STREAM_MAX;
		generator_take(g, key, sizeof(key));
		stream_bytes(key, out, n);
	}
	wipe(key, sizeof(key));
}

uint64_t
random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

/*
 * The upper word of bound * r, where r is uniform: all but the first
 * 2^32 mod bound values of the lower word come equally often for each
 * result, and those are drawn again.
 */
uint32_t
random_below(uint32_t bound)
{
	uint32_t reject = bound != 0 ? -bound % bound : 0;
	uint64_t product;

	do {
		product = (uint64_t)bound * (uint32_t)random_u64();
	} while ((uint32_t)product < reject);
	return (uint32_t)(product >> 32);
}
