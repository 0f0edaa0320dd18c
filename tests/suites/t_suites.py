#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_suites.py [-w WORLD]... [-s SUITE]... RUMPUS CALLS [NAME...] - suites of tests, on the host and hijacked

Each suite is run on the bare host and in each world(suite_world.py), and what it says of each
of its tests has to be the same.  It is not asked what the right verdict is.

    calls     our own table of calls, as their man pages have them(calls /)
    python    CPython's tests of files, sockets and processes (libpython3-testsuite)
    stress    stress- ng's classes of files and networks, with --verify

NAMEs choose among the groups, modules or stressors.  Differences that are known are in known.py, with
their reasons; one that is known and does not come is told, and is no failure.
"""

import argparse
import difflib
import glob
import os
import shutil
import sys
import time

import known
from suite_world import MAKERS

HERE = os.path.dirname(os.path.abspath(__file__))

MODULES = '''
    asynchat asyncore bufio bz2 concurrent_futures dbm dbm_dumb dbm_gnu epoll fcntl file file_eintr filecmp
    fileinput fileio fileutils fork1 ftplib genericpath glob gzip httpservers httplib import io largefile
    logging lzma mailbox mmap openpty os pathlib pipes poll popen poplib posix posixpath pty py_compile
    resource runpy select selectors shelve shutil signal smtpd smtplib socket socketserver ssl stat
    subprocess tarfile telnetlib tempfile threadedtempfile unicode_file unicode_file_functions
    urllib2_localnet uuid venv wait3 wait4 wsgiref xmlrpc zipfile zipimport
'''.split()
STRESSORS = '''
    access chdir chmod chown copy-file dentry dir dirdeep dirmany dup eventfd fallocate fcntl fifo
    file-ioctl filename flock fpunch fstat getdent hdd io link locka lockf lockofd metamix mknod mmap
    msync open pipe poll rename readahead seek sendfile splice symlink sync-file tee touch utime xattr
    epoll ping-sock sock sockabuse sockfd sockmany sockpair udp
'''.split()

# What another one has to do with forking, a kernel inside cannot do: it is only asked for the rest.
INSIDE_MODULES = '''
    epoll file fileio httpservers io mmap pathlib poll select selectors tarfile tempfile
'''.split()


# --- the suites: {test: (verdict, why)} -------------------------------------------------------

def calls_run(world, options, group):
    """Each line that is told is a test; its verdict is the line."""
    status, out = world.run([options.calls, group], 60)
    return [(line, '') for line in out.splitlines()] + [('ended with %s' % status, '')]


def record_read(name):
    verdicts, ended = {}, False
    if os.path.exists(name):
        with open(name, encoding='utf-8', errors='replace') as file:
            for line in file:
                words = line.rstrip('\n').split(' ', 2) + ['', '']
                if words[0] == 'end':
                    ended = True
                elif words[0] == 'start':
                    verdicts[words[1]] = ('died', '')
                elif words[1]:
                    verdicts[words[1]] = (words[0], words[2])
    return verdicts, ended


def python_run(world, options, module):
    record = os.path.join(world.folder, 'record.' + module)
    deadline = time.monotonic() + 400
    for _ in range(30):     # a test that takes the process with it is one verdict
        world.run(['python3', os.path.join(HERE, 'python_verdicts.py'), record, 'test.test_' + module],
                  max(1, deadline - time.monotonic()))
        verdicts, ended = record_read(record)
        if ended or time.monotonic() > deadline:
            break
    return verdicts


def stress_run(world, options, stressor):
    status, out = world.run(['stress-ng', '--' + stressor, '1', '--verify', '--temp-path', world.work,
                             '--timeout', '1s', '--no-rand-seed'], 60)
    words = [line for line in out.splitlines() if 'fail' in line or 'abort' in line]
    return {stressor: ('status %s' % status, '; '.join(words[:2])[-200:])}


def calls_list(options):
    with os.popen(options.calls + ' -l') as out:
        return out.read().split()


SUITES = {
    'calls': (calls_list, calls_run, lambda: True),
    'python': (lambda options: MODULES, python_run,
               lambda: bool(glob.glob('/usr/lib/python3*/test/test_os.py'))),
    'stress': (lambda options: STRESSORS, stress_run, lambda: shutil.which('stress-ng') is not None),
}


# --- comparing --------------------------------------------------------------------------------

def compare_lines(want, got):
    """(same, [(test, host's, ours)]): two texts"""
    matcher = difflib.SequenceMatcher(None, want, got, autojunk=False)
    same, different = 0, []
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what == 'equal':
            same += i_end - i
            continue
        for k in range(max(i_end - i, j_end - j)):
            left = want[i + k] if i + k < i_end else ('nothing', '')
            right = got[j + k] if j + k < j_end else ('nothing', '')
            different.append((left[0] if left[0] != 'nothing' else right[0], left, right))
    return same, different


def compare_verdicts(want, got):
    same, different = 0, []
    for test in sorted(set(want) | set(got)):
        left, right = want.get(test, ('absent', '')), got.get(test, ('absent', ''))
        if left[0] == right[0]:
            same += 1
        else:
            different.append((test, left, right))
    return same, different


class Tally:
    def __init__(self):
        self.counts = {}
        self.new = 0

    def take(self, suite, name, world, want, got):
        same, different = (compare_lines if isinstance(want, list) else compare_verdicts)(want, got)
        row = self.counts.setdefault((suite, world), [0, 0, 0])
        row[0] += same
        for test, left, right in different:
            reason = known.reason(suite, name, world, test, right[0])
            row[1 if reason else 2] += 1
            if reason is None:
                self.new += 1
                print('# %s %s, %s: %s\n#    host: %s %s\n#    ours: %s %s' % (
                    suite, name, world, test, left[0][:150], left[1][:200], right[0][:150],
                    right[1][:200]), flush=True)

    def tell(self):
        passed = failed = 0
        for (suite, world), (same, expected, other) in sorted(self.counts.items()):
            print('# %-7s %-16s %6d same, %4d different for known reasons, %4d otherwise' %
                  (suite, world, same, expected, other))
            passed += same
            failed += other
        return passed, failed


def has_place(suite, name, label):
    """Can it run there at all?"""
    if label != 'inside':
        return True
    return suite == 'calls' or (suite == 'python' and name in INSIDE_MODULES)


def run_name(suite, options, name, worlds, tally):
    verdicts = {}
    for label, world in worlds.items():
        if not has_place(suite, name, label):
            continue
        verdicts[label] = SUITES[suite][1](world, options, name)
        if world.server_died():
            tally.new += 1
            print('# %s %s, %s: the server died' % (suite, name, label))
        if label != 'host':
            tally.take(suite, name, label, verdicts['host'], verdicts[label])


def run_suite(suite, options, tally):
    names = [name for name in SUITES[suite][0](options) if not options.names or name in options.names]
    # Other people's tests leave things behind; ours do not mind.
    portions = [names] if suite == 'calls' else [[name] for name in names]
    for portion in portions:
        worlds = {}
        try:
            for label in ['host'] + options.world:
                worlds[label] = MAKERS[label](options.rumpus)
            for name in portion:
                run_name(suite, options, name, worlds, tally)
        finally:
            for world in worlds.values():
                world.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('-w', dest='world', action='append', choices=sorted(set(MAKERS) - {'host'}))
    parser.add_argument('-s', dest='suite', action='append', choices=sorted(SUITES))
    parser.add_argument('rumpus', type=os.path.abspath)
    parser.add_argument('calls', type=os.path.abspath)
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    # Who is nobody is root in a kernel inside, and the host would say no to him.
    options.world = options.world or (['local', 'trap', 'supervisor-local'] + (['inside'] if os.getuid() == 0 else []))
    tally = Tally()
    skipped = 0
    for suite in options.suite or sorted(SUITES):
        if not SUITES[suite][2]():
            print('# %s is not installed' % suite)
            skipped += 1
            continue
        run_suite(suite, options, tally)
    passed, failed = tally.tell()
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    sys.exit(1 if tally.new else 0 if passed else 77)


if __name__ == '__main__':
    main()
