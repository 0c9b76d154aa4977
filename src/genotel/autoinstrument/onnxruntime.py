"""onnxruntime: the runs of a session, however they are asked for, and its making as a load.

A run may take 20 µs, so this is written for speed: no argument is looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from genotel import guard
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.library_call import LibraryCall, call_around
from genotel.autoinstrument.loads import LOADED, named, noting_unload
from genotel.autoinstrument.patching import Patch
from genotel.autoinstrument.suppression import is_suppressed
from genotel.instrumentation.models import model_load
from genotel.instrumentation.site import What

PROVIDER = "onnxruntime"
OPERATION = "inference"
_UNNAMED = "onnx-model"
_MODULE = "onnxruntime.capi.onnxruntime_inference_collection"


def _what(session: Any) -> What:
    return (OPERATION, PROVIDER, LOADED.get(session) or _UNNAMED, None)


def _begin(session: Any) -> LibraryCall | None:
    try:
        if is_suppressed() or call_around() is not None:
            return None
        return LibraryCall(_what(session))
    except Exception as error:
        guard.report("onnxruntime.begin", error)
        return None


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begin(self)
        if call is None:
            return original(self, *args, **kwargs)
        with call:
            return original(self, *args, **kwargs)

    return run


def _run_async(original: Callable[..., Any]) -> Callable[..., Any]:
    def run_async(
        self: Any, output_names: Any, input_feed: Any, callback: Any, user_data: Any, run_options: Any = None
    ) -> Any:
        call = _begin(self)
        if call is None:
            return original(self, output_names, input_feed, callback, user_data, run_options)
        # The callback may come, in another thread, before this function is back: the call must not be
        # current here any more.
        call.__enter__()
        call.hand_over()
        call.suspend()
        try:
            return original(self, output_names, input_feed, _ending(call, callback), user_data, run_options)
        except BaseException as error:
            call.finish(error)
            raise

    return run_async


def _ending(call: LibraryCall, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return the user's callback, which ends the call first; it comes in a thread of the library."""

    @functools.wraps(callback)
    def end(results: Any, user_data: Any, error: Any) -> Any:
        if error:
            call.fail()
        call.finish()
        return callback(results, user_data, error)

    return end


def _init(original: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: Any, path_or_bytes: Any, *args: Any, **kwargs: Any) -> None:
        name = named(path_or_bytes) if isinstance(path_or_bytes, str) or hasattr(path_or_bytes, "__fspath__") else None
        if is_suppressed():
            original(self, path_or_bytes, *args, **kwargs)
            return
        with model_load(name or _UNNAMED, source="disk" if name else "memory"):
            original(self, path_or_bytes, *args, **kwargs)
        noting_unload(self, name or _UNNAMED)

    return init


INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
    ("1.16", "2"),
    (
        Patch(_MODULE, "InferenceSession", "__init__", _init),
        Patch(_MODULE, "Session", "run", _run),
        Patch(_MODULE, "Session", "run_async", _run_async),
        Patch(_MODULE, "Session", "run_with_iobinding", _run),
        Patch(_MODULE, "Session", "run_with_ort_values", _run),
        Patch(_MODULE, "Session", "run_with_ortvaluevector", _run),
    ),
)
