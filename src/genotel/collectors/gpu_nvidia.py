"""NVIDIA's GPUs, by way of a child process that alone talks to the driver.

Where there is no driver library nothing is started; it is looked for again once a minute. The child looks
at the GPUs in the background, so a page never waits for the driver: a GPU that hangs, fell off the bus or
took the child with it is a fact with a reason, and its values are absent until they are fresh again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.child_process import ChildProcess
from genotel.collectors.collector import IncompleteError, NoData, Reading
from genotel.collectors.framing import Message
from genotel.collectors.gpu_figures import figures, memories
from genotel.collectors.gpu_processes import ProcessMemory, pids_of
from genotel.collectors.gpu_reading import reading_from
from genotel.collectors.gpu_roster import GpuRoster
from genotel.collectors.gpu_xids import XidCounts
from genotel.collectors.nvml_library import nvml_library
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.process_owner import ProcessOwners
from genotel.semconv import gpu_metrics as m
from genotel.settings import GpuSettings, Settings

_VENDOR = "NVIDIA"
_CHILD = "genotel.collectors.nvml_child"
# The child answers from memory within a millisecond; a busy machine may make it wait for its turn.
_ANSWER_SECONDS = 0.25
# The very first page waits for the first look, so that one scrape is enough to see the GPUs.
_FIRST_SECONDS = 0.75
_FIRST_PAUSE_SECONDS = 0.01
_REDISCOVER_SECONDS = 60.0
# How long nothing may come from any GPU until the child is replaced.
_PATIENCE_SECONDS = 30.0
# A call that takes longer hangs. Healthy ones take microseconds, of a sleeping card up to a second.
_CALL_SECONDS = 2.0
# Values count for this many looks, and while one hanging GPU holds up a look.
_LOOKS = 3
_LOOK_SECONDS = 5.0
# Faults of the way to the GPU; the others are facts that were read well.
_UNREAD = frozenset({m.HUNG, m.UNREADABLE, m.DRIVER})


class GpuNvidiaCollector:
    """Ask a child process what NVIDIA's driver says.

    Args:
        files: where processes are looked up.
        find_library: tells where the driver library is, or None.
        model_of: tells the model that a process has loaded, empty if that is unknown.
        call_limit_seconds: after which a call to the driver hangs.
        clock: its monotonic time.
    """

    name = "gpu_nvidia"

    def __init__(
        self,
        files: ProcFiles | None = None,
        find_library: Callable[[], str | None] = nvml_library,
        *,
        model_of: Callable[[int], str] = lambda _: "",
        call_limit_seconds: float = _CALL_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._files = files or ProcFiles()
        self._owners = ProcessOwners(self._files, clock)
        self._find_library = find_library
        self._model_of = model_of
        self._call_limit = call_limit_seconds
        self._clock = clock
        self._child: ChildProcess | None = None
        self._next_discovery = 0.0
        self._was_waited_for = False
        self._answered_at = 0.0
        self._seen_sequence: tuple[int, int] | None = None
        self._driver = ""
        self._xids = XidCounts()
        self._rows: list[Reading] | None = None
        self._faults: tuple[str | None, ...] = ()
        self._throttle_before: dict[str, dict[str, float]] = {}
        self._use(GpuSettings())

    def configure(self, settings: Settings) -> None:
        """Take the settings of GPUs, and the spool in which processes say what they have loaded."""
        if settings.spool.spool is not None:
            # Whoever serves no spool need not have it in memory.
            from genotel.collectors.resident_models import ResidentModels

            self._model_of = ResidentModels(settings.spool.spool, self._files, self._clock).of
        self._use(settings.gpu)

    def _use(self, settings: GpuSettings) -> None:
        self._settings = settings
        self._memory = ProcessMemory(self._owners.of, self._model_of, with_pids=settings.gpu_pids)
        longest = _LOOKS * settings.gpu_interval_seconds + _LOOK_SECONDS
        self._roster = GpuRoster(_VENDOR, expected=settings.gpu_expected, longest_age_seconds=longest)

    def collect(self) -> Iterator[Reading]:
        """Yield what the GPUs said last, how old that is, and which of them do not answer.

        Raises:
            NoData: there is no driver, or no GPU, or the driver has not answered yet.
            IncompleteError: a GPU or the driver does not answer.
        """
        child = self._child or self._discover()
        if child is not None:
            self._listen(child)
        now = self._clock.monotonic()
        roster = self._roster
        roster.judge(now)
        if child is not None:
            self._look_after(child, now)
        if roster.is_empty:
            if child is not None and child.starts > 1:
                # There is a driver library, and who opens it ends or hangs.
                raise IncompleteError(_VENDOR)
            raise NoData("no GPU of NVIDIA")
        if self._rows is None or self._faults != roster.faults:
            self._faults = roster.faults
            self._rows = [*self._readings()]
        yield from self._rows
        yield from self._xids.readings()
        yield from roster.counts()
        yield from roster.ages(now)
        if not _UNREAD.isdisjoint(roster.faults):
            raise IncompleteError(_VENDOR)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()

    def _discover(self) -> ChildProcess | None:
        now = self._clock.monotonic()
        if now < self._next_discovery:
            return None
        self._next_discovery = now + _REDISCOVER_SECONDS
        library = self._find_library()
        if library is None:
            return None
        options = {
            "library": library,
            "interval": self._settings.gpu_interval_seconds,
            "links": self._settings.gpu_links,
            "limit": self._call_limit,
        }
        self._child = ChildProcess(_CHILD, [json.dumps(options)], clock=self._clock)
        self._answered_at = now
        return self._child

    def _listen(self, child: ChildProcess) -> None:
        """Take in what the child says; wait for its first look once."""
        deadline = self._clock.monotonic() + _FIRST_SECONDS
        while True:
            start, seen = self._seen_sequence or (0, None)
            for message in child.ask({"seen": seen if start == child.starts else None}, _ANSWER_SECONDS):
                self._hear(message, child)
            if self._was_waited_for or self._child is None or not self._roster.is_empty:
                break
            if self._clock.monotonic() >= deadline:
                break
            time.sleep(_FIRST_PAUSE_SECONDS)
        self._was_waited_for = True

    def _hear(self, message: Message, child: ChildProcess) -> None:
        if "xid" in message:
            self._xids.add(message["uuid"], message["xid"], message["time"])
            return
        if message["error"] is not None:
            self._give_up(child)
            return
        self._xids.watch(message["events"])
        # Before its first look the child knows nothing, which is not the same as no GPU.
        if not message["seq"] or "gpus" not in message:
            return
        if self._seen_sequence is not None and self._seen_sequence[0] != child.starts:
            self._keep_throttle_times()
        self._seen_sequence = (child.starts, message["seq"])
        self._driver = message["driver"]
        now = self._clock.monotonic()
        ages = message["ages"]
        self._roster.update(
            [
                (number, now - ages[str(number)], None if fields is None else reading_from(fields), fault)
                for number, fields, fault in message["gpus"]
            ]
        )
        self._rows = None
        if self._roster.is_empty:
            self._give_up(child)
        elif set(self._roster.faults) != {m.HUNG}:
            self._answered_at = now

    def _give_up(self, child: ChildProcess) -> None:
        """End a child that has nothing to look at; a new one may find more in a minute."""
        child.close()
        self._child = None
        self._roster.update([])
        self._next_discovery = self._clock.monotonic() + _REDISCOVER_SECONDS
        for gpu in self._roster.known.values():
            gpu.fault = m.DRIVER

    def _look_after(self, child: ChildProcess, now: float) -> None:
        """Replace a child from which nothing comes, and one that knows fewer GPUs than there should be.

        A driver library lists the GPUs when it is opened: one that came back is seen by a new process.
        """
        if self._child is None:
            return
        if now - self._answered_at > _PATIENCE_SECONDS:
            self._answered_at = now
            child.replace()
        elif (
            not self._roster.is_complete
            and m.HUNG not in self._roster.faults
            and child.age_seconds > _REDISCOVER_SECONDS
        ):
            child.replace(at_once=True)

    def _keep_throttle_times(self) -> None:
        """Remember what the child before had counted, so that no counter goes back."""
        for uuid, gpu in self._roster.known.items():
            before = self._throttle_before.setdefault(uuid, {})
            for reason, seconds in (gpu.reading.throttle_seconds or {}).items():
                before[reason] = before.get(reason, 0.0) + seconds
            # Counted once, also if this GPU never answers again.
            gpu.reading = gpu.reading._replace(throttle_seconds=None)

    def _readings(self) -> Iterator[Reading]:
        readings = [*self._roster.answering()]
        self._owners.keep_only(pid for reading in readings for pid in pids_of(reading))
        for reading in readings:
            before = self._throttle_before.get(reading.uuid)
            counted = reading.throttle_seconds
            if before and counted:
                total = {reason: seconds + before.get(reason, 0.0) for reason, seconds in counted.items()}
                yield from figures(reading._replace(throttle_seconds=total))
            else:
                yield from figures(reading)
            for uuid, memory in memories(reading):
                yield from self._memory.readings(uuid, memory)
        yield from self._roster.facts(self._driver)
