"""Take the history from Prometheus, or from what answers as it does: Mimir, Thanos, VictoriaMetrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, HourTable
from genotel.history.merged_sources import Told, merge_sources
from genotel.history.server_counts import count_calls
from genotel.history.server_days import KnownDays, day_after, days_present, first_hour, read_days
from genotel.history.server_seconds import read_spent
from genotel.history.server_tables import Moments, Server, read_moments, server_of, whole_or_said
from genotel.history.usage import UsageHistory, count_hours, empty_history
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
from genotel.promql import catalog
from genotel.promql.usage_sources import SOURCES, UsageSource, sources_named

# A server that missed more of an hour's scrapes may have missed a use.
MINIMUM_SCRAPED_SHARE = 0.95
DEFAULT_DAYS = 90.0


class Prometheus:
    """Read the calls that Prometheus scraped from programs with genotel's SDK, and from other servers.

    The history begins with the first hour from which anything is kept, at most ``days`` ago. An hour
    counts as observed when 95 % of its scrapes were answered, by as many servers of each job as there
    ever were before; a server that is gone hides what it may still be doing.

    Args:
        url: address with its path prefix, without ``/api/v1``; may hold user and password.
        days: how far back to look.
        sources: names of those who may have counted: ``genotel`` (this SDK), ``vllm`` and the others of
            docs/foreign-servers.md, ``own``; all that are found by default.
        own: how a server counts that nobody knows, see ``promql.usage_sources.own_source``.
        clock: tells what is now.
        tenant: sent as ``X-Scope-OrgID``.
        username, password: for basic authentication.
        bearer_token_file: a file with a token, read anew for each request.
        headers: sent with each request.
        ca_file: certificates of the authorities to trust instead of the system's.
        certificate_file, key_file: what proves who asks.
        timeout_seconds: for one answer.

    Raises:
        SettingsError: the address is none, there is no such source, or the options contradict each other.
    """

    def __init__(
        self,
        url: str,
        *,
        days: float = DEFAULT_DAYS,
        sources: Iterable[str] = (),
        own: UsageSource | None = None,
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
        self.sources = sources_named(sources, own)
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
        return "prometheus", self.clock, access.url, self.days, self.sources, who, tuple(sorted(access.headers.items()))

    def load_usage(self) -> UsageHistory:
        """Return the history that the server holds.

        Raises:
            ServerError: it could not be reached or refused.
            InputError: a certificate or the file of the bearer token cannot be read.
        """
        transport = HttpTransport(self.access)
        try:
            return read_usage(PrometheusClient(transport), self.clock.wall(), self.days, self.sources)
        finally:
            transport.close()


def read_usage(
    client: PrometheusClient, now: float, days: float, sources: Iterable[UsageSource] = SOURCES
) -> UsageHistory:
    """Return the history that a server holds of the ``days`` before ``now``, a Unix time.

    Args:
        client: the server.
        now: Unix time.
        days: how far back to look.
        sources: who may have counted, those that are believed first.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    begin = now - days * SECONDS_PER_DAY
    known = read_days(client, sources, begin, now)
    if not known:
        return empty_history(f"Prometheus {client.address}")
    first = first_hour(client, known, begin, now)
    moments = Moments(first - SECONDS_PER_HOUR, now)
    # The latest moment that it may have begun at.
    start = min(first, now) - 1.0
    hours = count_hours(start, now)
    servers = {server for one in known for server in one.servers}
    up = read_moments(client, catalog.scraped_share(SECONDS_PER_HOUR, sorted({job for job, _ in servers})), moments)
    shares = zip(up.labels, up.values, strict=True)
    scraped = {server_of(labels): share for labels, share in shares if server_of(labels) in servers}
    told = _told(client, moments, scraped, known)
    names, hourly, measured_by = merge_sources(told, int(start // SECONDS_PER_HOUR), hours)
    position = {name: index for index, name in enumerate(names)}
    sizes = read_span(client, catalog.model_sizes(SECONDS_PER_DAY), moments.first, day_after(now), SECONDS_PER_DAY)
    tables = [up, sizes, *(one.table for one in known), *(table for one in told for table in one.tables)]
    is_whole, said = whole_or_said(tables)
    first_seen, last_used = _first_seen(known, position, start, hourly), _last_used(hourly, len(names), now)
    return UsageHistory(
        source=f"Prometheus {client.address}",
        start=start,
        end=now,
        models=names,
        observed=_observed(scraped, servers, known, moments, hours) & is_whole,
        hourly=hourly,
        first_seen=first_seen,
        last_used=last_used,
        size_bytes=_latest(sizes, position),
        notes=(() if is_whole else ("Parts of the answer are missing, so that nothing counts as observed.",)) + said,
        measured_by=measured_by,
    )


_HOUR = float(SECONDS_PER_HOUR)


def _told(
    client: PrometheusClient, moments: Moments, scraped: Mapping[Server, Floats], known: Sequence[KnownDays]
) -> list[Told]:
    """Return what each source tells that is there."""
    told = []
    # Beside each other, as the server has more than one processor; the transport limits what is in flight.
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="genotel-told") as pool:
        for source in dict.fromkeys(one.source for one in known):
            days = [one for one in known if one.source is source]
            durations, loads = (
                [pool.submit(read_spent, client, moments, counter) for counter in counters]
                for counters in (source.durations, source.loads)
            )
            counts = tuple(count_calls(client, moments, _those(scraped, one), one) for one in days)
            told.append(
                Told(
                    source.name,
                    models=frozenset(model for one in days for model in one.models),
                    counts=counts,
                    durations=tuple(future.result() for future in durations),
                    loads=tuple(future.result() for future in loads),
                )
            )
    return told


def _those(scraped: Mapping[Server, Floats], known: KnownDays) -> dict[Server, Floats]:
    servers = set(known.servers)
    return {server: share for server, share in scraped.items() if server in servers}


def _observed(
    scraped: Mapping[Server, Floats], servers: set[Server], known: Sequence[KnownDays], moments: Moments, hours: int
) -> Booleans:
    """Return which hours were observed, shape (T,), the first ending at the second moment."""
    times = moments.times[1:]
    observed = np.ones(len(times), dtype=bool)
    answering: dict[str, Floats] = defaultdict(lambda: np.zeros(len(times)))
    for server in servers:
        share = scraped.get(server)
        # Of a server whose scrapes nobody counts (remote writing) the days on which it told something count.
        answering[server[0]] += np.nan_to_num(share[1:]) if share is not None else days_present(known, server, times)
    for share in answering.values():
        expected = np.maximum.accumulate(np.round(share))
        observed &= share >= MINIMUM_SCRAPED_SHARE * np.maximum(expected, 1.0)
    return observed[:hours] if len(observed) >= hours else np.append(observed, observed[-1:])


def _first_seen(known: Sequence[KnownDays], position: Mapping[str, int], start: float, hourly: HourTable) -> Floats:
    """Return the hour of each model's first use, or the day on which it was known before, shape (N,)."""
    first = np.full(len(position), np.inf)
    for one in known:
        index = np.array([position[model] for model in one.models], dtype=np.int64)
        day = one.table.times[np.argmax(one.is_there, axis=1)] - SECONDS_PER_DAY
        np.minimum.at(first, index, day)
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
        model = labels.get(catalog.MODEL_LABEL, "")
        if model in position and len(known):
            latest[position[model]] = known[-1]
    return latest


def _path(file: str | Path | None) -> Path | None:
    return None if file is None else Path(file)
