#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# make_images.sh STAMP - small file systems for the fuzzers to spoil
#
# Makes DIR/NAME.ext of each kind that matters, in the folder of STAMP: no
# check sums, so that a changed byte is believed; some with, to see that it is
# not.  Contents and times are always the same.

set -eu
stamp=$1
dir=$(dirname "$stamp")
PATH=$PATH:/usr/sbin:/sbin
export PATH E2FSPROGS_FAKE_TIME=1600000000 LC_ALL=C

command -v mkfs.ext4 >/dev/null || {
	echo 'make_images.sh: no mkfs.ext4 (package e2fsprogs)' >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir" "$work/tree/dir/deep" "$work/tree/many"
printf 'a small file\n' >"$work/tree/small"
seq 1 4000 >"$work/tree/dir/larger"
printf 'x' >"$work/tree/holes"
truncate -s 300000 "$work/tree/holes"
printf 'y' >>"$work/tree/holes"
ln -s small "$work/tree/short-link"
ln -s "$(printf '%0200d' 7)" "$work/tree/long-link"
ln "$work/tree/small" "$work/tree/dir/deep/second"
mkfifo "$work/tree/fifo"
for i in $(seq 1 60); do
	: >"$work/tree/many/a-name-that-is-not-so-short-$i"
done

# make NAME SIZE OPTION...
make() {
	name=$1
	size=$2
	shift 2
	rm -f "$dir/$name.ext"
	mkfs.ext4 -q -q -F -b 1024 -N 128 -U 01234567-89ab-cdef-0123-456789abcdef \
	    -E "hash_seed=01234567-89ab-cdef-0123-456789abcdef,root_owner=0:0" \
	    -d "$work/tree" "$@" "$dir/$name.ext" "$size" >/dev/null
}

make blockmap 512k -t ext2
make extents 512k -O '^has_journal,^metadata_csum,^resize_inode,extent,64bit,flex_bg,dir_index'
make inline 512k -I 256 -O '^has_journal,^metadata_csum,^resize_inode,inline_data'
make metabg 512k -O '^has_journal,^metadata_csum,^resize_inode,meta_bg,bigalloc' -C 4096
make checksums 512k -O '^has_journal,metadata_csum,^resize_inode'
make journal 3m -O 'has_journal,^metadata_csum,^resize_inode' -J size=1
: >"$stamp"
