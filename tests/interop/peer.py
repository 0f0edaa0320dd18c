# SPDX-License-Identifier: BSD-2-Clause
"""peer.py - our side: a process with a kernel of ours, see peer.c

call() waits for the answer, start() gives something whose result() can be waited for,
so that a script may act while a call sleeps.
"""

import os
import queue
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

PATIENCE = patience.seconds(60)


class PeerError(Exception):
    """The call failed: args[0] is the name of the error."""


class Call:
    """One that is under way."""

    def __init__(self, text):
        self.text = text
        self.answer = queue.Queue()

    def result(self, timeout=PATIENCE):
        try:
            how, words = self.answer.get(timeout=timeout)
        except queue.Empty:
            raise RuntimeError('%s: no answer in %s s' % (self.text, timeout)) from None
        self.answer.put((how, words))
        if how != 'ok':
            raise PeerError(words[0])
        return words

    def done(self):
        return not self.answer.empty()


class Peer:
    """One kernel.  tap: a descriptor that it inherits."""

    def __init__(self, program, tap=None, env=None, **more):
        environ = dict(os.environ, **(env or {}))
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1, env=environ,
                                        pass_fds=[tap] if tap is not None else [], **more)
        self.calls = {}
        self.lock = threading.Lock()
        self.number = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            tag, how, *words = line.split()
            with self.lock:
                call = self.calls.pop(tag, None)
            if call is None:
                print('# peer said: %r' % line, file=sys.stderr)
            else:
                call.answer.put((how, words))
        with self.lock:
            left, self.calls = self.calls, {}
        for call in left.values():
            call.answer.put(('err', ['the peer is gone, code %s' % self.process.wait()]))

    def start(self, *words):
        text = ' '.join(str(word) for word in words)
        call = Call(text)
        with self.lock:
            self.number += 1
            tag = str(self.number)
            self.calls[tag] = call
        self.process.stdin.write('%s %s\n' % (tag, text))
        self.process.stdin.flush()
        return call

    def call(self, *words, timeout=PATIENCE):
        return self.start(*words).result(timeout)

    def number_of(self, *words, timeout=PATIENCE):
        return int(self.call(*words, timeout=timeout)[0])

    def fails(self, *words, timeout=PATIENCE):
        """The name of the error it ends with; '' if it does not."""
        try:
            self.call(*words, timeout=timeout)
        except PeerError as error:
            return error.args[0]
        return ''

    def close(self):
        """Whether it ended as it should."""
        try:
            self.process.stdin.close()
            return self.process.wait(timeout=PATIENCE) == 0
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
            return False
