"""GPU memory of models: what their weights hold, the most that a lone call took, and what torch holds in all.

Weights are added up when a model has been loaded or moved, not at each scrape: a large pipeline has
thousands of tensors. Nothing here starts CUDA or waits for it; without it nothing is emitted.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from opentelemetry.metrics import Observation

from genotel.instrumentation import accumulators
from genotel.instrumentation.vram import cuda_in_use, device_id
from genotel.semconv import attributes as a


class _Weights(NamedTuple):
    name: str
    # Device's id -> bytes.
    held: dict[str, int]


_lock = threading.RLock()
# Forgotten when the program lets go of the model, as its memory is.
_weights: weakref.WeakKeyDictionary[Any, _Weights] = weakref.WeakKeyDictionary()


def note_weights(model: Any, name: str) -> None:
    """Remember how much GPU memory the weights of a model hold now, on each device.

    Args:
        model: a module of torch, or a pipeline whose ``components`` are modules; others have no weights
            that could be seen.
        name: name of the model.
    """
    cuda = cuda_in_use()
    if cuda is None:
        return
    by_index: dict[int, int] = {}
    seen: set[int] = set()
    for tensor in _tensors(model):
        if tensor.device.type != "cuda" or tensor.data_ptr() in seen:
            continue
        # Layers that share a tensor hold it once.
        seen.add(tensor.data_ptr())
        index = tensor.device.index or 0
        by_index[index] = by_index.get(index, 0) + tensor.numel() * tensor.element_size()
    with _lock:
        if by_index:
            _weights[model] = _Weights(name, {device_id(cuda, index): size for index, size in by_index.items()})
        else:
            _weights.pop(model, None)


def _tensors(model: Any) -> Iterator[Any]:
    components = getattr(model, "components", None)
    for part in components.values() if isinstance(components, dict) else (model,):
        for name in ("parameters", "buffers"):
            given = getattr(part, name, None)
            if callable(given):
                yield from given()


def note_peak(model: str, device: str, peak: int) -> None:
    """Remember the peak of a call that was alone on the device, in bytes, if it is the model's highest."""
    peaks = accumulators.model_totals(model).vram_peaks
    with _lock:
        peaks[device] = max(peak, peaks.get(device, 0))


def usage() -> Iterator[Observation]:
    """Return the GPU memory of each loaded model's weights."""
    with _lock:
        loaded = [*_weights.values()]
    totals: dict[tuple[str, str], int] = {}
    for weights in loaded:
        for device, size in weights.held.items():
            totals[weights.name, device] = totals.get((weights.name, device), 0) + size
    for (name, device), size in totals.items():
        yield Observation(size, {**accumulators.model_totals(name).attributes, a.HARDWARE_ID: device})


def peaks() -> Iterator[Observation]:
    """Return the highest peak of each model's lone calls."""
    for totals in accumulators.all_models():
        with _lock:
            found = [*totals.vram_peaks.items()]
        for device, peak in found:
            yield Observation(peak, {**totals.attributes, a.HARDWARE_ID: device})


def torch_memory(name: str) -> Callable[[], Iterator[Observation]]:
    """Return what reads a figure of torch's allocator, ``memory_allocated`` or ``memory_reserved``."""

    def read() -> Iterator[Observation]:
        cuda = cuda_in_use()
        if cuda is None:
            return
        for index in range(cuda.device_count()):
            yield Observation(int(getattr(cuda, name)(index)), {a.HARDWARE_ID: device_id(cuda, index)})

    return read
