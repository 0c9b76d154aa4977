"""Loading and unloading of models: once for a pipeline and its parts, and by what name.

A library has no call for unloading: a model is gone when Python lets go of it. That may be in the middle
of a garbage collection, where nothing may be done; it is only noted then (see ``late_ends``).
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from genotel import guard
from genotel.autoinstrument.arguments import Arguments, positional_names
from genotel.autoinstrument.suppression import is_suppressed
from genotel.instrumentation.late_ends import WAITING
from genotel.instrumentation.model_memory import note_weights
from genotel.instrumentation.model_name import model_name
from genotel.instrumentation.models import model_load, model_unloaded
from genotel.instrumentation.site import site_for

# Operation and provider.
Use = tuple[str, str]

# A loaded model -> its name.
LOADED: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

_HUB_FOLDER = re.compile(r"models--([A-Za-z0-9_.-]+?)--([A-Za-z0-9_.-]+)")

_is_loading: ContextVar[bool] = ContextVar("loading_library_model", default=False)


def is_loading() -> bool:
    """Return whether a library is loading a model here, of which this is a part."""
    return _is_loading.get()


def named(place: object) -> str:
    """Return the name of a model that was loaded from a place; a folder of the hub's cache names one.

    Example:
        >>> named("/data/models--Wan-AI--Wan2.1/snapshots/0fad"), named("/srv/sdxl.onnx")
        ('Wan-AI/Wan2.1', 'sdxl.onnx')
    """
    text = str(place)
    cached = _HUB_FOLDER.search(text)
    return f"{cached[1]}/{cached[2]}" if cached else model_name(text)


class _Unload:
    """Be an unload that waits for a moment at which it can be recorded."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def settle(self) -> None:
        """Record it."""
        model_unloaded(self._name)


def noting_unload(loaded: Any, name: str) -> None:
    """Remember the name of a loaded model, and note when it is gone."""
    try:
        LOADED[loaded] = name
        # Made now: what runs in a garbage collection is this one append.
        weakref.finalize(loaded, WAITING.append, _Unload(name)).atexit = False
    except Exception as error:
        guard.report("loads.unload", error)


class _Load:
    """Be one load that is under way; nothing here raises.

    Args:
        tell: gives the name of the model and where it comes from.
        use: operation and provider under which the model will be used, where that is one.
    """

    __slots__ = ("_measured", "_token", "_use", "name")

    def __init__(self, tell: Callable[[], tuple[str, str | None]], use: Use | None) -> None:
        self._use = use
        self.name: str | None = None
        try:
            if _is_loading.get() or is_suppressed():
                return
            name, source = tell()
            self._measured = model_load(name, source=source)
            self._measured.__enter__()
            self._token = _is_loading.set(True)
            self.name = name
        except Exception as error:
            guard.report("loads.begin", error)

    def end(self, loaded: Any, error: BaseException | None = None) -> None:
        """End the load: with what is loaded, or with the exception that ended it."""
        if self.name is None:
            return
        _is_loading.reset(self._token)
        try:
            # With its traceback, which is set on the exception again.
            self._measured.__exit__(*((None, None, None) if error is None else _described(error)))
            if error is None:
                noting_unload(loaded, self.name)
                note_weights(loaded, self.name)
                if self._use is not None:
                    # Its counters are there, at 0, before it is first used: from nothing to 1 is no increase.
                    site_for((*self._use, self.name, None))
        except BaseException as fault:
            # The exception itself comes back out of the measured block.
            if fault is not error:
                guard.report("loads.end", fault)


def _described(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    return type(error), error, error.__traceback__


def loading(place: str, use: Use | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes a class method that loads a measured one.

    Args:
        place: name of the argument that says where the model comes from.
        use: operation and provider under which the model will be used, where that is one.
    """

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        names = positional_names(original)

        def load(*args: Any, **kwargs: Any) -> Any:
            begun = _Load(lambda: _told(Arguments(names, args, kwargs), place), use)
            try:
                loaded = original(*args, **kwargs)
            except BaseException as error:
                begun.end(None, error)
                raise
            # Some give (model, information).
            begun.end(loaded[0] if type(loaded) is tuple and loaded else loaded)
            return loaded

        return load

    return wrap


def making(
    place: str, use: Use | None = None, unnamed: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes an ``__init__`` that loads a measured one.

    Args:
        place: name of the argument that says where the model comes from.
        use: operation and provider under which the model will be used, where that is one.
        unnamed: of a library that takes files only, the name of a model that is given as bytes.
    """

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        names = positional_names(original)

        def make(self: Any, *args: Any, **kwargs: Any) -> None:
            begun = _Load(lambda: _told(Arguments(names, (self, *args), kwargs), place, unnamed), use)
            try:
                original(self, *args, **kwargs)
            except BaseException as error:
                begun.end(None, error)
                raise
            begun.end(self)

        return make

    return wrap


def _told(arguments: Arguments, place: str, unnamed: str | None = None) -> tuple[str, str | None]:
    """Return the name of the model and where it comes from."""
    try:
        given = arguments.get(place)
        if given is None or not isinstance(given, str | os.PathLike):
            if unnamed is not None:
                return unnamed, "memory"
            owner = arguments.owner
            return (owner if isinstance(owner, type) else type(owner)).__name__, None
        return named(given), "hub" if unnamed is None and not os.path.exists(given) else "disk"
    except Exception as error:
        guard.report("loads.name", error)
        return "model", None
