"""The process that talks to NVIDIA's driver, so that a hang or a crash costs it and nobody else.

It is started as ``python -m genotel.collectors.nvml_child OPTIONS`` and ends when its input does. Every
few seconds it looks at each GPU in a thread that may be lost to a hang; its main thread never calls the
driver and so always answers at once with what was seen last, and how long ago. XIDs are told as they
come. It imports little: about 20 MB in all.

On the pipe (:mod:`genotel.collectors.framing`), a question is ``{"seen": SEQUENCE}``; an answer and an
event are what :meth:`DriverService.answer` and :meth:`DriverService.run` say.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

from genotel.collectors.bounded import BoundedRunner, Call, Done, Failed, Hung
from genotel.collectors.framing import FrameReader, Message, packed
from genotel.collectors.gpu_reading import GpuReading
from genotel.collectors.nvml import DriverAbsentError, Gpu, GpuFaultError, Nvml, XidEvents
from genotel.semconv import gpu_metrics as m

# Reasons to throttle come and go faster than everything else, and cost one call a GPU.
_THROTTLE_SECONDS = 1.0
_EVENT_SECONDS = 0.5
_CHUNK_BYTES = 4096


class _Look(NamedTuple):
    """Hold what one look at a GPU gave."""

    gpu: Gpu
    reading: GpuReading
    throttle: int | None


class _Place(NamedTuple):
    """Hold what is known of the GPU with one number: its last reading, or why there is none."""

    reading: GpuReading | None
    fault: str | None
    at: float


class DriverService:
    """Look at the GPUs every so often; answer what was seen.

    Args:
        library: path or name of the driver library.
        interval_seconds: between two looks.
        links: whether to read PCIe and NVLink too.
        limit_seconds: after which a call hangs.
        tell: sends a message unasked.
    """

    def __init__(
        self,
        library: str,
        *,
        interval_seconds: float,
        links: bool,
        limit_seconds: float,
        tell: Callable[[Message], None],
    ) -> None:
        self._library = library
        self._interval = interval_seconds
        self._links = links
        self._tell = tell
        self._runner: BoundedRunner[object] = BoundedRunner("nvml", limit_seconds=limit_seconds)
        self._stopped = threading.Event()
        self._looked = threading.Event()
        self._lock = threading.Lock()
        # Under the lock; replaced as a whole, so that an answer needs no copy.
        self._places: dict[int, _Place] = {}
        self._sequence = 0
        self._driver = ""
        self._error: str | None = None
        self._watched: frozenset[str] = frozenset()
        # Of the looking thread.
        self._count = 0
        self._gpus: dict[int, Gpu] = {}
        self._throttle: dict[str, _ThrottleTime] = {}

    def start(self) -> None:
        """Begin to look, in threads of its own."""
        for work, name in ((self.run, "look"), (self._wait_for_events, "events")):
            threading.Thread(target=work, name=f"genotel-nvml-{name}", daemon=True).start()

    def stop(self) -> None:
        """End the threads that do not hang."""
        self._stopped.set()

    def answer(self, seen: object) -> Message:
        """Return what is known now.

        Args:
            seen: the sequence number of the last answer; the readings are left out if there are no newer.

        The message has ``seq``, ``driver`` (version), ``error`` (why there is no driver, or null),
        ``events`` (UUIDs whose XIDs are waited for), ``ages`` (number of a GPU to seconds) and
        ``gpus``: arrays of number, reading or null, fault or null.
        """
        now = time.monotonic()
        with self._lock:
            places, sequence, driver, error = self._places, self._sequence, self._driver, self._error
            events = sorted(self._watched)
        message: Message = {"seq": sequence, "driver": driver, "error": error, "events": events}
        message["ages"] = {number: max(now - place.at, 0.0) for number, place in places.items()}
        if sequence != seen:
            message["gpus"] = [[number, place.reading, place.fault] for number, place in places.items()]
        return message

    def run(self) -> None:
        """Look until stopped; an ``error`` in the answers says that there is nothing to look at."""
        try:
            driver = Nvml(self._library)
            with self._lock:
                self._driver = driver.driver_version()
            while not self._stopped.is_set():
                self._look(driver)
                until = time.monotonic() + self._interval
                while (left := until - time.monotonic()) > 0 and not self._stopped.wait(min(left, _THROTTLE_SECONDS)):
                    self._look_at_throttling()
        except DriverAbsentError as error:
            with self._lock:
                self._error = str(error)
                self._sequence += 1
        self._runner.close()

    def _look(self, driver: Nvml) -> None:
        counted = self._runner.run([Call("count", driver.count)])["count"]
        if isinstance(counted, Done):
            self._count = cast("int", counted.value)
        elif isinstance(counted, Failed):
            raise DriverAbsentError(str(counted.error))
        numbers = range(self._count)
        outcomes = self._runner.run([Call(str(number), partial(self._read, driver, number)) for number in numbers])
        now = time.monotonic()
        places: dict[int, _Place] = {}
        gpus: dict[int, Gpu] = {}
        for number in numbers:
            match outcomes[str(number)]:
                case Done(value=_Look() as look):
                    gpus[number] = look.gpu
                    seconds = self._throttled(look.gpu, look.throttle)
                    places[number] = _Place(look.reading._replace(throttle_seconds=seconds), None, now)
                case Failed(error=GpuFaultError() as error):
                    places[number] = _Place(None, error.reason, now)
                case Hung():
                    places[number] = _Place(None, m.HUNG, now)
                case _:
                    places[number] = _Place(None, m.UNREADABLE, now)
        with self._lock:
            self._gpus, self._places = gpus, places
            self._sequence += 1
        self._looked.set()

    def _read(self, driver: Nvml, number: int) -> _Look:
        gpu = driver.gpu(number)
        return _Look(gpu, gpu.read(links=self._links), gpu.throttle_bits())

    def _look_at_throttling(self) -> None:
        calls: list[Call[object]] = [Call(str(number), gpu.throttle_bits) for number, gpu in self._gpus.items()]
        for key, outcome in self._runner.run(calls).items():
            if isinstance(outcome, Done):
                self._throttled(self._gpus[int(key)], cast("int | None", outcome.value))

    def _throttled(self, gpu: Gpu, bits: int | None) -> dict[str, float] | None:
        if bits is None:
            return None
        clock = self._throttle.setdefault(gpu.uuid, _ThrottleTime())
        return clock.add(bits, time.monotonic())

    def _wait_for_events(self) -> None:
        events: XidEvents | None = None
        waiting_for: list[Gpu] = []
        while not self._stopped.is_set():
            with self._lock:
                gpus = [*self._gpus.values()]
            if gpus != waiting_for:
                if events is not None:
                    events.close()
                events, waiting_for = XidEvents(gpus), gpus
                with self._lock:
                    self._watched = events.uuids
            if events is None:
                self._looked.wait(_EVENT_SECONDS)
            elif not events.uuids:
                self._stopped.wait(_EVENT_SECONDS)
            elif (event := events.wait(_EVENT_SECONDS)) is not None:
                self._tell({"xid": event[1], "uuid": event[0], "time": time.time()})


class _ThrottleTime:
    """Add up how long each reason held, from samples."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(m.THROTTLE_REASONS, 0.0)
        self._bits = 0
        self._at: float | None = None

    def add(self, bits: int, now: float) -> dict[str, float]:
        """Return the seconds by reason; what held at the sample before counts until now."""
        # After a hang nobody knows what was in between.
        if self._at is not None and now - self._at <= 2 * _THROTTLE_SECONDS:
            for position, reason in enumerate(m.THROTTLE_REASONS, 1):
                if self._bits >> position & 1:
                    self._seconds[reason] += now - self._at
        self._bits, self._at = bits, now
        return {**self._seconds}


def serve(read_from: int, write_to: int, options: Message) -> None:
    """Answer questions on a pair of descriptors until the first one ends.

    Args:
        options: ``library``, ``interval`` and ``limit`` in seconds, ``links``.
    """
    sending = threading.Lock()

    def tell(message: Message) -> None:
        rest = memoryview(packed(message))
        with sending:
            while rest:
                rest = rest[os.write(write_to, rest) :]

    service = DriverService(
        options["library"],
        interval_seconds=options["interval"],
        links=options["links"],
        limit_seconds=options["limit"],
        tell=tell,
    )
    service.start()
    frames = FrameReader()
    try:
        while piece := os.read(read_from, _CHUNK_BYTES):
            for question in frames.messages(piece):
                tell(service.answer(question.get("seen")))
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        service.stop()


def main(words: Sequence[str]) -> None:
    """Serve on standard input and output, and end at once, whatever hangs."""
    # The driver might write on standard output, which would put the stream out of step.
    write_to = os.dup(1)
    os.dup2(2, 1)
    _give_memory_back()
    serve(0, write_to, json.loads(words[0]))


def _give_memory_back() -> None:
    # Where no compiled file of pynvml is kept, compiling it took 13 MB.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


if __name__ == "__main__":
    main(sys.argv[1:])
    # Not sys.exit: the interpreter's end would wait for the driver's own clean-up.
    os._exit(0)
