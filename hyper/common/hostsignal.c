/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostsignal.c - signals that say more than their number
 *
 * References: pidfd_send_signal(2), rt_sigqueueinfo(2), sigaction(2).
 */

#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

int
rumpuser_sigqueue(int pidfd, int signo, int fd, long band)
{
	siginfo_t info;
	long error;

	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = SI_SIGIO;	/* POLL_IN and the like only a kernel may say */
	info.si_fd = fd;
	info.si_band = band;
	if (pidfd != -1)
		error = syscall(SYS_pidfd_send_signal, pidfd, signo, fd != -1 ? &info : NULL, 0);
	else if (fd != -1)
		error = syscall(SYS_rt_sigqueueinfo, getpid(), signo, &info);
	else
		error = kill(getpid(), signo);
	return error == -1 ? errno : 0;
}
