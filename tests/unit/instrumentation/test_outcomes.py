"""How a call ended is read from the type of what it raised."""

from __future__ import annotations

import asyncio
import concurrent.futures

import pytest

from genotel.instrumentation import accumulators
from genotel.instrumentation.caps import LIMITS, all_dropped
from genotel.instrumentation.outcomes import error_type, outcome_of
from genotel.semconv import attributes as a


class OutOfMemoryError(RuntimeError):
    """Stand in for torch's."""


class WrappedError(OutOfMemoryError):
    """Be a library's own kind of it."""


class RuntimeException(Exception):  # noqa: N818 - onnxruntime's name
    """Stand in for onnxruntime's, which is no RuntimeError."""


RuntimeException.__module__ = "onnxruntime.capi.onnxruntime_pybind11_state"


class Cancelled(BaseException):
    """Stand in for trio's."""


class HostileError(RuntimeError):
    """Raise when looked at."""

    @property
    def args(self) -> tuple[object, ...]:  # type: ignore[override]
        """Raise."""
        raise RuntimeError("do not look")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "ok"),
        (ValueError("out of memory"), "error"),
        (RuntimeError("no"), "error"),
        (RuntimeError(3), "error"),
        (HostileError(), "error"),
        (TimeoutError(), "error"),
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError(), "out_of_memory"),
        (WrappedError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "out_of_memory"),
        (RuntimeError("level_zero backend failed with UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"), "out_of_memory"),
        (RuntimeException("[ONNXRuntimeError] : 6 : Failed to allocate memory for buffer"), "out_of_memory"),
        (RuntimeException("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT"), "error"),
        (asyncio.CancelledError(), "cancelled"),
        (concurrent.futures.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (SystemExit(), "cancelled"),
        (Cancelled(), "cancelled"),
        (GeneratorExit(), "abandoned"),
        (ExceptionGroup("two", [ValueError(), MemoryError()]), "out_of_memory"),
        (ExceptionGroup("two", [ValueError(), KeyError()]), "error"),
        (BaseExceptionGroup("two", [KeyboardInterrupt(), asyncio.CancelledError()]), "cancelled"),
        (BaseExceptionGroup("two", [KeyboardInterrupt(), ValueError()]), "error"),
    ],
    ids=repr,
)
def test_every_kind_of_end_has_its_outcome(error: BaseException | None, outcome: str) -> None:
    """Timeouts inside of the call are cancellations there; a TimeoutError that leaves it is an error."""
    assert a.OUTCOMES[outcome_of(error)] == outcome


def test_an_error_type_is_the_qualified_class_name() -> None:
    """Builtins and the main script go without their module."""
    assert error_type(ValueError("secret")) == "ValueError"
    assert error_type(asyncio.CancelledError()) == "asyncio.exceptions.CancelledError"
    assert error_type(WrappedError()).endswith("test_outcomes.WrappedError")


def test_error_types_are_bounded() -> None:
    """Classes made at run time become ``_OTHER``, counted; a class of a known name is no new one."""
    accumulators.reset()
    limit = LIMITS["error_type"][0]
    for number in range(limit):
        assert error_type(type(f"E{number}", (Exception,), {})()) != "_OTHER"
    for _ in range(3):
        assert error_type(type("E0", (Exception,), {})()) != "_OTHER"
        assert error_type(type("New", (Exception,), {})()) == "_OTHER"
    assert all_dropped() == {"gen_ai.client.operation.duration": 3}
    accumulators.reset()
