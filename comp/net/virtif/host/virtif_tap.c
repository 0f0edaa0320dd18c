/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_tap.c - taps of the Linux host
 *
 * Frames carry a struct virtio_net_hdr if the device can, so that segments of
 * 64 KiB and unfinished checksums pass in both directions (the kernel's
 * Documentation/networking/tuntap.rst; linux/if_tun.h).
 */

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <unistd.h>

#include "virtif_impl.h"

/* Younger than some UAPI headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define OFFLOAD_TCP	(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define OFFLOAD_UDP	(TUN_F_USO4 | TUN_F_USO6)

/* Tells what we take on reading; what it knows it takes on writing, too. */
static unsigned int
tap_offload(int fd)
{
	if (ioctl(fd, TUNSETOFFLOAD, OFFLOAD_TCP | OFFLOAD_UDP) == 0)
		return VIRTIF_CSUM | VIRTIF_TSO | VIRTIF_USO;
	if (ioctl(fd, TUNSETOFFLOAD, OFFLOAD_TCP) == 0)
		return VIRTIF_CSUM | VIRTIF_TSO;
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) == 0)
		return VIRTIF_CSUM;
	return 0;
}

int
rumpcomp_virtif_tap_fd(struct virtif_host *vh, int fd)
{
	int size = VIRTIF_HDRLEN;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(fd, TUNGETIFF, &ifr) != 0)
		return errno == EBADF ? EBADF : ENOTTY;
	if ((ifr.ifr_flags & IFF_TAP) == 0 || (ifr.ifr_flags & IFF_NO_PI) == 0)
		return EOPNOTSUPP;
	vh->vh_mode = VIRTIF_TAP;
	if ((ifr.ifr_flags & IFF_VNET_HDR) != 0) {
		if (ioctl(fd, TUNSETVNETHDRSZ, &size) != 0)
			return errno;
		vh->vh_offload = tap_offload(fd);
	}
	return 0;
}

static int
tap_open(const char *name, short flags, int *ret_fd)
{
	struct ifreq ifr;
	int error, fd;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno;
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_flags = flags;
	if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
		error = errno;
		(void)close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int
rumpcomp_virtif_tap_name(struct virtif_host *vh, const char *name, unsigned int queues)
{
	const short usual = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	short flags = usual;
	int error;

	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
		return EINVAL;
	if (queues == 0)
		queues = 1;
	else
		flags |= IFF_MULTI_QUEUE;
	for (; vh->vh_nfds < queues; vh->vh_nfds++) {
		int *fd = &vh->vh_fd[vh->vh_nfds];

		error = tap_open(name, flags, fd);
		/* A device that was made with queues wants to hear of them. */
		if (error == EINVAL && flags == usual)
			error = tap_open(name, flags | IFF_MULTI_QUEUE, fd);
		if (error)
			return error;
		error = rumpcomp_virtif_tap_fd(vh, *fd);
		if (error) {
			(void)close(*fd);
			return error;
		}
	}
	return 0;
}
