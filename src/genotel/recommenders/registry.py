"""Every kind of advice there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.recommenders.cleanup import Cleanup
from genotel.recommenders.performance import Performance
from genotel.recommenders.preload import Preload
from genotel.recommenders.priority import DownloadPriority
from genotel.recommenders.recommender import Recommender

RECOMMENDERS: tuple[Recommender, ...] = (
    Cleanup(),
    Performance(),
    Preload(),
    DownloadPriority(),
)
KINDS = tuple(recommender.kind for recommender in RECOMMENDERS)
# A priority for every single model is given to those who ask for it.
DEFAULT_KINDS = tuple(kind for kind in KINDS if kind != DownloadPriority.kind)
