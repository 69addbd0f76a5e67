# SPDX-License-Identifier: BSD-2-Clause
"""An SMTP server that misbehaves as told.  A program of its own: `python3 -IS fake_smtp.py FILE`.

FILE is JSON, a list of listeners; each has `address`, `port`, `name` and whatever of BEHAVIOUR it
wants to be otherwise.  A relay that must not be trusted is one of these too: `record` keeps every
byte that a client says, after decryption.
"""

import asyncio
import json
import os
import ssl
import sys
import tempfile
import time

BEHAVIOUR = {
    "greeting": "220 {name} ESMTP",     # None: never a word
    "banner_delay": 0,                  # seconds before the greeting
    "byte_delay": 0,                    # seconds before each byte that is sent
    "hang_up": False,                   # close as soon as connected
    "ehlo": ["PIPELINING", "SIZE 52428800", "8BITMIME"],
    "replies": {},                      # verb to reply, in place of the usual one; "." too
    "refuse": [],                       # [verb, text, reply]: while TEXT is in MAIL or RCPT
    "starttls": None,                   # [certificate file, key file]
    "tls": None,                        # the same, spoken from the first byte
    "auth": None,                       # mechanisms, announced with or without TLS
    "record": None,                     # file for what clients say
    "dump": None,                       # directory for the messages that are accepted
    "limit": None,                      # [messages, seconds, reply to MAIL beyond that]
    "rate": None,                       # messages a second that it gets done, all clients together
}
# Instead of a text, the greeting or a reply may be {"raw": text}: sent as it stands, in Latin-1,
# without an end of line, and with "endless": true again and again.
REPLIES = {
    "HELO": "250 {name}", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "RSET": "250 2.0.0 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>", ".": "250 2.0.0 Ok", "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye", "AUTH": "235 2.7.0 Authentication successful",
}
LINE_LIMIT = 65536


def tls_context(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


class Meter:
    """What all sessions with a server may do together."""

    def __init__(self, listener):
        self._limit, self._rate = listener["limit"], listener["rate"]
        self._began = self._next = -1e9
        self._count = 0

    def refusal(self):
        """The reply to one MAIL too many, or None.  The time begins with the first of them."""
        if not self._limit:
            return None
        most, seconds, reply = self._limit
        if time.monotonic() - self._began >= seconds:
            self._began, self._count = time.monotonic(), 0
        self._count += 1
        return reply if self._count > most else None

    async def turn(self):
        if self._rate:
            self._next = max(self._next + 1 / self._rate, time.monotonic())
            await asyncio.sleep(self._next - time.monotonic())


class Session:
    def __init__(self, listener, meter, reader, writer):
        self.listener, self.meter = listener, meter
        self.reader, self.writer = reader, writer
        self.encrypted = bool(listener["tls"])
        self.envelope = ""

    def told(self, verb):
        """The reply that is wanted in place of the usual one."""
        for refused, text, reply in self.listener["refuse"]:
            if refused == verb and text in self.envelope:
                return reply
        return self.listener["replies"].get(verb)

    def heard(self, data):
        if self.listener["record"]:
            with open(self.listener["record"], "ab") as stream:
                stream.write(data)
        return data

    async def say(self, reply):
        endless = False
        if isinstance(reply, dict):
            data, endless = reply["raw"].encode("latin-1"), reply.get("endless", False)
        else:
            data = (reply.replace("{name}", self.listener["name"]) + "\r\n").encode()
        await self.send(data)
        while endless:
            await self.send(data)

    async def send(self, data):
        delay = self.listener["byte_delay"]
        for piece in [bytes([byte]) for byte in data] if delay else [data]:
            await asyncio.sleep(delay)
            self.writer.write(piece)
            await self.writer.drain()

    async def line(self):
        return self.heard(await self.reader.readline())

    async def ehlo(self):
        lines = [self.listener["name"], *self.listener["ehlo"]]
        if self.listener["starttls"] and not self.encrypted:
            lines.append("STARTTLS")
        if self.listener["auth"]:
            lines.append(f"AUTH {self.listener['auth']}")
        await self.say("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def starttls(self, reply):
        await self.say(reply)
        await self.writer.start_tls(tls_context(self.listener["starttls"]))
        self.encrypted = True

    async def auth(self, words):
        """Take whatever comes as a valid answer, so that a careless client gives all it has."""
        rounds = {"LOGIN": 2, "PLAIN": 1}.get(words[1].upper() if len(words) > 1 else "", 1)
        for _ in range(rounds - (1 if len(words) > 2 else 0)):
            await self.say("334 ")
            await self.line()
        await self.say(REPLIES["AUTH"])

    async def data(self, reply):
        await self.say(reply)
        if not str(reply).startswith("354"):
            return
        lines = []
        while (line := await self.line()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        reply = self.told(".") or REPLIES["."]
        await self.meter.turn()
        if line and self.listener["dump"] and str(reply).startswith("2"):
            self.dump(b"".join(lines).replace(b"\r\n", b"\n"))
        await self.say(reply)

    def dump(self, message):
        descriptor, _ = tempfile.mkstemp(dir=self.listener["dump"])
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(message)

    async def run(self):
        if self.listener["hang_up"]:
            return
        await asyncio.sleep(self.listener["banner_delay"])
        if self.listener["greeting"] is not None:
            await self.say(self.listener["greeting"])
        while line := await self.line():
            if self.listener["greeting"] is None:
                continue
            words = line.decode("latin-1").split() or [""]
            if await self.command(words[0].upper(), words) == "end":
                return

    async def command(self, verb, words):
        if verb in ("MAIL", "RCPT"):
            self.envelope = " ".join(words if verb == "MAIL" else [self.envelope, *words])
        told = self.told(verb)
        if verb == "MAIL":
            told = self.meter.refusal() or told
        if verb == "EHLO" and not told:
            await self.ehlo()
        elif verb == "STARTTLS" and self.listener["starttls"]:
            await self.starttls(told or "220 2.0.0 Ready to start TLS")
        elif verb == "AUTH" and not told and self.listener["auth"]:
            await self.auth(words)
        elif verb == "DATA":
            await self.data(told or REPLIES["DATA"])
        else:
            usual = REPLIES.get(verb) if verb != "AUTH" else None
            await self.say(told or usual or "502 5.5.2 Command not recognized")
        return "end" if verb == "QUIT" else None


def accept(listener, meter):
    async def serve(reader, writer):
        try:
            await Session(listener, meter, reader, writer).run()
        except (OSError, ssl.SSLError, ValueError, asyncio.IncompleteReadError):
            pass  # the client left, or would not go on with our certificate
        finally:
            writer.close()
    return serve


async def main(path):
    with open(path, encoding="utf-8") as stream:
        listeners = [BEHAVIOUR | listener for listener in json.load(stream)]
    servers = []
    meters = {}     # of a name: its addresses and ports are one server
    for listener in listeners:
        unknown = set(listener) - set(BEHAVIOUR) - {"address", "port", "name"}
        if unknown:
            sys.exit(f"fake_smtp: no such behaviour: {', '.join(sorted(unknown))}")
        servers.append(await asyncio.start_server(
            accept(listener, meters.setdefault(listener["name"], Meter(listener))),
            listener["address"], listener["port"], limit=LINE_LIMIT,
            ssl=tls_context(listener["tls"]) if listener["tls"] else None))
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(sys.argv[1]))
