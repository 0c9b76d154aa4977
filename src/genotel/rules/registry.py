"""Every group of rules there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.rules import (
    availability,
    durations,
    gpu,
    host,
    itself,
    long_recordings,
    meta,
    models,
    queues,
    recommender,
    recordings,
    slo,
    thresholds,
    usual,
)
from genotel.rules.rule import Group

GROUPS: tuple[Group, ...] = (
    thresholds.GROUP,
    recordings.GROUP,
    long_recordings.GROUP,
    durations.GROUP,
    availability.GROUP,
    slo.GROUP,
    models.GROUP,
    queues.GROUP,
    gpu.GROUP,
    host.GROUP,
    usual.GROUP,
    recommender.GROUP,
    itself.GROUP,
    meta.GROUP,
)
