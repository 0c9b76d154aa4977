"""What a kind of advice has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Recommendation, Withheld
from genotel.settings import AdviceSettings


@dataclass(frozen=True, slots=True)
class Findings:
    """Hold what one recommender has to say: every model is in exactly one of the two."""

    recommendations: tuple[Recommendation, ...] = ()
    withheld: tuple[Withheld, ...] = ()


class Recommender(Protocol):
    """Turn a history into advice of one kind."""

    @property
    def kind(self) -> str:
        """Return the kind's name: that of its file, of ``--kind`` and of ``Recommendation.kind``."""
        ...

    @property
    def method(self) -> str:
        """Return by what its probabilities are worked out, in words for people, without a period."""
        ...

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return advice, best first, and why there is none about the other models."""
        ...
