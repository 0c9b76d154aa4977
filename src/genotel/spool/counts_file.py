"""Counts in memory that the system writes out, whatever becomes of the process: SIGKILL loses none of them.

A count is one number in a mapped file; adding to it costs a store and no system call. Space is reserved
before it is mapped, since a write to a mapped file on a full disk would end the program (SIGBUS). Only
plain counts can be kept so: the SDK's histograms cannot be placed in memory of ours.

A file is a row of records: length of the names, the names (JSON: family and labels of each count), the
counts. The length is written last, so a record is there as a whole or not at all.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from genotel.exposition.series import Block, NumberSeries
from genotel.spool.rules import NAME, counter_family
from genotel.spool.snapshot import LABELS, Shared, Snapshot, share

# Some thirty label sets of ours; more are added as they are needed.
SEGMENT_BYTES = 65_536
# Two thousand label sets; further ones are counted in ordinary memory.
MAX_BYTES = 128 * SEGMENT_BYTES

_WORD = struct.Struct("=q")

# A family's name and a label set as the page writes it.
Name = tuple[str, str]


class CountsFile:
    """Give out counts that live in a file.

    Args:
        path: of the file, made anew.

    Raises:
        OSError: the file cannot be made or its space not be had.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._size = self._used = 0
        self._segment = self._more(os.O_CREAT | os.O_EXCL)

    def counts(self, names: Sequence[Name]) -> memoryview[int] | None:
        """Return a row of counts that are 0, one a name; None where there is no more space.

        Whoever adds to a count holds a lock of its own meanwhile.
        """
        text = json.dumps(names, separators=(",", ":")).encode("ascii")
        text += b" " * (-len(text) % 8)
        length = 8 + len(text) + 8 * len(names)
        with self._lock:
            try:
                if self._used + length > SEGMENT_BYTES:
                    if length > SEGMENT_BYTES or self._size + SEGMENT_BYTES > MAX_BYTES:
                        return None
                    self._segment, self._used = self._more(), 0
            except OSError:
                return None
            at, self._used = self._used, self._used + length
            first = at + 8 + len(text)
            self._segment[at + 8 : first] = text
            _WORD.pack_into(self._segment, at, len(text))
            return memoryview(self._segment)[first : at + length].cast("q")

    def _more(self, flags: int = 0) -> mmap.mmap:
        # Opened only for this: a descriptor that is kept would be passed on to forked children.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | flags, 0o644)
        try:
            os.posix_fallocate(descriptor, self._size, SEGMENT_BYTES)
            segment = mmap.mmap(descriptor, SEGMENT_BYTES, offset=self._size)
        finally:
            os.close(descriptor)
        self._size += SEGMENT_BYTES
        return segment


def read_counts(data: bytes) -> dict[Name, int]:
    """Return the counts of a file; what is damaged ends the segment that it is in.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = CountsFile(Path(folder) / "7.counts")
        ...     counts = file.counts([("jobs", 'model="sdxl"')])
        ...     counts[0] += 3
        ...     read_counts((Path(folder) / "7.counts").read_bytes())
        {('jobs', 'model="sdxl"'): 3}
    """
    found: dict[Name, int] = {}
    for start in range(0, min(len(data), MAX_BYTES), SEGMENT_BYTES):
        segment = data[start : start + SEGMENT_BYTES]
        at = 0
        while at + 8 <= len(segment) and 0 < (length := _WORD.unpack_from(segment, at)[0]) <= len(segment):
            first = at + 8 + length
            try:
                names = [(family, labels) for family, labels in json.loads(segment[at + 8 : first])]
                counts = struct.unpack_from(f"={len(names)}q", segment, first)
            except (ValueError, TypeError, RecursionError, struct.error):
                break
            found.update(zip(names, counts, strict=True))
            at = first + 8 * len(names)
    return {name: count for name, count in found.items() if _is_name(*name) and count >= 0}


def with_counts(snapshot: Snapshot, counts: dict[Name, int]) -> Snapshot:
    """Return the snapshot with what was counted after it was written."""
    counts = dict(counts)
    families = []
    for family, rule, rows, exemplars in snapshot.families:
        if family.kind == "counter":
            rows = [(row[0], max(row[1], counts.pop((family.name, row[0].labels), 0)), *row[2:]) for row in rows]
            # Label sets that were born after it was written.
            for name in [name for name in counts if name[0] == family.name]:
                rows.append((_series(name[1]), counts.pop(name), None))
        families.append(Shared(family, rule, rows, exemplars))
    for (family_name, labels), count in counts.items():
        families += share([Block(counter_family(family_name), [(_series(labels), count)])])
    return replace(snapshot, families=tuple(families))


def _is_name(family: object, labels: object) -> bool:
    return (
        isinstance(family, str)
        and isinstance(labels, str)
        and NAME.fullmatch(family) is not None
        and LABELS.fullmatch(labels) is not None
    )


def _series(labels: str) -> NumberSeries:
    series = NumberSeries()
    series.labels = labels
    return series
