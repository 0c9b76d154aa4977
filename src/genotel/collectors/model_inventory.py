"""The models on disk: how large, how many files, last read and changed.

Stores are walked in the background, one thread each, so that a share that hangs costs neither the page nor
the other stores. A unit is looked at again when its folder changed or when an hour has passed; a store is
asked for new units every few minutes. What a page shows comes from memory.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.collector import IncompleteError, NoData, Reading
from genotel.collectors.model_names import NameRules
from genotel.collectors.model_scan import FoundModel, Unit, Walk
from genotel.collectors.model_stores import Store, stores
from genotel.collectors.model_totals import totals
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import model_metrics as m
from genotel.settings import InventorySettings, Settings

# A page that comes first waits for small stores; large ones are on a later page.
_FIRST_SECONDS = 0.5
# Stores of other programs may appear later: their folder is made with the first download.
_DISCOVERY_SECONDS = 60.0
# A walk asks for so many entries as fast as it can, and then for 4,000 a second.
_BURST = 20_000
_CHUNK = 200
_PAUSE_SECONDS = 0.05
# A walk that takes longer than this many intervals hangs.
_LATE_INTERVALS = 10


class ModelInventoryCollector:
    """Say what models lie on this machine.

    Args:
        files: where the mount table is read.
        find_stores: gives the places to look at for the user's folders.
        clock: wall time of the walks, monotonic time between them.
    """

    name = "model_inventory"

    def __init__(
        self,
        files: ProcFiles | None = None,
        find_stores: Callable[[tuple[str, ...]], list[Store]] = stores,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._files = files or ProcFiles()
        self._find_stores = find_stores
        self._clock = clock
        self._settings = InventorySettings()
        self._owner = os.getpid()
        self._walks: dict[str, _StoreWalk] = {}
        self._next_discovery = 0.0
        self._was_waited_for = False
        self._stopped = threading.Event()
        # The walking threads put the rows together, one at a time; a page takes them as they are.
        self._publishing = threading.Lock()
        self._rows: tuple[Reading, ...] = ()

    def configure(self, settings: Settings) -> None:
        """Take the settings of the inventory."""
        self._settings = settings.inventory

    def collect(self) -> Iterable[Reading]:
        """Return size, files and times of each model, and when each store was last walked.

        Raises:
            NoData: there is no store.
            IncompleteError: a store, or a part of it, cannot be read.
        """
        if self._owner != os.getpid():
            # After a fork there are no threads here but the one that forked.
            self._owner, self._stopped, self._publishing = os.getpid(), threading.Event(), threading.Lock()
            self._walks, self._next_discovery = {}, 0.0
        self._discover()
        if not self._walks:
            raise NoData("no store of models")
        if not self._was_waited_for:
            self._was_waited_for = True
            for walk in self._walks.values():
                walk.walked.wait(_FIRST_SECONDS / len(self._walks))
        late = _LATE_INTERVALS * self._settings.inventory_interval_seconds
        now = self._clock.monotonic()
        if any(walk.failed or now - walk.begun_at > late for walk in [*self._walks.values()]):
            return self._and_something_missing()
        return self._rows

    def _and_something_missing(self) -> Iterator[Reading]:
        yield from self._rows
        raise IncompleteError("a store of models")

    def close(self) -> None:
        """End the threads; one that hangs ends when its call comes back."""
        self._stopped.set()

    def _discover(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_discovery:
            return
        self._next_discovery = now + _DISCOVERY_SECONDS
        for store in self._find_stores(self._settings.model_folders):
            # A folder that the user named is walked also while it is missing, which is a failure then.
            if store.path not in self._walks and (store.layout is None or os.path.isdir(store.path)):
                walk = self._walks[store.path] = _StoreWalk(store, now)
                name = f"genotel-inventory-{len(self._walks)}"
                threading.Thread(target=self._work, args=(walk, self._stopped), name=name, daemon=True).start()

    def _work(self, walk: _StoreWalk, stopped: threading.Event) -> None:
        """Walk one store until closed; in its thread."""
        while not stopped.is_set():
            walk.begun_at = self._clock.monotonic()
            with guard.guarded("collectors.model_inventory.walk"):
                mounts = self._files.find("self/mountinfo") or b""
                walk.keeps_reads = keeps_reads(walk.store.path, mounts)
                walk.look(self._clock, self._settings.inventory_rescan_seconds, _Pace(stopped))
                self._publish()
            walk.walked.set()
            stopped.wait(self._settings.inventory_interval_seconds)

    def _publish(self) -> None:
        name_of = NameRules(self._settings.model_names).name_of
        with self._publishing:
            walks = [walk for walk in [*self._walks.values()] if walk.walked_at is not None]
            found = ((walk.store.location, walk.keeps_reads, model) for walk in walks for model in walk.models())
            rows: list[Reading] = []
            for total in totals(found, name_of):
                where = (total.model, total.location)
                rows.append((m.MODEL_SIZE, (*where, total.format), total.size))
                rows.append((m.MODEL_FILES, (*where, total.format), total.files))
                rows.append((m.MODEL_LAST_MODIFIED, where, total.last_modified))
                if total.last_read is not None:
                    rows.append((m.MODEL_LAST_READ, where, total.last_read))
                if total.shared:
                    rows.append((m.MODEL_SHARED, where, total.shared))
            ends = ((m.MODEL_SCANNED, (walk.store.location,), walk.walked_at or 0.0) for walk in walks)
            self._rows = (*rows, *ends)


@dataclass(slots=True)
class _StoreWalk:
    """Hold what is known of a store; written by its thread, read by others."""

    store: Store
    begun_at: float
    keeps_reads: bool = True
    failed: bool = False
    # Unix time at which the last walk ended.
    walked_at: float | None = None
    walked: threading.Event = field(default_factory=threading.Event)
    # Path of a unit -> the unit, when it was looked at (monotonic), and its models.
    units: Mapping[str, tuple[Unit, float, list[FoundModel]]] = field(default_factory=dict)

    def look(self, clock: Clock, rescan_seconds: float, pace: _Pace) -> None:
        """Walk once: new and changed units, and those that were not looked at for long."""
        walk = Walk(pace)
        units: dict[str, tuple[Unit, float, list[FoundModel]]] = {}
        try:
            for unit in walk.units(self.store):
                known = self.units.get(unit.path)
                now = clock.monotonic()
                if known is not None and known[0] == unit and now - known[1] < rescan_seconds:
                    units[unit.path] = known
                else:
                    units[unit.path] = (unit, now, walk.models(self.store, unit))
        except _Closed:
            return
        except OSError:
            # What was there is still shown: a share that is away for a moment took no model with it.
            self.failed = True
            return
        self.failed = walk.failures > 0
        self.units, self.walked_at = units, clock.wall()

    def models(self) -> Iterator[FoundModel]:
        """Yield the models of the last walk."""
        return (model for _, _, models in self.units.values() for model in models)


class _Closed(Exception):  # noqa: N818  (nothing went wrong)
    """Say that nobody wants the rest of a walk."""


class _Pace:
    """Slow a walk down after its first entries, and end it when the collector is closed."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._entries = 0

    def __call__(self) -> None:
        self._entries += 1
        if self._entries % _CHUNK == 0 and self._stopped.wait(_PAUSE_SECONDS if self._entries > _BURST else 0):
            raise _Closed


def keeps_reads(path: str, mountinfo: bytes) -> bool:
    """Return whether the filesystem of a path keeps when files were read.

    Example:
        >>> keeps_reads("/data/models", b"28 1 8:1 / /data rw,noatime - ext4 /dev/sda1 rw\\n")
        False
    """
    path = os.path.realpath(path)
    longest, options = -1, ""
    for line in mountinfo.decode("utf-8", "surrogateescape").splitlines():
        place = line.split(" ")
        if len(place) < 6:
            continue
        mountpoint = place[4].replace("\\040", " ")
        below = mountpoint == "/" or path == mountpoint or path.startswith(f"{mountpoint}/")
        # Of two that are mounted at one place, the later one is seen.
        if below and len(mountpoint) >= longest:
            longest, options = len(mountpoint), place[5]
    return "noatime" not in options.split(",")
