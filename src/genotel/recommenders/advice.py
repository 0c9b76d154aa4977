"""Ask every recommender, or some, about a history: the public functions of this floor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from genotel.errors import SettingsError
from genotel.history.kept import KEPT_HISTORIES
from genotel.history.source import HistorySource
from genotel.history.usage import UsageHistory
from genotel.recommenders.plug_ins import plug_ins
from genotel.recommenders.recommendation import Recommendation, Withheld
from genotel.recommenders.recommender import Findings
from genotel.recommenders.registry import DEFAULT_KINDS, KINDS, RECOMMENDERS
from genotel.settings import AdviceSettings, load_settings


@dataclass(frozen=True, slots=True)
class Advice:
    """Hold what all recommenders that were asked had to say.

    Attributes:
        source: where the history was read from.
        window: Unix times from and up to which anything is said; None for an empty history.
        recommendations: by kind in the order of the registry, then of plug-ins by name, best first within a kind.
        withheld: the models about which a kind says nothing, and why.
        notes: what the source said that takes something from all of this.
        methods: by kind, how its probabilities are worked out.
        models: how many models the history knows.
        observed_ratio: share of the window in which every use would have been seen.
    """

    source: str
    window: tuple[float, float] | None
    recommendations: tuple[Recommendation, ...]
    withheld: tuple[Withheld, ...]
    notes: tuple[str, ...] = ()
    methods: Mapping[str, str] = field(default_factory=dict)
    models: int = 0
    observed_ratio: float = 0.0


def recommend(
    source: HistorySource, kinds: Iterable[str] | None = None, settings: AdviceSettings | None = None
) -> list[Recommendation]:
    """Return the advice that a history gives reason for, best first within each kind.

    A history that was read less than ``cache_ttl_minutes`` ago is not read again, unless its file changed.

    Args:
        source: ``Prometheus(url)``, ``Journal(path)``, ``Events(path)`` or anything with their one method.
        kinds: the kinds to ask, all by default.
        settings: the thresholds, by default those of ``genotel.toml``.

    Raises:
        SettingsError: a kind that does not exist, or a wrong ``genotel.toml``.
        InputError: the source cannot be read.
        ServerError: the server cannot be reached or refuses.

    Example:
        >>> from genotel.history.usage import empty_history
        >>> class Nothing:
        ...     def load_usage(self):
        ...         return empty_history("nothing")
        >>> recommend(Nothing(), kinds=["cleanup"])
        []
    """
    kinds = check_kinds(kinds)
    settings = load_settings().advice if settings is None else settings
    history = KEPT_HISTORIES.load(source, settings.cache_ttl_minutes * 60)
    return list(advise(history, kinds, settings).recommendations)


async def arecommend(
    source: HistorySource, kinds: Iterable[str] | None = None, settings: AdviceSettings | None = None
) -> list[Recommendation]:
    """Return what :func:`recommend` does, worked out in a thread so that the event loop goes on."""
    return await asyncio.to_thread(recommend, source, kinds, settings)


def advise(history: UsageHistory, kinds: Iterable[str], settings: AdviceSettings) -> Advice:
    """Return the advice on a history together with the reasons why there is none."""
    wanted = frozenset(kinds)
    asked = [recommender for recommender in RECOMMENDERS if recommender.kind in wanted]
    findings = [recommender.recommend(history, settings) for recommender in asked]
    methods = {recommender.kind: recommender.method for recommender in asked}
    for kind, method, found in plug_ins().ask(wanted, history, settings):
        findings.append(found)
        methods[kind] = method
    return Advice(
        source=history.source,
        window=(history.start, history.end) if len(history.observed) else None,
        recommendations=tuple(_with_sources(findings, history)),
        withheld=tuple(reason for found in findings for reason in found.withheld),
        notes=history.notes,
        methods=methods,
        models=len(history.models),
        observed_ratio=history.observed_ratio,
    )


def _with_sources(findings: Iterable[Findings], history: UsageHistory) -> Iterator[Recommendation]:
    """Yield advice that says who counted the calls, where there are several who could."""
    counted = dict(zip(history.models, history.measured_by, strict=False))
    for entry in (advice for found in findings for advice in found.recommendations):
        source = counted.get(entry.model)
        yield replace(entry, evidence={**entry.evidence, "measured_by": source}) if source else entry


def check_kinds(kinds: Iterable[str] | None) -> tuple[str, ...]:
    """Return the kinds that are meant; for None all but the download priorities, those of plug-ins too.

    Raises:
        SettingsError: naming the kinds that exist.
    """
    if kinds is None:
        return (*DEFAULT_KINDS, *plug_ins().kinds)
    # A text is a mistake that would otherwise be read letter by letter.
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    known = (*KINDS, *plug_ins().kinds)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        what = f"unknown kind {unknown[0]!r}" if unknown else "no kind was asked for"
        raise SettingsError(f"{what}; the kinds of advice are {', '.join(known)}")
    return kinds
