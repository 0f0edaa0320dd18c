#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hostile.py [-n IMAGES] [-s SEED] [-c COMMANDS] [-k FOLDER] BASES RUMPUS - images that lie

Spoils the small images in BASES (make_bases.py) in seeded ways and lets `rumpus`
look at each: whatever is in an image, every command ends in time and
memory, by itself, with an exit code that is documented, and says what is
wrong where.  Before that the cases of cases.py.

-k keeps each image that showed something; -c is how many of the commands
look at each image (all).
"""

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'images'))
import cases  # noqa: E402
import ext4  # noqa: E402
import mutate  # noqa: E402

COMMANDS = (('info',), ('find',), ('sha256', '-r'), ('du',), ('tree',), ('tar', '-f', '/dev/null'),
            ('ls', '-lR'), ('df',), ('cp', '-r'))
CODES = range(8)
SECONDS = 10
MEMORY = 1 << 30
ALARM = re.compile('Sanitizer|runtime error:|panic|assertion|stack smashing', re.IGNORECASE)
# A complaint names a structure, and where it is.
PLACE = re.compile(r'inode|block|superblock|group|journal|extent|directory|attribute|GPT|sector|'
                   r'partition|boot record|file system|feature|end of|: img')
TABLES = ('gpt512', 'gpt4096', 'mbr', 'bsd')


class Trial:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.image = os.path.join(folder, 'img')
        self.passed = self.failed = 0
        self.codes = {}
        self.sanitized = 'ASAN_OPTIONS' in os.environ and has_asan(args.rumpus)

    def limits(self):
        seconds = SECONDS * (4 if self.sanitized else 1)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not self.sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def run(self, *command):
        """(exit code, standard error); the code is negative for a signal, None for a hang."""
        env = dict(os.environ, RUMP_MEMLIMIT='64m', LC_ALL='C')
        try:
            done = subprocess.run((self.args.rumpus, *command), check=False, env=env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, preexec_fn=self.limits,
                                  timeout=SECONDS * 30)
        except subprocess.TimeoutExpired:
            return None, 'it does not end'
        return done.returncode, done.stderr.decode(errors='replace')

    def write(self, data):
        with open(self.image, 'wb') as file:
            file.write(data)

    def target(self, command, part):
        if command[0] == 'info':
            return (self.image,)
        where = self.image + (f':{part}' if part else '')
        return (where + ':/', os.path.join(self.folder, 'copy')) if command[0] == 'cp' else (where + ':/',)

    def look(self, command, part):
        code, said = self.run(*command, *self.target(command, part))
        self.codes[code] = self.codes.get(code, 0) + 1
        if command[0] == 'cp':
            subprocess.run(['rm', '-rf', os.path.join(self.folder, 'copy')], check=False)
        if code not in CODES:
            return f'{command[0]}: ended by {code}: {said[-1500:]}'
        if ALARM.search(said):
            return f'{command[0]}: {said[-1500:]}'
        if code in (3, 4) and not PLACE.search(said):
            return f'{command[0]}: code {code}, but not where: {said}'
        return None

    def note(self, name, wrong):
        if wrong is None:
            self.passed += 1
            return
        self.failed += 1
        print(f'not ok - {name}\n#   ' + wrong.replace('\n', '\n#   '), flush=True)
        if self.args.keep:
            os.makedirs(self.args.keep, exist_ok=True)
            shutil.move(self.image, os.path.join(self.args.keep, re.sub(r'\W+', '-', name)[:80]))

    # --- cases with an answer

    def try_case(self, name):
        base, function = cases.CASES[name]
        with open(os.path.join(self.args.bases, base + '.img'), 'rb') as file:
            data = bytearray(file.read())
        command, want, pattern = function(data)
        self.write(data)
        command, _, path = command.partition(':')
        words = {'sha256': ('sha256', '-r')}.get(command, (command,))
        if command == 'info':
            code, said = self.run('info', self.image)
        else:
            code, said = self.run(*words, f'{self.image}:{path or "/"}')
        wanted = want if isinstance(want, tuple) else (want,)
        if code not in wanted or ALARM.search(said) or not re.search(pattern, said):
            self.note(name, f'{command}: want {want} and "{pattern}", got {code}: {said[-1500:]}')
        else:
            self.note(name, None)

    # --- chance

    def try_seed(self, seed, bases):
        rng = random.Random(seed)
        base = rng.choice(list(bases))
        sound, places, sector = bases[base]
        data = bytearray(sound)
        part = None
        if base in TABLES:
            done = mutate.spoil_disk(data, places, sector, rng)
            part = rng.choice((None, '1', '2', '5'))
        else:
            done = mutate.spoil(data, image_of(data), rng)
        self.write(data)
        chosen = rng.sample(COMMANDS, min(self.args.commands, len(COMMANDS)))
        wrong = [text for text in (self.look(command, part) for command in chosen) if text]
        self.note(f'seed {seed}: {base}: {done}', '\n'.join(wrong) if wrong else None)


ROLES = {}


def image_of(data):
    """Finding the roles takes a while, and they are the same each time."""
    key = hash(bytes(data))
    if key not in ROLES:
        ROLES[key] = ext4.Image(data)
    fs = ROLES[key]
    copy = object.__new__(ext4.Image)
    copy.__dict__.update(fs.__dict__, data=data)
    return copy


def has_asan(path):
    with open(path, 'rb') as file:
        return b'__asan_init' in file.read()


def load_bases(folder):
    bases = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith('.img'):
            with open(os.path.join(folder, name), 'rb') as file:
                data = file.read()
            places = []
            with open(os.path.join(folder, name[:-4] + '.roles'), encoding='ascii') as file:
                lines = file.readlines()
                for line in lines[1:]:
                    places.append((int(line.split()[1]) * 1024, 1024))
            bases[name[:-4]] = (data, places, int(lines[0].split()[1]))
    return bases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-n', dest='images', type=int, default=200)
    parser.add_argument('-s', dest='seed', type=int, default=1)
    parser.add_argument('-c', dest='commands', type=int, default=len(COMMANDS))
    parser.add_argument('-k', dest='keep')
    parser.add_argument('bases')
    parser.add_argument('rumpus')
    args = parser.parse_args()
    args.rumpus = os.path.abspath(args.rumpus)
    with tempfile.TemporaryDirectory(prefix='hostile-', dir=os.environ.get('RUMPUS_TMP')) as folder:
        trial = Trial(args, folder)
        for name in cases.CASES:
            trial.try_case(name)
        bases = load_bases(args.bases)
        for seed in range(args.seed, args.seed + args.images):
            trial.try_seed(seed, bases)
    print('# exit codes: ' + ', '.join(f'{code}: {n}' for code, n in
                                       sorted(trial.codes.items(), key=str)))
    print(f'{trial.passed} passed, {trial.failed} failed, 0 skipped')
    sys.exit(1 if trial.failed else 0)


main()
