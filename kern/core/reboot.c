/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * reboot.c - reboot(2): a client wants this kernel to end
 *
 * Ending is the affair of the program that started the kernel: it has left an eventfd
 * of the host here, which is written, and does what it does on SIGTERM.  The call
 * returns meanwhile, so that the client gets his answer.
 *
 * References: reboot(2).
 */

#include <rump/rump.h>

#include <abi/sysargs.h>
#include <linux/capability.h>
#include <linux/reboot.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>

static int halt_fd = -1;		/* a: of the host */

void
rump_pub_halt_notify(int hostfd)
{
	atomic_store(&halt_fd, hostfd);
}

int
sys_reboot(struct lwp *l, int magic1, int magic2, unsigned int cmd, void *arg, long *ret)
{
	int fd;

	if (!cred_capable(curcred(), CAP_SYS_BOOT))
		return EPERM;
	if ((unsigned int)magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	    magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;		/* there is no keyboard */
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_RESTART:
		break;
	default:
		return EINVAL;
	}
	fd = atomic_load(&halt_fd);
	if (fd == -1)
		return EOPNOTSUPP;
	rumpuser_event_signal(fd);
	return 0;
}
