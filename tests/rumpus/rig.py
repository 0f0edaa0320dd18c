# SPDX-License-Identifier: BSD-2-Clause
"""rig.py - running rumpus(1) as a user does, and making what it is shown

The tests that import this are given the program as their first argument.
Images come from the tools of their own world (mkfs.ext4, sfdisk, debugfs),
made of a tree in a temporary folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

RUMPUS = os.path.abspath(sys.argv[1])
ROOT = os.geteuid() == 0
LIMIT = patience.seconds(60)
NOBODY = 65534
MB = 1 << 20

os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ['LC_ALL'] = 'C'
for _name in [n for n in os.environ if n.startswith('RUMP_')]:
    del os.environ[_name]


class Skip(Exception):
    """Raised by a case that this host does not allow."""


class Case:
    """What is being tried, and what did not hold."""

    failed = []


def check(held, text):
    if not held:
        Case.failed.append(text)
        print('# ' + text, flush=True)
    return held


def check_eq(what, want, got):
    return check(want == got, '%s: wanted %.500r, got %.500r' % (what, want, got))


# --- running ------------------------------------------------------------------

def tool(*command, **more):
    """Somebody else's program, which has to succeed."""
    result = subprocess.run([os.fsencode(c) for c in command], check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)
    if result.returncode != 0:
        raise RuntimeError('%s: %s' % (' '.join(map(str, command)), result.stdout.decode()))
    return result.stdout


def rumpus(*args, **more):
    more.setdefault('stdout', subprocess.PIPE)
    more.setdefault('stderr', subprocess.PIPE)
    return subprocess.run([RUMPUS, *args], check=False, stdin=subprocess.DEVNULL, timeout=LIMIT,
                          **more)


def good(*args, **more):
    """Standard output of a run that must be fine, and silent on standard error."""
    result = rumpus(*args, **more)
    check(result.returncode == 0 and not result.stderr, '%s: code %d, %.300r'
          % (' '.join(map(str, args)), result.returncode, result.stderr))
    return result.stdout or b''


def refused(code, words, *args, **more):
    """A run that must end with the code, and say each of the words."""
    result = rumpus(*args, **more)
    what = ' '.join(map(str, args))
    check_eq('exit code of ' + what, code, result.returncode)
    text = (result.stderr or b'').decode(errors='replace')
    for word in words.split():
        check(word in text, '%s: no "%s" in %.300r' % (what, word, text))
    return result


# --- making -------------------------------------------------------------------

def write(name, content=b''):
    with open(name, 'wb') as file:
        file.write(content)
    return name


def read(name):
    with open(name, 'rb') as file:
        return file.read()


def poke(image, at, content):
    with open(image, 'r+b') as file:
        file.seek(at)
        file.write(content)


def ext4(image, *options, megabytes=8):
    """A file system in a new file; -d TREE and others are the caller's."""
    with open(image, 'wb') as file:
        file.truncate(megabytes * MB)
    tool('mkfs.ext4', '-q', '-F', *options, image)
    return image


def debugfs(image, *commands):
    out = tool('debugfs', '-w', '-f', '-', image, input='\n'.join(commands).encode())
    return out.decode(errors='replace')


def disk(image, megabytes, script, parts):
    """A disk partitioned by sfdisk, and files copied to {sector: file}."""
    with open(image, 'wb') as file:
        file.truncate(megabytes * MB)
    tool('sfdisk', '-q', image, input=script.encode())
    for sector, part in parts.items():
        poke(image, sector * 512, read(part))
    return image


# --- the end ------------------------------------------------------------------

def run_case(number, case):
    Case.failed = []
    here = os.getcwd()
    folder = tempfile.mkdtemp(prefix='rumpus.')
    os.chmod(folder, 0o755)
    os.chdir(folder)
    try:
        case()
    except Skip as why:
        print('ok %d - %s # SKIP %s' % (number, case.__name__, why), flush=True)
        return 'skipped'
    except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as error:
        check(False, '%s: %r' % (case.__name__, error))
    finally:
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
    print('%s %d - %s' % ('not ok' if Case.failed else 'ok', number, case.__name__), flush=True)
    return 'failed' if Case.failed else 'passed'


def main(cases):
    wanted = sys.argv[2:]
    missing = [t for t in ('mkfs.ext4', 'debugfs', 'sfdisk') if shutil.which(t) is None]
    if missing:
        print('0 passed, 0 failed, %d skipped (no %s)' % (len(cases), ', '.join(missing)))
        sys.exit(77)
    results = [run_case(i + 1, case) for i, case in enumerate(cases)
               if not wanted or case.__name__ in wanted]
    count = {word: results.count(word) for word in ('passed', 'failed', 'skipped')}
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % count)
    sys.exit(1 if count['failed'] else 0)
