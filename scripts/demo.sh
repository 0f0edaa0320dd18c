#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh - a real disk image, made with ordinary tools, read with rumpus
# and served by programs that know nothing of it
#
# Everything happens as the user who calls it, in $BUILD/demo.  The image is
# made by sfdisk and mkfs.ext4 from files of this machine; afterwards what
# rumpus reads out of it is compared with those files, and the image with
# itself before.  Exit status 0 means that all of it was the same.

set -eu
cd "$(dirname "$0")/.."
build=$(cd "${BUILD:-build}" && pwd)
rumpus=$build/cmd/rumpus/rumpus
work=$build/demo
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

say() {
	printf '\n== %s\n' "$*"
}

# Shows a command and runs it.
run() {
	printf '$ %s\n' "$(printf '%s ' "$@" | sed "s|$build/cmd/rumpus/||g; s|$work/||g; s| \$||")"
	"$@"
}

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# A tree of this machine with enough in it.
pick_source() {
	for candidate in /usr/share/doc /usr/include /usr/share /etc; do
		if [ "$(find "$candidate" -type f 2>/dev/null | head -n 500 | wc -l)" -ge 500 ]; then
			echo "$candidate"
			return
		fi
	done
	die 'no folder with 500 files to make an image of'
}

rm -rf "$work"
mkdir -p "$work/tree"

source=$(pick_source)
say "A tree: the first files of $source, and what is difficult to copy"
(cd "$source" && find . -type f -readable -size -2000k -print0 2>/dev/null | sort -z |
    head -z -n 4000 | tar -cf - --null -T -) | tar -xpf - -C "$work/tree"
mkdir -p "$work/tree/etc" "$work/tree/odd"
cp /etc/os-release "$work/tree/etc/os-release"
ln -s ../etc/os-release "$work/tree/odd/link"
ln "$work/tree/etc/os-release" "$work/tree/odd/second-name"
mkdir -m 1777 "$work/tree/odd/sticky"
printf 'for the owner\n' >"$work/tree/odd/private"
chmod 0400 "$work/tree/odd/private"
printf 'before the hole' >"$work/tree/odd/sparse"
truncate -s 40M "$work/tree/odd/sparse"
printf 'after the hole' >>"$work/tree/odd/sparse"
touch -d '2021-02-03 04:05:06.789' "$work/tree/odd/sparse"
head -c 256M /dev/urandom >"$work/tree/odd/large"
printf '%s files, %s\n' "$(find "$work/tree" -type f | wc -l)" \
    "$(du -sh --apparent-size "$work/tree" | cut -f1)"

say 'A disk: GPT, a small ext2 and an ext4 with that tree'
image=$work/disk.img
truncate -s 768M "$image"
run sfdisk -q "$image" <<TABLE
label: gpt
start=2048,  size=65536,   type=L, name="boot"
start=67584, size=1492992, type=L, name="root"
TABLE
run mkfs.ext4 -q -F -t ext2 -L BOOT -d /etc/alternatives -E offset=1048576 "$image" 32M
run mkfs.ext4 -q -F -L rootfs -d "$work/tree" -E offset=34603008 "$image" 729M
sum_before=$(sha256sum <"$image")

say 'What is on it'
run "$rumpus" info "$image"

say 'Looking around'
run "$rumpus" ls -l "$image:2:/odd"
run "$rumpus" cat "$image:root:/etc/os-release"
run "$rumpus" stat "$image:root:/odd/sparse"
"$rumpus" cat "$image:root:/etc/os-release" | cmp - /etc/os-release

say 'The checksum of each file, by our kernel and by sha256sum'
(cd "$work/tree" && find . -type f -print0 | sort -z | xargs -0 sha256sum |
    sed 's|  \./|  /|' | sort -k2) >"$work/sums.host"
printf '$ rumpus sha256 -r disk.img:root:/ >sums.rump\n'
"$rumpus" sha256 -r "$image:root:/" | grep -v '  /lost+found' | sort -k2 >"$work/sums.rump"
cmp "$work/sums.host" "$work/sums.rump" || die 'the checksums differ'
printf '%s files, all the same\n' "$(wc -l <"$work/sums.rump")"

say 'The whole tree out of the image, and compared'
run "$rumpus" cp -a "$image:root:/" "$work/out"
rmdir "$work/out/lost+found" 2>/dev/null || true
diff -r --no-dereference "$work/tree" "$work/out" || die 'the trees differ'
# Times in whole seconds: mkfs.ext4 puts no more into the image.
listing() {
	(cd "$1" && find . -mindepth 1 ! -name lost+found -printf '%p %y %m %n %s %l %TY-%Tm-%Td %TT\n' |
	    awk '$2 == "d" { $4 = $5 = "-" } { sub(/\.[0-9]*$/, "") } 1' | sort)
}
listing "$work/tree" >"$work/listing.tree"
listing "$work/out" >"$work/listing.out"
diff "$work/listing.tree" "$work/listing.out" || die 'names, modes, links or times differ'
printf 'content, names, modes, links, times and sizes are the same\n'
printf 'the sparse file takes %s of %s\n' "$(du -h "$work/out/odd/sparse" | cut -f1)" \
    "$(du -h --apparent-size "$work/out/odd/sparse" | cut -f1)"

say 'The image was not touched'
[ "$sum_before" = "$(sha256sum <"$image")" ] || die 'the image has changed'
printf 'same checksum as before\n'

say 'Two hosts on a wire that is a file: a kernel each, in two processes'
bus=$work/bus
"$rumpus" net cat -l -p 9999 --if "shm:$bus,10.0.0.1/24" >"$work/received" &
receiver=$!
tries=0
until "$rumpus" ping -c 1 -w 1 --if "shm:$bus,10.0.0.2/24" 10.0.0.1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -lt 20 ] || die 'the other host does not answer'
done
run "$rumpus" ping -c 3 -i 0.2 --if "shm:$bus,10.0.0.2/24,fd00::2/64" 10.0.0.1
printf '$ rumpus net cat 10.0.0.1 9999 <disk.img\n'
"$rumpus" net cat --if "shm:$bus,10.0.0.3/24" 10.0.0.1 9999 <"$image"
wait "$receiver"
[ "$sum_before" = "$(sha256sum <"$work/received")" ] || die 'what arrived is not what was sent'
printf '%s through TCP, the checksum is the same\n' "$(du -h --apparent-size "$work/received" | cut -f1)"

# shellcheck source=scripts/demo-web.sh disable=SC1091
. scripts/demo-web.sh

say 'Done: no root, no mount, no loop device, no network name space'
