/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rump.h - starting a rump kernel in this process, and what is not a system
 * call
 *
 * rump_init() boots the kernel that the program is linked with; afterwards
 * the rump_sys_*() functions of <rump/rump_syscalls.h> are its system calls.
 * Functions return 0 or a positive errno unless their comment says otherwise;
 * rump_sys_*() have the manners of libc.  All are thread-safe.
 *
 * Manual: rump(3).
 */

#ifndef RUMP_RUMP_H
#define RUMP_RUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the interface of this header: major * 10000 + minor * 100 + patch. */
int	rump_getversion(void);
bool	rump_nativeabi_p(void);

/* Boots; idempotent.  After a failure the process has to end. */
int	rump_init(void);

/* Before rump_init(): see RUMP_VERBOSE.  -1 quiet .. 2 debug. */
void	rump_boot_setverbose(int level);

enum rump_sigmodel {
	RUMP_SIGMODEL_PANIC,	/* any signal but SIGSYS and SIGPIPE: panic */
	RUMP_SIGMODEL_IGNORE,
	RUMP_SIGMODEL_RAISE,	/* local: the host's kill(2).  The default. */
	RUMP_SIGMODEL_RECORD,
};
int	rump_boot_setsigmodel(enum rump_sigmodel model);	/* EBUSY after init */

/*
 * Serves clients in other processes (rumpclient(3)) from now on, at a URL as in
 * rump_init_server(3).  May be called again for more.  EINVAL, EADDRINUSE ...
 */
int	rump_init_server(const char *url);
/*
 * The server will end in so many seconds: clients are told, and nobody new is
 * let in (ESHUTDOWN).  clients: who is there, as "name[pid of the host] ...".
 */
int	rump_server_stopping(unsigned int seconds);
int	rump_server_clients(char *buf, size_t size);

/* Ends the process orderly: unmounts and flushes what is mounted. */
int	rump_shutdown(void);

/*
 * hostfd, an eventfd(2) of the host, is written when a client calls reboot(2) to halt, power off or
 * restart this kernel.  -1: reboot(2) answers EOPNOTSUPP, as it does at first.
 */
void	rump_pub_halt_notify(int hostfd);

/* Detach from the terminal around rump_init(); see rumpuser(3). */
int	rump_daemonize_begin(void);
int	rump_daemonize_done(int error);

const char *rump_strerror(int error);
const char *rump_errname(int error);		/* "ENOENT" */

/*
 * A raw system call: the result, or -errno.  rump_syscall_args() takes the
 * arguments as an array.
 */
long	rump_syscall(unsigned int nr, ...);
long	rump_syscall_args(unsigned int nr, const unsigned long args[6]);

/*
 * Kernel context, for those who call kernel functions themselves; no system
 * call may be made between the two.
 */
void	rump_schedule(void);
void	rump_unschedule(void);

/* --- components ---------------------------------------------------------- */

int	rump_pub_component_load(const char *library);
bool	rump_pub_component_present(const char *name);

/* --- lwps and procs ------------------------------------------------------ */

struct lwp;

#define RUMP_RFFDG	0x01	/* the child gets copies of the descriptors */
#define RUMP_RFCFDG	0x02	/* the child gets the console's only */

/*
 * A new proc (child of the caller's), made current with its first lwp in the
 * calling thread.  EINVAL: both flags.  newlwp: ESRCH.
 */
int	rump_pub_lwproc_rfork(int flags);
int	rump_pub_lwproc_newlwp(int pid);
void	rump_pub_lwproc_switch(struct lwp *l);	/* NULL: the implicit context */
void	rump_pub_lwproc_releaselwp(void);
struct lwp *rump_pub_lwproc_curlwp(void);	/* NULL in the implicit context */

/* --- waiting for both kernels ---------------------------------------------- */

struct pollfd;

/*
 * For fcntl(2): the absolute name of a file or directory, with its NUL, goes to the PATH_MAX bytes of the
 * argument; its length without that is returned.  ENOENT: it has none, or none that we remember.
 */
#define RUMP_F_GETPATH	0x52550001

/*
 * hostfd, an eventfd(2) of the program, is written from now on whenever the
 * kernel's descriptor r may have become ready for something, until r is closed or the
 * same is said with hostfd -1.  EBADF.  EPERM: r is always ready.
 */
int	rump_pub_notify(int r, int hostfd);

/*
 * Polls the kernel's descriptors in fds: the number of those that are ready; or 0,
 * and hostfd is written as soon as one may be.  Arming again, or with n 0,
 * forgets the last time.  A negative errno.
 */
int	rump_pub_poll_arm(struct pollfd *fds, unsigned int n, int hostfd);

/* hostfd is going to be closed. */
void	rump_pub_unbind(int hostfd);

/*
 * A descriptor of the kernel that stands for hostfd, which is the kernel's own from now on: it can be sent
 * through local sockets, and closed.  A negative errno, and hostfd is closed.
 */
int	rump_pub_lend(int hostfd);
/* What r stands for, valid as long as r is.  -EINVAL: it is a file of the kernel. */
int	rump_pub_lent(int r);

/*
 * Ends the interruptible sleep of the calling thread in the kernel, or its next one, with EINTR.
 * For the host's signal handlers, and for nothing else; clear takes a
 * request back that no sleep has seen.
 */
void	rump_pub_lwproc_interrupt(void);
void	rump_pub_lwproc_interrupt_clear(void);
/* A proc, for people who want to know what goes on. */
struct rump_procinfo {
	int		 pi_pid, pi_ppid;
	unsigned int	 pi_uid;	/* real */
	unsigned int	 pi_threads;
	unsigned int	 pi_files;	/* descriptors */
	bool		 pi_remote;	/* a client in another process */
	int		 pi_hostpid;	/* its number on the host, if that is known */
	uint64_t	 pi_calls;	/* system calls so far */
	uint64_t	 pi_age;	/* ns */
	char		 pi_comm[16];
};

/* The proc with the next greater number.  ENOENT: there is none. */
int	rump_pub_proc_next(int pid, struct rump_procinfo *ret_info);

/*
 * A descriptor (of the calling thread's proc) from which the system calls of a proc
 * can be read as lines, from now on; pid 0: of all procs but the first.  Reading waits for
 * a line.  Who reads too slowly loses lines, and a line says how many.  ESRCH: no
 * such proc.  EINVAL: pid 1.
 */
int	rump_pub_systrace_open(int pid, int *ret_fd);

/* --- host files as kernel devices (etfs) --------------------------------- */

enum rump_etfs_type {
	RUMP_ETFS_REG,		/* a regular file */
	RUMP_ETFS_BLK,		/* a block device, partitions and all */
	RUMP_ETFS_CHR,		/* a character device */
};

#define RUMP_ETFS_SIZE_ENDOFF	UINT64_MAX
#define RUMP_ETFS_RDONLY	0x01	/* opened read-only; writes give EROFS */
#define RUMP_ETFS_NOPART	0x02	/* BLK: do not look for partitions */
#define RUMP_ETFS_NOLOCK	0x04	/* do not lock the host file against others */

/*
 * Makes hostpath appear as key (absolute path) in the kernel's name space;
 * a block device "/dev/x" brings "/dev/x1" ... for its partitions.
 * EINVAL: key not absolute, or window outside the file.  EEXIST: key taken.
 * EISDIR: hostpath is a directory.  EBUSY: locked by another process.
 * remove: ENOENT; EBUSY while it is in use.
 */
int	rump_pub_etfs_register(const char *key, const char *hostpath,
	    enum rump_etfs_type type);
int	rump_pub_etfs_register_withsize(const char *key, const char *hostpath,
	    enum rump_etfs_type type, uint64_t begin, uint64_t size);
int	rump_pub_etfs_register_flags(const char *key, const char *hostpath,
	    enum rump_etfs_type type, uint64_t begin, uint64_t size, int flags);
int	rump_pub_etfs_remove(const char *key);

/* --- interfaces ------------------------------------------------------------ */

/*
 * A new interface shmN, down, on the bus in the host file path, which is made
 * if it is not there (component net_shmif).  *ret_ifnum is N.  EINVAL: the file is
 * something else.  EPROTONOSUPPORT: a bus of another version.
 */
int	rump_pub_shmif_create(const char *path, int *ret_ifnum);

/*
 * A new interface virtN, down, whose other end is link (component net_virtif): the
 * name of a tap of the host, "fd=N" (an inherited descriptor) or "unix=PATH".
 */
int	rump_pub_virtif_create(const char *link, int *ret_ifnum);

/*
 * What the interface sends is lost, delayed and so on, from now on: for example
 * "loss=1%,delay=20ms,rate=10mbit"; "" is a perfect link again.  EINVAL, and
 * *ret_bad (unless NULL) points at what was not understood.  ENXIO.
 */
int	rump_pub_netconfig_linkcond(const char *ifname, const char *text,
	    const char **ret_bad);

/*
 * What passes the interface goes into a new pcapng file, at most snaplen bytes (0:
 * all) of a packet; NULL ends that.  ENXIO, EEXIST, ENOENT; the host's.
 */
int	rump_pub_netconfig_capture(const char *ifname, const char *path,
	    uint32_t snaplen);

/*
 * A cable between two hosts of this kernel (component net_wire): a new interface,
 * down, in each of two network name spaces, which may be the same.  NULL: a name
 * is chosen, "wireN".  ESRCH: no such name space.  EEXIST: a name is taken.
 */
int	rump_pub_wire_create(int netns1, const char *name1, int netns2, const char *name2);

/* --- disks ---------------------------------------------------------------- */

#define RUMP_PART_NAMELEN	144	/* 36 UTF-16 units as UTF-8, and NUL */

struct rump_partinfo {
	unsigned int	pi_index;	/* 1 ..; the number in "/dev/x1" */
	uint64_t	pi_start;	/* bytes */
	uint64_t	pi_size;	/* bytes */
	char		pi_scheme[8];	/* "gpt", "mbr", "bsd" */
	char		pi_type[40];	/* type GUID, or "0x83" */
	char		pi_uuid[40];	/* partition GUID, or "" */
	char		pi_name[RUMP_PART_NAMELEN];	/* GPT name, UTF-8 */
	bool		pi_bootable;
};

/*
 * The index-th partition (0 ..) of a block device.  ENOENT: no more;
 * ENOTBLK.  Problems of the table that were survived (backup GPT used) are on
 * the console.
 */
int	rump_pub_disk_partition(const char *dev, unsigned int index,
	    struct rump_partinfo *ret_info);
int	rump_pub_disk_size(const char *dev, uint64_t *ret_bytes,
	    uint32_t *ret_secsize);

struct rump_fsinfo {
	char		fi_type[16];	/* "ext4" */
	char		fi_label[128];
	char		fi_uuid[40];
	uint64_t	fi_size;	/* bytes */
	uint64_t	fi_free;	/* bytes */
	uint64_t	fi_files;	/* inodes, 0: no fixed number */
	uint64_t	fi_files_free;
	uint32_t	fi_blocksize;
	char		fi_features[512];	/* words */
	char		fi_state[64];	/* "clean", "journal needs replay" .. */
};

/* What file system is on a block device.  ENODEV: none that is known here. */
int	rump_pub_fs_probe(const char *dev, struct rump_fsinfo *ret_info);

/* --- kernel variables ------------------------------------------------------ */

int	rump_pub_kvar_read(const char *name, char *buf, size_t size);
int	rump_pub_kvar_write(const char *name, const char *text);
/* Calls fn for each variable whose name has the prefix; stops at non-zero. */
int	rump_pub_kvar_iterate(const char *prefix,
	    int (*fn)(const char *name, const char *about, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_H */
