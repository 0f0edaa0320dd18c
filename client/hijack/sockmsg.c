/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockmsg.c - messages: sendmsg(2), recvmsg(2), and several of them at once
 *
 * What goes to a socket of the kernel has other names and other descriptors in it than what the
 * program says (sock.c, rights.c); so has what comes.
 *
 * References: sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2).
 */

#include "hijack.h"

#include <errno.h>
#include <sys/socket.h>

#include "rights.h"

#define MESSAGES_MAX	1024	/* UIO_MAXIOV: the others are not looked at */

/* The message at addr, and its control data if there is room for it; false: it cannot be read. */
static bool
message_read(unsigned long addr, struct msghdr *m, unsigned char control[CONTROL_ROOM])
{
	return mem_read(m, addr, sizeof(*m)) && (m->msg_controllen == 0 ||
	    m->msg_controllen > CONTROL_ROOM ||
	    mem_read(control, (unsigned long)m->msg_control, m->msg_controllen));
}

static unsigned long
message_at(unsigned long vec, unsigned long i)
{
	return vec + i * sizeof(struct mmsghdr) + offsetof(struct mmsghdr, msg_hdr);
}

static unsigned long
message_count(unsigned long n)
{
	n = (unsigned int)n;
	return n < MESSAGES_MAX ? n : MESSAGES_MAX;
}

/* --- through the host ----------------------------------------------------------------------- */

#ifdef HIJACK_SUPERVISOR

static long
host_sendmsg(unsigned long fd, unsigned long msg, unsigned long flags)
{
	return CALL_OF_HOST;
}

static void
host_arrived(unsigned long msg, unsigned long flags)
{
}

#else

/* CALL_OF_HOST: it goes as it is. */
static long
host_sendmsg(unsigned long fd, unsigned long msg, unsigned long flags)
{
	unsigned char control[CONTROL_ROOM];
	struct rights ri = { .ri_n = 0 };
	struct msghdr m;
	long ret;

	if (backend == NULL || !message_read(msg, &m, control) || m.msg_controllen == 0 ||
	    m.msg_controllen > sizeof(control))
		return CALL_OF_HOST;
	ret = rights_pack(control, m.msg_controllen, &ri);
	if (ret == 0 && ri.ri_n == 0)
		return CALL_OF_HOST;
	m.msg_control = control;
	if (ret == 0)
		ret = host_syscall(SYS_sendmsg, fd, &m, flags);
	rights_packed(&ri);
	return ret;
}

static void
host_arrived(unsigned long msg, unsigned long flags)
{
	unsigned char control[CONTROL_ROOM];
	struct msghdr m;

	/* It may be the first that this process hears of a kernel. */
	if (message_read(msg, &m, control) && m.msg_controllen > 0 &&
	    m.msg_controllen <= sizeof(control))
		rights_unpack(control, m.msg_controllen, (flags & MSG_CMSG_CLOEXEC) != 0);
}

#endif

/* --- through the kernel ------------------------------------------------------------------------ */

static long
kernel_sendmsg(int r, unsigned long msg, unsigned long flags)
{
	unsigned long kargs[6] = { (unsigned long)r, msg, flags }, len;
	unsigned char control[CONTROL_ROOM];
	struct rights ri = { .ri_n = 0 };
	struct sockaddr_un sun;
	struct msghdr m;
	long ret = 0;

	/* Who is to say what is wrong with it knows also what else is. */
	if (!message_read(msg, &m, control))
		return kernel_call(SYS_sendmsg, kargs);
	if (m.msg_controllen > sizeof(control))
		return -ENOBUFS;
	if (m.msg_controllen > 0) {
		ret = rights_lend(control, m.msg_controllen, &ri);
		m.msg_control = control;
	}
	if (m.msg_name != NULL) {
		m.msg_name = (void *)(uintptr_t)sock_address((unsigned long)m.msg_name, m.msg_namelen,
		    &sun, &len);
		m.msg_namelen = (unsigned int)len;
	}
	kargs[1] = (unsigned long)&m;
	if (ret == 0)
		ret = kernel_call(SYS_sendmsg, kargs);
	rights_lent(&ri);
	return ret;
}

/* The kernel's message becomes the program's. */
static void
kernel_arrived(unsigned long msg, unsigned long flags)
{
	unsigned char control[CONTROL_ROOM];
	bool cloexec = (flags & MSG_CMSG_CLOEXEC) != 0, cut = false;
	struct msghdr m;

	if (!message_read(msg, &m, control))
		return;
	/* It is told back, as the other flags are. */
	m.msg_flags |= cloexec ? MSG_CMSG_CLOEXEC : 0;
	if (m.msg_controllen > 0 && m.msg_controllen <= sizeof(control) &&
	    rights_any(control, m.msg_controllen)) {
		m.msg_controllen = rights_take(control, m.msg_controllen, cloexec, &cut);
		m.msg_flags |= cut ? MSG_CTRUNC : 0;
		(void)mem_write((unsigned long)m.msg_control, control, m.msg_controllen);
		(void)mem_write(msg + offsetof(struct msghdr, msg_controllen), &m.msg_controllen,
		    sizeof(m.msg_controllen));
	}
	if (cloexec || cut)
		(void)mem_write(msg + offsetof(struct msghdr, msg_flags), &m.msg_flags,
		    sizeof(m.msg_flags));
}

/* --- one message -------------------------------------------------------------------------------- */

static long
rule_sendmsg(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry > 0)
		return kernel_sendmsg(entry - 1, args[1], args[2]);
	ret = host_sendmsg(args[0], args[1], args[2]);
	return ret == CALL_OF_HOST ? host_args(nr, args) : ret;
}

static long
rule_recvmsg(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	unsigned long kargs[6];
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0) {
		ret = host_args(nr, args);
		if (ret >= 0)
			host_arrived(args[1], args[2]);
		return ret;
	}
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	kargs[2] &= ~(unsigned long)MSG_CMSG_CLOEXEC;
	ret = kernel_call(SYS_recvmsg, kargs);
	if (ret >= 0)
		kernel_arrived(args[1], args[2]);
	return ret;
}

/* --- several ------------------------------------------------------------------------------------ */

/* Is there a name or a descriptor in it that the kernel knows by another one? */
static bool
is_special(unsigned long msg)
{
	unsigned char control[CONTROL_ROOM];
	unsigned short family = AF_UNSPEC;
	struct msghdr m;

	if (!message_read(msg, &m, control))
		return false;
	if (m.msg_name != NULL && m.msg_namelen >= sizeof(family))
		(void)mem_read(&family, (unsigned long)m.msg_name, sizeof(family));
	return family == AF_UNIX || m.msg_controllen > sizeof(control) ||
	    rights_any(control, m.msg_controllen);
}

static bool
any_special(unsigned long vec, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		if (is_special(message_at(vec, i)))
			return true;
	}
	return false;
}

static long
send_one(unsigned long fd, int32_t entry, unsigned long msg, unsigned long flags)
{
	long ret;

	if (entry > 0)
		return kernel_sendmsg(entry - 1, msg, flags);
	ret = host_sendmsg(fd, msg, flags);
	return ret == CALL_OF_HOST ? host_syscall(SYS_sendmsg, fd, msg, flags) : ret;
}

static long
send_each(const unsigned long args[6], int32_t entry, unsigned long n)
{
	unsigned int sent;
	long ret;

	for (unsigned long i = 0; i < n; i++) {
		ret = send_one(args[0], entry, message_at(args[1], i), args[3]);
		sent = (unsigned int)ret;
		if (ret >= 0 && !mem_write(args[1] + i * sizeof(struct mmsghdr) +
		    offsetof(struct mmsghdr, msg_len), &sent, sizeof(sent)))
			ret = -EFAULT;
		if (ret < 0)
			return i > 0 ? (long)i : ret;
	}
	return (long)n;
}

static long
rule_sendmmsg(long nr, const unsigned long args[6])
{
	unsigned long kargs[6], n = message_count(args[2]);
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (n > 0 && (entry > 0 || HOST_SENDS_EACH) && any_special(args[1], n))
		return send_each(args, entry, n);
	if (entry <= 0)
		return host_args(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	return kernel_call(SYS_sendmmsg, kargs);
}

static long
rule_recvmmsg(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	unsigned long kargs[6];
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	mem_copy(kargs, args, sizeof(kargs));
	if (entry > 0) {
		kargs[0] = (unsigned long)(entry - 1);
		kargs[3] &= ~(unsigned long)MSG_CMSG_CLOEXEC;
		ret = kernel_call(SYS_recvmmsg, kargs);
	} else {
		ret = host_args(nr, args);
	}
	for (long i = 0; i < ret; i++) {
		if (entry > 0)
			kernel_arrived(message_at(args[1], (unsigned long)i), args[3]);
		else
			host_arrived(message_at(args[1], (unsigned long)i), args[3]);
	}
	return ret;
}

void
sockmsg_rules(void)
{
	dispatch_set(SYS_sendmsg, HIJACK_LOOK, rule_sendmsg);
	dispatch_set(SYS_recvmsg, HIJACK_LOOK, rule_recvmsg);
	dispatch_set(SYS_sendmmsg, HIJACK_LOOK, rule_sendmmsg);
	dispatch_set(SYS_recvmmsg, HIJACK_LOOK, rule_recvmmsg);
}
