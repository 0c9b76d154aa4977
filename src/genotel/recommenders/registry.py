"""Every kind of advice there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.recommenders.cleanup import Cleanup
from genotel.recommenders.performance import Performance
from genotel.recommenders.recommender import Recommender

RECOMMENDERS: tuple[Recommender, ...] = (
    Cleanup(),
    Performance(),
)
KINDS = tuple(recommender.kind for recommender in RECOMMENDERS)
