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
from genotel.autoinstrument.loads import LOADED, making
from genotel.autoinstrument.patching import Patch
from genotel.autoinstrument.suppression import is_suppressed
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
        call, end = _begin_async(self, callback)
        if call is None:
            return original(self, output_names, input_feed, callback, user_data, run_options)
        try:
            return original(self, output_names, input_feed, end, user_data, run_options)
        except BaseException as error:
            call.finish(error)
            raise

    return run_async


def _begin_async(
    session: Any, callback: Callable[..., Any]
) -> tuple[LibraryCall, Callable[..., Any]] | tuple[None, None]:
    """Begin a call that ends when the callback comes, in another thread and maybe before the function is back."""
    call: LibraryCall | None = None
    try:
        call = _begin(session)
        if call is None:
            return None, None
        end = _ending(call, callback)
        call.__enter__()
        call.hand_over()
        # It must not be current here any more.
        call.suspend()
        return call, end
    except Exception as error:
        guard.report("onnxruntime.run_async", error)
        if call is not None:
            call.finish()
        return None, None


def _ending(call: LibraryCall, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return the user's callback, which ends the call first; it comes in a thread of the library."""

    @functools.wraps(callback)
    def end(results: Any, user_data: Any, error: Any) -> Any:
        try:
            if error:
                call.fail()
            call.finish()
        except Exception as fault:
            guard.report("onnxruntime.end", fault)
        return callback(results, user_data, error)

    return end


INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
    ("1.16", "2"),
    (
        Patch(_MODULE, "InferenceSession", "__init__", making("path_or_bytes", (OPERATION, PROVIDER), _UNNAMED)),
        Patch(_MODULE, "Session", "run", _run),
        Patch(_MODULE, "Session", "run_async", _run_async),
        Patch(_MODULE, "Session", "run_with_iobinding", _run),
        Patch(_MODULE, "Session", "run_with_ort_values", _run),
        Patch(_MODULE, "Session", "run_with_ortvaluevector", _run),
    ),
)
