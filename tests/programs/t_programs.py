#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_programs.py [-w WORLD] [-t FILE] RUMPUS [STORY...] - real programs on our kernel

Runs the stories of the *_stories.py in one or all worlds, one line
each, and with -t writes the table of README.md between its two marks.  The worlds are those of
world.py: 'server' with the engine that each program gets by itself, 'trap' and
'supervisor' the same with that engine for all, 'inside', and 'direct' for the host alone.  --must N: fewer rows that work are a failure, where all programs
are installed.  Stories that do not work in a world are named in KNOWN, with
the reason; --known tells them nevertheless, and then one that works is a failure.
"""

import argparse
import os
import sys
import time
import traceback

import daemon_stories
import file_stories
import net_stories
from world import Failed, InsideWorld, ServerWorld, Skip, World

STORIES = net_stories.STORIES + daemon_stories.STORIES + file_stories.STORIES

SERVED = ('server', 'trap', 'supervisor')
WORLDS = SERVED + ('inside',)

# (story, world): why it does not work.
NO_TRAP = 'a static program loads no library that could catch its calls'
KNOWN = {
    ('Go http, static', 'trap'): NO_TRAP,
    ('busybox httpd, wget', 'trap'): NO_TRAP,
    ('busybox, static', 'trap'): NO_TRAP,
    ('tcpdump', 'supervisor'): 'libpcap wants a receive ring, which only the library in a program can fill',
}

BEGIN, END = '<!-- programs: begin -->\n', '<!-- programs: end -->\n'


def worlds(options):
    made = {
        'direct': lambda story: World(),
        'inside': lambda story: InsideWorld(options.rumpus),
    }
    for name in SERVED:
        engine = None if name == 'server' else name
        made[name] = lambda story, engine=engine: ServerWorld(
            options.rumpus, engine, getattr(story, 'server_options', ()))
    return [(name, made[name]) for name in ([options.world] if options.world else WORLDS)]


def tell(story, make, cache):
    """('ok' | 'skip' | 'fail', why it is not, or the engines of its programs, the way)"""
    world = None
    try:
        world = make(story)
        world.cache = cache or world.folder
        story(world)
        return 'ok', ', '.join(sorted(filter(None, world.engines)) + getattr(world, 'tree', []))
    except Skip as why:
        return 'skip', str(why)
    except Failed as why:
        return 'fail', str(why)
    except Exception:       # pylint: disable=broad-except
        return 'fail', traceback.format_exc(limit=-3)
    finally:
        if world is not None:
            world.end()


def run(options):
    results = {}
    counts = {'ok': 0, 'skip': 0, 'fail': 0}
    missing = set()
    number = 0
    for label, story in STORIES:
        if options.stories and label not in options.stories:
            continue
        for name, make in worlds(options):
            number += 1
            start = time.monotonic()
            known = KNOWN.get((label, name))
            if known and not options.known:
                result, why = 'skip', 'known: ' + known
            else:
                result, why = tell(story, make, options.cache)
            if known and result == 'fail':
                result, why = 'skip', 'known: ' + known
            elif known and result == 'ok':
                result, why = 'fail', 'works, and is known not to'
            if result == 'skip' and 'is not installed' in why:
                missing.add(label)
            counts[result] += 1
            results[label, name] = result, why
            print('%s %d - %s: %s%s (%.1f s)' % (
                'not ok' if result == 'fail' else 'ok', number, name, label,
                ' # SKIP ' + why if result == 'skip' else '', time.monotonic() - start), flush=True)
            if result == 'fail':
                print('  # ' + why.replace('\n', '\n  # '), flush=True)
    return results, counts, missing


def table(results):
    """The rows of README.md: what works where, by which engine, and what not."""
    yield '| program | engine | server | trap | supervisor | inside | |\n' + '| --- ' * 7 + '|\n'
    for label, _ in STORIES:
        result, engines = results.get((label, 'server'), ('skip', ''))
        cells, notes = [engines if result == 'ok' else ''], {}
        for name in WORLDS:
            result, why = results.get((label, name), ('skip', 'not tried'))
            cells.append({'ok': 'works', 'skip': '-', 'fail': 'fails'}[result])
            if result == 'ok' and '--tree' in why:
                cells[-1] += ', `--tree`'
            if result != 'ok':
                why = why.split('\n', maxsplit=1)[0].replace('known: ', '')[:110]
                notes.setdefault(why, []).append(name)
        yield '| %s | %s | %s |\n' % (label, ' | '.join(cells), '; '.join(
            '%s: %s' % (', '.join(where), why) for why, where in notes.items()))


def write_table(path, results):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(head + BEGIN + '\n' + ''.join(table(results)) + '\n' + END + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-w', '--world', choices=('direct', *WORLDS))
    parser.add_argument('--known', action='store_true')
    parser.add_argument('--cache', help='a folder for what takes long to make')
    parser.add_argument('-t', '--table')
    parser.add_argument('--must', type=int, default=0)
    parser.add_argument('rumpus')
    parser.add_argument('stories', nargs='*')
    options = parser.parse_args()
    options.rumpus = os.path.abspath(options.rumpus)
    if options.cache:
        options.cache = os.path.abspath(options.cache)
    results, counts, missing = run(options)
    if options.table:
        write_table(options.table, results)
    rows = {label for (label, _), (result, _) in results.items() if result == 'ok'}
    print('# %d rows work' % len(rows))
    if missing:
        print('# NOT TOLD, since programs are missing: %s' % ', '.join(sorted(missing)))
        print('# scripts/install-packages.sh programs')
    few = len(rows) < options.must - len(missing)
    if few:
        print('not ok - at least %d rows work' % (options.must - len(missing)))
    failed = counts['fail'] + few
    print('%d passed, %d failed, %d skipped' % (counts['ok'], failed, counts['skip']))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
