"""Real pipelines of diffusers at work, with random weights: measured by ``genotel.instrument()`` and nothing else."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from genotel.demo.denoiser import Floats
from genotel.demo.live_workload import Glimpse
from genotel.demo.tally import Tally
from genotel.errors import SettingsError

# What has to be installed; the extra `diffusers` of genotel brings it.
LIBRARIES = ("torch", "diffusers", "transformers")
# How much of one core the calls take on average; the page, the screen and a Prometheus want their share.
CORES = 0.3
_LONGEST_PAUSE_SECONDS = 2.0
# No autoencoder has pictures of such a size: the pipeline refuses it before its first step.
_ODD_HEIGHT = 33
_ODD_PROBABILITY = 0.05
_STEPS = (2, 4, 8)


@dataclass(frozen=True, slots=True)
class Kind:
    """Describe one pipeline.

    Attributes:
        pipeline: what is called.
        arguments: what each call takes.
        share: how often it is asked for, relative to the others.
    """

    pipeline: Any
    arguments: Mapping[str, Any]
    share: int


def missing_libraries() -> list[str]:
    """Return the libraries that are not installed."""
    return [name for name in LIBRARIES if find_spec(name) is None]


def require_libraries() -> None:
    """Say what to do where something is not installed.

    Raises:
        SettingsError: a library is missing.
    """
    missing = missing_libraries()
    if missing:
        raise SettingsError(
            f"--workload diffusers needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            "not installed: pip install 'genotel[diffusers]'"
        )


def load_kinds(folder: Path) -> dict[str, Kind]:
    """Write the tiny pipelines to a folder and load them from there, as a program loads real ones.

    Args:
        folder: where they may lie; each is some hundred kilobytes.
    """
    # The screen is the demo's: neither library is to draw on it.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for library in ("transformers", "diffusers"):
        logging = import_module(f"{library}.utils.logging")
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    tiny = import_module("genotel.demo.tiny_pipelines")
    # More threads than one take longer for so little, and would take the screen's processor.
    import_module("torch").set_num_threads(1)
    kinds = {}
    for name, make, arguments, share in (
        ("tiny-sd", tiny.stable_diffusion, tiny.STABLE_DIFFUSION, 3),
        ("tiny-wan", tiny.wan, tiny.WAN, 2),
    ):
        made = make()
        made.save_pretrained(folder / name)
        loaded = type(made).from_pretrained(folder / name)
        kinds[name] = Kind(tiny.quiet(loaded), arguments, share)
    return kinds


class DiffusersWorkload:
    """Call pipelines until stopped, one call at a time, as often as the processor allows.

    Args:
        kinds: the pipelines by the name of their model.
        seed: decides what is asked, not when.
        generator: makes a source of random numbers of a seed; torch's by default.
    """

    def __init__(
        self, kinds: Mapping[str, Kind], *, seed: int = 1, generator: Callable[[int], Any] | None = None
    ) -> None:
        self.tally = Tally(kinds)
        self.glimpse: Glimpse | None = None
        self.waiting = 0
        self._kinds = kinds
        self._numbers = random.Random(seed)
        self._generator = generator or _torch_generator
        self._stop = threading.Event()
        self._cost_seconds = 0.1
        self._thread = threading.Thread(target=self._work, name="demo-diffusers", daemon=True)

    @property
    def in_memory(self) -> tuple[str, ...]:
        """Return the models that are in memory: all, from begin to end."""
        return tuple(self._kinds)

    def start(self) -> None:
        """Let requests come."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Finish the call that runs; may be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def answer(self, name: str) -> None:
        """Make one picture or clip; a size that no model has fails as it would elsewhere."""
        kind = self._kinds[name]
        steps = self._numbers.choice(_STEPS)
        asked = {**kind.arguments, "num_inference_steps": steps}
        if self._numbers.random() < _ODD_PROBABILITY:
            asked["height"] = _ODD_HEIGHT
        begun, cost = perf_counter(), thread_time()
        self.tally.begin(name, waited=0.0)
        failed = False
        try:
            # This is all that a program has to write: genotel.instrument() measures it.
            result = kind.pipeline(generator=self._generator(self._numbers.randrange(2**31)), **asked)
            self.glimpse = Glimpse(name, steps, steps, *_picture(result[0]))
        except ValueError:
            failed = True
        self.tally.end(name, seconds=perf_counter() - begun, steps=0 if failed else steps, failed=failed)
        self._cost_seconds += 0.1 * (thread_time() - cost - self._cost_seconds)

    def _work(self) -> None:
        names = [*self._kinds]
        shares = [kind.share for kind in self._kinds.values()]
        # One of each to begin with, so that every row of the screen lives from the start.
        for name in names:
            self.answer(name)
        while not self._stop.wait(self._pause()):
            self.answer(self._numbers.choices(names, shares)[0])

    def _pause(self) -> float:
        return min(self._numbers.expovariate(CORES / self._cost_seconds), _LONGEST_PAUSE_SECONDS)


def _torch_generator(seed: int) -> Any:
    return import_module("torch").Generator().manual_seed(seed)


def _picture(made: Any) -> tuple[int, Floats]:
    """Return side and values of the first picture, or of a clip's last frame, in shades from -1 to 1.

    Args:
        made: what a pipeline gives: (pictures, 3, side, side) or (clips, frames, 3, side, side), from 0 to 1.
    """
    values = np.asarray(made, dtype=np.float64)
    picture = values[0, -1] if values.ndim == 5 else values[0]
    shades = picture.mean(axis=0)
    low, high = float(shades.min()), float(shades.max())
    # Noise of untrained weights has little contrast: what there is, is shown.
    stretched = (shades - low) / (high - low) * 2 - 1 if high > low else np.zeros_like(shades)
    return len(stretched), stretched.ravel()
