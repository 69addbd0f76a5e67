# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for a condition, always with a deadline."""

import time


class LabError(Exception):
    """The lab itself did not do what it was asked to."""


def wait_until(condition, timeout, what, interval=0.02):
    """Poll CONDITION until it returns something true, and return that.

    TIMEOUT and INTERVAL are seconds.  WHAT says in the error what did not happen; it may be a
    function, called only then.  No more than half of the time is spent looking: that would be
    taken from what is waited for, and from the other labs.
    """
    deadline = time.monotonic() + timeout
    while True:
        begun = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now >= deadline:
            raise LabError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(max(interval, now - begun))
