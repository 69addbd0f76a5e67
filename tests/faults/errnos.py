# SPDX-License-Identifier: BSD-2-Clause
"""Which errors a system call can return where detour-apply makes it: those of its manual page that
root may really run into, never one that means a wrong call."""

import re

_NO_DESCRIPTOR = ["EMFILE", "ENFILE", "ENOMEM"]
_NO_SPACE = ["ENOSPC", "EDQUOT"]
_READ_ONLY = ["EROFS", "EIO"]
_MEMORY = ["ENOMEM"]
_LOOK = ["EIO", "ENOMEM"]

_CREATE = [*_NO_DESCRIPTOR, *_NO_SPACE, *_READ_ONLY, "EACCES", "EINTR"]

_TABLE = {
    "open": [*_NO_DESCRIPTOR, "EIO"],
    "openat": [*_NO_DESCRIPTOR, "EIO"],
    "write": [*_NO_SPACE, "EIO", "EINTR"],
    "pwrite64": [*_NO_SPACE, "EIO", "EINTR"],
    "read": ["EIO", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "close": ["EIO", "EINTR"],
    "fsync": ["EIO", *_NO_SPACE, "EINTR"],
    "fdatasync": ["EIO", *_NO_SPACE, "EINTR"],
    "sync_file_range": ["EIO", *_NO_SPACE],
    "rename": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "renameat": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "renameat2": [*_NO_SPACE, *_READ_ONLY, "ENOMEM", "EINVAL"],
    "link": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "linkat": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "symlink": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "symlinkat": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "unlink": [*_READ_ONLY, "EPERM", "ENOMEM"],
    "unlinkat": [*_READ_ONLY, "EPERM", "ENOMEM"],
    "rmdir": [*_READ_ONLY, "ENOMEM"],
    "mkdir": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "mkdirat": [*_NO_SPACE, *_READ_ONLY, "ENOMEM"],
    "chmod": ["EPERM", "EROFS", "EIO"],
    "fchmod": ["EPERM", "EROFS", "EIO"],
    "fchmodat": ["EPERM", "EROFS", "EIO"],
    "chown": ["EPERM", "EROFS", "EIO"],
    "fchown": ["EPERM", "EROFS", "EIO", "EDQUOT"],
    "fchownat": ["EPERM", "EROFS", "EIO", "EDQUOT"],
    "utimensat": ["EPERM", "EROFS", "EACCES"],
    "ftruncate": ["EIO", "EINTR", "EPERM"],
    "fallocate": [*_NO_SPACE, "EIO", "EINTR"],
    "flistxattr": ["EOPNOTSUPP", "ENOMEM"],
    "listxattr": ["EOPNOTSUPP", "ENOMEM"],
    "fgetxattr": ["EOPNOTSUPP", "ENOMEM", "ENODATA"],
    "getxattr": ["EOPNOTSUPP", "ENOMEM", "ENODATA"],
    "fsetxattr": [*_NO_SPACE, "EPERM", "EOPNOTSUPP"],
    "flock": ["EINTR", "ENOLCK", "EAGAIN"],
    "stat": _LOOK, "lstat": _LOOK, "newfstatat": _LOOK, "statx": _LOOK, "fstat": ["EIO", "ENOMEM"],
    "statfs": ["EIO", "ENOMEM"], "fstatfs": ["EIO", "ENOMEM"],
    "access": _LOOK, "faccessat": _LOOK, "faccessat2": _LOOK,
    "readlink": _LOOK, "readlinkat": _LOOK,
    "getdents64": ["EIO", "ENOMEM"],
    "fork": ["EAGAIN", "ENOMEM"], "vfork": ["EAGAIN", "ENOMEM"],
    "clone": ["EAGAIN", "ENOMEM"], "clone3": ["EAGAIN", "ENOMEM"],
    "pipe": ["EMFILE", "ENFILE"], "pipe2": ["EMFILE", "ENFILE"],
    "pidfd_open": _NO_DESCRIPTOR, "pidfd_send_signal": ["EPERM"],
    "memfd_create": _NO_DESCRIPTOR, "eventfd2": _NO_DESCRIPTOR, "timerfd_create": _NO_DESCRIPTOR,
    "inotify_init1": _NO_DESCRIPTOR, "inotify_add_watch": ["ENOSPC", "ENOMEM", "EACCES", "ENOENT"],
    "sched_setscheduler": ["EPERM"],
    "socket": [*_NO_DESCRIPTOR, "EAFNOSUPPORT", "EACCES"],
    "socketpair": _NO_DESCRIPTOR,
    "connect": ["ECONNREFUSED", "EAGAIN", "EACCES", "EINTR"],
    "bind": ["ENOMEM", "EACCES"],
    "setsockopt": ["ENOMEM"], "getsockopt": ["ENOMEM"], "getsockname": ["ENOBUFS"],
    "sendto": ["ENOBUFS", "ENOMEM", "EPERM", "EINTR"],
    "sendmsg": ["ENOBUFS", "ENOMEM", "EPERM", "EINTR"],
    "recvfrom": ["ENOBUFS", "ENOMEM", "EINTR"],
    "recvmsg": ["ENOBUFS", "ENOMEM", "EINTR"],
    "poll": ["EINTR", "ENOMEM"], "ppoll": ["EINTR", "ENOMEM"],
    "wait4": ["EINTR"], "waitid": ["EINTR"],
    "nanosleep": ["EINTR"], "clock_nanosleep": ["EINTR"],
    "kill": ["EPERM"],
    "dup": ["EMFILE"], "dup2": ["EINTR", "EBUSY"], "dup3": ["EINTR", "EBUSY"],
    "mmap": _MEMORY, "mremap": _MEMORY, "brk": _MEMORY, "mprotect": _MEMORY,
    "getrandom": ["EINTR", "EAGAIN"],
    "chdir": _LOOK, "fchdir": ["EACCES"],
    "setsid": [],
}

# What cannot fail, or fails only when it is called wrongly.  These are killed at, like all others.
_NEVER = {
    "umask", "getpid", "gettid", "getppid", "geteuid", "getuid", "getegid", "getgid", "exit_group",
    "exit", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "prctl", "lseek",
    "ioctl", "setitimer", "getitimer", "fcntl", "munmap", "madvise", "prlimit64", "close_range",
    "set_robust_list", "set_tid_address", "rseq", "arch_prctl", "futex", "sched_yield", "uname",
    "sysinfo", "getcwd", "fadvise64", "getpgid", "getpgrp", "getsid", "restart_syscall",
    "clock_gettime", "gettimeofday", "time", "sched_getaffinity", "membarrier", "capget",
}


class UnknownCall(Exception):
    """A system call that the table does not know: somebody has to think about it."""


def fault(call, error):
    """What strace is told to inject.  The kernel's brk() returns no error but the break as it is."""
    return "retval=0" if call.name == "brk" else f"error={error}"


def errors_of(call):
    """The errors that CALL can return."""
    if call.name in _NEVER:
        return []
    if call.name not in _TABLE:
        raise UnknownCall(f"{call.name}: tests/faults/errnos.py does not say how it can fail")
    if call.name in ("open", "openat") and "O_CREAT" in call.args:
        return _CREATE
    if call.name == "close" and not re.search(r"/etc/|/var/|/run/|/tmp/", call.args):
        return ["EIO"]
    if call.name in ("write", "sendto") and re.match(r"1[<,]", call.args):
        return ["EPIPE", "EAGAIN", "EINTR"]     # the answer, to a caller that has gone
    if call.name == "read" and "/proc/" in call.args:
        return ["ESRCH", "EINTR"]               # the process has gone meanwhile
    if call.name == "read" and ("<pipe:" in call.args or "<socket:" in call.args):
        return ["EINTR", "ENOMEM"]
    if call.name in ("newfstatat", "stat", "access", "readlink") and call.failed:
        return [error for error in _LOOK if error not in call.result]
    return _TABLE[call.name]
