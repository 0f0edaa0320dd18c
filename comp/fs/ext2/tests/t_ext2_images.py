#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_ext2_images.py DUMP [NAME...] - images of the real mkfs.ext4, read by us

A tree with one of everything is put into images with each set of features;
what we show is compared with the tree, and, where we may mount and Linux can,
with Linux's own mount of the image, there to the last time stamp and block
count.
"""

import os
import subprocess

import images
from images import check, differences, digest, dump, normal, tree_lines

# name, options of mkfs.ext4, size in MiB
SETS = [
    ('ext2', '-t ext2', 96),
    ('ext2_1k', '-t ext2 -b 1024', 96),
    ('ext2_old', '-t ext2 -O ^dir_index,^filetype,^sparse_super,^resize_inode -I 128', 96),
    ('ext3', '-t ext3', 96),
    ('ext4', '', 96),
    ('1k', '-b 1024', 96),
    ('2k', '-b 2048', 96),
    ('8k', '-b 8192', 96),
    ('64k', '-b 65536', 192),
    ('64k_all', '-b 65536 -O inline_data,bigalloc -C 131072', 256),
    ('inode128', '-I 128', 96),
    ('inode1024', '-I 1024', 96),
    ('no_csum', '-O ^metadata_csum', 96),
    ('uninit_bg', '-O ^metadata_csum,uninit_bg', 96),
    ('32bit', '-O ^64bit', 96),
    ('no_extents', '-O ^extent,^64bit', 96),
    ('no_extents_1k', '-O ^extent,^64bit -b 1024', 96),
    ('inline_data', '-O inline_data', 96),
    ('inline_data_1k', '-O inline_data -b 1024 -I 512', 96),
    ('meta_bg', '-O meta_bg,^resize_inode', 96),
    ('meta_bg_1k', '-O meta_bg,^resize_inode -b 1024 -N 60000', 96),
    ('bigalloc', '-O bigalloc -N 4096', 96),
    ('bigalloc_1k', '-O bigalloc -b 1024 -C 65536', 192),
    ('ea_inode', '-O ea_inode', 96),
    ('csum_seed', '-O metadata_csum_seed', 96),
    ('large_dir', '-O large_dir', 96),
    ('casefold', '-O casefold', 96),
    ('orphan_file', '-O orphan_file', 96),
    ('fast_commit', '-O fast_commit', 96),
    ('sparse_super2', '-O sparse_super2', 96),
    ('quota', '-O quota,project', 96),
    ('mmp', '-O mmp', 96),
    ('no_flex', '-O ^flex_bg', 96),
    ('no_journal', '-O ^has_journal', 96),
    ('everything', '-O inline_data,bigalloc,ea_inode,large_dir,casefold,encrypt,verity,'
     'orphan_file,metadata_csum_seed,quota,project,fast_commit,mmp,stable_inodes', 192),
]


def without_linux_quirks(lines):
    """lseek() of Linux fails on a file that mke2fs made inline and all hole."""
    return {path: [w for w in words if not (path == '/hole' and w.startswith('map='))]
            for path, words in lines.items()}


def test_features(work, name, options, mib):
    image = work.make(name, options, mib)
    if image is None:
        return
    before = digest(image)
    ours, console = dump(image)
    for path, words in ours.items():
        check(not any(w.startswith('error.') for w in words),
              '%s: %s %s: %s' % (name, path, ' '.join(words)[-100:], console[-200:]))
    # mke2fs makes holes of zeroes in units of blocks, the tree has pages.
    unit = max(images.block_size(image), 4096)
    differences(name, normal(ours, unit, options), normal(tree_lines(work.tree), unit, options))
    check(digest(image) == before, name + ': the image was changed')
    theirs = work.linux(image)
    if theirs is None:
        print('# %s: not compared with a mount by Linux' % name)
    else:
        differences(name + ' (Linux)', without_linux_quirks(ours), without_linux_quirks(theirs))
    os.unlink(image)


images.main([(name, test_features, name, options, mib) for name, options, mib in SETS], [])
