# SPDX-License-Identifier: BSD-2-Clause
"""patience.py - how long a test in Python waits for what must come

A limit turns a hang into a failure that says what did not come.  It is thought of on a machine
that has nothing else to do, so a busy one gets more, and so does a sanitizer, which makes
everything slower (RUMPUS_SLOWNESS, from the build).  What the machine will have to do later
nobody knows: hence twice as much at least.
"""

import faulthandler
import os
import signal

# Who loses patience with all of the test sends this first: then it says what it was waiting for.
faulthandler.register(signal.SIGTERM, all_threads=True, chain=True)

# Where tests run in the background of a shell, programs would ignore what a test sends them.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def seconds(alone):
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return alone * float(os.environ.get('RUMPUS_SLOWNESS', '1')) * (2 + load)
