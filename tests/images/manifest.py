# SPDX-License-Identifier: BSD-2-Clause
"""What walk.c wrote: reading it, and saying where two of them differ."""

import subprocess

LOST_FOUND = './lost+found'
SHOWN = 6


class Walk:
    """A tree: self.at maps a path to its fields."""

    def __init__(self, *command, env=None):
        result = subprocess.run(command, check=False, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.code = result.returncode
        self.stderr = result.stderr.decode(errors='replace')
        self.at = {}
        self.twice = []
        for line in result.stdout.decode('ascii').splitlines():
            path, *fields = line.split('\t')
            if path in self.at:
                self.twice.append(path)
            self.at[path] = dict(field.split('=', 1) for field in fields)

    def failures(self):
        return [f'{path}: {key}={value}' for path, fields in self.at.items()
                for key, value in fields.items()
                if key.startswith('!') or value.startswith('!')]


def ranges(text):
    return [tuple(map(int, part.split('-'))) for part in text.split(',') if part]


def widen(parts, unit, size):
    """Rounded out to whole blocks, joined where they touch."""
    out = []
    for start, end in parts:
        start -= start % unit
        end = min(end + -end % unit, size)
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def inside(inner, outer):
    return all(any(a <= start and end <= b for a, b in outer) for start, end in inner)


def map_differs(source, got, unit, inline):
    """mke2fs writes the blocks that are not zero, and only those."""
    size = int(source['size'])
    want = widen(ranges(source['nz']), unit, size)
    have = ranges(got['map'])
    if inline and have == [(0, size)]:
        return False
    if unit <= 4096:
        return want != have
    # Its pieces of larger blocks need not begin where blocks do.
    return not inside(want, have) or not inside(have, widen(ranges(source['map']), unit, size))


def ends_in_zeroes(fields, unit):
    size, parts = int(fields['size']), ranges(fields.get('nz', ''))
    return size > 0 and 'nz' in fields and (not parts or parts[-1][1] <= (size - 1) // unit * unit)


def seconds(stamp):
    return int(stamp.split('.', maxsplit=1)[0]) & 0xffffffff


def is_dir(fields):
    return int(fields['mode'], 8) & 0o170000 == 0o040000


def against_source(source, got, unit, xattrs=True, inline=False):
    """Differences of an image made by mke2fs -d from where it came from.

    It keeps times to the second and modulo 2^32, and of directories
    neither size nor number of links.  With inline data it gets files wrong
    that begin or end with a hole or a block of zeroes.
    """
    out = [f'{path}: listed twice' for path in got.twice]
    out += got.failures()
    for path in sorted(source.at.keys() ^ got.at.keys()):
        if path != LOST_FOUND:
            out.append(f'{path}: only in {"the source" if path in source.at else "the image"}')
    for path, want in source.at.items():
        have = got.at.get(path)
        if have is None or path == '.':
            continue
        keys = ['mode', 'uid', 'gid', 'rdev', 'sum', 'link']
        keys += ['entries'] if is_dir(want) else ['size', 'nlink']
        if xattrs:
            keys += {key for key in (*want, *have) if key.startswith('x:')}
        wrong = inline and ('/holes/' in path or ends_in_zeroes(want, unit))
        out += [f'{path}: {key}: {want.get(key)} in the source, {have.get(key)} in the image'
                for key in keys if not wrong and want.get(key) != have.get(key)]
        if seconds(want['mtime']) != seconds(have['mtime']):
            out.append(f"{path}: mtime: {want['mtime']} in the source, {have['mtime']} in the image")
        if 'nz' in want and 'map' in have and not wrong and map_differs(want, have, unit, inline):
            out.append(f"{path}: holes: {have['map']} for {want['nz']} of {want['size']}")
    return out


def attr_differs(a, b):
    value_a, mask_a = (int(x, 16) for x in a.split('/'))
    value_b, mask_b = (int(x, 16) for x in b.split('/'))
    # Whether it is a mount point is not on the disk.
    both = mask_a & mask_b & ~0x2000
    return value_a & both != value_b & both


def exactly(want, got, skip=(), names=('the host', 'us')):
    """Differences of two walks of the same image, where none are allowed."""
    out = [f'{path}: listed twice' for path in got.twice]
    out += [f'{path}: only with {names[0] if path in want.at else names[1]}'
            for path in sorted(want.at.keys() ^ got.at.keys())]
    for path, fields in want.at.items():
        have = got.at.get(path)
        if have is None:
            continue
        for key in sorted(fields.keys() | have.keys()):
            a, b = fields.get(key), have.get(key)
            if key in skip or a == b:
                continue
            # Linux cannot say where the holes of an inline file are that is
            # longer than what is inline.
            if key == '!seek' and have.get('map') is not None and b is None:
                continue
            if key == 'attr' and not attr_differs(a, b):
                continue
            out.append(f'{path}: {key}: {a} with {names[0]}, {b} with {names[1]}')
    return out


def short(differences):
    more = len(differences) - SHOWN
    return '\n#   '.join([d[:300] for d in differences[:SHOWN]] +
                         ([f'... and {more} more'] if more > 0 else []))
