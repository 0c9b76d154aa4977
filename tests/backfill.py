"""Histories as a Prometheus would have scraped them, put into a real one without waiting for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from genotel.promql.catalog import MODEL_LABEL, OUTCOME_LABEL
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.model_metrics import LOAD_DURATION, MODEL_SIZE


@dataclass(frozen=True)
class Use:
    """One call: when it ended, of which model, how."""

    time: float
    model: str
    outcome: str = a.OUTCOME_OK
    seconds: float = 2.0


@dataclass(frozen=True)
class Life:
    """One life of a server's process, from its first to its last scrape; Unix times."""

    start: float
    end: float
    models: tuple[str, ...] = ()


@dataclass
class Server:
    """A server that lived one or more times and was asked every ``interval`` seconds from ``start`` to ``end``."""

    instance: str
    start: float
    end: float
    lives: Sequence[Life]
    uses: Sequence[Use] = ()
    interval: float = 60.0
    sizes: dict[str, float] = field(default_factory=dict)
    sends_created: bool = True
    is_asked: bool = True


def openmetrics(servers: Iterable[Server]) -> str:
    """Return what was scraped, as OpenMetrics with timestamps, one family after the other."""
    families: dict[str, list[str]] = {
        name: [] for name in ("up", REQUESTS.family, DURATION.family, LOAD_DURATION.family, MODEL_SIZE.family)
    }
    created: list[str] = []
    for server in servers:
        where = f'instance="{server.instance}",job="app"'
        time = server.start
        while time <= server.end:
            life = next((life for life in server.lives if life.start <= time <= life.end), None)
            if server.is_asked:
                families["up"].append(f"up{{{where}}} {int(life is not None)} {time:.0f}")
            if life is not None:
                _scrape(server, life, time, where, families, created)
            time += server.interval
    lines = ["# TYPE up gauge", *families["up"], f"# TYPE {REQUESTS.family} counter", *families[REQUESTS.family]]
    lines += [f"# TYPE {REQUESTS.family}_created gauge", *created]
    lines += [f"# TYPE {DURATION.family} histogram", *families[DURATION.family]]
    lines += [f"# TYPE {LOAD_DURATION.family} histogram", *families[LOAD_DURATION.family]]
    lines += [f"# TYPE {MODEL_SIZE.family} gauge", *families[MODEL_SIZE.family], "# EOF"]
    return "\n".join(lines) + "\n"


def _scrape(
    server: Server, life: Life, time: float, where: str, families: dict[str, list[str]], created: list[str]
) -> None:
    ours = f'{where},otel_scope_name="genotel"'
    done = [use for use in server.uses if life.start <= use.time <= time]
    counts = Counter((use.model, use.outcome) for use in done)
    seconds_of: defaultdict[str, list[float]] = defaultdict(list)
    for use in done:
        seconds_of[use.model].append(use.seconds)
    for model in sorted({*life.models, *seconds_of}):
        labels = f'{ours},{MODEL_LABEL}="{model}"'
        mine = seconds_of[model]
        for outcome in a.OUTCOMES:
            count = counts[model, outcome]
            name = f'{{{labels},{OUTCOME_LABEL}="{outcome}"}}'
            families[REQUESTS.family].append(f"{REQUESTS.prometheus_name}{name} {count} {time:.0f}")
            if server.sends_created:
                created.append(f"{REQUESTS.family}_created{name} {life.start:.0f} {time:.0f}")
        if mine:
            seconds = sum(mine)
            families[DURATION.family] += [
                f'{DURATION.family}_bucket{{{labels},le="+Inf"}} {len(mine)} {time:.0f}',
                f"{DURATION.family}_count{{{labels}}} {len(mine)} {time:.0f}",
                f"{DURATION.family}_sum{{{labels}}} {seconds} {time:.0f}",
            ]
            families[LOAD_DURATION.family] += [
                f'{LOAD_DURATION.family}_bucket{{{labels},le="+Inf"}} 1 {time:.0f}',
                f"{LOAD_DURATION.family}_count{{{labels}}} 1 {time:.0f}",
                f"{LOAD_DURATION.family}_sum{{{labels}}} 20 {time:.0f}",
            ]
        if model in server.sizes:
            families[MODEL_SIZE.family].append(
                f"{MODEL_SIZE.prometheus_name}{{{labels}}} {server.sizes[model]:.0f} {time:.0f}"
            )
