"""How a call ended, read from the exception that ended it.

Only the type of an exception is ever exported. Its text is looked at for the two words that tell an
allocator's failure from another RuntimeError, and is not kept.
"""

from __future__ import annotations

from concurrent.futures import CancelledError

from genotel.instrumentation.caps import capped
from genotel.semconv import attributes as a

OK, ERROR, OUT_OF_MEMORY, CANCELLED, ABANDONED = range(len(a.OUTCOMES))

# Words that an allocator's failure is told in, by torch, CUDA's libraries, onnxruntime, HIP and XPU.
_NO_MEMORY = (
    "out of memory",
    "out_of_memory",
    "out_of_device_memory",
    "failed to allocate memory",
    "status_alloc_failed",
)


def outcome_of(error: BaseException | None) -> int:
    """Return the index into ``attributes.OUTCOMES`` for what a call raised.

    A group of exceptions is out of memory if one of its members is, and cancelled if all are.

    Example:
        >>> a.OUTCOMES[outcome_of(MemoryError())], a.OUTCOMES[outcome_of(KeyboardInterrupt())]
        ('out_of_memory', 'cancelled')
    """
    if error is None:
        return OK
    if isinstance(error, BaseExceptionGroup):
        members = {outcome_of(member) for member in error.exceptions}
        if OUT_OF_MEMORY in members:
            return OUT_OF_MEMORY
        return CANCELLED if members == {CANCELLED} else ERROR
    if isinstance(error, GeneratorExit):
        return ABANDONED
    # asyncio's CancelledError, Ctrl-C and exits are no Exception, nor are the cancellations of trio.
    if not isinstance(error, Exception) or isinstance(error, CancelledError):
        return CANCELLED
    return OUT_OF_MEMORY if _is_out_of_memory(error) else ERROR


def _is_out_of_memory(error: Exception) -> bool:
    classes = type(error).__mro__
    # torch.OutOfMemoryError and its kin, without importing torch.
    if isinstance(error, MemoryError) or any(cls.__name__ == "OutOfMemoryError" for cls in classes):
        return True
    # Runtimes raise RuntimeError, and onnxruntime exceptions of its own, with these words.
    if not isinstance(error, RuntimeError) and not str(classes[0].__module__).startswith("onnxruntime"):
        return False
    try:
        texts = [part.lower() for part in error.args if isinstance(part, str)]
    except Exception:  # a hostile `args` of the user's class is no fault of ours
        return False
    return any(words in text for text in texts for words in _NO_MEMORY)


def error_type(error: BaseException) -> str:
    """Return the value of ``error.type``: the qualified class name, or ``_OTHER`` over the cap.

    Classes that are made at run time must not become labels without bound.

    Example:
        >>> error_type(ValueError("secret"))
        'ValueError'
    """
    cls = type(error)
    module = str(cls.__module__)
    name = cls.__qualname__ if module in ("builtins", "__main__") else f"{module}.{cls.__qualname__}"
    return capped("error_type", name)
