# SPDX-License-Identifier: BSD-2-Clause
"""System calls as strace(1) writes them, and which of them is which.

strace injects at the K-th call of a name.  How often a loop turns differs from run to run, so a
call is known by its key: its name, what it is about (its arguments without numbers and data), how
many tools had been started before it, and how many such calls it comes after since then.
"""

import codecs
import collections
import os
import re

_LINE = re.compile(r"(\w+)\((.*?)(?:\) += (.*)| <unfinished \.\.\.>|\) *)$")
_FRAME = re.compile(r" > (\S+?)\((.*)\) \[")
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")

# How many of its arguments say what a call is about; of the others all.
_TELLING = {
    "read": 1, "write": 1, "pread64": 1, "pwrite64": 1, "sendto": 1, "recvfrom": 1, "sendmsg": 1,
    "recvmsg": 1, "getdents64": 1, "newfstatat": 2, "fstat": 1, "stat": 1, "lstat": 1, "statx": 2,
    "statfs": 1, "fstatfs": 1, "readlink": 1, "readlinkat": 2, "fcntl": 2, "utimensat": 2,
    "flistxattr": 1, "fgetxattr": 2, "fsetxattr": 2, "ioctl": 2, "clone": 0, "clone3": 0,
    "vfork": 0, "wait4": 0, "waitid": 0, "pidfd_open": 0, "brk": 0, "mmap": 0, "munmap": 0,
    "mremap": 0, "mprotect": 0, "madvise": 0, "pipe2": 0, "getrandom": 0, "poll": 0, "ppoll": 0,
    "execve": 1, "prlimit64": 2, "connect": 2, "getsockname": 1, "getsockopt": 3,
    "setsockopt": 3,
}

Key = collections.namedtuple("Key", "name about tools occurrence")

_LOOKS = {"close", "newfstatat", "stat", "lstat", "fstat", "statx", "statfs", "fstatfs", "access",
          "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "fcntl", "ioctl",
          "lseek", "pread64", "getpid", "getppid", "geteuid", "getuid", "getegid", "getgid", "brk",
          "mmap", "munmap", "mremap", "mprotect", "madvise", "umask", "getrandom", "pipe2",
          "pidfd_open", "flistxattr", "fgetxattr", "getxattr", "listxattr", "getsockname",
          "rt_sigaction", "rt_sigprocmask", "prlimit64", "clock_gettime", "uname"}

STARTS = ("clone", "clone3", "fork", "vfork")


class Call:
    """One call.  `k` counts the calls of its name from 1, `site` is where in the program it was
    made (with strace -k), `result` None if it never returned."""

    __slots__ = ("name", "args", "result", "k", "key", "site")

    def __init__(self, name, args, result):
        self.name, self.args, self.result = name, args, result
        self.k, self.key, self.site = 0, None, ()

    @property
    def path(self):
        """What strace -P can know the call by, unless its name is another one in each run."""
        found = re.search(r'"(/[^"]*)"', self.args) or re.search(
            r"\d<(/[^>]*|anon_inode:\[pidfd\])>", self.args)
        return found.group(1) if found and not found.group(1).startswith("/proc/") else None

    def concerns(self, path):
        """What `strace -P PATH` takes for a match."""
        return f'"{path}"' in self.args or f"<{path}>" in self.args

    def about(self):
        args = self.args
        if self.name in _TELLING:
            args = ", ".join(args.split(", ")[:_TELLING[self.name]])
        return _NUMBER.sub("N", args)

    @property
    def failed(self):
        return self.result is not None and self.result.startswith("-1")

    def __str__(self):
        text = f"{self.name}({self.args})"
        return text if len(text) <= 160 else text[:157] + "..."


def parse(text):
    """The calls of a trace, in their order."""
    calls, seen, counts, tools = [], collections.Counter(), collections.Counter(), 0
    for line in text.splitlines():
        frame = _FRAME.match(line)
        if frame:
            calls[-1].site += (frame.group(2),)
            continue
        found = _LINE.match(line)
        if not found:
            continue        # a signal, or how the process ended
        name, args, result = found.groups()
        call = Call(name, args.removesuffix(" <unfinished ...>"), result)
        kind = call.name, call.about(), tools
        counts[call.name] += 1
        seen[kind] += 1
        call.k = counts[call.name]
        call.key = Key(*kind, seen[kind])
        calls.append(call)
        tools += call.name in STARTS and not call.failed
    return calls


def changes_state(call, directory):
    """Whether CALL makes, writes, renames or removes something below DIRECTORY."""
    if directory not in call.args or call.failed:
        return False
    return (call.name in ("mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink",
                          "unlinkat", "link", "linkat", "symlink", "symlinkat", "write",
                          "pwrite64", "ftruncate", "fchmod", "fchown", "utimensat", "fsetxattr")
            or call.name in ("open", "openat") and "O_CREAT" in call.args)


def only_looks(call):
    """Whether a kill at the next call finds the same as one here: nothing has been changed,
    started, or waited for."""
    return (call.name in _LOOKS or call.name in ("open", "openat") and "O_CREAT" not in call.args
            or call.name == "read" and "<pipe:" not in call.args)


def from_the_first_change(calls, directory):
    first = next(i for i, call in enumerate(calls) if changes_state(call, directory))
    return calls[first:]


def lost_with_the_power(calls, commits, files):
    """What a loss of power may take though Postfix is led to it: a file that gets its place before
    it is synced, a place that is not synced when one of COMMITS gets its own.  FILES are all there
    are at the end; tools write, too, so of a folder that gets its place each file counts."""
    dirty, synced, places, faults = set(), set(), set(), []
    for call in (call for call in calls if not call.failed):
        opened = re.match(r"\d+<([^>]*)>", call.args)
        if call.name in ("write", "pwrite64", "ftruncate") and opened:
            dirty.add(opened.group(1))
        elif call.name in ("open", "openat") and "O_CREAT" in call.args:
            dirty.add(_quoted(call.args)[0].decode())
        elif call.name in ("fsync", "fdatasync") and opened:
            synced.add(opened.group(1))
            dirty.discard(opened.group(1))
            places.discard(opened.group(1))
        elif call.name.startswith("rename"):
            old, new = (part.decode() for part in _quoted(call.args)[:2])
            inside = {old + name[len(new):] for name in files if name.startswith(new + "/")}
            faults += [f"{name} is not synced when it gets its place"
                       for name in sorted(dirty & {old} | inside - synced)]
            if new in commits:
                faults += [f"{place} is not synced when {new} is replaced"
                           for place in sorted(places - {os.path.dirname(new)})]
            places.add(os.path.dirname(new))
    faults += [f"the place {place} is not synced in the end"
               for place in sorted(places & {os.path.dirname(path) for path in commits})]
    return faults


def replaces(calls, paths):
    """Whether something was renamed to one of PATHS."""
    return any(call.name.startswith("rename") and not call.failed and any(
        f'"{path}"' in call.args.partition(", ")[2] for path in paths) for call in calls)


def number_on_path(calls, call):
    """How many calls of its name CALL is among those that concern its path, for strace -P."""
    return sum(other.name == call.name and other.concerns(call.path)
               for other in calls[:calls.index(call) + 1])


def tool_at_work(calls):
    """How many tools a run has started, and whether the last of them was still at work."""
    started = sum(call.name in STARTS and not call.failed for call in calls)
    ended = sum(call.name in ("wait4", "waitid") and not call.failed and call.result != "?"
                for call in calls)
    return started, started > ended


def tools_looked_for(calls):
    """The programs that were found and can be executed."""
    return sorted({_quoted(call.args)[0].decode() for call in calls
                   if call.name == "access" and "X_OK" in call.args and not call.failed})


def _quoted(args):
    """The strings in the arguments of a call, as bytes."""
    return [codecs.escape_decode(text.encode())[0]
            for text in re.findall(r'"((?:[^"\\]|\\.)*)"', args)]


# What stands in a folder that the link to the route leads to.
ROUTE_TEXTS = ("senders", "route")


def versions(calls, paths):
    """(path, text) for each time that one of PATHS was replaced, in their order, as far as the new
    one was written aside and renamed there (a trace with strings of any length).  The text of a
    link is a tuple: those of ROUTE_TEXTS where it leads."""
    being_written, links, found = {}, {}, []
    for call in calls:
        if call.failed:
            continue
        name = re.match(r"\d+<([^>]*)>", call.args)
        if call.name == "ftruncate" and name:
            being_written[name.group(1)] = b""
        elif call.name == "write" and name:
            written = _quoted(call.args.partition(">")[2])[0][:int(call.result.split()[0])]
            being_written[name.group(1)] = being_written.get(name.group(1), b"") + written
        elif call.name in ("open", "openat") and "O_CREAT" in call.args:
            being_written[_quoted(call.args)[0].decode()] = b""
        elif call.name == "symlink":
            target, new = (part.decode() for part in _quoted(call.args)[:2])
            links[new] = f"{os.path.dirname(new)}/{target}.new"
        elif call.name.startswith("rename"):
            old, new = (part.decode() for part in _quoted(call.args)[:2])
            if new in paths and old in links:
                found.append((new, tuple(being_written.get(f"{links[old]}/{text}", b"")
                                         for text in ROUTE_TEXTS)))
            elif new in paths:
                found.append((new, being_written[old]))
    return found
