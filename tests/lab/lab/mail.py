# SPDX-License-Identifier: BSD-2-Clause
"""Mail that can be counted: every message has an id, in its headers, in the local part of its
recipient and in its last line, and every place where it may end up is looked through for it."""

import collections
import concurrent.futures
import email
import email.policy
import email.utils
import re
import smtplib
import socket
import time

from .wait import wait_until

# WHERE is "direct:<MX host>" or the name of a relay; WHEN is in seconds since the epoch.
Delivery = collections.namedtuple("Delivery", "where when")

_ID_HEADER = re.compile(rb"^X-Lab-Id: (\S+)$", re.MULTILINE)
_GIVEN_UP = re.compile(r" to=<(m\d+)@[^>]*>,.* status=(?:bounced|expired)")


def message(ident, sender, recipient, size):
    """A message of about SIZE bytes whose last line shows that it is whole."""
    head = (f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: message {ident}\r\n"
            f"Date: {email.utils.formatdate()}\r\nMessage-ID: <{ident}@lab.example>\r\n"
            f"X-Lab-Id: {ident}\r\n\r\n")
    end = f"end of {ident}\r\n"
    line = "x" * 70 + "\r\n"
    return head + line * max(0, (size - len(head) - len(end)) // len(line)) + end


class _Client(smtplib.SMTP):
    """smtplib from inside a network of the lab."""

    def __init__(self, network, address, port=25):
        self._network = network
        super().__init__(address, port, local_hostname="localhost", timeout=60)

    def _get_socket(self, host, port, timeout):
        with self._network.inside():
            return socket.create_connection((host, port), timeout)


def inject(network, address, letters, sender, size, connections=8):
    """Send LETTERS, pairs of an id and a recipient, to the SMTP server at ADDRESS.  Whatever is
    not accepted raises smtplib's exception."""
    def share(part):
        if not part:
            return
        with _Client(network, address) as client:
            for ident, recipient in part:
                client.sendmail(sender, [recipient], message(ident, sender, recipient, size))

    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        shares = [letters[i::connections] for i in range(connections)]
        for done in [pool.submit(share, part) for part in shares]:
            done.result()


class Dumps:
    """The messages that arrived somewhere, one a file.  A file is read until its message is
    whole, and then not again."""

    def __init__(self, where, directory):
        self._where = where
        self._directory = directory
        self._known = {}            # path to (id or None, Delivery)
        self.others = {}            # path to the text of what has no id, such as a bounce

    def deliveries(self):
        for path in self._directory.iterdir():
            if path not in self._known:
                self._look(path)
        return list(self._known.values())

    def _look(self, path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return  # smtp-sink has thrown away what its client broke off
        head = data.partition(b"\n\n")[0]
        found = _ID_HEADER.search(head)
        if not found:
            self.others[path] = data.decode("utf-8", "replace")
            return
        ident = found.group(1)
        if data.rstrip().endswith(b"end of " + ident):
            self.others.pop(path, None)
            self._known[path] = (ident.decode(), Delivery(self._where, path.stat().st_mtime))


def given_up(log):
    """The ids that Postfix has returned to the sender, by its log."""
    return {match.group(1) for match in _GIVEN_UP.finditer(log)}


def returned(text):
    """The ids that the delivery status notifications in TEXT, a message or an mbox, report as
    failed."""
    ids = set()
    for part in re.split(r"^From .*\n", text, flags=re.MULTILINE):
        letter = email.message_from_string(part, policy=email.policy.default)
        if letter.get_content_type() == "multipart/report" and "Action: failed" in part:
            ids |= set(re.findall(r"^Final-Recipient: rfc822; *(m\d+)@", part, re.MULTILINE))
    return ids


class Ledger:
    """What became of the messages.  SENDERS are the hosts whose queues and logs may hold them,
    DUMPS where they may arrive."""

    def __init__(self, senders, dumps):
        self._senders = senders
        self._dumps = dumps

    def delivered(self):
        """Id to the list of its deliveries."""
        result = collections.defaultdict(list)
        for dumps in self._dumps:
            for ident, delivery in dumps.deliveries():
                result[ident].append(delivery)
        return dict(result)

    def queued(self):
        """Id to where it waits, such as `mailhost: deferred`."""
        return {recipient.partition("@")[0]: f"{host.name}: {queue}"
                for host in self._senders for recipient, queue in host.queue().items()}

    def bounced(self):
        """The ids that were given up by any server or reported as failed to anybody."""
        self.delivered()
        texts = [text for dumps in self._dumps for text in dumps.others.values()]
        texts += [box.read_text(errors="replace") for host in self._senders
                  for box in host.mailboxes.iterdir()]
        return set().union(*(given_up(host.log()) for host in self._senders),
                           *(returned(text) for text in texts))

    def wait_delivered(self, ids, timeout):
        """Wait until every one of IDS has arrived somewhere; the seconds that took."""
        begun = time.monotonic()
        ids = set(ids)
        wait_until(lambda: ids <= self.delivered().keys(), timeout,
                   lambda: self.account(ids), interval=0.05)
        return time.monotonic() - begun

    def account(self, ids, where=None):
        """What is wrong with IDS, in a few lines; "" if each arrived exactly once, at a place
        whose name begins with WHERE, and none was bounced."""
        delivered, bounced = self.delivered(), self.bounced()
        queued = self.queued()
        faults = []
        self._fault(faults, ids, "missing", {
            ident: queued.get(ident, "in no queue") for ident in ids if ident not in delivered})
        self._fault(faults, ids, "more than once", {
            ident: ", ".join(place for place, _ in delivered[ident])
            for ident in ids if len(delivered.get(ident, ())) > 1})
        self._fault(faults, ids, "bounced", {
            ident: "delivered" if ident in delivered else "lost" for ident in ids
            if ident in bounced})
        self._fault(faults, ids, f"not by {where}", {
            ident: ", ".join(place for place, _ in delivered[ident])
            for ident in ids if where and ident in delivered
            and not all(place.startswith(where) for place, _ in delivered[ident])})
        return "\n".join(faults)

    @staticmethod
    def _fault(faults, ids, what, found):
        if found:
            some = "; ".join(f"{ident} ({detail})" for ident, detail in sorted(found.items())[:5])
            faults.append(f"{len(found)} of {len(ids)} {what}: {some}"
                          + ("; …" if len(found) > 5 else ""))
