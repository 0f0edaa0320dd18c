#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_net_pair.py NET_PAIR - the example of two kernels on one bus, run as it says"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

WANT = """ping: answered
UDP: a datagram came back
TCP: a stream came back
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([sys.argv[1], os.path.join(folder, 'bus')], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=patience.seconds(30), check=False)
    good = run.returncode == 0 and run.stdout == WANT
    if not good:
        print('# code %d: %s' % (run.returncode, run.stdout))
    print('%d passed, %d failed, 0 skipped' % (good, not good))
    sys.exit(0 if good else 1)


main()
