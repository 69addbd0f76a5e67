#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The story in three minutes: port 25 closes, mail leaves by a relay, it opens, mail goes direct.

Everything happens in network namespaces that end with this program: a mail host with a real
Postfix and detourd, its provider's router, an internet with six mail operators and a relay.
"""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import Lab, LabError, wait_until  # noqa: E402

MESSAGES, DOMAINS = 300, 50
PATIENCE = 170      # s, for any one step
BOLD, DIM, RED, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m"


class Timeline:
    """Lines with the second at which each thing happened."""

    def __init__(self):
        self._start = time.monotonic()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _paint(self, colour, text):
        return f"{colour}{text}{PLAIN}" if self._colour else text

    def heading(self, text):
        print("\n" + self._paint(BOLD, text))

    def say(self, text, colour=""):
        seconds = self._paint(DIM, f"{time.monotonic() - self._start:6.1f} s")
        print(f"{seconds}   {self._paint(colour, text) if colour else text}", flush=True)

    def quote(self, text):
        for line in text.rstrip().splitlines():
            print(" " * 11 + self._paint(DIM, "| ") + line)
        sys.stdout.flush()


class Story:
    """One lab, one timeline."""

    def __init__(self, lab, line):
        self.lab, self.line, self.ids = lab, line, []
        self.before = lab.mailhost.main_cf.read_bytes()

    def count(self):
        """Where the messages are, in words."""
        places = {"direct": 0, "relay": 0}
        for ident, deliveries in self.lab.delivered().items():
            if ident in self.ids:
                places[deliveries[0].where.split(":")[0]] += 1
        waiting = len(self.lab.queue())
        return (f"{places['direct']} delivered direct, {places['relay']} through the relay, "
                f"{waiting} waiting, {len(self.lab.bounced())} bounced")

    def send(self, count):
        self.ids += self.lab.mail(count, domains=DOMAINS)
        self.line.say(f"{count} messages to {DOMAINS} domains are handed to Postfix")

    def watch_delivery(self):
        """Show the count as it changes, until everything has arrived."""
        said = [None, 0.0]

        def arrived():
            now = self.count()
            if now != said[0] and time.monotonic() - said[1] > 3:
                self.line.say(now)
                said[:] = now, time.monotonic()
            return set(self.ids) <= set(self.lab.delivered())

        wait_until(arrived, PATIENCE, "every message arrives")
        self.line.say(self.count(), GREEN)

    def wait(self, what, wanted):
        self.lab.product.wait_status(wanted, PATIENCE, what)

    def begin(self):
        self.line.heading("1. All is well")
        self.lab.product.start(relays={"office": self.lab.relay}, interval=5, stay=10)
        self.wait("the first verdict", lambda s: s["verdict"]["ipv4"] and all(
            r["state"] == "proven" for r in s["relays"]))
        self.line.say("detourd watches; `detourctl status` says:")
        self.line.quote(self.lab.product.detourctl("status").stdout)
        self.send(MESSAGES // 3)
        self.watch_delivery()

    def block(self):
        self.line.heading("2. The provider closes port 25: packets to it vanish")
        self.lab.block(25, "drop", spare_established=True)
        self.line.say("port 25 is closed", RED)
        self.send(MESSAGES)
        self.line.say(self.count())
        self.wait("the verdict", lambda s: (s["verdict"]["ipv4"] or {}).get("name") == "blocked")
        self.line.say("verdict: blocked; nobody answers on port 25, while controls do", RED)
        self.lab.product.wait_route("office", PATIENCE)
        self.line.say("the relay has proved itself; Postfix sends through it now", GREEN)
        self.line.quote(self.lab.product.detourctl("status").stdout)

    def deliver(self):
        self.line.heading("3. The backlog leaves")
        self.line.say("what still hangs in a connect to port 25 follows when Postfix lets go of it")
        self.watch_delivery()

    def reopen(self):
        self.line.heading("4. The provider opens port 25 again")
        self.lab.unblock()
        self.line.say("port 25 is open")
        self.lab.product.wait_route("direct", PATIENCE)
        self.line.say("three good rounds, and Postfix delivers direct again", GREEN)
        self.send(MESSAGES // 3)
        self.watch_delivery()

    def account(self):
        self.line.heading("5. The account")
        self.lab.assert_exactly_once(self.ids)
        self.line.say(f"{len(self.ids)} messages sent, each arrived exactly once, none bounced",
                      GREEN)
        same = self.lab.mailhost.main_cf.read_bytes() == self.before
        self.line.say("main.cf is byte for byte what it was" if same else "main.cf has CHANGED",
                      GREEN if same else RED)
        return same


def main():
    line = Timeline()
    print("A mail host, its provider's router and a small internet, in namespaces of their own.\n"
          "Nothing of this machine's network, Postfix or files is touched.")
    try:
        with Lab() as lab:
            story = Story(lab, line)
            story.begin()
            story.block()
            story.deliver()
            story.reopen()
            return 0 if story.account() else 1
    except (LabError, AssertionError) as error:
        line.say(f"the story broke off: {error}", RED)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
