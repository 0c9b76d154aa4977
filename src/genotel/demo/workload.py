"""A real workload, measured as a user's program would be: by genotel's public faces and nothing else.

Requests come at random and in bursts, wait in a queue, and two workers answer them with the denoiser.
Some ask for too large a canvas and are refused, some for a shape that no model knows and fail.
"""

from __future__ import annotations

import queue
import random
import threading
from dataclasses import dataclass
from time import perf_counter, thread_time

import genotel
from genotel.demo.denoiser import SHAPES, CanvasTooLargeError, UnknownShapeError
from genotel.demo.live_workload import Glimpse
from genotel.demo.loaded_models import LoadedModels, ModelSize
from genotel.demo.tally import Tally

WORKERS = 2
PLACES_IN_MEMORY = 3
MAX_WAITING = 40
# How much of one core the workload takes on average: what it costs is measured, and requests come
# only as often as that allows. The page, the screen and a Prometheus want their share too.
CORES = 0.3
# Until the first calls have been measured.
_FIRST_GUESS_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
# One moment in ten brings several requests at once, so that a queue forms.
_BURST_PROBABILITY, _BURST = 0.1, range(3, 8)
_MEAN_BURST = 1 + _BURST_PROBABILITY * (sum(_BURST) / len(_BURST) - 1)

# Larger than a model's memory budget, and one that fits.
_WALL, _CANVAS = 2048, 512


@dataclass(frozen=True, slots=True)
class LiveModel:
    """Describe a model of the workload.

    Attributes:
        name: under which it is measured.
        size: what it is made of.
        steps: how many steps its pictures may be asked to take.
        share: how often it is asked for, relative to the others.
        too_large: the probability that a request asks for too large a canvas.
    """

    name: str
    size: ModelSize
    steps: tuple[int, ...]
    share: int
    too_large: float = 0.03


LIVE_MODELS: tuple[LiveModel, ...] = (
    LiveModel("doodle-16", ModelSize(16, 1500), (20, 30), 9),
    LiveModel("sketch-32", ModelSize(32, 1200), (20, 30, 40), 6),
    LiveModel("poster-64", ModelSize(64, 700), (20, 30, 50), 3),
    LiveModel("mural-64", ModelSize(64, 400), (10,), 2, too_large=0.9),
)
_UNKNOWN_PROBABILITY = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for one picture; ``asked_at`` is monotonic time."""

    model: LiveModel
    prompt: str
    steps: int
    canvas: int
    seed: int
    asked_at: float


class Workload:
    """Answer requests until stopped.

    Args:
        models: what is asked for.
        seed: decides what is asked, not when it is answered.
    """

    def __init__(self, models: tuple[LiveModel, ...] = LIVE_MODELS, *, seed: int = 1) -> None:
        self.models = models
        self.tally = Tally(model.name for model in models)
        self.glimpse: Glimpse | None = None
        self._loaded = LoadedModels({model.name: model.size for model in models}, places=PLACES_IN_MEMORY)
        self._numbers = random.Random(seed)
        self._queue: queue.Queue[Request | None] = queue.Queue(MAX_WAITING)
        self._stop = threading.Event()
        self._cost_seconds = _FIRST_GUESS_SECONDS
        self._threads = [threading.Thread(target=self._ask, name="demo-requests", daemon=True)]
        for number in range(WORKERS):
            self._threads.append(threading.Thread(target=self._work, name=f"demo-worker-{number}", daemon=True))

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return self._queue.qsize()

    @property
    def in_memory(self) -> tuple[str, ...]:
        """Return the models that are in memory."""
        return self._loaded.names

    def start(self) -> None:
        """Let requests come."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Finish the calls that run, forget the requests that wait; may be called again."""
        self._stop.set()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        for _ in range(WORKERS):
            self._queue.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_seconds)

    def make_request(self, model: LiveModel) -> Request:
        """Return a request for a picture of a model, with the seed's next whims."""
        numbers = self._numbers
        shape = "portrait" if numbers.random() < _UNKNOWN_PROBABILITY else numbers.choice(SHAPES)
        canvas = _WALL if numbers.random() < model.too_large else _CANVAS
        return Request(
            model, f"a white {shape}", numbers.choice(model.steps), canvas, numbers.randrange(2**31), perf_counter()
        )

    def answer(self, request: Request) -> None:
        """Make one picture and measure it; a request that cannot be met fails as it would elsewhere."""
        name = request.model.name
        begun, cost = perf_counter(), thread_time()
        waited = begun - request.asked_at
        self.tally.begin(name, waited=waited)
        refused = failed = False
        try:
            self._generate(request, waited)
        except CanvasTooLargeError:
            refused = True
        except UnknownShapeError:
            failed = True
        seconds = perf_counter() - begun
        steps = 0 if failed else request.steps
        self.tally.end(name, seconds=seconds, steps=steps, refused=refused, failed=failed)
        # A moving average: dear models must not starve the screen, cheap ones not bore it.
        self._cost_seconds += 0.1 * (thread_time() - cost - self._cost_seconds)

    def _generate(self, request: Request, waited: float) -> None:
        # This is all that a program has to write.
        with genotel.generation(
            request.model.name,
            output="image",
            parameters={"steps": request.steps, "width": request.canvas, "height": request.canvas},
            prompt=request.prompt,
            queue_seconds=waited,
        ) as call:
            with call.phase("load"):
                model = self._loaded.get(request.model.name)
            call.phase("encode")
            prior = model.encode(request.prompt)
            call.phase("denoise")
            for step, estimate in enumerate(model.denoise(prior, steps=request.steps, seed=request.seed), 1):
                call.step()
                self.glimpse = Glimpse(request.model.name, step, request.steps, model.side, estimate.noisy)
            call.phase("decode")
            model.decode(estimate.noisy, width=request.canvas, height=request.canvas)
            call.outputs(1, pixels=request.canvas**2)

    def _work(self) -> None:
        while (request := self._queue.get()) is not None:
            self.answer(request)

    def _ask(self) -> None:
        # One of each to begin with, so that every row of the screen lives from the start.
        for model in self.models:
            self._queue.put(self.make_request(model))
        shares = [model.share for model in self.models]
        while not self._stop.wait(self._pause()):
            is_burst = self._numbers.random() < _BURST_PROBABILITY
            for model in self._numbers.choices(self.models, shares, k=self._numbers.choice(_BURST) if is_burst else 1):
                try:
                    self._queue.put_nowait(self.make_request(model))
                except queue.Full:
                    break  # as a server would: the client gets a "try later"

    def _pause(self) -> float:
        mean = _MEAN_BURST * self._cost_seconds / CORES
        return min(self._numbers.expovariate(1 / mean), _LONGEST_PAUSE_SECONDS)
