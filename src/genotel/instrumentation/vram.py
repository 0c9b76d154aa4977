"""Memory of the GPU that a call took at its most, as torch's allocator knows it.

Torch keeps one peak a device and process. It is set back when a call begins alone, and is that call's
own then; while calls overlap nothing is set back, and what is read is marked as shared. Without torch,
or before the program has used CUDA, nothing is read and nothing is emitted.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from genotel import guard


class MemoryWatch:
    """Watch the allocator during one call."""

    __slots__ = ("_cuda", "shared")

    def __init__(self, cuda: Any, shared: bool) -> None:
        self._cuda = cuda
        self.shared = shared

    def end(self) -> list[tuple[str, int, bool]]:
        """Return (device's id, peak in bytes, whether it is shared) of each device that holds anything."""
        with _lock:
            _watched.discard(self)
        found = []
        for index in range(self._cuda.device_count()):
            peak = int(self._cuda.max_memory_allocated(index))
            if peak > 0:
                found.append((device_id(self._cuda, index), peak, self.shared))
        return found


_lock = threading.RLock()
_watched: set[MemoryWatch] = set()


def watch_memory() -> MemoryWatch | None:
    """Begin to watch; None where torch is not loaded or CUDA not in use."""
    cuda = cuda_in_use()
    if cuda is None:
        return None
    with _lock:
        watch = MemoryWatch(cuda, shared=bool(_watched))
        for other in _watched:
            other.shared = True
        _watched.add(watch)
        if not watch.shared:
            with guard.guarded("vram.reset"):
                for index in range(cuda.device_count()):
                    cuda.reset_peak_memory_stats(index)
    return watch


def cuda_in_use() -> Any:
    """Return ``torch.cuda`` where the program uses it, else None."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    # Asking whether CUDA is available could start it; whether it is started cannot.
    return cuda if cuda is not None and cuda.is_initialized() else None


def device_id(cuda: Any, index: int) -> str:
    """Return the UUID of a device as NVIDIA's tools write it; its index where torch does not know that."""
    uuid = getattr(cuda.get_device_properties(index), "uuid", None)
    return f"cuda:{index}" if uuid is None else f"GPU-{uuid}"
