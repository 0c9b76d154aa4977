"""A lock that goes with its process, is not passed on to children, and takes nobody else's file along."""

from __future__ import annotations

import errno
import fcntl
import os
import signal

import pytest

from genotel.spool.locked_file import LockedFile, is_locked


@pytest.fixture
def path(tmp_path):
    """Return a file."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file"


def opened(path):
    """Return a descriptor of its own."""
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def seen_as_locked(path):
    """Look as a reader does."""
    descriptor = opened(path)
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


def test_a_file_is_locked_until_closed(path):
    """Others see both."""
    held = LockedFile(opened(path))
    assert held.is_open()
    assert seen_as_locked(path)
    held.close()
    held.close()
    assert not held.is_open()
    assert not seen_as_locked(path)


def test_a_second_holder_is_refused(path):
    """And its descriptor closed."""
    held = LockedFile(opened(path))
    second = opened(path)
    with pytest.raises(BlockingIOError):
        LockedFile(second)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(second)
    held.close()


def test_a_holder_may_wait(path):
    """Until the lock is free."""
    LockedFile(opened(path), wait=True).close()
    assert not seen_as_locked(path)


def test_looking_disturbs_nobody(path):
    """Two readers at once see a free file as free."""
    one = opened(path)
    fcntl.flock(one, fcntl.LOCK_SH)
    assert not seen_as_locked(path)
    os.close(one)


def in_child(work):
    """Run in a forked child; return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_does_not_hold_its_parents_lock(path):
    """It may live on for days after its parent was killed."""
    ready, ready_write = os.pipe()
    go_on, go_on_write = os.pipe()

    def parent():
        held = LockedFile(opened(path))
        if os.fork() == 0:
            os.write(ready_write, b"!")
            os.read(go_on, 1)
            os._exit(0)
        os.read(ready, 1)
        assert held.is_open()
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(parent) == -signal.SIGKILL
    try:
        assert not seen_as_locked(path)
    finally:
        os.write(go_on_write, b"!")
        for end in (ready, ready_write, go_on, go_on_write):
            os.close(end)


def test_a_child_that_lets_go_leaves_its_parents_lock(path):
    """The lock is the parent's as long as that lives."""
    held = LockedFile(opened(path))
    assert in_child(lambda: 0 if not held.is_open() and seen_as_locked(path) else 1) == 0
    assert seen_as_locked(path)
    held.close()


def test_a_descriptor_that_is_somebody_elses_by_now_stays_open(path, tmp_path):
    """Daemons close all descriptors that they do not know, and then open their own."""
    descriptor = opened(path)
    held = LockedFile(descriptor)
    os.close(descriptor)
    assert not held.is_open()
    (tmp_path / "theirs").write_bytes(b"")
    theirs = os.open(tmp_path / "theirs", os.O_RDWR)
    assert theirs == descriptor
    held.close()
    os.fstat(theirs)
    os.close(theirs)


def test_without_locks_everybody_counts_as_living(path, monkeypatch):
    """Some network filesystems have none: better one file too many than one process folded alive."""

    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    held = LockedFile(opened(path))
    assert held.is_open()
    assert seen_as_locked(path)
    held.close()
