"""Observe generative models that you host yourself: SDK, system exporter and recommender.

Importing this package loads nothing but itself: every name below is resolved on first use.
"""

from __future__ import annotations

# What type checkers take for true. The module typing alone would cost more than this whole import.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from genotel.analysis.usage_figures import UsageStatistics as UsageStatistics
    from genotel.analysis.usage_figures import ausage_statistics as ausage_statistics
    from genotel.analysis.usage_figures import usage_statistics as usage_statistics
    from genotel.autoinstrument.registry import instrument as instrument
    from genotel.autoinstrument.registry import uninstrument as uninstrument
    from genotel.database_watch import watch_database as watch_database
    from genotel.exposition.pushgateway import push_to_gateway as push_to_gateway
    from genotel.exposition.textfile import write_textfile as write_textfile
    from genotel.history.from_events import Events as Events
    from genotel.history.from_journal import Journal as Journal
    from genotel.history.from_prometheus import Prometheus as Prometheus
    from genotel.instrumentation.batch import batches as batches
    from genotel.instrumentation.batch_call import batch as batch
    from genotel.instrumentation.batch_monitor import BatchStatsMonitor as BatchStatsMonitor
    from genotel.instrumentation.batch_stats import BatchStats as BatchStats
    from genotel.instrumentation.context import experiment as experiment
    from genotel.instrumentation.decorators import measure as measure
    from genotel.instrumentation.events import EventKind as EventKind
    from genotel.instrumentation.events import record_event as record_event
    from genotel.instrumentation.generation import Generation as Generation
    from genotel.instrumentation.generation import current_generation as current_generation
    from genotel.instrumentation.generation import generation as generation
    from genotel.instrumentation.models import model_load as model_load
    from genotel.instrumentation.models import model_unloaded as model_unloaded
    from genotel.instrumentation.queues import track_queue as track_queue
    from genotel.recommenders.advice import arecommend as arecommend
    from genotel.recommenders.advice import recommend as recommend
    from genotel.recommenders.recommendation import Recommendation as Recommendation
    from genotel.startup import Handle as Handle
    from genotel.startup import configure as configure
    from genotel.startup import shutdown as shutdown
    from genotel.version import __version__ as __version__

# Public name -> module that defines it. One visible line per name.
_HOME: dict[str, str] = {
    "BatchStats": "genotel.instrumentation.batch_stats",
    "BatchStatsMonitor": "genotel.instrumentation.batch_monitor",
    "EventKind": "genotel.instrumentation.events",
    "Events": "genotel.history.from_events",
    "Generation": "genotel.instrumentation.generation",
    "Handle": "genotel.startup",
    "Journal": "genotel.history.from_journal",
    "Prometheus": "genotel.history.from_prometheus",
    "Recommendation": "genotel.recommenders.recommendation",
    "UsageStatistics": "genotel.analysis.usage_figures",
    "__version__": "genotel.version",
    "arecommend": "genotel.recommenders.advice",
    "ausage_statistics": "genotel.analysis.usage_figures",
    "batch": "genotel.instrumentation.batch_call",
    "batches": "genotel.instrumentation.batch",
    "configure": "genotel.startup",
    "current_generation": "genotel.instrumentation.generation",
    "experiment": "genotel.instrumentation.context",
    "generation": "genotel.instrumentation.generation",
    "instrument": "genotel.autoinstrument.registry",
    "measure": "genotel.instrumentation.decorators",
    "model_load": "genotel.instrumentation.models",
    "model_unloaded": "genotel.instrumentation.models",
    "push_to_gateway": "genotel.exposition.pushgateway",
    "recommend": "genotel.recommenders.advice",
    "record_event": "genotel.instrumentation.events",
    "shutdown": "genotel.startup",
    "track_queue": "genotel.instrumentation.queues",
    "uninstrument": "genotel.autoinstrument.registry",
    "usage_statistics": "genotel.analysis.usage_figures",
    "watch_database": "genotel.database_watch",
    "write_textfile": "genotel.exposition.textfile",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'genotel' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
