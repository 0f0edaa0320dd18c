# SPDX-License-Identifier: BSD-2-Clause
"""python_verdicts.py - runs one module of CPython's own tests and tells each verdict

	python3 python_verdicts.py RECORD MODULE

It runs in whatever world it was started in, with the working directory that the
tests shall use, and appends lines to the file RECORD:

	start TEST
	ok|fail|error|skip|expected|unexpected TEST [first line of why]
	end

Tests that the record has already begun are not begun again.  So who started us
can start us once more when a test has brought down or hung the whole process:
that test is the one that has a start and no verdict.
"""

import faulthandler
import os
import sys
import unittest

LIMIT = 60      # seconds for one test


def record_read(name):
    try:
        with open(name, encoding='utf-8') as file:
            return {line.split()[1] for line in file if line.startswith('start ')}
    except FileNotFoundError:
        return set()


class Result(unittest.TestResult):
    """Writes down each verdict at once, for a process may not see its end."""

    def __init__(self, record):
        super().__init__()
        self.record = record
        self.worst = None

    def say(self, word, test, why=''):
        why = why.strip().splitlines()
        line = '%s %s %s\n' % (word, test.id().replace(' ', '_'), why[-1][:300] if why else '')
        os.write(self.record, line.encode(errors='replace'))

    def note(self, word, why):
        if self.worst is None or self.worst[0] == 'skip':
            self.worst = (word, why)

    def tell(self, err):
        return '%s: %s' % (err[0].__name__, str(err[1]).replace('\n', ' '))

    def startTest(self, test):
        super().startTest(test)
        self.worst = None
        self.say('start', test)
        faulthandler.dump_traceback_later(LIMIT, exit=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        word, why = self.worst or ('ok', '')
        self.say(word, test, why)
        super().stopTest(test)

    def addError(self, test, err):
        if not hasattr(test, '_testMethodName'):
# What a class or module has for preparation failed.
            self.say('start', test)
            self.say('error', test, self.tell(err))
            return
        super().addError(test, err)
        self.note('error', self.tell(err))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note('fail', self.tell(err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            word = 'fail' if issubclass(err[0], test.failureException) else 'error'
            self.note(word, '%s: %s' % (subtest._subDescription(), self.tell(err)))

    def addSkip(self, test, reason):
        if not hasattr(test, '_testMethodName'):
            self.say('start', test)
            self.say('skip', test, reason)
            return
        super().addSkip(test, reason)
        self.note('skip', reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note('expected', self.tell(err))

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note('unexpected', '')


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def main():
    name, module = sys.argv[1:3]
    only = set(sys.argv[3:])
    done = record_read(name)
    record = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    faulthandler.enable()
    if 'SUITE_WORK' in os.environ:
        os.chdir(os.environ['SUITE_WORK'])

    from test import support
    support.verbose = bool(only)
    support.use_resources = ['subprocess', 'cpu', 'walltime', 'tzdata']
    if module == 'test.test_socketserver':
        support.use_resources.append('network')     # its own, on the loopback
    sys.argv = [sys.argv[0]]
    suite = unittest.TestLoader().loadTestsFromName(module)
# The order within a class matters to nobody; that classes stay together does.
    chosen = unittest.TestSuite()
    classes = {}
    for test in tests_of(suite):
        if test.id().replace(' ', '_') in done:
            continue
        if only and not any(test.id().endswith(x) for x in only):
            continue
        key = type(test)
        if key not in classes:
            classes[key] = unittest.TestSuite()
            chosen.addTest(classes[key])
        classes[key].addTest(test)
    result = Result(record)
    if only:
        result = unittest.TextTestRunner(verbosity=2)
        result.run(chosen)
        return
    chosen.run(result)
    os.write(record, b'end\n')


if __name__ == '__main__':
    main()
