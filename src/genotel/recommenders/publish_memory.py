"""What the watching recommender remembers: what it claimed, what became of it, and whom it told.

One JSON file, replaced as a whole, with a version and with bounds on everything that grows. It is read
without trust in its content.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genotel.errors import InputError
from genotel.recommenders.publish_claims import Claim
from genotel.recommenders.publish_forecasts import HOURS, Forecast, Score

VERSION = 1
# A month of ten thousand models; what is over it is not claimed until there is room again.
MAX_CLAIMS = 20_000
# Accuracy is that of the last so many, so that it tells of now.
MAX_JUDGED, MAX_SCORES, MAX_FORECASTS = 2_000, 720, 48
Key = tuple[str, str]
ClaimKey = tuple[str, str, int]
# Kind, model and reason: one kind may have several things to say about a model.
ToldKey = tuple[str, str, str]


@dataclass(slots=True)
class Memory:
    """Hold the state of a watching recommender.

    Attributes:
        source: where the history is read from: claims about one place say nothing about another.
        claims: what is not judged yet, by kind, model and length; the first of several stands.
        results: judged claims by kind and result, since the memory began.
        realised_bytes, realised_seconds: what right claims were worth, by kind.
        judged: probability and outcome (1 right, 0 wrong) of the last judged claims, by kind.
        since: Unix time since which advice stands, by kind and model.
        told: the priority that the webhook was told of standing advice, by kind, model and reason.
        forecasts: those that are not judged yet.
        scores: those of the last judged forecasts, by horizon.
    """

    source: str = ""
    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    results: Counter[Key] = field(default_factory=Counter)
    realised_bytes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    realised_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    judged: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)
    since: dict[Key, float] = field(default_factory=dict)
    told: dict[ToldKey, str] = field(default_factory=dict)
    forecasts: list[Forecast] = field(default_factory=list)
    scores: dict[str, deque[Score]] = field(default_factory=dict)

    def remember(self, claim: Claim) -> None:
        """Add a claim, unless one about the same waits to be judged or there is no room."""
        key = (claim.kind, claim.model, claim.hours)
        if key not in self.claims and len(self.claims) < MAX_CLAIMS:
            self.claims[key] = claim

    def remember_outcome(self, kind: str, confidence: float, is_right: bool) -> None:
        """Add a judged claim to those that accuracy is reckoned from."""
        self.judged.setdefault(kind, deque(maxlen=MAX_JUDGED)).append((confidence, int(is_right)))

    def remember_forecast(self, forecast: Forecast) -> None:
        """Add a forecast, unless there is one of the same hour; the oldest gives way."""
        if all((made.horizon, made.hour) != (forecast.horizon, forecast.hour) for made in self.forecasts):
            self.forecasts = [*self.forecasts, forecast][-MAX_FORECASTS:]

    def remember_score(self, horizon: str, score: Score) -> None:
        """Add what became of a forecast."""
        self.scores.setdefault(horizon, deque(maxlen=MAX_SCORES)).append(score)


def write_memory(memory: Memory, path: Path) -> None:
    """Replace the file by a memory: written beside it, synced, renamed.

    Raises:
        InputError: it cannot be written.
    """
    content = {
        "version": VERSION,
        "source": memory.source,
        "claims": [asdict(claim) for claim in memory.claims.values()],
        "results": [[*key, count] for key, count in memory.results.items()],
        "realised_bytes": dict(memory.realised_bytes),
        "realised_seconds": dict(memory.realised_seconds),
        "judged": {kind: list(entries) for kind, entries in memory.judged.items()},
        "since": [[*key, moment] for key, moment in memory.since.items()],
        "told": [[*key, priority] for key, priority in memory.told.items()],
        "forecasts": [asdict(forecast) for forecast in memory.forecasts],
        "scores": {horizon: [asdict(entry) for entry in entries] for horizon, entries in memory.scores.items()},
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="ascii") as file:
            json.dump(content, file, allow_nan=False, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"the memory of advice cannot be written ({error.strerror})", file=str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def read_memory(path: Path, source: str | None = None) -> Memory:
    """Return the memory that a file holds; an empty one where there is no file.

    Args:
        path: of the file.
        source: where the history is read from now; None where that is not known yet.

    Raises:
        InputError: it cannot be read, is damaged, of a newer genotel, or about another source.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Memory(source=source or "")
    except OSError as error:
        raise InputError(f"the memory of advice cannot be read ({error.strerror})", file=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path) from error
    try:
        version = content["version"]
        if isinstance(version, int) and version > VERSION:
            raise InputError(f"a newer genotel wrote this memory of advice (version {version})", file=str(path))
        memory = _memory(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _damaged(path) from error
    if source is not None and memory.source != source:
        raise InputError(
            f"remembers advice about {memory.source}, not about {source}; name another file with --memory",
            file=str(path),
        )
    return memory


def _memory(content: Mapping[str, Any]) -> Memory:
    claims = [_claim(entry) for entry in content["claims"]][:MAX_CLAIMS]
    return Memory(
        source=_text(content["source"]),
        claims={(claim.kind, claim.model, claim.hours): claim for claim in claims},
        results=Counter({(_text(kind), _text(result)): int(count) for kind, result, count in content["results"]}),
        realised_bytes=defaultdict(float, _amounts(content["realised_bytes"])),
        realised_seconds=defaultdict(float, _amounts(content["realised_seconds"])),
        judged={
            _text(kind): deque(((float(said), int(came)) for said, came in entries), maxlen=MAX_JUDGED)
            for kind, entries in content["judged"].items()
        },
        since={(_text(kind), _text(model)): float(moment) for kind, model, moment in content["since"]},
        told={
            (_text(kind), _text(model), _text(reason)): _text(priority)
            for kind, model, reason, priority in content["told"]
        },
        forecasts=[_forecast(entry) for entry in content["forecasts"]][-MAX_FORECASTS:],
        scores={
            horizon: deque((_score(entry) for entry in content["scores"].get(horizon, ())), maxlen=MAX_SCORES)
            for horizon in HOURS
        },
    )


def _claim(entry: Mapping[str, Any]) -> Claim:
    claim = Claim(**entry)
    if not (
        all(isinstance(text, str) for text in (claim.kind, claim.model))
        and all(isinstance(number, int) for number in (claim.hour, claim.hours, claim.calls_then))
        and isinstance(claim.confidence, int | float)
        and all(isinstance(amount, int | float | None) for amount in (claim.bytes, claim.load_seconds))
        and isinstance(claim.is_use_expected, bool)
        and claim.hours > 0
    ):
        raise ValueError("a claim is none")
    return claim


def _forecast(entry: Mapping[str, Any]) -> Forecast:
    names = ("probability", "level", "lower", "upper", "naive")
    forecast = Forecast(
        horizon=_text(entry["horizon"]),
        hour=int(entry["hour"]),
        models=tuple(_text(model) for model in entry["models"]),
        **{name: tuple(float(value) for value in entry[name]) for name in names},
    )
    if forecast.horizon not in HOURS or any(len(getattr(forecast, name)) != len(forecast.models) for name in names):
        raise ValueError("a forecast is none")
    return forecast


def _score(entry: Mapping[str, Any]) -> Score:
    return Score(
        n=int(entry["n"]),
        error=float(entry["error"]),
        naive_error=float(entry["naive_error"]),
        squared=float(entry["squared"]),
        covered=int(entry["covered"]),
    )


def _amounts(entries: Mapping[str, Any]) -> dict[str, float]:
    return {_text(kind): float(amount) for kind, amount in entries.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _damaged(path: Path) -> InputError:
    return InputError("is no memory of advice, or a damaged one; remove it to begin anew", file=str(path))
