"""Keep SQLite out of forked children.

A connection must not be carried across a fork (https://www.sqlite.org/howtocorrupt.html, 2.6): the
child inherits SQLite's belief that it holds locks which the system did not pass on. So every writer
closes its file just before a fork and opens it again at its next row. Where that cannot be done in
time, or a reader holds the file open, the child keeps no journal instead of a broken one.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol


class ConnectionHolder(Protocol):
    """Hold a connection to a journal that must not reach a child."""

    def before_fork(self) -> None:
        """Close the connection where that is possible."""
        ...

    def open_path(self) -> Path | None:
        """Return the file that is open in this process, None where none is."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on in the parent."""
        ...

    def after_fork(self) -> None:
        """Begin again in the child."""
        ...


_holders: weakref.WeakSet[ConnectionHolder] = weakref.WeakSet()
_is_registered = False
# Files that are open while a fork goes on, and those that were open when a parent of this process
# forked: SQLite's state of the latter is not to be trusted here.
_open_at_fork: set[Path] = set()
_inherited: set[Path] = set()


def register(holder: ConnectionHolder) -> None:
    """Call the holder around every fork of this process, as long as it lives."""
    global _is_registered
    if not _is_registered:
        _is_registered = True
        os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
    _holders.add(holder)


def is_inherited(path: Path) -> bool:
    """Say whether a parent of this process had the file open when it forked."""
    return bool(_inherited) and path.resolve() in _inherited


def _before() -> None:
    holders = list(_holders)
    for holder in holders:
        holder.before_fork()
    _open_at_fork.update(path.resolve() for holder in holders if (path := holder.open_path()) is not None)


def _after_in_parent() -> None:
    _open_at_fork.clear()
    for holder in list(_holders):
        holder.after_fork_in_parent()


def _after_in_child() -> None:
    _inherited.update(_open_at_fork)
    _open_at_fork.clear()
    for holder in list(_holders):
        holder.after_fork()
