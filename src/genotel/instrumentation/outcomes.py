"""How a call ended, read from the exception that ended it.

Only the type of an exception is ever exported. Its text is looked at for the two words that tell an
allocator's failure from another RuntimeError, and is not kept.
"""

from __future__ import annotations

import asyncio

from genotel.semconv import attributes as a

OK, ERROR, OUT_OF_MEMORY, CANCELLED, ABANDONED = range(len(a.OUTCOMES))

# An unbounded number of exception classes (made at run time) must not become labels.
MAX_ERROR_TYPES = 100
_error_types: dict[type[BaseException], str] = {}


def outcome_of(error: BaseException | None) -> int:
    """Return the index into ``attributes.OUTCOMES`` for what a call raised.

    Example:
        >>> a.OUTCOMES[outcome_of(MemoryError())], a.OUTCOMES[outcome_of(KeyboardInterrupt())]
        ('out_of_memory', 'cancelled')
    """
    if error is None:
        return OK
    if isinstance(error, GeneratorExit):
        return ABANDONED
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
        return CANCELLED
    # torch.OutOfMemoryError and torch.cuda.OutOfMemoryError, without importing torch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OUT_OF_MEMORY
    # CUDA libraries and onnxruntime raise RuntimeError (or a subclass) with these words.
    if isinstance(error, RuntimeError) and _says_out_of_memory(error):
        return OUT_OF_MEMORY
    return ERROR


def _says_out_of_memory(error: RuntimeError) -> bool:
    try:
        return any(isinstance(part, str) and "out of memory" in part.lower() for part in error.args)
    except Exception:  # a hostile `args` of the user's class is no fault of ours
        return False


def error_type(error: BaseException) -> str:
    """Return the value of ``error.type``: the qualified class name, or ``_OTHER`` over the cap.

    Example:
        >>> error_type(ValueError("secret"))
        'ValueError'
    """
    cls = type(error)
    name = _error_types.get(cls)
    if name is None:
        if len(_error_types) >= MAX_ERROR_TYPES:
            return a.OTHER_ERROR
        module = cls.__module__
        name = cls.__qualname__ if module in ("builtins", "__main__") else f"{module}.{cls.__qualname__}"
        _error_types[cls] = name
    return name
