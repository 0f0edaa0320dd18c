#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# uapi-links.sh DIR CC... - a folder with linux/, asm/ and asm-generic/ alone
#
# Kernel code is compiled with this folder as its only system folder, so no
# header of the C library can come along.

set -eu

dir=$1
shift
mkdir -p "$dir"
multiarch=$("$@" -print-multiarch 2>/dev/null || true)
asm=
for candidate in "/usr/include/$multiarch/asm" "/usr/include/$(uname -m)-linux-gnu/asm" \
    /usr/include/asm; do
	if [ -d "$candidate" ]; then
		asm=$candidate
		break
	fi
done
if [ -z "$asm" ] || [ ! -d /usr/include/linux ]; then
	echo "uapi-links.sh: no Linux UAPI headers (package linux-libc-dev)" >&2
	exit 1
fi
ln -sfn /usr/include/linux "$dir/linux"
ln -sfn /usr/include/asm-generic "$dir/asm-generic"
ln -sfn "$asm" "$dir/asm"
