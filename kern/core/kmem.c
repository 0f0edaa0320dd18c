/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmem.c - memory of any size
 *
 * Small requests go to one of 26 pools: every 16 bytes up to 128, then four
 * sizes an octave, so that at most a fifth is lost to rounding.  Beyond 3 KiB
 * it is whole pages, beyond a megabyte the host maps them.  The caller tells
 * the size again when it frees, so nothing is stored with the object.
 *
 * RUMP_KMEM=direct turns all this off: each allocation is one of the host's,
 * as is each object of a pool and each block of pages.  Then address
 * sanitizers see every object's bounds and life, and a sweep over failing
 * hypercalls meets every allocation.  A kernel built with the address
 * sanitizer starts so by itself; RUMP_KMEM=pools says otherwise.
 */

#include <lib/string.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/log.h>

#include "kmem_impl.h"

#define CLASS_STEP	16
#define CLASS_LINEAR	128		/* steps of CLASS_STEP up to here */
#define CLASS_LAST	3072		/* of the pools */
#define RUN_LAST	(PAGE_SIZE * RUN_MAXPAGES)

static const struct { uint16_t size; const char *name; } classes[] = {
	{ 16, "kmem-16" }, { 32, "kmem-32" }, { 48, "kmem-48" },
	{ 64, "kmem-64" }, { 80, "kmem-80" }, { 96, "kmem-96" },
	{ 112, "kmem-112" }, { 128, "kmem-128" },
	{ 160, "kmem-160" }, { 192, "kmem-192" }, { 224, "kmem-224" },
	{ 256, "kmem-256" }, { 320, "kmem-320" }, { 384, "kmem-384" },
	{ 448, "kmem-448" }, { 512, "kmem-512" }, { 640, "kmem-640" },
	{ 768, "kmem-768" }, { 896, "kmem-896" }, { 1024, "kmem-1024" },
	{ 1280, "kmem-1280" }, { 1536, "kmem-1536" }, { 1792, "kmem-1792" },
	{ 2048, "kmem-2048" }, { 2560, "kmem-2560" }, { 3072, "kmem-3072" },
};

bool kmem_direct;
static struct pool class_pools[ARRAY_SIZE(classes)];

#if defined(__SANITIZE_ADDRESS__)
#define KMEM_DIRECT_DEFAULT	true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KMEM_DIRECT_DEFAULT	true
#endif
#endif
#ifndef KMEM_DIRECT_DEFAULT
#define KMEM_DIRECT_DEFAULT	false
#endif

/* Number of the class for len, 1 .. CLASS_LAST. */
static inline unsigned int
class_of(size_t len)
{
	unsigned int octave;

	if (len <= CLASS_LINEAR)
		return (unsigned int)((len - 1) / CLASS_STEP);
	octave = 63 - (unsigned int)__builtin_clzl(len - 1);
	return CLASS_LINEAR / CLASS_STEP + (octave - 7) * 4 +
	    (unsigned int)((len - 1) >> (octave - 2)) - 4;
}

/* What a structure of this size may want: that divides its size. */
static size_t
align_of(size_t len)
{
	size_t align = len & -len;

	return align < CLASS_STEP ? CLASS_STEP :
	    align > CACHE_LINE ? CACHE_LINE : align;
}

static size_t
pages_of(size_t len)
{
	return (len + PAGE_MASK) >> PAGE_SHIFT;
}

int
kmem_boot(void)
{
	char text[16];
	int error;

	kmem_direct = KMEM_DIRECT_DEFAULT;
	if (param_get("RUMP_KMEM", text, sizeof(text))) {
		kmem_direct = strcmp(text, "direct") == 0;
		if (!kmem_direct && strcmp(text, "pools") != 0) {
			log_printf(LOG_ERR, "RUMP_KMEM=%s is neither pools "
			    "nor direct", text);
			return EINVAL;
		}
	}
	chunk_boot();
	error = kmem_limit_boot();
	if (error)
		return error;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		KASSERT(class_of(classes[i].size) == i);
		KASSERT(i == 0 || class_of(classes[i - 1].size + 1u) == i);
		pool_init(&class_pools[i], classes[i].size,
		    align_of(classes[i].size), classes[i].name);
		KASSERT(class_pools[i].po_index == i);
	}
	return 0;
}

struct kmem_cpu *
kmem_cpu_create(void)
{
	struct kmem_cpu *kc;

	if (kmem_direct)
		return NULL;
	kc = page_alloc_run(1, KM_NOSLEEP | KM_ZERO);
	if (kc != NULL)
		atomic_store_rel(&curlwp()->l_cpu->vc_mag, kc);
	return kc;
}

/* --- direct mode --------------------------------------------------------- */

void *
kmem_direct_alloc(size_t len, size_t align, int flags)
{
	void *ptr;

	if (!kmem_charge(len, flags))
		goto fail;
	if (rumpuser_malloc(len, align, &ptr) != 0) {
		kmem_uncharge(len);
		goto fail;
	}
	if ((flags & KM_ZERO) != 0)
		memset(ptr, 0, len);
	return ptr;
fail:
	kmem_count_failure();
	return NULL;
}

void
kmem_direct_free(void *ptr, size_t len)
{
	rumpuser_free(ptr, len);
	kmem_uncharge(len);
}

/* --- any size ------------------------------------------------------------ */

static void *
kmem_alloc_large(size_t len, int flags)
{
	if (len <= PAGE_SIZE)
		return page_alloc(0, flags);
	if (len <= RUN_LAST)
		return page_alloc_run(pages_of(len), flags);
	return page_map(pages_of(len) << PAGE_SHIFT, flags);
}

static void
kmem_free_large(void *ptr, size_t len)
{
	if (len <= PAGE_SIZE)
		page_free(ptr, 0);
	else if (len <= RUN_LAST)
		page_free_run(ptr, pages_of(len));
	else
		page_unmap(ptr, pages_of(len) << PAGE_SHIFT);
}

static void * __noinline
kmem_alloc_slow(size_t len, int flags)
{
	if (len == 0)
		len = 1;
	if (len > PTRDIFF_MAX - PAGE_SIZE) {
		kmem_count_failure();	/* sums would wrap */
		return NULL;
	}
	if (kmem_direct)
		return kmem_direct_alloc(len, align_of(len), flags);
	if (len > CLASS_LAST)
		return kmem_alloc_large(len, flags);
	return pool_get(&class_pools[class_of(len)], flags);
}

/* The pools of the classes were made first: their numbers are the classes'. */
void *
kmem_alloc(size_t len, int flags)
{
	struct kmem_cpu *kc = kmem_cpu_self();
	unsigned int class;
	void *obj;

	if (unlikely(len - 1 >= CLASS_LAST || kc == NULL))
		return kmem_alloc_slow(len, flags);
	class = class_of(len);
	obj = magazine_pop(&kc->kc_mag[class]);
	if (unlikely(obj == NULL))
		return kmem_alloc_slow(len, flags);
	if ((flags & KM_ZERO) != 0)
		memset(obj, 0, len);
	return obj;
}

void *
kmem_zalloc(size_t len, int flags)
{
	return kmem_alloc(len, flags | KM_ZERO);
}

static void __noinline
kmem_free_slow(void *ptr, size_t len)
{
	if (len == 0)
		len = 1;
	if (kmem_direct)
		kmem_direct_free(ptr, len);
	else if (len > CLASS_LAST)
		kmem_free_large(ptr, len);
	else
		pool_put(&class_pools[class_of(len)], ptr);
}

void
kmem_free(void *ptr, size_t len)
{
	struct kmem_cpu *kc = kmem_cpu_self();

	if (unlikely(ptr == NULL))
		return;
	if (likely(len - 1 < CLASS_LAST && kc != NULL) &&
	    likely(magazine_push(&kc->kc_mag[class_of(len)], ptr)))
		return;
	kmem_free_slow(ptr, len);
}

char *
kmem_strdup(const char *s, int flags)
{
	size_t size = strlen(s) + 1;
	char *copy = kmem_alloc(size, flags);

	if (copy != NULL)
		memcpy(copy, s, size);
	return copy;
}

void
kmem_strfree(char *s)
{
	if (s != NULL)
		kmem_free(s, strlen(s) + 1);
}
