/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_if_ioctl.c - netdevice(7), as ifconfig(8) and route(8) use it
 */

#include <harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static int fd;

/* A cable whose other end is up. */
static void
begin(void)
{
	fd = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
	NEED(fd >= 0);
	NEED(rump_pub_netconfig_ifcreate("wire0") == 0);
	NEED(rump_pub_netconfig_ifup("wire1") == 0);
	NEED(rump_pub_netconfig_ifup("wire0") == 0);
}

static struct ifreq
request(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	return ifr;
}

static void
set_sin(struct sockaddr *sa, const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	NEED(inet_pton(AF_INET, text, &sin.sin_addr) == 1);
	memcpy(sa, &sin, sizeof(sin));
}

static const char *
sin_text(const struct sockaddr *sa)
{
	static char text[INET_ADDRSTRLEN];
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	return inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text));
}

static int
set_addr(unsigned long cmd, const char *name, const char *text)
{
	struct ifreq ifr = request(name);

	set_sin(&ifr.ifr_addr, text);
	return rump_sys_ioctl(fd, cmd, &ifr) == 0 ? 0 : errno;
}

static void
check_addr(unsigned long cmd, const char *name, const char *want)
{
	struct ifreq ifr = request(name);

	CHECK_EQ(name, 0, rump_sys_ioctl(fd, cmd, &ifr));
	CHECK_STR(name, want, sin_text(&ifr.ifr_addr));
}

TEST_WITH(links_are_looked_at_and_changed, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 3 };
	struct ifreq ifr;

	begin();
	ifr = request("wire0");
	CHECK_EQ("index", 0, rump_sys_ioctl(fd, SIOCGIFINDEX, &ifr));
	CHECK(ifr.ifr_ifindex > 1);
	memset(ifr.ifr_name, 0, sizeof(ifr.ifr_name));
	CHECK_EQ("name", 0, rump_sys_ioctl(fd, SIOCGIFNAME, &ifr));
	CHECK_STR("name", "wire0", ifr.ifr_name);
	CHECK_EQ("flags", 0, rump_sys_ioctl(fd, SIOCGIFFLAGS, &ifr));
	CHECK_EQ("up and running", IFF_UP | IFF_RUNNING, ifr.ifr_flags & (IFF_UP | IFF_RUNNING));
	ifr.ifr_flags &= (short)~IFF_UP;
	CHECK_EQ("down", 0, rump_sys_ioctl(fd, SIOCSIFFLAGS, &ifr));
	CHECK_EQ("flags", 0, rump_sys_ioctl(fd, SIOCGIFFLAGS, &ifr));
	CHECK_EQ("down", 0, ifr.ifr_flags & (IFF_UP | IFF_RUNNING));
	ifr.ifr_mtu = 1300;
	CHECK_EQ("mtu", 0, rump_sys_ioctl(fd, SIOCSIFMTU, &ifr));
	ifr.ifr_mtu = 0;
	CHECK_EQ("mtu", 0, rump_sys_ioctl(fd, SIOCGIFMTU, &ifr));
	CHECK_EQ("mtu", 1300, ifr.ifr_mtu);
	ifr.ifr_mtu = -1;
	CHECK_EQ("bad mtu", -1, rump_sys_ioctl(fd, SIOCSIFMTU, &ifr));
	CHECK_EQ("why", EINVAL, errno);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof(mac));
	CHECK_EQ("mac", 0, rump_sys_ioctl(fd, SIOCSIFHWADDR, &ifr));
	memset(&ifr.ifr_hwaddr, 0, sizeof(ifr.ifr_hwaddr));
	CHECK_EQ("mac", 0, rump_sys_ioctl(fd, SIOCGIFHWADDR, &ifr));
	CHECK_MEM("mac", mac, ifr.ifr_hwaddr.sa_data, sizeof(mac));
	strcpy(ifr.ifr_newname, "lan");
	CHECK_EQ("rename", 0, rump_sys_ioctl(fd, SIOCSIFNAME, &ifr));
	CHECK_EQ("old name", -1, rump_sys_ioctl(fd, SIOCGIFFLAGS, &ifr));
	CHECK_EQ("why", ENODEV, errno);
	rump_sys_close(fd);
}

TEST_WITH(addresses_are_made_of_four_calls, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ifreq list[4];
	struct ifconf ifc = { .ifc_len = sizeof(list), .ifc_req = list };

	begin();
	CHECK_EQ("none yet", EADDRNOTAVAIL, set_addr(SIOCSIFNETMASK, "wire0", "255.255.255.0"));
	CHECK_EQ("address", 0, set_addr(SIOCSIFADDR, "wire0", "10.1.2.3"));
	check_addr(SIOCGIFNETMASK, "wire0", "255.0.0.0");
	check_addr(SIOCGIFBRDADDR, "wire0", "10.255.255.255");
	CHECK_EQ("mask", 0, set_addr(SIOCSIFNETMASK, "wire0", "255.255.255.0"));
	CHECK_EQ("mask with holes", EINVAL, set_addr(SIOCSIFNETMASK, "wire0", "255.0.255.0"));
	check_addr(SIOCGIFADDR, "wire0", "10.1.2.3");
	check_addr(SIOCGIFNETMASK, "wire0", "255.255.255.0");
	check_addr(SIOCGIFBRDADDR, "wire0", "10.1.2.255");
	CHECK_EQ("alias", 0, set_addr(SIOCSIFADDR, "wire0:1", "192.168.1.1"));
	check_addr(SIOCGIFADDR, "wire0:1", "192.168.1.1");
	check_addr(SIOCGIFADDR, "wire0", "10.1.2.3");
	CHECK_EQ("list", 0, rump_sys_ioctl(fd, SIOCGIFCONF, &ifc));
	CHECK_EQ("lo and two", 3 * sizeof(struct ifreq), ifc.ifc_len);
	CHECK_STR("first", "127.0.0.1", sin_text(&list[0].ifr_addr));
	ifc.ifc_buf = NULL;
	CHECK_EQ("how many", 0, rump_sys_ioctl(fd, SIOCGIFCONF, &ifc));
	CHECK_EQ("how many", 3 * sizeof(struct ifreq), ifc.ifc_len);
	ifc.ifc_req = list;
	ifc.ifc_len = sizeof(struct ifreq) + 10;
	CHECK_EQ("no room", 0, rump_sys_ioctl(fd, SIOCGIFCONF, &ifc));
	CHECK_EQ("one", sizeof(struct ifreq), ifc.ifc_len);
	rump_sys_close(fd);
}

TEST_WITH(routes_and_arp_entries_come_and_go, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static char dev[] = "wire0";
	struct rtentry rt = { .rt_flags = RTF_UP | RTF_GATEWAY };
	struct arpreq ar = { .arp_flags = ATF_PERM | ATF_COM };

	begin();
	NEED(rump_pub_netconfig_ipv4_ifaddr_cidr("wire0", "10.0.0.1", 24) == 0);
	set_sin(&rt.rt_dst, "172.16.0.0");
	set_sin(&rt.rt_genmask, "255.240.0.0");
	set_sin(&rt.rt_gateway, "10.0.0.9");
	CHECK_EQ("add", 0, rump_sys_ioctl(fd, SIOCADDRT, &rt));
	CHECK_EQ("again", -1, rump_sys_ioctl(fd, SIOCADDRT, &rt));
	CHECK_EQ("why", EEXIST, errno);
	CHECK_EQ("delete", 0, rump_sys_ioctl(fd, SIOCDELRT, &rt));
	CHECK_EQ("gone", -1, rump_sys_ioctl(fd, SIOCDELRT, &rt));
	CHECK_EQ("why", ESRCH, errno);
	set_sin(&rt.rt_dst, "172.16.0.1");
	CHECK_EQ("host bits", -1, rump_sys_ioctl(fd, SIOCADDRT, &rt));
	CHECK_EQ("why", EINVAL, errno);
	rt.rt_dev = (char *)8;
	CHECK_EQ("bad name", -1, rump_sys_ioctl(fd, SIOCADDRT, &rt));
	CHECK_EQ("why", EFAULT, errno);
	rt.rt_dev = dev;
	rt.rt_flags = RTF_UP | RTF_HOST;
	CHECK_EQ("by device", 0, rump_sys_ioctl(fd, SIOCADDRT, &rt));

	set_sin(&ar.arp_pa, "10.0.0.9");
	ar.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(ar.arp_ha.sa_data, "\2\0\0\0\0\11", 6);
	strcpy(ar.arp_dev, "wire0");
	CHECK_EQ("set", 0, rump_sys_ioctl(fd, SIOCSARP, &ar));
	memset(&ar.arp_ha, 0, sizeof(ar.arp_ha));
	ar.arp_dev[0] = '\0';		/* found by the route */
	CHECK_EQ("get", 0, rump_sys_ioctl(fd, SIOCGARP, &ar));
	CHECK_MEM("address", "\2\0\0\0\0\11", ar.arp_ha.sa_data, 6);
	CHECK_EQ("flags", ATF_PERM | ATF_COM, ar.arp_flags);
	CHECK_EQ("delete", 0, rump_sys_ioctl(fd, SIOCDARP, &ar));
	CHECK_EQ("gone", -1, rump_sys_ioctl(fd, SIOCGARP, &ar));
	CHECK_EQ("why", ENXIO, errno);
	rump_sys_close(fd);
}

TEST_WITH(ethtool_knows_link_driver_and_offloads, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ethtool_value ev = { .cmd = ETHTOOL_GLINK };
	struct ethtool_drvinfo di = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr;

	begin();
	ifr = request("wire0");
	ifr.ifr_data = (char *)&ev;
	CHECK_EQ("link", 0, rump_sys_ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK_EQ("link", 1, ev.data);
	ifr.ifr_data = (char *)&di;
	CHECK_EQ("driver", 0, rump_sys_ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK_STR("driver", "wire", di.driver);
	ev.cmd = 0x7fff;
	ifr.ifr_data = (char *)&ev;
	CHECK_EQ("unknown", -1, rump_sys_ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK_EQ("why", EOPNOTSUPP, errno);
	ifr.ifr_data = (char *)16;
	CHECK_EQ("bad pointer", -1, rump_sys_ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK_EQ("why", EFAULT, errno);
	rump_sys_close(fd);
}

/* Every command with arguments that point nowhere, at noise, and without rights. */
TEST_WITH(noise_is_survived, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	uint64_t rng = harness_seed() | 1;
	uint8_t noise[256];

	begin();
	for (int i = 0; i < 20000; i++) {
		unsigned long cmd = 0x8900 + (unsigned long)(rng >> 33) % 0x100;

		for (size_t b = 0; b < sizeof(noise); b++) {
			rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
			noise[b] = (uint8_t)(rng >> 40);
		}
		/* Half of the time it is about an interface that exists. */
		if ((rng >> 50 & 1) != 0)
			strcpy((char *)noise, (rng >> 51 & 1) != 0 ? "wire0" : "wire0:3");
		(void)rump_sys_ioctl(fd, cmd, noise);
		(void)rump_sys_ioctl(fd, cmd, (void *)(uintptr_t)(rng >> 20));
	}
	NEED(rump_sys_setuid(1000) == 0);
	CHECK_EQ("no rights", EPERM, set_addr(SIOCSIFADDR, "wire0", "10.0.0.1"));
	rump_sys_close(fd);
}
