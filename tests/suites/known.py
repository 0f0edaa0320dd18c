# SPDX-License-Identifier: BSD-2-Clause
"""known.py - where suites say otherwise hijacked than on the host, and why

Each entry: suite, name, world, test, ours - regular expressions that have to match whole - and the reason.
"""

import re

NOFORK = 'a forked child has no kernel inside'
ASYNC = 'the server notices the end of a process a moment after its parent does'

KNOWN = [
    # --- our own table
    ('calls', '(fork|limit-of-sizes|record-locks|ofd-locks|flock|lock-waits)', 'inside', '.*', '.*', NOFORK),
    ('calls', '(record-locks|ofd-locks|flock|lock-waits)', '.*', r'.*lock.*', '.*(EAGAIN|EACCES)', ASYNC),
    ('calls', 'open-tmpfile', '.*', '.*named3.*', '.*',
     'links by /proc/self/fd do not lead to the files of the kernel'),
    ('calls', 'xattr', '.*', '.*posix_acl.*', '.*', 'tmpfs has no POSIX ACLs'),
    ('calls', 'statfs-and-ioctl', 'inside', ' *type.*', '.*', 'the root is not the tmpfs'),
    ('calls', '(descriptors|local-rights|sigio|options-odd)', 'inside', '.*(SETOWN|GETOWN|pid).*', '.*',
     'a kernel inside numbers processes itself'),
    ('calls', 'local-(names|rights)', 'trap', '.*', '.*',
     'without --socket=all local sockets are the host\'s'),
    ('calls', 'inet-sockets', '.*', r'bind\(.*AF_INET6.*', '.*EINVAL',
     'that a socket has an address already is seen before what else is wrong'),
    ('calls', 'udp', '.*', 'sendto.*', '.*ENETUNREACH', 'a server without interfaces has no broadcasts'),
    ('calls', 'options-.*', '.*', '.*(IP_UNICAST_IF|TCP_THIN_LINEAR).*', '.*', 'options that are not there'),
    ('calls', 'options-.*', '.*', '.*SO_RCVLOWAT.*', '.*', 'it is limited by the host\'s tcp_rmem'),
    ('calls', 'options-odd', '.*', '.*SIOCGSTAMP.*', '.*', 'an ioctl that is not there'),
    ('calls', 'options-.*', '.*', '.*SO_BUSY_POLL.*', '.*EPERM', 'more of it is a privilege, as socket(7) says'),
    ('calls', 'inet-sockets', '.*', r'socket\(AF_INET, SOCK_RAW, 0\).*', '.*EPERM',
     'that a user may not is seen before that there is no such thing'),
    ('calls', 'sigio', '.*', '.*SIGIO came.*', '.*', 'SIGIO is not sent'),
    # --- CPython
    ('python', 'socket', '.*', '.*(UDPLITE).*', '.*', 'there is no UDP-Lite'),
    ('python', '.*', '(preload|trap|supervisor)', '.*([Uu]nix|SCMRights|socket_fileno|is_socket).*', '.*',
     'without --socket=all local sockets are the host\'s, which knows no names of the kernel'),
    ('python', 'os', '.*', '.*ReadlinkTests.*', '.*', 'absolute links lead to the kernel\'s root'),
    ('python', 'posix', '.*', '.*test_posix_spawnp', '.*', 'absolute links lead to the kernel\'s root'),
    ('python', 'venv', '.*', '.*symlinks', '.*', 'absolute links lead to the kernel\'s root'),
    ('python', 'socket', '.*', '.*InterruptedRecvTimeoutTest.*', '.*',
     'its timer sometimes comes before the call, on the host as well'),
]


def reason(suite, name, world, test, ours):
    """Why that is so, or None."""
    for entry in KNOWN:
        if all(re.fullmatch(pattern, text) for pattern, text in zip(entry, (suite, name, world, test, ours))):
            return entry[5]
    return None
