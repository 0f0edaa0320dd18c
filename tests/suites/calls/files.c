/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * files.c - reading, writing and shaping files
 *
 * References: read(2), write(2), pread(2), readv(2), lseek(2), truncate(2), fallocate(2), copy_file_range(2),
 * sendfile(2), splice(2), mmap(2), fsync(2), sync_file_range(2), posix_fadvise(2).
 */

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[70000];

static long
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (long)st.st_size : -1;
}

static void
read_write(void)
{
	struct iovec iov[3] = { { buf, 3 }, { NULL, 0 }, { buf + 10, 4 } }, bad = { NOWHERE, 5 };
	struct iovec huge[2] = { { buf, (size_t)LONG_MAX }, { buf, (size_t)LONG_MAX } };
	int r, w, rw, p;

	file_make("f", 100);
	r = (int)T(open("f", O_RDONLY));
	w = (int)T(open("f", O_WRONLY));
	rw = (int)T(open("f", O_RDWR));
	p = (int)T(open("f", O_PATH));
	T(read(w, buf, 1));
	T(write(r, buf, 1));
	T(read(p, buf, 1));
	T(write(p, buf, 1));
	T(read(-1, buf, 1));
	T(read(999, buf, 1));
	T(read(r, NOWHERE, 1));
	T(read(r, NOWHERE, 0));
	T(write(w, NOWHERE, 1));
	T(write(w, NOWHERE, 0));
	T(write(-1, buf, 0));
	T(read(r, buf, 0));
	T(read(r, buf, sizeof(buf)));
	tell_bytes("read", buf, 100);
	T(read(r, buf, 1));
	T(pread(r, buf, 10, 95));
	T(pread(r, buf, 10, 100));
	T(pread(r, buf, 10, 1000));
	T(pread(r, buf, 10, -1));
	T(pwrite(w, "x", 1, -1));
	T(pread(r, NOWHERE, 10, 0));
	T(lseek(r, 0, SEEK_CUR));
	T(readv(r, iov, 3));
	T(lseek(r, 0, SEEK_SET));
	T(readv(r, iov, 3));
	T(readv(r, iov, 0));
	T(readv(r, iov, -1));
	T(readv(r, iov, 1025));
	T(readv(r, NOWHERE, 1));
	T(readv(r, &bad, 1));
	T(readv(r, huge, 2));
	T(writev(w, &bad, 1));
	T(writev(w, iov, 3));
	T(writev(w, iov, 0));
	T(writev(w, huge, 2));
	T(preadv(r, iov, 3, 20));
	T(preadv(r, iov, 3, -1));
	T(preadv2(r, iov, 3, -1, 0));
	T(preadv2(r, iov, 3, 0, RWF_HIPRI));
	T(preadv2(r, iov, 3, 0, RWF_NOWAIT));
	T(preadv2(r, iov, 3, 0, 0x40000000));
	T(pwritev2(rw, iov, 3, 200, RWF_DSYNC));
	T(pwritev2(rw, iov, 3, 200, RWF_SYNC));
	T(pwritev2(rw, iov, 3, 0, RWF_APPEND));
	tell_text("size %ld", size_of(rw));
	T(pwritev2(rw, iov, 3, -1, RWF_APPEND));
	T(lseek(rw, 0, SEEK_CUR));
	T(preadv2(r, iov, 3, 0, RWF_APPEND));
	T(lseek(w, 10, SEEK_SET));
	T(write(w, buf, 0));
	T(lseek(w, 0, SEEK_CUR));
	w = (int)T(open("f", O_WRONLY | O_APPEND));
	T(write(w, "end", 3));
	T(lseek(w, 0, SEEK_CUR));
	T(pwrite(w, "app", 3, 0));
	tell_text("size %ld", size_of(w));
	T(pwritev2(w, iov, 1, 0, 0x20));
	tell_text("size %ld", size_of(w));
}

static void
seek(void)
{
	int fd, pipes[2];

	fd = (int)T(open("holes", O_RDWR | O_CREAT, 0644));
	T(lseek(fd, 0, SEEK_DATA));
	T(lseek(fd, 0, SEEK_HOLE));
	T(pwrite(fd, buf, 4096, 65536));
	T(lseek(fd, 0, SEEK_DATA));
	T(lseek(fd, 0, SEEK_HOLE));
	T(lseek(fd, 65536, SEEK_DATA));
	T(lseek(fd, 65536, SEEK_HOLE));
	T(lseek(fd, 69632, SEEK_DATA));
	T(lseek(fd, 69632, SEEK_HOLE));
	T(lseek(fd, 69631, SEEK_HOLE));
	T(lseek(fd, -1, SEEK_DATA));
	T(ftruncate(fd, 1 << 20));
	T(lseek(fd, 70000, SEEK_DATA));
	T(lseek(fd, 70000, SEEK_HOLE));
	T(lseek(fd, -1, SEEK_SET));
	T(lseek(fd, 0, 9));
	T(lseek(fd, 10, SEEK_END));
	T(lseek(fd, LONG_MAX, SEEK_SET));
	T(lseek(fd, 1, SEEK_CUR));
	T(lseek(fd, -1, SEEK_CUR));
	T(read(fd, buf, 1));
	T(write(fd, buf, 1));
	T(lseek(fd, LONG_MIN, SEEK_CUR));
	T(lseek(-1, 0, SEEK_SET));
	T(pipe(pipes));
	T(lseek(pipes[0], 0, SEEK_SET));
	fd = (int)T(open(".", O_RDONLY));
	T(lseek(fd, -1, SEEK_SET));
	T(lseek(fd, 0, SEEK_HOLE));
	T(lseek(fd, 0, SEEK_END) >= 0);
}

static void
truncates(void)
{
	int r, w;

	file_make("f", 100);
	(void)mkdir("d", 0755);
	(void)mkfifo("fifo", 0644);
	T(truncate("f", 50));
	T(truncate("f", -1));
	T(truncate("gone", 1));
	T(truncate("d", 1));
	T(truncate("fifo", 1));
	T(truncate("f/x", 1));
	T(truncate("", 1));
	T(truncate(NOWHERE, 1));
	T(truncate(name_of(256), 1));
	T(truncate("f", LONG_MAX));
	r = (int)T(open("f", O_RDONLY));
	w = (int)T(open("f", O_WRONLY));
	T(ftruncate(r, 1));
	T(ftruncate(w, -1));
	T(ftruncate(w, 200));
	T(pread(r, buf, 300, 0));
	tell_bytes("tail", buf + 40, 20);
	T(ftruncate(-1, 1));
	T(ftruncate(T(open("f", O_PATH)), 1));
	T(ftruncate(w, 0));
	tell_text("size %ld", size_of(w));
}

static void
allocates(void)
{
	struct stat st;
	int r, w, pipes[2];

	file_make("f", 10000);
	r = (int)T(open("f", O_RDONLY));
	w = (int)T(open("f", O_RDWR));
	T(fallocate(r, 0, 0, 1));
	T(fallocate(-1, 0, 0, 1));
	T(fallocate(w, 0, -1, 1));
	T(fallocate(w, 0, 0, 0));
	T(fallocate(w, 0, 0, -1));
	T(fallocate(w, 0, LONG_MAX, 1));
	T(fallocate(w, 0x4000, 0, 1));
	T(fallocate(w, FALLOC_FL_PUNCH_HOLE, 0, 1));
	T(fallocate(w, FALLOC_FL_KEEP_SIZE, 0, 100000));
	tell_text("size %ld", size_of(w));
	T(fallocate(w, 0, 0, 20000));
	tell_text("size %ld", size_of(w));
	T(fallocate(w, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 5000));
	T(pread(w, buf, 20, 0));
	tell_bytes("head", buf, 20);
	T(pread(w, buf, 20, 5000));
	tell_bytes("hole's end", buf, 20);
	T(fallocate(w, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 5000));
	T(fallocate(w, FALLOC_FL_ZERO_RANGE, 0, 10));
	T(fallocate(w, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	T(fallocate(w, FALLOC_FL_INSERT_RANGE, 0, 4096));
	T(fallocate(w, FALLOC_FL_UNSHARE_RANGE, 0, 4096));
	T(fallocate(w, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	T(stat("f", &st));
	tell_text("size %ld", (long)st.st_size);
	T(pipe(pipes));
	T(fallocate(pipes[1], 0, 0, 1));
	T(fallocate(T(open(".", O_RDONLY)), 0, 0, 1));
	T(posix_fallocate(w, 0, 30000));
	tell_text("size %ld", size_of(w));
	T(posix_fadvise(w, 0, 10, POSIX_FADV_WILLNEED));
	T(posix_fadvise(w, 0, 10, 77));
	T(posix_fadvise(w, 0, -1, POSIX_FADV_NORMAL));
	T(posix_fadvise(-1, 0, 10, POSIX_FADV_NORMAL));
	T(posix_fadvise(pipes[0], 0, 10, POSIX_FADV_NORMAL));
	T(readahead(w, 0, 100));
	T(readahead(pipes[0], 0, 100));
	T(readahead(T(open("f", O_WRONLY)), 0, 100));
	T(fsync(w));
	T(fsync(-1));
	T(fsync(pipes[0]));
	T(fdatasync(r));
	T(fdatasync(pipes[1]));
	T(sync_file_range(w, 0, 10, SYNC_FILE_RANGE_WRITE));
	T(sync_file_range(w, 0, 10, 99));
	T(sync_file_range(w, -1, 10, SYNC_FILE_RANGE_WRITE));
	T(sync_file_range(pipes[0], 0, 10, SYNC_FILE_RANGE_WRITE));
	T(syncfs(w));
	T(syncfs(-1));
}

static void
copies(void)
{
	off_t in = 0, out = 0, big = 1000;
	int r, w, p[2], q[2], d, a;

	file_make("f", 100);
	r = (int)T(open("f", O_RDONLY));
	w = (int)T(open("g", O_RDWR | O_CREAT, 0644));
	a = (int)T(open("h", O_WRONLY | O_CREAT | O_APPEND, 0644));
	d = (int)T(open(".", O_RDONLY));
	T(pipe(p));
	T(pipe(q));
	T(copy_file_range(r, NULL, w, NULL, 10, 0));
	T(copy_file_range(r, &in, w, &out, 20, 0));
	tell_text("at %ld %ld, size %ld", (long)in, (long)out, size_of(w));
	T(copy_file_range(r, &big, w, NULL, 10, 0));
	T(copy_file_range(r, NULL, w, NULL, 10, 1));
	T(copy_file_range(w, NULL, r, NULL, 10, 0));
	T(copy_file_range(r, NULL, a, NULL, 10, 0));
	T(copy_file_range(r, NULL, p[1], NULL, 10, 0));
	T(copy_file_range(d, NULL, w, NULL, 10, 0));
	T(copy_file_range(r, NULL, d, NULL, 10, 0));
	T(copy_file_range(-1, NULL, w, NULL, 10, 0));
	T(copy_file_range(r, NOWHERE, w, NULL, 10, 0));
	T(copy_file_range(w, NULL, w, NULL, 0, 0));
	in = 0, out = 5;
	T(copy_file_range(w, &in, w, &out, 10, 0));
	in = 0;
	T(sendfile(w, r, &in, 10));
	tell_text("at %ld", (long)in);
	T(sendfile(w, r, NULL, 1000));
	T(sendfile(w, r, NULL, 1000));
	T(sendfile(r, w, NULL, 10));
	T(sendfile(a, r, &in, 10));
	T(sendfile(w, p[0], NULL, 10));
	T(sendfile(-1, r, NULL, 10));
	T(sendfile(w, -1, NULL, 10));
	T(sendfile(w, d, NULL, 10));
	T(sendfile(w, r, NOWHERE, 10));
	in = -1;
	T(sendfile(w, r, &in, 10));
	in = 0;
	T(sendfile(p[1], r, &in, 10));
	T(splice(p[0], NULL, q[1], NULL, 4, 0));
	T(splice(p[0], NULL, w, NULL, 4, 0));
	T(splice(r, &in, p[1], NULL, 4, 0));
	T(splice(r, &in, w, NULL, 4, 0));
	T(splice(p[0], &in, w, NULL, 4, 0));
	T(splice(p[0], NULL, p[1], NULL, 4, 0));
	T(splice(p[0], NULL, w, NULL, 4, 0x100));
	T(splice(-1, NULL, w, NULL, 4, 0));
	T(splice(p[0], NULL, a, NULL, 4, 0));
	T(tee(q[0], p[1], 2, 0));
	T(tee(r, p[1], 2, 0));
	T(tee(p[0], p[1], 2, 0));
	T(vmsplice(p[1], &(struct iovec){ (char[]){ "xyz" }, 3 }, 1, 0));
	T(vmsplice(p[1], &(struct iovec){ NOWHERE, 3 }, 1, 0));
	T(vmsplice(r, &(struct iovec){ buf, 3 }, 1, 0));
	memset(buf, 0, 64);
	T(read(p[0], buf, 64));
	tell_bytes("pipe", buf, 20);
	T(splice(p[0], NULL, w, NULL, 4, SPLICE_F_NONBLOCK));
}

static void
mappings(void)
{
	char *m, vec[4];
	int r, w;

	file_make("f", 5000);
	r = (int)T(open("f", O_RDONLY));
	w = (int)T(open("f", O_RDWR));
	T(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, r, 0));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, r, 1));
	T(mmap(NULL, 4096, PROT_READ, 0, r, 0));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0));
	T(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0));
	T(mmap(NULL, 4096, PROT_READ, MAP_SHARED, T(open("f", O_WRONLY)), 0));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, T(open(".", O_RDONLY)), 0));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, T(open("f", O_PATH)), 0));
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	T(m != MAP_FAILED);
	tell_bytes("head", m, 10);
	tell_bytes("beyond the end", m + 5000, 10);
	m[0] = 'X';
	T(msync(m, 4096, MS_SYNC));
	T(msync(m + 1, 4096, MS_SYNC));
	T(msync(m, 4096, MS_SYNC | MS_ASYNC));
	T(msync(m, 4096, 99));
	T(pread(r, buf, 4, 0));
	tell_bytes("file", buf, 4);
	T(mincore(m, 8192, (unsigned char *)vec));
	T(close(w));
	m[1] = 'Y';
	T(munmap(m, 8192));
	T(pread(r, buf, 4, 0));
	tell_bytes("file", buf, 4);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 4096);
	T(m != MAP_FAILED);
	tell_bytes("second page", m, 4);
	m[0] = 'Z';
	T(pread(r, buf, 4, 4096));
	tell_bytes("file", buf, 4);
	T(munmap(m, 4096));
	T(munmap(m + 1, 4096));
}

const struct group file_groups[] = {
	{ "read-write", read_write },
	{ "lseek", seek },
	{ "truncate", truncates },
	{ "fallocate-and-sync", allocates },
	{ "copies", copies },
	{ "mmap", mappings },
	{ NULL, NULL },
};
