#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# install-packages.sh [build] [demo] [check] [lint] [fuzz] [bench] [all] [programs] [suites]
#
# Sees to it that Debian's packages for a purpose are there: installs those
# that are missing when it runs as root, and names them when it does not.
# CONTRIBUTING.md says what each is for; "all" leaves out the many of
# "programs" and "suites".

set -eu

build='libarchive-dev libjansson-dev libseccomp-dev libssl-dev nettle-dev gcc libc6-dev linux-libc-dev binutils meson ninja-build pkgconf python3 make'
demo='e2fsprogs fdisk coreutils tar curl nginx-light'
check='clang libclang-rt-14-dev e2fsprogs fdisk dosfstools'
check="$check curl dnsmasq-base iproute2 iputils-ping netcat-openbsd openssl passt radvd socat tcpdump tshark"
lint='clang clang-format mandoc shellcheck git'
fuzz='clang libclang-rt-14-dev llvm'
bench='e2fsprogs fdisk ethtool iproute2 passt slirp4netns'

programs='bash bind9-dnsutils busybox-static curl dash dnsmasq-base findutils gcc gdb git golang-go grep'
programs="$programs iperf3 iproute2 iputils-ping make memcached netcat-openbsd nginx-light nodejs"
programs="$programs openssh-client openssh-server postgresql python3 redis-server redis-tools rsync"
programs="$programs socat sqlite3 strace tar tcpdump vim wget"
programs="$programs apache2-utils bird2 haproxy lighttpd nmap openssl"
suites='libpython3.11-testsuite stress-ng'

[ $# -gt 0 ] || set -- build
wanted=
for purpose in "$@"; do
	case $purpose in
	build)	wanted="$wanted $build" ;;
	demo)	wanted="$wanted $build $demo" ;;
	check)	wanted="$wanted $build $check" ;;
	lint)	wanted="$wanted $build $lint" ;;
	fuzz)	wanted="$wanted $build $fuzz" ;;
	bench)	wanted="$wanted $build $bench" ;;
	programs) wanted="$wanted $build $programs" ;;
	suites)	wanted="$wanted $build $suites" ;;
	all)	wanted="$wanted $build $demo $check $lint $fuzz $bench" ;;
	*)	echo "install-packages.sh: unknown purpose $purpose" >&2; exit 2 ;;
	esac
done

# Another distribution has its own names: there the build itself will tell.
command -v dpkg-query >/dev/null || exit 0

missing=
# shellcheck disable=SC2086
for package in $(printf '%s\n' $wanted | sort -u); do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "Missing Debian packages. As root: apt-get install$missing" >&2
	exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get install -y --no-install-recommends $missing </dev/null >/dev/null ||
    { apt-get update >/dev/null &&
    apt-get install -y --no-install-recommends $missing </dev/null >/dev/null; }
