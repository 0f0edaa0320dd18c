#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus_manners.py RUMPUS [CASE...] - how rumpus(1) fails, and how it behaves

Exit codes, messages, terminals, pipes and signals.
"""

import errno
import os
import pty
import re
import resource
import signal
import stat
import subprocess

import rig
from rig import MB, check, check_eq, debugfs, good, read, refused, rumpus, tool, write

COMMANDS = ['info', 'ls', 'cat', 'cp', 'find', 'stat', 'du', 'df', 'tree', 'sha256', 'tar']


def small(*options, content=b'hello\n', megabytes=4):
    """An image with one file, and a directory with one."""
    os.mkdir('src')
    write('src/file', content)
    os.mkdir('src/dir')
    write('src/dir/x', b'x')
    return rig.ext4('img', '-d', 'src', *options, megabytes=megabytes)


# --- usage --------------------------------------------------------------------

def help_is_everywhere():
    for words in (['--help'], ['help']):
        out = good(*words).decode()
        for command in COMMANDS:
            check('\n  %s ' % command in out, 'no %s in %s' % (command, words))
    for command in COMMANDS:
        out = good(command, '--help').decode()
        check('usage: rumpus %s' % command in out and '--offset' in out, '%s: %s' % (command, out))
        check(b'usage: ' in good(command, 'img', '--help'), command + ' IMAGE --help')
    check(good('--version').startswith(b'rumpus '), 'version')


def manual_synopsis():
    """{command: options}, as the manual page has them."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../man/man1/rumpus.1')
    found, command = {}, None
    for line in read(page).decode().split('.Sh SYNOPSIS')[1].split('.Sh')[0].splitlines():
        words = line.split()
        if words[:1] == ['.Cm']:
            command = found.setdefault(words[1], [])
        elif words[:2] == ['.Op', 'Fl'] and not words[2].startswith('-'):
            command += list(words[2])
        elif words[:2] == ['.Op', 'Fl']:
            command.append(words[2])
    return found


def the_manual_and_the_help_agree():
    manual = manual_synopsis()
    check_eq('commands', sorted(COMMANDS + ['help']), sorted(manual))
    for command in COMMANDS:
        text = good(command, '--help').decode()
        for option in manual[command]:
            check('-' + option in text or re.search(r'\[-\w*%s\w*\]' % option, text),
                  '%s: the help has no %s' % (command, option))
            value = ['1'] if option in ('d', 'L', 'f') and command in ('du', 'tree', 'tar') else []
            word = option if len(option) == 1 else option.strip('-')
            value = [] if (command, option) == ('tree', 'd') else value
            dash = '-' if len(option) == 1 else '--'
            value = ['1'] if word == 'offset' else value
            good(command, dash + word, *value, '--help')
        letters = re.match(r'usage: rumpus \S+ \[--help\] (?:\[-(\w+)\])?', text).group(1) or ''
        check(set(letters) <= set(manual[command]), '%s: the manual lacks some of %s'
              % (command, letters))


def wrong_usage_is_2():
    small()
    check_eq('nothing', 2, rumpus().returncode)
    refused(2, "command rumpus --help", 'nonsense')
    for command in COMMANDS:
        refused(2, command, command)
        refused(2, '--help', command, '--nonsense', 'img')
        refused(2, '', command, 'img', '--offset')
        if command != 'info':
            refused(2, 'names no image', command, ':/x', *(['out'] if command == 'cp' else []))
    for words in (['find', 'img', '-name'], ['find', 'img', '-size', 'x'], ['find', 'img', '!'],
                  ['find', 'img', '-type', 'q'], ['find', 'img', '-perm', '9'],
                  ['find', 'img', '-maxdepth', '-1'], ['find', 'img', '-uid', ''],
                  ['find', '-name', 'x'], ['find', 'img', 'img'], ['find', 'img', '-mindepth'],
                  ['du', '-d', 'x', 'img'], ['du', '-d'], ['tree', '-L', '-2', 'img'],
                  ['info', 'img', 'img'], ['df', 'img', 'img'], ['tar', 'img', 'img'],
                  ['cp', 'img:/file'], ['cat', 'img:/dir'], ['sha256', 'img:/dir'],
                  ['tar', '-f']):
        refused(2, 'rumpus', *words)
    os.symlink('img', 'two')
    refused(2, 'one image', 'cat', 'img:/file', 'two:/file')


def what_is_not_there_is_1():
    small()
    for command in ('cat', 'ls', 'stat', 'du', 'tree', 'sha256', 'find', 'tar'):
        refused(1, 'img:/none No such file', command, 'img:/none')
        refused(1, 'absent', command, 'absent')
    refused(1, 'img:/none', 'cp', 'img:/none', 'out')
    result = refused(1, '', 'find', 'img', '-name', 'none')
    check_eq('silent', (b'', b''), (result.stdout, result.stderr))
    refused(1, 'no partitions', 'ls', 'img:7')
    result = refused(1, '/none', 'cat', 'img:/none', 'img:/file')
    check_eq('the rest is done', b'hello\n', result.stdout)
    os.symlink('a', 'src/b')
    check_eq('a loop', 1, rumpus('cat', 'img:/file/').returncode)


# --- images -------------------------------------------------------------------

def bad_images_are_4():
    small()
    img = read('img')
    write('zeros', bytes(MB))
    write('empty')
    write('text', b'This is not an image.\n' * 100)
    write('cut', img[:2048])
    poke = bytearray(img)
    poke[1024 + 0x18:1024 + 0x1c] = b'\xff\xff\xff\xff'      # log of the block size
    write('sizes', bytes(poke))
    for name in ('zeros', 'empty', 'text'):
        refused(4, name, 'info', name)
        refused(4, name, 'df', name)
    for name in ('zeros', 'empty', 'text', 'cut', 'sizes'):
        for command in ('ls', 'find', 'cat', 'tar', 'stat', 'sha256'):
            refused(4, name, command, name + ':/file')
    refused(4, 'zeros', 'cp', 'zeros:/file', 'out')


def an_image_that_ends_early_is_read_as_far_as_it_goes():
    small(content=b'x' * 2 * MB)
    with open('img', 'r+b') as file:
        file.truncate(MB)
    result = refused(3, 'img:/file read ends after 1024 of 4096 blocks', 'cat', 'img:/file')
    check(result.stdout.strip(b'x') == b'', 'what was read')
    check(b'file\n' in rumpus('ls', 'img').stdout, 'ls')


def an_image_that_is_cut_while_it_is_read():
    """The pipe is full when the file is cut, so there is more to be read."""
    small(content=b'x' * 6 * MB, megabytes=16)
    for words in (['cat', 'img:/file'], ['tar', 'img']):
        small_again = read('img')
        with subprocess.Popen([rig.RUMPUS, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            os.read(process.stdout.fileno(), 1)
            os.truncate('img', 512 * 1024)
            out, noise = process.communicate(timeout=rig.LIMIT)
            check_eq('code of %s' % words, 3, process.returncode)
            check(b'/file' in noise and b'read' in noise, '%s says %r' % (words, noise))
            check(len(out) < 6 * MB or words[0] == 'tar', 'all %d bytes were read' % len(out))
        write('img', small_again)


def unknown_features_are_5():
    small('-O', '^metadata_csum')
    at = 1024 + 0x60
    bits = int.from_bytes(read('img')[at:at + 4], 'little')
    rig.poke('img', at, (bits | 1 << 31).to_bytes(4, 'little'))
    for command in ('ls', 'cat', 'stat', 'find'):
        refused(5, 'img', command, 'img:/file')


def encrypted_files_are_5():
    small('-O', 'encrypt')
    debugfs('img', 'sif file flags 0x80800')
    for command in ('cat', 'sha256'):
        refused(5, 'img:/file', command, 'img:/file')
    refused(5, 'img:/file', 'cp', 'img:/file', 'out')
    check_eq('its attributes', 0, rumpus('stat', 'img:/file').returncode)


def what_may_not_be_read_is_7():
    small()
    os.chmod('img', 0)
    more = {'user': rig.NOBODY, 'group': rig.NOBODY, 'extra_groups': []} if rig.ROOT else {}
    refused(7, 'img Permission denied', 'ls', 'img', **more)


def damage_is_reported_and_the_rest_done():
    """An inode that is broken: one complaint, and all others are listed."""
    small()
    debugfs('img', 'sif file mode 0170644')
    result = rumpus('ls', 'img')
    check_eq('code', 4, result.returncode)
    check(b'dir\n' in result.stdout and b'file' in result.stderr, 'ls: %r' % (result,))


# --- output -------------------------------------------------------------------

def full_devices_are_6():
    if not os.path.exists('/dev/full'):
        raise rig.Skip('no /dev/full')
    small(content=b'x' * 100000)
    for words in (['cat', 'img:/file'], ['ls', 'img'], ['ls', '--json', 'img'], ['info', 'img'],
                  ['find', 'img'], ['tar', 'img'], ['--help'], ['ls', '--help']):
        with open('/dev/full', 'wb') as full:
            refused(6, 'No space left', *words, stdout=full)


def no_room_for_copies_is_6():
    """A limit of file sizes does for a full disk, which needs root to make."""
    small(content=b'x' * 300000)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    refused(6, '/file write', 'cp', 'img:/file', 'out', preexec_fn=limit, restore_signals=False)
    refused(6, 'archive write', 'tar', '-f', 'out.tar', 'img', preexec_fn=limit, restore_signals=False)


def no_room_on_a_disk_is_6():
    if not rig.ROOT:
        raise rig.Skip('not root')
    small(content=b'x' * 300000)
    os.mkdir('tiny')
    try:
        tool('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', 'tiny')
    except RuntimeError as error:
        raise rig.Skip('no mount here: %.60s' % error) from error
    try:
        refused(6, 'No space left', 'cp', '-a', 'img:/', 'tiny/copy')
    finally:
        tool('umount', 'tiny')


def a_reader_that_has_seen_enough_is_no_news():
    small(content=b'y\n' * 2 * MB, megabytes=16)
    for more in ({}, {'restore_signals': False}):       # SIGPIPE kills, or is ignored
        for words in (['cat', 'img:/file'], ['tar', 'img'], ['ls', '-lR', 'img']):
            with subprocess.Popen([rig.RUMPUS, *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, **more) as process:
                os.read(process.stdout.fileno(), 1)
                process.stdout.close()
                noise = process.stderr.read()
                process.wait(rig.LIMIT)
                check_eq('noise of %s %s' % (words, more), b'', noise)
                if words[0] == 'cat':
                    check_eq('code', -signal.SIGPIPE if not more else 3, process.returncode)


def interrupts_end_it():
    small(content=b'y\n' * 2 * MB, megabytes=16)
    for words in (['cat', 'img:/file'], ['tar', 'img']):
        with subprocess.Popen([rig.RUMPUS, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            os.read(process.stdout.fileno(), 1)         # it runs, and the pipe is full soon
            process.send_signal(signal.SIGINT)
            check_eq('end of %s' % words, -signal.SIGINT, process.wait(rig.LIMIT))
            check_eq('noise', b'', process.stderr.read())


# --- terminals ----------------------------------------------------------------

def on_a_terminal(*words, both=True):
    """What appears on a terminal, and the exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([rig.RUMPUS, *words], stdin=subprocess.DEVNULL, stdout=theirs,
                          stderr=theirs if both else subprocess.DEVNULL) as process:
        os.close(theirs)
        seen = b''
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                break
            if not piece:
                break
            seen += piece
        process.wait(rig.LIMIT)
    os.close(ours)
    return seen, process.returncode


EVIL = [b'\x1b[2J', b'a\x07b\x08c', b'bell\x7f', b'\xc2\x9b31m', b'\x9b31m', b'two\nlines']


def terminals_get_no_control_characters():
    os.mkdir('src')
    for name in EVIL:
        write(b'src/' + name)
        os.symlink(name, b'src/l' + name)
    rig.ext4('img', '-d', 'src', megabytes=4)
    debugfs('img', 'sif %s mode 0170644' % EVIL[1].decode())    # a broken inode is complained of
    for words in (['ls', 'img'], ['ls', '-l', 'img'], ['ls', '-R', 'img'], ['find', 'img'],
                  ['find', 'img', '-ls'], ['tree', 'img'], ['du', '-a', 'img'],
                  ['sha256', '-r', 'img'], ['stat', b'img:/' + EVIL[0]], ['cp', '-r', 'img', 'out'],
                  ['cat', b'img:/none' + EVIL[0]], ['cp', b'img:/none' + EVIL[3], 'out']):
        seen, _ = on_a_terminal(*words)
        bare = seen.replace(b'\r\n', b'').replace(b'\r\x1b[K', b'')     # ours: lines, progress,
        bare = bare.replace(b'\t', b'') if words[0] == 'du' else bare   # and columns
        bad = [c for c in bare.decode(errors='surrogateescape')
               if ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or 0xdc80 <= ord(c) < 0xdca0]
        check(not bad, '%s: %r in %.200r' % (words, bad, seen))
        check(b'?' in bare, '%s: nothing was replaced in %.200r' % (words, seen))
    check(b'\x1b[2J' in rumpus('find', 'img', '-name', '*J').stdout, 'a pipe gets them as they are')


def archives_do_not_go_to_a_terminal():
    small()
    seen, code = on_a_terminal('tar', 'img')
    check_eq('code', 2, code)
    check(b'terminal' in seen and len(seen) < 200, repr(seen[:200]))


rig.main([
    help_is_everywhere, the_manual_and_the_help_agree, wrong_usage_is_2, what_is_not_there_is_1, bad_images_are_4,
    an_image_that_ends_early_is_read_as_far_as_it_goes, an_image_that_is_cut_while_it_is_read,
    unknown_features_are_5, encrypted_files_are_5, what_may_not_be_read_is_7,
    damage_is_reported_and_the_rest_done, full_devices_are_6, no_room_for_copies_is_6,
    no_room_on_a_disk_is_6, a_reader_that_has_seen_enough_is_no_news, interrupts_end_it,
    terminals_get_no_control_characters, archives_do_not_go_to_a_terminal,
])
