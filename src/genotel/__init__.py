"""Observe generative models that you host yourself: SDK, system exporter and recommender.

Importing this package loads nothing but itself: every name below is resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genotel.instrumentation.context import experiment as experiment
    from genotel.instrumentation.decorators import measure as measure
    from genotel.instrumentation.events import EventKind as EventKind
    from genotel.instrumentation.events import record_event as record_event
    from genotel.instrumentation.generation import Generation as Generation
    from genotel.instrumentation.generation import current_generation as current_generation
    from genotel.instrumentation.generation import generation as generation
    from genotel.instrumentation.models import model_load as model_load
    from genotel.instrumentation.models import model_unloaded as model_unloaded
    from genotel.startup import Handle as Handle
    from genotel.startup import configure as configure
    from genotel.startup import shutdown as shutdown
    from genotel.version import __version__ as __version__

# Public name -> module that defines it. One visible line per name.
_HOME: dict[str, str] = {
    "__version__": "genotel.version",
    "EventKind": "genotel.instrumentation.events",
    "Generation": "genotel.instrumentation.generation",
    "Handle": "genotel.startup",
    "configure": "genotel.startup",
    "current_generation": "genotel.instrumentation.generation",
    "experiment": "genotel.instrumentation.context",
    "generation": "genotel.instrumentation.generation",
    "measure": "genotel.instrumentation.decorators",
    "model_load": "genotel.instrumentation.models",
    "model_unloaded": "genotel.instrumentation.models",
    "record_event": "genotel.instrumentation.events",
    "shutdown": "genotel.startup",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'genotel' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
