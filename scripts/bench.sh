#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench.sh BUILD [local|image|start|server|socket|stack|bus|net|link ...] - ours beside the host's kernel
#
# local	calls and files in memory: bench_local
# server	what a server costs to start and holds: bench_server
# image	an ext4 image, beside the host's loop mount of it when we are root
# start	rumpus cat of one file out of a 10 GiB image, as a process
# socket	local sockets beside the host's
# stack	UDP and TCP inside one kernel, on one thread and on two
# bus	frames by themselves, beside unix datagrams and, as root, a bridge; 200 ports
# net	TCP and UDP between our kernels beside the host's loopback; when we are
#	root, beside a veth pair too, and through a tap
# remote	calls of a client in another process, beside what their transport costs
# link	as root: frames of 1500 bytes, and taps beside slirp4netns and pasta
# hijack	calls of a hijacked program
#
# BENCH_LARGE sets the number of names in the large directory (1000000).
# All files are on a tmpfs, so that no disk is measured.

set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- local image start server socket stack bus net link remote hijack
large=${BENCH_LARGE:-1000000}

dir=$(mktemp -d "${BENCH_DIR:-/dev/shm}/rumpus-bench.XXXXXX")
mounted=
netns=
server=
cleanup() {
	[ -z "$netns" ] || ip netns del "$netns" 2>/dev/null || true
	[ -z "$netns" ] || ip link del rbtap0 2>/dev/null || true
	for pid in $server; do
		kill "$pid" 2>/dev/null || true
	done
	[ -z "$mounted" ] || umount "$dir/mnt" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# names DIR COUNT PREFIX WIDTH: empty files, many a second.
names() {
	mkdir "$1"
	(cd "$1" && seq -f "$3%0$4.0f" 0 $(($2 - 1)) | xargs -n 2000 touch)
}

fill() {
	head -c 1073741824 /dev/urandom >"$1/big"
	names "$1/files" 10000 f 6
	names "$1/small" 1000 n 7
	names "$1/large" "$large" n 7
}

# Root lets the host's kernel fill the image, which indexes large directories
# as it goes.  mkfs does not, and takes long over them: so a plain user has
# fewer names, and e2fsck makes the index.
make_image() {
	mkdir "$dir/mnt"
	truncate -s 3G "$dir/image"
	if [ "$(id -u)" -eq 0 ] && mkfs.ext4 -q -F -N $((large + 30000)) "$dir/image" &&
	    mount -o loop "$dir/image" "$dir/mnt" 2>/dev/null; then
		fill "$dir/mnt"
		umount "$dir/mnt"
		return
	fi
	[ "$large" -le 20000 ] || large=20000
	mkdir "$dir/tree"
	fill "$dir/tree"
	mkfs.ext4 -q -F -N $((large + 30000)) -O ^has_journal -d "$dir/tree" "$dir/image"
	e2fsck -fyD "$dir/image" >/dev/null 2>&1 || true
	rm -rf "$dir/tree"
}

bench_image() {
	make_image
	where=-
	if mount -o ro,loop "$dir/image" "$dir/mnt" 2>/dev/null; then
		mounted=1
		where=$dir/mnt
		BENCH_REMOUNT="umount $dir/mnt && mount -o ro,loop $dir/image $dir/mnt"
		export BENCH_REMOUNT
	else
		echo "   (not root: no loop mount to compare with)"
	fi
	"$build/bench/bench_image" "$dir/image" "$where" 10000 small large
}

bench_start() {
	truncate -s 10G "$dir/ten"
	mkdir -p "$dir/etc"
	cp /etc/os-release "$dir/etc/file"
	mkfs.ext4 -q -F -d "$dir/etc" "$dir/ten"
	python3 - "$build/cmd/rumpus/rumpus" "$dir/ten:/file" <<'PY'
import statistics, subprocess, sys, time
def once(cmd):
    start = time.perf_counter()
    subprocess.run(cmd, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1e3
cat, true = [], []
for _ in range(41):
    cat.append(once([sys.argv[1], 'cat', sys.argv[2]]))
    true.append(once(['/bin/true']))
cat, true = statistics.median(cat), statistics.median(true)
print(f"   rumpus cat, 10 GiB image: {cat:.2f} ms as a process (/bin/true {true:.2f} ms),"
      f" target 20 ms  {'ok' if cat < 20 else 'MISSED'}")
PY
}

# A far end behind a veth pair, and a tap, for both of which root is needed.
net_root() {
	netns=rumpus-bench-$$
	ip netns add "$netns" 2>/dev/null || { netns=; return 1; }
	ip link add rbveth0 type veth peer name eth0 netns "$netns" &&
	    ip addr add 10.97.0.1/24 dev rbveth0 && ip link set rbveth0 up &&
	    ip -n "$netns" addr add 10.97.0.2/24 dev eth0 &&
	    ip -n "$netns" link set eth0 up || return 1
	ip netns exec "$netns" "$build/bench/bench_net" -s 10.97.0.2 &
	server=$!
	ip tuntap add rbtap0 mode tap vnet_hdr multi_queue &&
	    ip addr add 10.98.0.1/24 dev rbtap0 && ip link set rbtap0 up || return 1
	"$build/bench/bench_net" -s 10.98.0.1 &
	server="$server $!"
}

bench_net() {
	if [ "$(id -u)" -eq 0 ] && net_root; then
		"$build/bench/bench_net" -v 10.97.0.2 -t rbtap0,10.98.0.2,10.98.0.1
	else
		echo "   (not root: no veth pair and no tap)"
		"$build/bench/bench_net"
	fi
}

for what; do
	echo "== $what"
	case $what in
	local)	mkdir "$dir/host"
		"$build/bench/bench_local" "$dir/host" ;;
	image)	bench_image ;;
	start)	bench_start ;;
	socket)	"$build/bench/bench_socket" ;;
	stack)	"$build/bench/bench_udp" || true
		"$build/bench/bench_tcp" || true ;;
	bus)	"$build/bench/bench_bus" ;;
	server)	"$build/bench/bench_server" "$build/cmd/rump_allserver/rump_allserver" ;;
	net)	bench_net ;;
	hijack)	"$build/bench/bench_hijack" "$build/cmd/rumpus/rumpus" || true
		"$build/bench/bench_supervise" "$build/cmd/rumpus/rumpus" "$build/bench/bench_static" ;;
	remote)	"$build/bench/bench_sysproxy" ;;
	link)	scripts/bench-link.sh "$build" ;;
	*)	echo "bench.sh: no benchmark $what" >&2; exit 2 ;;
	esac
done
