#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench-link.sh BUILD - our tap beside other ways from a program to a socket of the host
#
# Needs root.  A name space of its own plays the host, with a veth to nowhere and a
# default route, as slirp4netns and pasta want to see; two further ones are behind veth
# pairs, one of them without any offload; and one each behind slirp4netns and pasta.

set -eu
build=$1
if [ "${2:-}" != inside ]; then
	if ! unshare -n true 2>/dev/null; then
		echo "   (not root: no tap, no veth pair, no slirp4netns, no pasta)"
		exit 0
	fi
	exec unshare -n "$0" "$build" inside
fi

name=rumpus-bl-$$
kids=
cleanup() {
	for pid in $kids; do
		kill "$pid" 2>/dev/null || true
	done
	for n in far slow slirp pasta; do
		ip netns del "$name-$n" 2>/dev/null || true
	done
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Waits until the command succeeds, five seconds at most.
await() {
	for _ in $(seq 50); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

spawn() {
	"$@" >/dev/null 2>&1 &
	kids="$kids $!"
}

# veth NAME NETWORK: 10.NETWORK.0.2 is the far end, where the servers are.
veth() {
	ip netns add "$name-$1"
	ip link add "$1" type veth peer name eth0 netns "$name-$1"
	ip addr add "10.$2.0.1/24" dev "$1"
	ip link set "$1" up
	ip -n "$name-$1" addr add "10.$2.0.2/24" dev eth0
	ip -n "$name-$1" link set eth0 up
	spawn ip netns exec "$name-$1" "$build/bench/bench_net" -s 0.0.0.0
}

ip link set lo up
ip link add d0 type veth peer name d1
ip addr add 10.77.2.2/24 dev d0
ip link set d0 up
ip link set d1 up
ip route add default via 10.77.2.1

veth far 97
veth slow 96
if command -v ethtool >/dev/null; then
	off='tso off gso off gro off tx off'
	# shellcheck disable=SC2086
	ethtool -K slow $off >/dev/null
	# shellcheck disable=SC2086
	ip netns exec "$name-slow" ethtool -K eth0 $off >/dev/null
	slow="no-offload-veth,,10.96.0.2,2"
else
	echo "   (no ethtool: no veth pair without offloads)"
	slow=
fi

slirp=
if command -v slirp4netns >/dev/null; then
	ip netns add "$name-slirp"
	spawn slirp4netns --configure --mtu=65520 --netns-type=path "/run/netns/$name-slirp" tap0
	if await sh -c "ip -n $name-slirp route | grep -q default"; then
		slirp="slirp4netns,$name-slirp,10.0.2.2,2"
	fi
fi
[ -n "$slirp" ] || echo "   (no slirp4netns)"

pasta=
if command -v pasta >/dev/null; then
	ip netns add "$name-pasta"
	spawn pasta -f -q --runas 0 --config-net -m 65520 -T 5555,5556 --netns "/run/netns/$name-pasta"
	if await sh -c "ip -n $name-pasta route | grep -q default"; then
		pasta="pasta,$name-pasta,10.77.2.1,2"
		spliced="pasta-spliced,$name-pasta,127.0.0.1,2"
	fi
fi
[ -n "$pasta" ] || echo "   (no pasta)"

tap() {
	# shellcheck disable=SC2086
	ip tuntap add "$1" mode tap $3
	ip addr add "10.$2.0.1/24" dev "$1"
	ip link set "$1" up
}
tap rbtap0 98 vnet_hdr
tap rbtap1 95 ''

if [ -n "$slow" ]; then
	"$build/bench/bench_net" -k -v 10.96.0.2
fi
spawn "$build/bench/bench_net" -s 0.0.0.0
[ -z "$slow" ] || "$build/bench/bench_link" -t rbtap1,10.95.0.2,10.95.0.1,plain "$slow,0.7,"
"$build/bench/bench_link" -t rbtap0,10.98.0.2,10.98.0.1 veth,,10.97.0.2,2,0.6,0 \
	${slirp:+$slirp,4,1.25} ${pasta:+$pasta,1.5,1.25} ${pasta:+$spliced,1.5,0}
