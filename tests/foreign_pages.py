"""Pages of other people's servers, written by hand with the names of their documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from genotel.semconv import attributes as a
from genotel.semconv.foreign import NO_MODEL_LABEL, Calls, ForeignServer, Seconds

SECONDS_A_CALL = 2.0
TOKENS_A_CALL = 50


def foreign_page(
    server: ForeignServer, uses: Sequence[tuple[float, str, str]], times: Iterable[float], instance: str
) -> Mapping[str, list[str]]:
    """Return the samples of a server by family, as OpenMetrics with timestamps.

    Args:
        server: its row of the table.
        uses: when a call ended, of which model, how.
        times: of the scrapes.
        instance: of the server.
    """
    families: dict[str, list[str]] = {}
    models = sorted({model for _, model, _ in uses})
    for time in times:
        for model in models:
            job = model if server.model_label == NO_MODEL_LABEL else server.name
            where = {"instance": instance, "job": job}
            families.setdefault("up", []).append(f"up{_text(where)} 1 {time:.0f}")
            done = [outcome for at, name, outcome in uses if name == model and at <= time]
            for calls in server.calls:
                count = sum(_row_of(server, outcome) is calls for outcome in done)
                value = count * (TOKENS_A_CALL if server.is_activity else 1)
                labels = where | _model(server.model_label, model) | _chosen(calls.matchers)
                families.setdefault(calls.name, []).append(f"{calls.name}{_text(labels)} {value} {time:.0f}")
            for seconds in (server.durations, server.loads):
                if seconds is not None and done:
                    _add_seconds(families, server, seconds, where, model, done, time)
    # A scrape has one sample of each target, however many models it serves.
    families["up"] = list(dict.fromkeys(families["up"]))
    return families


def openmetrics_of(families: Mapping[str, list[str]]) -> str:
    """Return families as one text."""
    lines = [line for name, samples in families.items() for line in (f"# TYPE {name} unknown", *samples)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _add_seconds(
    families: dict[str, list[str]],
    server: ForeignServer,
    seconds: Seconds,
    where: Mapping[str, str],
    model: str,
    done: Sequence[str],
    time: float,
) -> None:
    labels = {**where, **_model(seconds.model_label or server.model_label, model)}
    rows = [calls for calls in server.calls if calls.name == seconds.count]
    spent = SECONDS_A_CALL / seconds.scale
    for calls in rows:
        # The count of a histogram is what counts the calls, so that its sum has the same labels.
        count = sum(_row_of(server, outcome) is calls for outcome in done)
        text = _text({**labels, **_chosen(calls.matchers)})
        families.setdefault(seconds.seconds, []).append(f"{seconds.seconds}{text} {count * spent:.0f} {time:.0f}")
    if not rows:
        text = _text({**labels, **_chosen(seconds.matchers)})
        families.setdefault(seconds.count, []).append(f"{seconds.count}{text} {len(done)} {time:.0f}")
        families.setdefault(seconds.seconds, []).append(f"{seconds.seconds}{text} {len(done) * spent:.0f} {time:.0f}")


def _row_of(server: ForeignServer, outcome: str) -> Calls:
    """Return the row that a call with an outcome is counted in."""
    rows = [calls for calls in server.calls if calls.outcome == outcome]
    return rows[0] if rows else server.calls[0]


def _chosen(matchers: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return labels that fit matchers."""
    labels = {}
    for label, operator, value in matchers:
        if operator in {"=", "=~"}:
            labels[label] = value
        else:
            labels.setdefault(label, "other")
    return {label: value for label, value in labels.items() if value}


def _model(label: str, model: str) -> dict[str, str]:
    return {} if label == NO_MODEL_LABEL else {label: model}


def _text(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{label}="{value}"' for label, value in sorted(labels.items())) + "}"


OK, ERROR = a.OUTCOME_OK, a.OUTCOME_ERROR
