# SPDX-License-Identifier: BSD-2-Clause
"""far.py - the far side: a network name space of the host with a tap in it

The name space has no name: it lives as long as our descriptor of it and the processes
in it.  Those are told to die with us, so that whatever kills this script, nothing is
left behind.  Making it, and the tap, needs root and /dev/net/tun; the kernel
of ours at the other end of the tap gets a descriptor and needs neither.
"""

import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
PATIENCE = patience.seconds(30)

_libc = ctypes.CDLL(None, use_errno=True)
os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ['LC_ALL'] = 'C'


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, '%s: %s' % (what, os.strerror(error)))


def usable():
    """Why it cannot be done here, or None."""
    if os.geteuid() != 0:
        return 'not root'
    if not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        return 'no /dev/net/tun'
    try:
        far = Far()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return 'no name space with a tap: %s' % error
    far.close()
    return None


def wait_for(what, condition, patience=PATIENCE):
    """For what the host tells nobody about: asks until it is so."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError('%s: not within %d seconds' % (what, patience))
        select.select([], [], [], 0.02)


class Far:
    """A name space, its tap, and what runs there."""

    def __init__(self, vnet_hdr=True):
        self.running = []
        self.ns = self._unshare()
        self.tap = self.inside(self._tap, vnet_hdr)
        self.run('ip', 'link', 'set', 'lo', 'up')

    @staticmethod
    def _unshare():
        """A child makes it, we take a descriptor of it, the child goes."""
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                code = 0 if _libc.unshare(CLONE_NEWNET) == 0 else ctypes.get_errno() or 1
                its.send(bytes([code]))
                its.recv(1)
            finally:
                os._exit(code)
        its.close()
        try:
            code = ours.recv(1)
            if code != b'\0':
                raise OSError(code[0] if code else 0, 'unshare: ' + os.strerror(code[0] if code else 0))
            return os.open('/proc/%d/ns/net' % pid, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            ours.close()
            os.waitpid(pid, 0)

    @staticmethod
    def _tap(vnet_hdr):
        fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet_hdr else 0)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', b'tap0', flags))
        return fd

    def inside(self, function, *args):
        """Calls it on a thread that is in the name space: sockets made so are the far side's."""
        result = []

        def body():
            try:
                _check(_libc.setns(self.ns, CLONE_NEWNET), 'setns')
                result.append((function(*args), None))
            except Exception as error:          # pylint: disable=broad-except
                result.append((None, error))
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if result[0][1] is not None:
            raise result[0][1]
        return result[0][0]

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        return self.inside(socket.socket, family, kind, protocol)

    def _enter(self):
        _libc.setns(self.ns, CLONE_NEWNET)
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def start(self, *command, **more):
        more.setdefault('stdout', subprocess.PIPE)
        more.setdefault('stderr', subprocess.STDOUT)
        more.setdefault('stdin', subprocess.DEVNULL)
        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        process = subprocess.Popen(command, preexec_fn=self._enter, start_new_session=True, **more)
        self.running.append(process)
        return process

    def run(self, *command, check=True, timeout=2 * PATIENCE, **more):
        """Somebody else's program to its end; what it said."""
        process = self.start(*command, **more)
        try:
            out, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise RuntimeError('%s: not done in %d s' % (' '.join(command), timeout)) from error
        finally:
            self.running.remove(process)
        if check and process.returncode != 0:
            raise RuntimeError('%s: code %d: %.1000s' % (' '.join(command), process.returncode,
                                                        (out or b'').decode(errors='replace')))
        return (out or b'').decode(errors='replace')

    def configure(self, *addresses, mtu=1500):
        self.run('ip', 'link', 'set', 'tap0', 'mtu', str(mtu))
        for name in ('accept_dad', 'dad_transmits', 'router_solicitations'):
            if mtu >= 1280:
                self.sysctl('net/ipv6/conf/tap0/' + name, 0)
        self.run('ip', 'link', 'set', 'tap0', 'up')
        for address in addresses:
            self.run('ip', 'addr', 'add', address, 'dev', 'tap0')

    def sysctl(self, name, value):
        """/proc/sys/net shows the name space of who opens it."""
        self.inside(_sysctl, name, value)

    def stop(self, process):
        """Ends it, and says what it had said."""
        process.terminate()
        try:
            out, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        if process in self.running:
            self.running.remove(process)
        return (out or b'').decode(errors='replace')

    def listening(self, port, kind='-t'):
        """Has somebody there bound the port?"""
        return ':%d ' % port in self.run('ss', '-Hln', kind)

    def close(self):
        for process in list(self.running):
            self.stop(process)
        os.close(self.tap)
        os.close(self.ns)


def _sysctl(name, value):
    with open('/proc/sys/' + name, 'w', encoding='ascii') as file:
        file.write(str(value))
