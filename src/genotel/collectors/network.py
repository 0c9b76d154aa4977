"""The network interfaces: bytes, packets, drops and errors by direction."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import host_metrics as m
from genotel.semconv.spec import MetricSpec

# Each container gets such a pair end with a random name; their traffic is on the bridge too.
_SKIPPED_PREFIXES = (b"veth",)
# Column of /proc/net/dev after the name; the transmit half begins at 8.
_COLUMNS: tuple[tuple[MetricSpec, int], ...] = (
    (m.NETWORK_IO, 0),
    (m.NETWORK_PACKETS, 1),
    (m.NETWORK_ERRORS, 2),
    (m.NETWORK_DROPPED, 3),
)


class NetworkCollector:
    """Read /proc/net/dev: the interfaces of our own network namespace."""

    name = "network"

    def __init__(self, files: ProcFiles | None = None) -> None:
        self._files = files or ProcFiles()

    def collect(self) -> Iterator[Reading]:
        """Yield four counters a direction of each interface."""
        found = False
        for line in self._files.read("net/dev").split(b"\n")[2:]:
            # The name may hold a colon (an alias), the figures never do.
            raw, colon, figures = line.rpartition(b":")
            if not colon or (raw := raw.strip()).startswith(_SKIPPED_PREFIXES):
                continue
            found = True
            interface = raw.decode("utf-8", "replace")
            fields = figures.split()
            receive, transmit = (interface, "receive"), (interface, "transmit")
            for spec, column in _COLUMNS:
                yield spec, receive, int(fields[column])
                yield spec, transmit, int(fields[column + 8])
        if not found:
            raise NoData("net/dev")
