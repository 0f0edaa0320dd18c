# SPDX-License-Identifier: BSD-2-Clause
"""sigio_program.py - a program that is told by signals what happens to its sockets

Run by t_hijack_sigio.py, with its own kernel and with others.  Says what it was told.
"""

import errno
import fcntl
import os
import signal
import socket

told = []


def handler(number, _frame):
    told.append(number)


def wait_for(number, what):
    """The host's own call waits, so that nothing but the signal wakes it.  SIGALRM: it never came."""
    signal.alarm(30)
    while number not in told:
        signal.sigtimedwait([], 0.2)
    signal.alarm(0)
    told.clear()
    print(what, signal.Signals(number).name if number < signal.SIGRTMIN else 'the signal of choice')


def main():
    own = signal.SIGRTMIN + 1
    for number in (signal.SIGIO, signal.SIGURG, own):
        signal.signal(number, handler)
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    server.setblocking(False)
    fcntl.fcntl(server, fcntl.F_SETOWN, os.getpid())
    client.send(b'!', socket.MSG_OOB)
    wait_for(signal.SIGURG, 'urgent:')
    print('owner:', fcntl.fcntl(server, fcntl.F_GETOWN) == os.getpid())
    flags = fcntl.fcntl(server, fcntl.F_GETFL)
    fcntl.fcntl(server, fcntl.F_SETFL, flags | os.O_ASYNC)
    client.send(b'one')
    wait_for(signal.SIGIO, 'data:')
    print('read:', server.recv(100))
    fcntl.fcntl(server, fcntl.F_SETSIG, own)
    client.send(b'two')
    wait_for(own, 'data:')
    print('read:', server.recv(100))
    client.close()
    wait_for(own, 'the end:')
    print('read:', server.recv(100))
    try:
        fcntl.fcntl(server, fcntl.F_SETOWN, 4194303)
    except OSError as error:
        print('nobody:', errno.errorcode[error.errno])


main()
