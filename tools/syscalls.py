#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""syscalls.py - write everything that follows from the system call table

usage: syscalls.py --table kern/abi/syscalls.tbl --outdir DIR [--weak]
       syscalls.py --table kern/abi/syscalls.tbl --list WHAT

Writes below DIR, and touches only what changed:

	abi/sysargs.h		prototypes of the handlers, sys_NAME()
	abi/sysent_FACTION.c	a wrapper a call, and the array that is registered
	abi/sysdesc.h, .c	what each argument is: for decoder and marshalling
	abi/sysflags.c		names of flags, out of sysflags.tbl beside the table
	rump/rump_syscalls.h	the public calls, rump_sys_NAME()
	rump_stubs.c		their code, host side

--weak makes a wrapper whose handler is not linked answer ENOSYS; without it
the linker asks for each handler that the table promises.  --list prints one
name a line: served, nosys, public, handlers, all.

The format of the table is told at its head and in rump-syscalls(5).
"""

import argparse
import os
import re
import sys

FACTIONS = ('core', 'vfs', 'net', 'dev')

FLAGS = {'nosys', 'legacy', 'raw', 'lib', 'variadic'}

RETURNS = {		# public type, enum of the decoder
    'int': ('int', 'INT'), 'fd': ('int', 'FD'), 'size': ('ssize_t', 'SIZE'), 'off': ('off_t', 'OFF'),
    'uint': ('unsigned int', 'INT'), 'time': ('time_t', 'INT'), 'clock': ('clock_t', 'INT'),
    'pid': ('pid_t', 'INT'), 'uid': ('uid_t', 'INT'), 'gid': ('gid_t', 'INT'), 'mode': ('mode_t', 'MODE'),
    'prio': ('int', 'INT'), 'cwd': ('char *', 'SIZE'),
}

# Scalars: the type libc writes -> the type the kernel sees, default kind.
SCALARS = {
    'int': ('int', 'INT'), 'unsigned int': ('unsigned int', 'UINT'),
    'unsigned long': ('unsigned long', 'ULONG'), 'size_t': ('size_t', 'ULONG'),
    'off_t': ('int64_t', 'LONG'), 'uint32_t': ('uint32_t', 'UINT'), 'uint64_t': ('uint64_t', 'ULONG'),
    'mode_t': ('unsigned int', 'MODE'), 'dev_t': ('unsigned long', 'DEV'),
    'uid_t': ('unsigned int', 'ID'), 'gid_t': ('unsigned int', 'ID'), 'pid_t': ('int', 'INT'),
    'clockid_t': ('int', 'INT'), 'nfds_t': ('unsigned int', 'UINT'), 'socklen_t': ('int', 'INT'),
}

# What pointers point to: kernel type, header, size, name for the decoder.
# Size '1' are things that carry their length in bytes beside them.
POINTEES = {
    'void': ('void', None, '1', 'BYTES'), 'char': ('char', None, '1', 'BYTES'),
    'int': ('int', None, 'sizeof(int)', 'INT'), 'socklen_t': ('int', None, 'sizeof(int)', 'INT'),
    'off_t': ('int64_t', None, 'sizeof(int64_t)', 'LONG'), 'time_t': ('long', None, 'sizeof(long)', 'LONG'),
    'uid_t': ('unsigned int', None, 'sizeof(unsigned int)', 'UINT'),
    'gid_t': ('unsigned int', None, 'sizeof(unsigned int)', 'UINT'),
    'sigset_t': ('unsigned long', None, 'sizeof(unsigned long)', 'SIGSET'),
    'fd_set': ('unsigned long', None, '1', 'FDSET'),
    'struct iovec': ('struct iovec', 'linux/uio.h', None, 'IOVEC'),
    'struct open_how': ('struct open_how', 'linux/openat2.h', '1', 'OPEN_HOW'),
    'struct timespec': ('struct __kernel_timespec', 'linux/time_types.h', None, 'TIMESPEC'),
    'struct itimerspec': ('struct __kernel_itimerspec', 'linux/time_types.h', None, 'ITIMERSPEC'),
    'struct timeval': ('struct __kernel_old_timeval', 'linux/time_types.h', None, 'TIMEVAL'),
    'struct itimerval': ('struct __kernel_old_itimerval', 'linux/time_types.h', None, 'ITIMERVAL'),
    'struct utimbuf': ('struct utimbuf', 'linux/utime.h', None, 'UTIMBUF'),
    'struct pollfd': ('struct pollfd', 'linux/poll.h', None, 'POLLFD'),
    'struct epoll_event': ('struct epoll_event', 'linux/eventpoll.h', None, 'EPOLL_EVENT'),
    'struct stat': ('struct stat', 'asm/stat.h', None, 'STAT'),
    'struct statx': ('struct statx', 'linux/stat.h', None, 'STATX'),
    'struct statfs': ('struct statfs', 'asm/statfs.h', None, 'STATFS'),
    'struct tms': ('struct tms', 'linux/times.h', None, 'TMS'),
    'struct timex': ('struct timex', 'linux/timex.h', None, 'TIMEX'),
    'struct rlimit': ('struct rlimit', 'linux/resource.h', None, 'RLIMIT'),
    'struct rusage': ('struct rusage', 'linux/resource.h', None, 'RUSAGE'),
    'struct utsname': ('struct new_utsname', 'linux/utsname.h', None, 'UTSNAME'),
    'struct sysinfo': ('struct sysinfo', 'linux/sysinfo.h', None, 'SYSINFO'),
    'struct sockaddr': ('struct sockaddr', None, '1', 'SOCKADDR'),
    'struct msghdr': ('struct msghdr', None, '1', 'MSGHDR'),
    'struct mmsghdr': ('struct mmsghdr', None, '1', 'MMSGHDR'),
    'struct mount_attr': ('struct mount_attr', None, '1', 'BYTES'),
    'struct file_handle': ('struct file_handle', None, '1', 'BYTES'),
    'struct sigevent': ('struct sigevent', None, '1', 'BYTES'),
    'struct __user_cap_header_struct': ('struct __user_cap_header_struct', 'linux/capability.h', None, 'CAPHDR'),
    'struct __user_cap_data_struct': ('struct __user_cap_data_struct', 'linux/capability.h', None, 'BYTES'),
}

INTEGER_KINDS = {'fd': 'FD', 'dirfd': 'DIRFD', 'int': 'INT', 'uint': 'UINT', 'hex': 'HEX', 'dev': 'DEV', 'sig': 'SIG',
    'flags': 'FLAGS', 'enum': 'ENUM', 'fcntl': 'FCNTL', 'ioctl': 'IOCTL'}

MADE = 'Written by tools/syscalls.py from kern/abi/syscalls.tbl.  Do not edit.'


class TableError(Exception):
    pass


def split_commas(text):
    """Split at the commas which stand outside parentheses."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c == '(':
            depth += 1
        elif c == ')':
            depth -= 1
        elif c == ',' and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return parts + [last] if last else parts


class Arg:
    """One argument of a call."""

    def __init__(self, text):
        decl, _, note = text.partition(':')
        m = re.fullmatch(r'(.*?)(\**)\s*(\w+)', decl.strip())
        if not m or not m[1].strip():
            raise TableError(f'cannot read the argument "{text}"')
        base = m[1].strip()
        self.name = m[3]
        self.const = base.startswith('const ')
        self.base = base[6:] if self.const else base
        self.pointer = m[2] == '*'
        self.kind = self.dir = self.count = self.count_name = self.set = None
        self.ret = False
        self.max = 0
        self.unused = note == 'unused'
        if m[2] not in ('', '*'):
            raise TableError(f'{self.name}: a pointer to a pointer')
        if self.pointer:
            if self.base not in POINTEES:
                raise TableError(f'{self.name}: unknown type "{self.base}"')
            self.read_pointer(note)
        else:
            if self.base not in SCALARS:
                raise TableError(f'{self.name}: unknown type "{self.base}"')
            self.read_integer(note)

    def read_integer(self, note):
        self.kind = SCALARS[self.base][1]
        if self.unused:
            self.kind = 'UNUSED'
        elif note:
            m = re.fullmatch(r'(\w+)(?:\((\w+)\))?', note)
            if not m or m[1] not in INTEGER_KINDS:
                raise TableError(f'{self.name}: unknown kind "{note}"')
            self.kind = INTEGER_KINDS[m[1]]
            if m[1] in ('flags', 'enum'):
                self.set = m[2]
            elif m[1] in ('fcntl', 'ioctl'):
                self.count_name = m[2]

    def read_pointer(self, note):
        m = re.fullmatch(r'(\w+)(?:\(([^)]*)\))?', note)
        if not m:
            raise TableError(f'{self.name}: what is behind the pointer?')
        word, inner = m[1], split_commas(m[2] or '')
        if 'ret' in inner[1:]:
            self.ret = True
        what = inner[0] if inner else None
        if word == 'path':
            self.kind, self.dir, self.max = 'PATH', 'IN', 4096
        elif word == 'str':
            self.kind, self.dir, self.max = 'STRING', 'IN', int(what)
        elif word == 'ptr':
            self.kind, self.dir = 'POINTER', 'NONE'
        elif word in ('in', 'out', 'inout'):
            self.kind, self.dir = 'MEMORY', word.upper()
            self.read_count(what)
        elif word == 'fdset':
            self.kind, self.dir = 'FDSET', 'INOUT'
            self.read_count(what)
        elif word == 'dents':
            self.kind, self.dir, self.ret = 'DENTS', 'OUT', True
            self.read_count(what)
        elif word in ('iovin', 'iovout', 'mmsgin', 'mmsgout', 'msgin', 'msgout'):
            self.dir = 'IN' if word.endswith('in') else 'OUT'
            self.kind = {'i': 'IOVEC', 'm': 'MSG'}[word[0]] if not word.startswith('mm') else 'MMSG'
            self.read_count(what)
        else:
            raise TableError(f'{self.name}: unknown kind "{note}"')
        if self.dir in ('OUT', 'INOUT') and self.const and self.kind not in ('IOVEC', 'MSG', 'MMSG'):
            raise TableError(f'{self.name}: the kernel writes what is const')

    def read_count(self, what):
        if what is None:
            self.count = ('ONE', None)
        elif what.isdigit():
            self.count = ('CONST', int(what))
        elif what.startswith('*'):
            self.count, self.count_name = ('POINTER', None), what[1:]
        else:
            self.count, self.count_name = ('ARGUMENT', None), what

    def kernel_type(self):
        if not self.pointer:
            return SCALARS[self.base][0]
        return ('const ' if self.const else '') + POINTEES[self.base][0] + ' *'

    def public_type(self):
        if self.pointer:
            return ('const ' if self.const else '') + self.base + ' *'
        return 'unsigned long' if self.base == 'nfds_t' else self.base


class Call:
    """One line of the table."""

    def __init__(self, text, section):
        m = re.match(r'(\w+)\s+(\S+)\s+(\w+)\s+(\w+)\(', text)
        if not m:
            raise TableError('not a line of the table')
        self.faction, flags, self.ret, self.name = m.groups()
        inner, rest = self.closed(text[m.end():])
        self.section, self.where = section, None
        self.flags = set() if flags == '-' else set(flags.split(','))
        self.nr = None
        for f in list(self.flags):
            if f.startswith('nr='):
                self.nr = int(f[3:])
                self.flags.discard(f)
        if self.faction not in FACTIONS:
            raise TableError(f'unknown faction "{self.faction}"')
        if self.flags - FLAGS:
            raise TableError(f'unknown flag {self.flags - FLAGS}')
        if self.ret not in RETURNS:
            raise TableError(f'unknown kind of result "{self.ret}"')
        self.args = [Arg(a) for a in split_commas(inner)]
        if len(self.args) > 6:
            raise TableError('more than six arguments')
        self.target = self.target_args = None
        if rest:
            m = re.match(r'=>\s*(\w+)\(', rest)
            if not m:
                raise TableError(f'what does "{rest}" mean?')
            self.target = m[1]
            inner, rest = self.closed(rest[m.end():])
            self.target_args = split_commas(inner)
            if rest:
                raise TableError(f'"{rest}" is too much')
        if 'lib' in self.flags and not self.target:
            raise TableError('a lib line needs a => ')
        self.index_counts()

    @staticmethod
    def closed(text):
        depth = 1
        for i, c in enumerate(text):
            depth += (c == '(') - (c == ')')
            if depth == 0:
                return text[:i], text[i + 1:].strip()
        raise TableError('a parenthesis is open')

    def index_counts(self):
        names = [a.name for a in self.args]
        if len(set(names)) != len(names):
            raise TableError('two arguments of one name')
        for a in self.args:
            if a.count_name is not None:
                if a.count_name not in names:
                    raise TableError(f'{a.name}: no argument "{a.count_name}"')
                a.count_index = names.index(a.count_name)

    def __getattr__(self, word):
        if word in FLAGS:
            return word in self.flags
        raise AttributeError(word)

    @property
    def served(self):
        return not self.nosys and not self.lib

    @property
    def handler(self):
        """Has a function of its own in the kernel."""
        return self.served and not self.target

    @property
    def public(self):
        return not self.raw

    def kernel_args(self):
        return [a for a in self.args if not a.unused]


def logical_lines(path):
    """Lines without comments and with those that go on joined."""
    lines = []
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip()
            if line.startswith('##'):
                lines.append((number, '##' + line.strip('# ')))
            elif not line or line.lstrip().startswith('#'):
                continue
            elif line[0].isspace():
                if not lines:
                    raise SystemExit(f'{path}:{number}: nothing to go on from')
                lines[-1] = (lines[-1][0], lines[-1][1] + ' ' + line.strip())
            else:
                lines.append((number, line))
    return lines


def read_table(path):
    calls, section = [], ''
    seen = set()
    for number, line in logical_lines(path):
        if line.startswith('##'):
            section = line[2:]
            continue
        try:
            call = Call(line, section)
            call.where = f'{path}:{number}'
            key = (call.name, call.lib)
            if key in seen:
                raise TableError(f'{call.name} stands here twice')
            seen.add(key)
            calls.append(call)
        except TableError as e:
            raise SystemExit(f'{path}:{number}: {e}') from None
    check_targets(calls)
    return calls


def check_targets(calls):
    real = {c.name: c for c in calls if not c.lib}
    for c in calls:
        if not c.target:
            continue
        t = real.get(c.target)
        if not t:
            raise SystemExit(f'{c.where}: {c.name}: no call "{c.target}"')
        if len(c.target_args) != len(t.kernel_args()):
            raise SystemExit(f'{c.where}: {c.name}: {c.target} has {len(t.kernel_args())} arguments')
        if c.served and not t.served:
            raise SystemExit(f'{c.where}: {c.name} is served, {c.target} is not')
        if t.target and not c.lib:
            raise SystemExit(f'{c.where}: {c.name}: {c.target} is itself another call')
        c.target_call = t


class FlagSet:
    """One line of sysflags.tbl: (name, value, mask) of each symbol."""

    def __init__(self, text):
        m = re.fullmatch(r'(\w+)\s+(\S+)\s+(.*)', text)
        if not m:
            raise TableError('not a set of symbols')
        self.name, head, rest = m.groups()
        self.header = None if head == '-' else head
        self.symbols = []
        for mask, group, word in re.findall(r'(\w+)\{([^}]*)\}|(\S+)', rest):
            for w in group.split() if mask else [word]:
                name, _, value = w.partition('=')
                self.symbols.append((name, value or name, mask or value or name))


def read_flags(path, calls):
    sets = []
    for number, line in logical_lines(path):
        try:
            sets.append(FlagSet(line))
        except TableError as e:
            raise SystemExit(f'{path}:{number}: {e}') from None
    known = {s.name for s in sets}
    for c in calls:
        for a in c.args:
            if a.set and a.set not in known:
                raise SystemExit(f'{c.where}: {c.name}: nothing is known of "{a.set}"')
    return sets


# Output


class Writer:
    def __init__(self, outdir):
        self.outdir = outdir

    def write(self, name, text):
        path = os.path.join(self.outdir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(path, encoding='utf-8') as f:
                if f.read() == text:
                    return
        except FileNotFoundError:
            pass
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(text)
        os.replace(path + '.new', path)


def header(name, what, *story):
    out = f'/* SPDX-License-Identifier: BSD-2-Clause */\n\n/*\n * {name} - {what}\n *\n'
    for line in story:
        out += f' * {line}'.rstrip() + '\n'
    return out + f'{" *" + chr(10) if story else ""} * {MADE}\n */\n'


def declare(type_, name):
    return type_ + name if type_.endswith('*') else f'{type_} {name}'


def wrap(first, parts, last, indent='    '):
    """first + parts with commas + last, in lines of at most 80 columns."""
    out, line = [], first
    for i, p in enumerate(parts):
        p += last if i == len(parts) - 1 else ','
        room = line if line.endswith('(') else line + ' '
        if len(room.expandtabs(8)) + len(p) > 80 and not line.endswith('('):
            out.append(line)
            line = indent + p
        else:
            line = room + p
    if not parts:
        line += last
    return '\n'.join(out + [line])


def structs_of(calls, which):
    names = set()
    for c in calls:
        for a in c.args:
            if a.pointer and a.base.startswith('struct '):
                names.add(POINTEES[a.base][0] if which == 'kernel' else a.base)
    return sorted(names)


def prototype(c):
    args = ['struct lwp *'] + [declare(a.kernel_type(), a.name) for a in c.kernel_args()] + ['long *ret']
    return wrap(f'int\tsys_{c.name}(', args, ');')


def write_sysargs(w, calls):
    out = header('sysargs.h', 'the handlers of the system calls',
        'A handler gets what the client gave, typed and unchecked: descriptors may be', 
        'anything, pointers are the client\'s and are only given to copyin() and its',
        'kin.  It returns 0 or a positive errno; the result goes to *ret, which is 0',
        'on entry.')
    out += '\n#ifndef ABI_SYSARGS_H\n#define ABI_SYSARGS_H\n\n#include <stddef.h>\n#include <stdint.h>\n\nstruct lwp;\n'
    for s in structs_of(calls, 'kernel'):
        out += f'{s};\n'
    section = None
    for c in calls:
        if not c.lib and not c.target:
            if c.section != section:
                section = c.section
                out += f'\n/* {section} */\n'
            out += prototype(c) + '\n'
    w.write('abi/sysargs.h', out + '\n#endif /* ABI_SYSARGS_H */\n')


def ifdef(c, text):
    return f'#ifdef __NR_{c.name}\n{text}#endif\n' if c.legacy else text


def wrapper(c, weak):
    out = f'static int\nsysent_{c.name}(struct lwp *l, const unsigned long *a, long *ret)\n{{\n'
    goal = c.target_call if c.target else c
    if c.target:
        for i, a in enumerate(c.args):
            if re.search(rf'\b{a.name}\b', ' '.join(c.target_args)):
                t = a.kernel_type()
                out += f'\t{declare(t, a.name)} = ({t})a[{i}];\n'
        args = c.target_args
    else:
        args = [f'({a.kernel_type()})a[{i}]' for i, a in enumerate(c.args) if not a.unused]
    if c.target and out.count('\t'):
        out += '\n'
    if weak:
        out += f'\tif (sys_{goal.name} == NULL)\n\t\treturn ENOSYS;\n'
    out += wrap(f'\treturn sys_{goal.name}(', ['l'] + args + ['ret'], ');', '\t    ') + '\n}\n'
    return out


def write_sysent(w, calls, faction, weak):
    mine = [c for c in calls if c.faction == faction and c.served]
    out = header(f'sysent_{faction}.c', f'the system calls which the {faction} faction serves',
        'A wrapper takes the six registers of a call apart and calls its handler.')
    out += '\n#include <linux/fcntl.h>\n#include <linux/stat.h>\n#include <asm/unistd.h>\n'
    out += '\n#include <sys/errno.h>\n#include <sys/syscall.h>\n\n#include <abi/sysargs.h>\n#include <abi/sysdesc.h>\n\n'
    if weak:
        for c in mine:
            if c.handler:
                out += f'#pragma weak sys_{c.name}\n'
        out += '\n'
    for c in mine:
        out += ifdef(c, wrapper(c, weak)) + '\n'
    # C has no empty arrays: a faction without calls has one entry, not counted.
    out += f'const struct sysent_desc rump_sysent_{faction}[] = {{\n'
    for c in mine:
        out += ifdef(c, f'\t{{ __NR_{c.name}, sysent_{c.name} }},\n')
    if not mine:
        out += '\t{ 0, NULL },\n'
    out += '};\n'
    count = f'sizeof(rump_sysent_{faction}) / sizeof(rump_sysent_{faction}[0])' if mine else '0'
    out += f'const unsigned int rump_nsysent_{faction} =\n    {count};\n'
    w.write(f'abi/sysent_{faction}.c', out)


def types_of():
    names = []
    for _, _, _, name in POINTEES.values():
        if name not in names:
            names.append(name)
    return names


def write_sysdesc_h(w, calls, sets):
    kinds = ['INT', 'UINT', 'LONG', 'ULONG', 'HEX', 'MODE', 'DEV', 'ID', 'SIG', 'FD', 'DIRFD', 'FLAGS', 'ENUM', 'FCNTL', 'IOCTL',
        'UNUSED', 'POINTER', 'PATH', 'STRING', 'MEMORY', 'DENTS', 'IOVEC', 'MSG', 'MMSG', 'FDSET']
    comment = {
        'INT': 'signed, 32 bit', 'UINT': 'unsigned, 32 bit', 'LONG': 'signed, 64 bit', 'ULONG': 'unsigned, 64 bit',
        'HEX': 'bits without names', 'MODE': 'permission bits', 'DEV': 'device number', 'ID': 'uid or gid, may be -1',
        'SIG': 'signal number', 'FD': 'descriptor', 'DIRFD': 'descriptor or AT_FDCWD', 'FLAGS': 'bits out of sa_set',
        'ENUM': 'one of sa_set', 'FCNTL': 'third argument of fcntl', 'IOCTL': 'third argument of ioctl',
        'UNUSED': 'nobody sees it', 'POINTER': 'opaque address', 'PATH': 'string, sa_size with its NUL',
        'STRING': 'string, sa_size with its NUL', 'MEMORY': 'sa_size * count bytes',
        'DENTS': 'bytes: directory entries', 'IOVEC': 'count struct iovec, sa_dir is that of the memory',
        'MSG': 'struct msghdr', 'MMSG': 'count struct mmsghdr', 'FDSET': 'a bit per descriptor below count',
    }
    out = header('sysdesc.h', 'what the arguments of a system call are',
        'The decoder prints by these descriptions, the client packs calls by them.',
        'They hold no pointers, so that loading the kernel relocates nothing.')
    out += '\n#ifndef ABI_SYSDESC_H\n#define ABI_SYSDESC_H\n\n#include <stdint.h>\n\n'
    for c in calls:
        if c.nr is not None:
            out += f'#ifndef __NR_{c.name}\n#define __NR_{c.name}\t{c.nr}\n#endif\n\n'
    out += 'enum sysarg_kind {\n' + ''.join(f'\tSYSARG_{k},\t/* {comment[k]} */\n' for k in kinds) + '};\n\n'
    out += 'enum sysarg_dir {\n\tSYSDIR_NONE = 0,\n\tSYSDIR_IN = 1,\n\tSYSDIR_OUT = 2,\n\tSYSDIR_INOUT = 3,\n};\n\n'
    out += '/* How many elements of sa_size bytes there are. */\nenum sysarg_count {\n'
    out += '\tSYSCOUNT_ONE,\n\tSYSCOUNT_CONST,\t\t/* sa_from */\n\tSYSCOUNT_ARGUMENT,\t/* argument sa_from */\n'
    out += '\tSYSCOUNT_POINTER,\t/* int or unsigned behind argument sa_from */\n};\n\n'
    out += '/* What sort of thing a pointer leads to. */\nenum systype {\n'
    out += ''.join(f'\tSYSTYPE_{t},\n' for t in types_of()) + '};\n\n'
    out += '/* Sets of symbols, see sysflags.tbl. */\nenum sysset {\n\tSYSSET_none,\n'
    out += ''.join(f'\tSYSSET_{s.name},\n' for s in sets) + '\tSYSSET_COUNT,\n};\n\n'
    rets = []
    for _, r in RETURNS.values():
        if r not in rets:
            rets.append(r)
    out += 'enum sysret_kind {\n' + ''.join(f'\tSYSRET_{r},\n' for r in rets) + '};\n\n'
    out += 'enum sysfaction {\n' + ''.join(f'\tSYSFACTION_{f.upper()},\n' for f in FACTIONS) + '};\n\n'
    out += '''struct sysdesc_arg {
	uint8_t		 sa_kind;	/* enum sysarg_kind */
	uint8_t		 sa_dir;	/* enum sysarg_dir */
	uint8_t		 sa_count;	/* enum sysarg_count */
	uint8_t		 sa_from;	/* for it; also the command of fcntl, ioctl */
	uint8_t		 sa_ret;	/* at most as many as the call returned */
	uint8_t		 sa_type;	/* enum systype */
	uint8_t		 sa_set;	/* enum sysset */
	uint8_t		 sa_pad;
	uint32_t	 sa_size;	/* of an element; most bytes of a string */
};

struct sysdesc {
	uint16_t	 sd_nr;
	uint16_t	 sd_name;	/* offset in rump_sysdesc_names */
	uint8_t		 sd_nargs;
	uint8_t		 sd_ret;	/* enum sysret_kind */
	uint8_t		 sd_faction;	/* enum sysfaction */
	uint8_t		 sd_nosys;	/* listed, not served */
	struct sysdesc_arg sd_args[6];
};

extern const struct sysdesc rump_sysdesc[];
extern const unsigned int rump_nsysdesc;
extern const char rump_sysdesc_names[];

/*
 * Symbols of a set.  v has the symbol when (v & sf_mask) == sf_value; an
 * enumeration compares sf_value alone.
 */
struct sysflag {
	uint32_t	 sf_value;
	uint32_t	 sf_mask;
	uint32_t	 sf_name;	/* offset in rump_sysflag_names */
};

struct sysflag_set {
	uint16_t	 sfs_first;	/* in rump_sysflags */
	uint16_t	 sfs_count;
};

extern const struct sysflag rump_sysflags[];
extern const struct sysflag_set rump_sysflag_sets[SYSSET_COUNT];
extern const char rump_sysflag_names[];

/* The description of call nr, or NULL. */
const struct sysdesc *rump_sysdesc_find(unsigned int nr);

static inline const char *
sysdesc_name(const struct sysdesc *sd)
{
	return rump_sysdesc_names + sd->sd_name;
}

'''
    out += '#endif /* ABI_SYSDESC_H */\n'
    w.write('abi/sysdesc.h', out)


def describe_arg(a):
    fields = [f'.sa_kind = SYSARG_{a.kind}']
    if a.pointer:
        fields.append(f'.sa_dir = SYSDIR_{a.dir}')
        kernel, _, size, name = POINTEES[a.base]
        if a.count:
            fields.append(f'.sa_count = SYSCOUNT_{a.count[0]}')
            if a.count[0] == 'CONST':
                fields.append(f'.sa_from = {a.count[1]}')
        fields.append(f'.sa_type = SYSTYPE_{name}')
        if a.max:
            fields.append(f'.sa_size = {a.max}')
        elif a.kind != 'POINTER':
            fields.append(f'.sa_size = {size or "sizeof(" + kernel + ")"}')
    if a.count_name is not None:
        fields.append(f'.sa_from = {a.count_index}')
    if a.ret:
        fields.append('.sa_ret = 1')
    if a.set:
        fields.append(f'.sa_set = SYSSET_{a.set}')
    return '{ ' + ', '.join(fields) + ' }'


def write_sysdesc_c(w, calls):
    real = [c for c in calls if not c.lib]
    out = header('sysdesc.c', 'what the arguments of each system call are')
    heads = sorted({h for c in real for a in c.args if a.pointer for h in [POINTEES[a.base][1]] if h})
    out += '\n#include <stddef.h>\n\n#include <asm/unistd.h>\n' + ''.join(f'#include <{h}>\n' for h in heads)
    out += '\n#include <abi/sysdesc.h>\n\n'
    out += 'const char rump_sysdesc_names[] =\n'
    offset, names = 0, {}
    for c in real:
        names[c.name] = offset
        offset += len(c.name) + 1
        out += f'    "{c.name}\\0"\n'
    out += '    ;\n\nconst struct sysdesc rump_sysdesc[] = {\n'
    for c in real:
        text = f'\t{{\t.sd_nr = __NR_{c.name}, .sd_name = {names[c.name]}, .sd_nargs = {len(c.args)},\n'
        text += f'\t\t.sd_ret = SYSRET_{RETURNS[c.ret][1]}, .sd_faction = SYSFACTION_{c.faction.upper()}, .sd_nosys = {int(c.nosys)},\n'
        if c.args:
            text += '\t\t.sd_args = {\n' + ''.join(f'\t\t\t{describe_arg(a)},\n' for a in c.args) + '\t\t},\n'
        out += ifdef(c, text + '\t},\n')
    out += '};\nconst unsigned int rump_nsysdesc = sizeof(rump_sysdesc) / sizeof(rump_sysdesc[0]);\n\n'
    out += '/* Number -> place in rump_sysdesc, plus one. */\n'
    out += 'enum {\n'
    for c in real:
        out += ifdef(c, f'\tPLACE_{c.name},\n')
    out += '};\n\nstatic const uint16_t sysdesc_place[] = {\n'
    for c in real:
        out += ifdef(c, f'\t[__NR_{c.name}] = PLACE_{c.name} + 1,\n')
    out += '''};

const struct sysdesc *
rump_sysdesc_find(unsigned int nr)
{
	if (nr >= sizeof(sysdesc_place) / sizeof(sysdesc_place[0]) || sysdesc_place[nr] == 0)
		return NULL;
	return &rump_sysdesc[sysdesc_place[nr] - 1];
}
'''
    w.write('abi/sysdesc.c', out)


def write_sysflags(w, sets):
    out = header('sysflags.c', 'the names of flags')
    heads = sorted({s.header for s in sets if s.header})
    out += '\n' + ''.join(f'#include <{h}>\n' for h in heads) + '\n#include <abi/sysdesc.h>\n\n'
    out += 'const char rump_sysflag_names[] =\n'
    offsets, offset = {}, 0
    for s in sets:
        for name, _, _ in s.symbols:
            if name not in offsets:
                offsets[name] = offset
                offset += len(name) + 1
                out += f'    "{name}\\0"\n'
    out += '    ;\n\nconst struct sysflag rump_sysflags[] = {\n'
    first, places = 0, []
    for s in sets:
        out += f'\t/* {s.name} */\n'
        for name, value, mask in s.symbols:
            out += f'\t{{ (uint32_t)({value}), (uint32_t)({mask}), {offsets[name]} }},\n'
        places.append((s.name, first, len(s.symbols)))
        first += len(s.symbols)
    out += '};\n\nconst struct sysflag_set rump_sysflag_sets[SYSSET_COUNT] = {\n'
    out += ''.join(f'\t[SYSSET_{n}] = {{ {f}, {c} }},\n' for n, f, c in places) + '};\n'
    w.write('abi/sysflags.c', out)


# The public side


def public_prototype(c, style):
    """style 'decl': with a tab, for headers; 'def': for the code."""
    args = [a for a in c.args if not a.unused]
    texts = [declare(a.public_type(), a.name) for a in args]
    if c.variadic:
        texts[-1] = '...'
    if not texts:
        texts = ['void']
    type_ = RETURNS[c.ret][0]
    if style == 'decl':
        first = f'{type_}rump_sys_{c.name}(' if type_.endswith('*') else f'{type_}\trump_sys_{c.name}('
        return wrap(first, texts, ');')
    return f'{type_.rstrip(" *")}{" *" if type_.endswith("*") else ""}\n' + wrap(f'rump_sys_{c.name}(', texts, ')')


def public_guard(c, text):
    """Where the machine lacks the call, and no other takes its place."""
    if not c.legacy:
        return text
    if c.target:
        goal = c.target_call
        if not goal.legacy:
            return text
        return f'#ifdef __NR_{goal.name}\n{text}#endif\n'
    return f'#ifdef __NR_{c.name}\n{text}#endif\n'


def write_public(w, calls):
    out = header('rump_syscalls.h', 'the system calls of a rump kernel as C functions',
        'Each rump_sys_NAME() is NAME(2) of Linux, made to the kernel in this process',
        'instead of the host\'s, and with the manners of libc: -1 and errno when it fails.',
        'Structures and constants are the ones of the C library.  The kernel must have',
        'been started, rump_init(3); before that every call fails with ENXIO.',
        '',
        'Where libc differs from the kernel\'s call, we are with libc, except that',
        '\trump_sys_getcwd() does not allocate: buf must not be NULL',
        '\trump_sys_clock_nanosleep() fails with -1 and errno as all others do',
        '\trump_sys_pselect6() is the kernel\'s call: pointer and size of the',
        '\t    mask stand in a structure',
        '\trump_sys_select() leaves in *timeout what was not slept',
        '',
        'A call of a part of the kernel which is not linked in (files without',
        'librumpvfs, sockets without librumpnet) fails with ENOSYS.',
        '',
        'See rump_syscalls(3); rump_syscall(3) makes a call by its number.')
    out += '\n#ifndef RUMP_RUMP_SYSCALLS_H\n#define RUMP_RUMP_SYSCALLS_H\n\n'
    out += '#include <sys/types.h>\n#include <sys/select.h>\n#include <sys/socket.h>\n#include <sys/syscall.h>\n\n#include <stddef.h>\n#include <stdint.h>\n#include <time.h>\n\n'
    for s in structs_of(calls, 'public'):
        out += f'{s};\n'
    out += '\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
    section = None
    for c in calls:
        if c.public:
            if c.section != section:
                section = c.section
                out += f'\n/* {section} */\n\n'
            out += public_guard(c, public_prototype(c, 'decl') + '\n')
    out += '\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* RUMP_RUMP_SYSCALLS_H */\n'
    w.write('rump/rump_syscalls.h', out)


def stub_body(goal, exprs):
    """Declaration of the registers of a call of goal, and the call; unused registers are 0."""
    values, it = [], iter(exprs)
    for a in goal.args:
        e = '0' if a.unused else next(it)
        values.append(e if a.unused else f'(unsigned long){e}' if re.fullmatch(r'\w+', e) else f'(unsigned long)({e})')
    if not values:
        return '', f'rump_syscall_args(__NR_{goal.name}, stub_none)'
    line = wrap('\tconst unsigned long a[6] = { ', values, ' };', '\t    ').replace('{  ', '{ ')
    return line + '\n', f'rump_syscall_args(__NR_{goal.name}, a)'


def stub_result(c, expr):
    if c.ret == 'cwd':
        return f'\treturn stub_result({expr}) < 0 ? NULL : {c.args[0].name};\n'
    if c.ret == 'prio':
        return f'\tconst long r = stub_result({expr});\n\n\treturn r < 0 ? -1 : 20 - (int)r;\n'
    type_ = RETURNS[c.ret][0]
    return f'\treturn ({type_})stub_result({expr});\n'


def stub_code(c, declaration, expr):
    # What converts a result declares it, too: no empty line between them.
    return declaration + ('\n' if declaration and c.ret != 'prio' else '') + stub_result(c, expr)


def stub(c):
    own = [a.name for a in c.args if not a.unused]
    out = public_prototype(c, 'def') + '\n{\n'
    if c.variadic:
        last, before = c.args[-1], c.args[-2]
        type_ = 'unsigned long' if last.kind in ('FCNTL', 'IOCTL') else 'unsigned int'
        cond = f'if ({before.name} & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))\n\t\t' if before.set == 'open' else ''
        out += f'\t{type_} {last.name} = 0;\n\tva_list ap;\n\n'
        out += f'\tva_start(ap, {before.name});\n\t{cond}{last.name} = va_arg(ap, {type_});\n\tva_end(ap);\n\n'
    goal, exprs = (c.target_call, c.target_args) if c.lib else (c, own)
    if c.legacy and c.target and not c.lib:
        a1, e1 = stub_body(c, own)
        a2, e2 = stub_body(c.target_call, c.target_args)
        one, two = stub_code(c, a1, e1), stub_code(c, a2, e2)
        out += one if c.target_call.legacy else f'#ifdef __NR_{c.name}\n{one}#else\n{two}#endif\n'
    else:
        out += stub_code(c, *stub_body(goal, exprs))
    return public_guard(c, out + '}\n') + '\n'


def write_stubs(w, calls):
    out = header('rump_stubs.c', 'the public system calls, rump_sys_*()',
        'Host code.  Each packs its arguments as six registers; what comes back is a',
        'result or a negative errno.')
    out += '\n#include <rump/rump_syscalls.h>\n\n#include <sys/stat.h>\n#include <sys/syscall.h>\n\n#include <errno.h>\n#include <fcntl.h>\n#include <stdarg.h>\n\n#include <rump/rump.h>\n\n'
    for c in calls:
        if c.nr is not None:
            out += f'#ifndef __NR_{c.name}\n#define __NR_{c.name}\t{c.nr}\n#endif\n\n'
    out += '''static const unsigned long stub_none[6];

static inline long
stub_result(long r)
{
	if (__builtin_expect((unsigned long)r > -4096UL, 0)) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

'''
    out += ''.join(stub(c) for c in calls if c.public)
    w.write('rump_stubs.c', out.rstrip() + '\n')


def list_names(calls, what):
    pick = {
        'all': lambda c: not c.lib, 'served': lambda c: c.served, 'nosys': lambda c: c.nosys and not c.lib,
        'public': lambda c: c.public, 'handlers': lambda c: c.handler,
    }.get(what)
    if not pick:
        raise SystemExit(f'syscalls.py: nothing to list as "{what}"')
    for c in calls:
        if pick(c):
            print(c.name)


def main():
    p = argparse.ArgumentParser(description='Write everything that follows from the system call table.')
    p.add_argument('--table', required=True)
    p.add_argument('--flags', help='table of symbols (sysflags.tbl beside the table)')
    p.add_argument('--outdir')
    p.add_argument('--weak', action='store_true', help='missing handlers answer ENOSYS')
    p.add_argument('--list', metavar='WHAT', help='all, served, nosys, public or handlers')
    args = p.parse_args()
    calls = read_table(args.table)
    if args.list:
        list_names(calls, args.list)
        return
    if not args.outdir:
        p.error('--outdir or --list')
    w = Writer(args.outdir)
    write_sysargs(w, calls)
    for faction in FACTIONS:
        write_sysent(w, calls, faction, args.weak)
    sets = read_flags(args.flags or os.path.join(os.path.dirname(args.table), 'sysflags.tbl'), calls)
    write_sysdesc_h(w, calls, sets)
    write_sysflags(w, sets)
    write_sysdesc_c(w, calls)
    write_public(w, calls)
    write_stubs(w, calls)


if __name__ == '__main__':
    main()
