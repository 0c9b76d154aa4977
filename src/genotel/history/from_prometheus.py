"""Take the history from Prometheus, or from what answers as it does: Mimir, Thanos, VictoriaMetrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, HourTable
from genotel.history.server_counts import Counts, count_calls
from genotel.history.server_tables import (
    Moments,
    Server,
    increases,
    read_moments,
    server_of,
    whole_or_said,
)
from genotel.history.usage import UsageHistory, count_hours, empty_history
from genotel.journal.rollup import FAILURES
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
from genotel.promql import catalog
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import NEWER, OLDER

# A server that missed more of an hour's scrapes may have missed a use.
MINIMUM_SCRAPED_SHARE = 0.95


class Prometheus:
    """Read the calls that Prometheus scraped from programs with genotel's SDK.

    The history begins with the first hour from which anything is kept, at most ``days`` ago. An hour
    counts as observed when 95 % of its scrapes were answered, by as many servers of each job as there
    ever were before; a server that is gone hides what it may still be doing.

    Args:
        url: address with its path prefix, without ``/api/v1``; may hold user and password.
        days: how far back to look.
        clock: tells what is now.
        tenant: sent as ``X-Scope-OrgID``.
        username, password: for basic authentication.
        bearer_token_file: a file with a token, read anew for each request.
        headers: sent with each request.
        ca_file: certificates of the authorities to trust instead of the system's.
        certificate_file, key_file: what proves who asks.
        timeout_seconds: for one answer.

    Raises:
        SettingsError: the address is none, or the options contradict each other.
    """

    def __init__(
        self,
        url: str,
        *,
        days: float = 90.0,
        clock: Clock = SYSTEM_CLOCK,
        tenant: str | None = None,
        username: str | None = None,
        password: str | None = None,
        bearer_token_file: str | Path | None = None,
        headers: Mapping[str, str] | None = None,
        ca_file: str | Path | None = None,
        certificate_file: str | Path | None = None,
        key_file: str | Path | None = None,
        timeout_seconds: float = 60.0,
    ) -> None:
        self.days = days
        self.clock = clock
        self.access = ServerAccess(
            url=url,
            tenant=tenant,
            username=username,
            password=password,
            bearer_token_file=_path(bearer_token_file),
            headers=headers or {},
            ca_file=_path(ca_file),
            certificate_file=_path(certificate_file),
            key_file=_path(key_file),
            timeout_seconds=timeout_seconds,
        )

    @property
    def place(self) -> Hashable:
        """Return what tells this source from others: where it asks, and as whom."""
        access = self.access
        who = (access.tenant, access.username, access.bearer_token_file, access.certificate_file)
        return "prometheus", self.clock, access.url, self.days, who, tuple(sorted(access.headers.items()))

    def load_usage(self) -> UsageHistory:
        """Return the history that the server holds.

        Raises:
            ServerError: it could not be reached or refused.
            InputError: a certificate or the file of the bearer token cannot be read.
        """
        transport = HttpTransport(self.access)
        try:
            return read_usage(PrometheusClient(transport), self.clock.wall(), self.days)
        finally:
            transport.close()


def read_usage(client: PrometheusClient, now: float, days: float) -> UsageHistory:
    """Return the history that a server holds of the ``days`` before ``now``, a Unix time.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    source = f"Prometheus {client.address}"
    known, first = _known(client, now, days)
    if not known.labels:
        return empty_history(source)
    moments = Moments(first - SECONDS_PER_HOUR, now)
    servers = {server_of(labels) for labels in known.labels}
    jobs = sorted({job for job, _ in servers})
    up = read_moments(client, catalog.scraped_share(SECONDS_PER_HOUR, jobs), moments)
    shares = zip(up.labels, up.values, strict=True)
    scraped = {server_of(labels): share for labels, share in shares if server_of(labels) in servers}
    counts = count_calls(client, moments, scraped)
    sums = {column: [read_moments(client, query, moments) for query in queries] for column, queries in _SUMS.items()}
    sizes = read_span(client, catalog.model_sizes(SECONDS_PER_DAY), moments.first, _day_after(now), SECONDS_PER_DAY)
    is_whole, said = whole_or_said(
        [known, up, sizes, *counts.tables, *(table for some in sums.values() for table in some)]
    )
    names = tuple(sorted({_model(labels) for labels in known.labels} | set(counts.model)))
    position = {name: index for index, name in enumerate(names)}
    hourly = _hourly(counts, sums, position)
    # The latest moment that it may have begun at.
    start = min(first, now) - 1.0
    first_seen, last_used = _first_seen(known, position, start, hourly), _last_used(hourly, len(names), now)
    return UsageHistory(
        source=source,
        start=start,
        end=now,
        models=names,
        observed=_observed(scraped, servers, known, moments, count_hours(start, now)) & is_whole,
        hourly=hourly,
        first_seen=first_seen,
        last_used=last_used,
        size_bytes=_latest(sizes, position),
        notes=(() if is_whole else ("Parts of the answer are missing, so that nothing counts as observed.",)) + said,
    )


_HOUR = float(SECONDS_PER_HOUR)
_SUMS: dict[str, tuple[str, ...]] = {
    "timed": tuple(catalog.seconds_spent(vintage, "count", _HOUR) for vintage in (OLDER, NEWER)),
    "duration_seconds": tuple(catalog.seconds_spent(vintage, "sum", _HOUR) for vintage in (OLDER, NEWER)),
    "loads": (catalog.loads_held("count", _HOUR),),
    "load_seconds": (catalog.loads_held("sum", _HOUR),),
}


def _known(client: PrometheusClient, now: float, days: float) -> tuple[Table, float]:
    """Return the models of each server by day, and the first full hour after the first that is known of them."""
    begin = now - days * SECONDS_PER_DAY
    known = read_span(client, catalog.models_known(SECONDS_PER_DAY), begin, _day_after(now), SECONDS_PER_DAY)
    if not known.labels:
        return known, now
    day = float(known.times[np.any(known.values > 0, axis=0)][0])
    first = max(day - SECONDS_PER_DAY + SECONDS_PER_HOUR, -(-begin // SECONDS_PER_HOUR) * SECONDS_PER_HOUR)
    hours = read_span(client, catalog.models_known(SECONDS_PER_HOUR), first, day, SECONDS_PER_HOUR)
    return known, float(hours.times[np.any(hours.values > 0, axis=0)][0]) if hours.labels else day


def _hourly(counts: Counts, sums: Mapping[str, list[Table]], position: Mapping[str, int]) -> HourTable:
    """Return the table of hours, of all that is known of them."""
    model = [np.array([position[name] for name in counts.model], dtype=np.int64)]
    time = [counts.time]
    is_ok = np.array([outcome == a.OUTCOME_OK for outcome in counts.outcome], dtype=bool)
    columns: dict[str, list[Floats]] = defaultdict(list)
    size = len(counts.time)
    rows: list[tuple[str, Floats]] = [
        ("requests", counts.calls.astype(np.float64)),
        ("succeeded", np.where(is_ok, counts.calls, 0).astype(np.float64)),
        ("failed", np.where(_is_failure(counts), counts.calls, 0).astype(np.float64)),
    ]
    blocks: list[tuple[int, dict[str, Floats]]] = [(size, dict(rows))]
    for column, tables in sums.items():
        for table in tables:
            added, is_added = increases(table.values)
            series, at = np.nonzero(is_added)
            known = [k for k, name in enumerate(series) if _model(table.labels[name]) in position]
            series, at = series[known], at[known]
            model.append(np.array([position[_model(table.labels[k])] for k in series], dtype=np.int64))
            time.append(table.times[at])
            values = added[series, at]
            block = {column: values}
            if column == "loads":
                block["timed_loads"] = values
            blocks.append((len(values), block))
    names = {name for _, block in blocks for name in block}
    for length, block in blocks:
        for name in names:
            columns[name].append(block.get(name, np.zeros(length)))
    # The hour that ended at a full hour is the one before it.
    hour = (np.ceil(np.concatenate(time) / SECONDS_PER_HOUR) - 1).astype(np.int64)
    return HourTable.gather(
        np.concatenate(model), hour, **{name: np.concatenate(values) for name, values in columns.items()}
    )


def _is_failure(counts: Counts) -> Booleans:
    return np.array([outcome in FAILURES for outcome in counts.outcome], dtype=bool)


def _observed(
    scraped: Mapping[Server, Floats], servers: set[Server], known: Table, moments: Moments, hours: int
) -> Booleans:
    """Return which hours were observed, shape (T,), the first ending at the second moment."""
    times = moments.times[1:]
    observed = np.ones(len(times), dtype=bool)
    answering: dict[str, Floats] = defaultdict(lambda: np.zeros(len(times)))
    for server in servers:
        share = scraped.get(server)
        # Of a server whose scrapes nobody counts (remote writing) the days on which it told something count.
        answering[server[0]] += np.nan_to_num(share[1:]) if share is not None else _present(known, server, times)
    for share in answering.values():
        expected = np.maximum.accumulate(np.round(share))
        observed &= share >= MINIMUM_SCRAPED_SHARE * np.maximum(expected, 1.0)
    return observed[:hours] if len(observed) >= hours else np.append(observed, observed[-1:])


def _present(known: Table, server: Server, times: Floats) -> Floats:
    """Return 1 for the moments on a day on which a server told something, else 0, shape (T,)."""
    rows = [row for row, labels in enumerate(known.labels) if server_of(labels) == server]
    days = known.times[np.any(known.values[rows] > 0, axis=0)]
    is_present: Booleans = np.isin(np.ceil(times / SECONDS_PER_DAY) * SECONDS_PER_DAY, days)
    return is_present.astype(np.float64)


def _first_seen(known: Table, position: Mapping[str, int], start: float, hourly: HourTable) -> Floats:
    """Return the hour of each model's first use, or the day on which it was known before, shape (N,)."""
    first = np.full(len(position), np.inf)
    for labels, values in zip(known.labels, known.values, strict=True):
        day = known.times[np.flatnonzero(values > 0)[0]] - SECONDS_PER_DAY
        first[position[_model(labels)]] = min(first[position[_model(labels)]], day)
    used = np.full(len(position), np.inf)
    np.minimum.at(used, hourly.model, hourly.hour * _HOUR)
    # Known on the day of its first use: known by that use.
    return np.maximum(np.where(used < first + SECONDS_PER_DAY, used, first), start)


def _last_used(hourly: HourTable, count: int, now: float) -> Floats:
    """Return the end of the last hour in which each model was used, shape (N,); NaN where there is none."""
    is_used = hourly.requests > 0
    last = np.full(count, -np.inf)
    np.maximum.at(last, hourly.model[is_used], (hourly.hour[is_used] + 1) * _HOUR - 1)
    ended: Floats = np.where(np.isfinite(last), np.minimum(last, now), np.nan)
    return ended


def _latest(sizes: Table, position: Mapping[str, int]) -> Floats:
    latest = np.full(len(position), np.nan)
    for labels, values in zip(sizes.labels, sizes.values, strict=True):
        known = values[np.isfinite(values)]
        if _model(labels) in position and len(known):
            latest[position[_model(labels)]] = known[-1]
    return latest


def _model(labels: Mapping[str, str]) -> str:
    return labels.get(catalog.MODEL_LABEL, "")


def _day_after(now: float) -> float:
    return -(-now // SECONDS_PER_DAY) * SECONDS_PER_DAY


def _path(file: str | Path | None) -> Path | None:
    return None if file is None else Path(file)
