# SPDX-License-Identifier: BSD-2-Clause
"""The kinds of file systems that Debian's mke2fs makes."""


class Kind:
    def __init__(self, name, *args, block=None, inline=False, host=True, xattrs=True,
                 after=()):
        self.name = name
        self.args = args            # of mke2fs
        self.block = block          # size, None: as it likes
        self.inline = inline        # small files live in their inodes
        self.host = host            # the host's kernel may be able to mount it
        self.xattrs = xattrs        # mke2fs -d copies them
        self.after = after          # commands on the image, {}: its path

    def command(self, image, source, size):
        block = ['-b', str(self.block)] if self.block else []
        force = ['-F'] if self.block and self.block > 4096 else []
        inodes = [] if any(a in ('-N', '-i') for a in self.args) else ['-i', '8192']
        return ['mke2fs', '-q', *force, *block, *inodes, *self.args, '-d', source, image, size]


EXT4 = ('-t', 'ext4')
FSCK_D = (('e2fsck', '-f', '-y', '-D', '{}'),)

KINDS = [
    Kind('ext4', *EXT4),
    Kind('ext2', '-t', 'ext2'),
    Kind('ext3', '-t', 'ext3'),
    Kind('ext2-rev0', '-t', 'ext2', '-r', '0', '-O', 'none', xattrs=False),
    Kind('ext2-1k-none', '-t', 'ext2', '-O', 'none,filetype', block=1024, xattrs=False),
    Kind('block-1k', *EXT4, block=1024),
    Kind('block-2k', *EXT4, block=2048),
    Kind('block-4k', *EXT4, block=4096),
    Kind('block-8k', *EXT4, block=8192, host=False),
    Kind('block-64k', *EXT4, block=65536, host=False),
    Kind('ext2-64k', '-t', 'ext2', block=65536, host=False),
    Kind('no-extents', *EXT4, '-O', '^extent,^64bit', block=4096),
    Kind('no-extents-1k', *EXT4, '-O', '^extent,^64bit', block=1024),
    Kind('inline', *EXT4, '-O', 'inline_data', inline=True),
    Kind('inline-1k-inode', *EXT4, '-O', 'inline_data', '-I', '1024', block=4096, inline=True),
    Kind('inline-no-csum', *EXT4, '-O', 'inline_data,^metadata_csum', '-I', '512', inline=True),
    Kind('no-64bit', *EXT4, '-O', '^64bit'),
    Kind('no-flex', *EXT4, '-O', '^flex_bg', block=1024),
    Kind('meta-bg', *EXT4, '-O', 'meta_bg,^resize_inode', block=1024),
    Kind('meta-bg-32bit', *EXT4, '-O', 'meta_bg,^resize_inode,^64bit,^metadata_csum', block=1024),
    Kind('bigalloc', *EXT4, '-O', 'bigalloc', '-C', '16384', '-i', '32768', block=2048),
    Kind('bigalloc-64k', *EXT4, '-O', 'bigalloc', '-C', '65536', '-i', '65536', block=4096),
    Kind('no-huge-file', *EXT4, '-O', '^huge_file'),
    Kind('inode-128', *EXT4, '-I', '128'),
    Kind('inode-256', *EXT4, '-I', '256'),
    Kind('inode-1024', *EXT4, '-I', '1024'),
    Kind('inode-4096', *EXT4, '-I', '4096', block=4096),
    Kind('no-csum', *EXT4, '-O', '^metadata_csum'),
    Kind('uninit-bg', *EXT4, '-O', '^metadata_csum,uninit_bg'),
    Kind('csum-seed', *EXT4, '-O', 'metadata_csum_seed',
         after=(('tune2fs', '-U', 'random', '{}'),)),
    Kind('large-dir', *EXT4, '-O', 'large_dir', block=1024, after=FSCK_D),
    Kind('ea-inode', *EXT4, '-O', 'ea_inode'),
    Kind('casefold', *EXT4, '-O', 'casefold', '-E', 'encoding=utf8'),
    Kind('orphan-file', *EXT4, '-O', 'orphan_file'),
    Kind('encrypt', *EXT4, '-O', 'encrypt'),
    Kind('verity', *EXT4, '-O', 'verity'),
    Kind('no-journal', *EXT4, '-O', '^has_journal'),
    Kind('fast-commit', *EXT4, '-O', 'fast_commit'),
    Kind('sparse-super2', *EXT4, '-O', 'sparse_super2'),
    Kind('no-sparse-super', *EXT4, '-O', '^sparse_super,^resize_inode', block=1024),
    Kind('quota', *EXT4, '-O', 'quota,project', '-E', 'quotatype=usrquota:grpquota:prjquota'),
    Kind('mmp', *EXT4, '-O', 'mmp'),
    Kind('stable-inodes', *EXT4, '-O', 'stable_inodes'),
    Kind('no-filetype', *EXT4, '-O', '^filetype'),
    Kind('no-dir-index', *EXT4, '-O', '^dir_index'),
    Kind('no-dir-nlink', *EXT4, '-O', '^dir_nlink,^extra_isize'),
    Kind('htree', *EXT4, after=FSCK_D),
    Kind('htree-1k', *EXT4, block=1024, after=FSCK_D),
    Kind('htree-no-csum', *EXT4, '-O', '^metadata_csum', block=1024, after=FSCK_D),
    Kind('htree-ext3', '-t', 'ext3', block=1024, after=FSCK_D),
    Kind('everything', *EXT4, '-O', 'inline_data,meta_bg,^resize_inode,large_dir,ea_inode,'
         'metadata_csum_seed,orphan_file,fast_commit,quota,project,mmp,casefold',
         '-E', 'encoding=utf8', '-I', '512', block=1024, inline=True, after=FSCK_D),
]
