"""Pressure stall information: how long tasks waited for a resource.

The text is the kernel's (https://docs.kernel.org/accounting/psi.html), of the system and of a cgroup.
"""

from __future__ import annotations

from collections.abc import Iterator

RESOURCES = ("cpu", "memory", "io")
_TOTAL = b"total="
_MICROSECONDS = 1_000_000


def stall_times(text: bytes) -> Iterator[tuple[str, float]]:
    """Yield ``some`` and ``full`` with the seconds in which some or all tasks waited.

    Example:
        >>> [*stall_times(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\\n")]
        [('some', 2.5)]
    """
    for line in text.splitlines():
        kind, _, rest = line.partition(b" ")
        _, found, total = rest.partition(_TOTAL)
        if found:
            yield kind.decode(), int(total) / _MICROSECONDS
