"""XID errors, counted by GPU and code from a series that was born at 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genotel.collectors.collector import Reading
from genotel.semconv import gpu_metrics as m


class XidCounts:
    """Count the XIDs of each GPU.

    Example:
        >>> counts = XidCounts()
        >>> counts.add("GPU-1", 1234, at=5.0)
        >>> [value for _, _, value in counts.readings()], [value for _, _, value in counts.readings()]
        ([0, 5.0], [1, 5.0])
    """

    def __init__(self) -> None:
        # (GPU, code) -> count, and when the last one was.
        self._counts: dict[tuple[str, int], int] = {}
        self._last: dict[tuple[str, int], float] = {}
        self._shown: set[tuple[str, int]] = set()

    def watch(self, uuids: Iterable[str]) -> None:
        """Bear the series of these GPUs, one a code that NVIDIA's guide tells operators to act on."""
        for uuid in uuids:
            for code in m.XIDS:
                self._counts.setdefault((uuid, code), 0)

    def add(self, uuid: str, code: int, at: float) -> None:
        """Count one, at a Unix time."""
        key = (uuid, code)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._last[key] = at

    def readings(self) -> Iterator[Reading]:
        """Yield the counts and the times of the last ones.

        Each series is shown at 0 once before it counts: one that is born at 1 never increases, so an
        alert on the increase would miss the only error there was.
        """
        for key, count in self._counts.items():
            uuid, code = key
            yield m.ERRORS, (uuid, m.GPU, f"{m.XID_PREFIX}{code}"), count if key in self._shown else 0
            self._shown.add(key)
        for (uuid, code), at in self._last.items():
            yield m.XID_TIMESTAMP, (uuid, str(code)), at
