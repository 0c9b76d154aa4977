"""Read the kernel's small files under /proc and /sys, or under a folder that stands in for them.

psutil reads the same files; reading them here costs a tenth of its time and saves 4 MB of memory
(``docs/performance.md``). This is not for other systems than Linux: there every file is missing, and
every collector says that there is nothing to measure.
"""

from __future__ import annotations

import os

from genotel.collectors.collector import NoData

# Larger than every file read here but /proc/stat on a machine of hundreds of processors.
_CHUNK_BYTES = 65_536


class ProcFiles:
    """Read files by their name below ``proc`` and look up names below ``sys``.

    Example:
        >>> ProcFiles(proc="/nowhere").read("stat")
        Traceback (most recent call last):
        genotel.collectors.collector.NoData: stat
    """

    def __init__(self, proc: str = "/proc", sys: str = "/sys") -> None:
        self._proc = proc
        self._sys = sys

    def read(self, name: str) -> bytes:
        """Return the bytes of a file below ``proc``.

        Raises:
            NoData: if there is no such file.
            OSError: if it cannot be read.
        """
        return _read(f"{self._proc}/{name}", name)

    def find(self, name: str) -> bytes | None:
        """Return the bytes of a file below ``proc``, or None if there is no such file."""
        try:
            return self.read(name)
        except NoData:
            return None

    def names(self, folder: str = "") -> list[str]:
        """Return the names in a folder below ``proc``.

        Raises:
            NoData: if there is no such folder.
        """
        return _names(f"{self._proc}/{folder}", folder)

    def link(self, name: str) -> str | None:
        """Return what a link below ``proc`` points to, or None if there is no such link."""
        try:
            return os.readlink(f"{self._proc}/{name}")
        except OSError:
            return None

    def sys_find(self, name: str) -> bytes | None:
        """Return the bytes of a file below ``sys``, or None where it is not or says nothing.

        Files there may refuse to be read for reasons of their own: a sleeping card, say.
        """
        try:
            return _read(f"{self._sys}/{name}", name)
        except (NoData, OSError):
            return None

    def sys_names(self, folder: str) -> list[str]:
        """Return the names in a folder below ``sys``, sorted.

        Raises:
            NoData: if there is no such folder.
        """
        return sorted(_names(f"{self._sys}/{folder}", folder))

    def sys_link(self, name: str) -> str | None:
        """Return the last part of what a link below ``sys`` points to, or None if there is no such link."""
        try:
            return os.path.basename(os.readlink(f"{self._sys}/{name}"))
        except OSError:
            return None

    def sys_exists(self, name: str) -> bool:
        """Return whether there is such a file or folder below ``sys``."""
        return os.path.exists(f"{self._sys}/{name}")


def _read(path: str, name: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NoData(name) from None
    try:
        # The kernel may give less than asked for before the end, so only an empty read ends.
        parts = []
        while part := os.read(descriptor, _CHUNK_BYTES):
            parts.append(part)
    finally:
        os.close(descriptor)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _names(path: str, folder: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoData(folder) from None


def numbers_after_names(text: bytes) -> dict[bytes, int]:
    """Return the first number of each ``Name: number …`` or ``name number`` line.

    Example:
        >>> numbers_after_names(b"MemTotal:   16 kB\\npswpin 3\\n")
        {b'MemTotal': 16, b'pswpin': 3}
    """
    return {fields[0].rstrip(b":"): int(fields[1]) for line in text.splitlines() if len(fields := line.split()) > 1}
