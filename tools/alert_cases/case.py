"""What a case is: when one alert must fire and when not, in series as promtool writes them.

``0+1x30`` counts up for 30 minutes, ``_x5`` is silent for 5. Times are minutes. A case is checked four ways: it fires;
just below its threshold it does not; it ends when all is well again; and what it does when its series are gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from genotel.semconv import attributes as a
from genotel.semconv import self_metrics as s
from genotel.semconv.spec import MetricSpec, label_name

INSTANCE = "gpu-1:9464"
WHERE = {"job": "genotel", "instance": INSTANCE}
Series = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """Say when one alert fires and when it does not.

    Attributes:
        alert: its name.
        labels: what the firing alert carries beside severity and component.
        fires: series and values under which it does, up to ``at``.
        at: minute at which it fires.
        below: series and values just short of it, checked at the same minute.
        well: series and values that turn good after ``at``.
        well_at: minute at which it is over.
        gone_at: minute at which the series of ``fires``, cut off at ``at``, are forgotten.
        gone_fires: whether it fires then: the guards of absence do.
        extra: labels that tell alerts of one name apart.
        step: minutes between evaluations.
    """

    alert: str
    labels: dict[str, str]
    fires: Series
    at: int
    below: Series
    well: Series
    well_at: int
    gone_at: int
    gone_fires: bool = False
    extra: tuple[tuple[str, str], ...] = ()
    step: int = 1


def series(spec: MetricSpec | str, suffix: str = "", **labels: str) -> str:
    """Return a series of one machine in PromQL's spelling; keywords are words of ``semconv.attributes``."""
    name = spec if isinstance(spec, str) else spec.prometheus_name + suffix
    scope = {} if isinstance(spec, str) or spec in s.SELF_METRICS else {label_name(a.SCOPE_NAME): a.SCOPE}
    own = {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    inside = ",".join(f'{key}="{value}"' for key, value in (WHERE | scope | own).items())
    return f"{name}{{{inside}}}"


def simple(
    alert: str, one: str, bad: str, below: str, good: str, at: int, well_at: int, gone_at: int, **labels: str
) -> Case:
    """Return the case of an alert on one series of a machine."""
    kept = WHERE | {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    fires = {one: bad.format(n=at)}
    well = {one: f"{bad.format(n=at)} {good}"}
    return Case(alert, kept, fires, at, {one: below}, well, well_at, gone_at)


def counted(alert: str, one: str, at: int, well_at: int, gone_at: int, **labels: str) -> Case:
    """Return the case of an alert on any increase of a counter that is born at 0."""
    kept = WHERE | {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    flat = {one: f"0x{at}"}
    fires = {one: f"0 0 1x{at - 2}"}
    return Case(alert, kept, fires, at, flat, {one: f"0 0 1x{well_at}"}, well_at, gone_at)
