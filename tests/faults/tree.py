# SPDX-License-Identifier: BSD-2-Clause
"""A directory tree as it is at a moment: to compare it, to look for secrets in it, to put it back."""

import collections
import contextlib
import hashlib
import os
import pathlib
import re
import stat

Entry = collections.namedtuple("Entry", "kind mode uid gid mtime content attributes")


def _read(path):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    content = b""
    if kind == stat.S_IFREG:
        content = path.read_bytes()
    elif kind == stat.S_IFLNK:
        content = os.readlink(path).encode()
    attributes = tuple((name, os.getxattr(path, name, follow_symlinks=False))
                       for name in os.listxattr(path, follow_symlinks=False))
    return Entry(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid,
                 status.st_mtime_ns, content, attributes)


def take(top):
    """Relative path to Entry; what vanishes meanwhile is not there."""
    found = {}
    for folder, names, files in os.walk(top):
        for name in (*names, *files):
            path = pathlib.Path(folder, name)
            with contextlib.suppress(FileNotFoundError):
                found[str(path.relative_to(top))] = _read(path)
    return found


def _is_index(path):
    """A database holds an id of its own file: no two are alike."""
    return path.endswith((".db", ".lmdb", ".cdb", ".dir", ".pag"))


def fingerprint(tree):
    """Alike for trees that nobody needs to tell apart: whatever but times."""
    digest = hashlib.sha256()
    for path, e in sorted(tree.items()):
        content = str(len(e.content)).encode() if _is_index(path) else e.content
        digest.update(repr((path, e.kind, e.mode, e.uid, e.gid, content, e.attributes)).encode())
    return digest.hexdigest()


def names(tree):
    """The files with their types and modes, numbers left out: what may be compared between two
    runs that took other numbers."""
    return {(re.sub(r"\d+", "N", path), e.kind, e.mode, e.uid, e.gid) for path, e in tree.items()}


def put_back(top, tree):
    """Make TOP what it was."""
    now = take(top)
    for path in sorted(now, reverse=True):
        if path not in tree or tree[path].kind != now[path].kind:
            full = pathlib.Path(top, path)
            full.rmdir() if now[path].kind == stat.S_IFDIR else full.unlink()
            del now[path]
    for path, entry in sorted(tree.items()):
        if path not in now or now[path] != entry:
            _put(pathlib.Path(top, path), entry, path in now)


def _put(path, e, there):
    if e.kind == stat.S_IFDIR and there:
        _dress(path, e)
        return
    # Aside, and then renamed: a daemon that starts this moment must not miss its main.cf.
    aside = path.parent / ".aside"
    if e.kind == stat.S_IFDIR:
        aside.mkdir()
    elif e.kind == stat.S_IFLNK:
        aside.symlink_to(e.content.decode())
    else:
        aside.write_bytes(e.content)
    if e.kind != stat.S_IFLNK:
        _dress(aside, e)
    aside.rename(path)


def _dress(path, e):
    os.chown(path, e.uid, e.gid)
    os.chmod(path, e.mode)
    for name, value in e.attributes:
        os.setxattr(path, name, value)
    os.utime(path, ns=(e.mtime, e.mtime))


def readable_by_others(tree, secret):
    """The files that hold SECRET and that somebody but root can read; a folder without the right
    to search hides what is below it."""
    found = []
    for path, e in tree.items():
        if e.kind != stat.S_IFREG or secret not in e.content:
            continue
        above = [tree[str(p)] for p in pathlib.PurePath(path).parents if str(p) != "."]
        for who, shift in (("its owner", 6), ("its group", 3), ("everybody", 0)):
            is_root = {6: e.uid, 3: e.gid, 0: 1}[shift] == 0
            if not is_root and e.mode >> shift & 4 and all(
                    _can_search(folder, shift, e) for folder in above):
                found.append(f"{path} (mode {e.mode:04o}) can be read by {who}")
    return found


def _can_search(folder, shift, e):
    if folder.mode & 1:
        return True
    if shift == 6:
        return folder.uid == e.uid and bool(folder.mode & 0o100)
    if shift == 3:
        return folder.gid == e.gid and bool(folder.mode & 0o010)
    return False
