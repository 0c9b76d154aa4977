"""Every group of rules there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.rules import (
    availability,
    gpu,
    host,
    itself,
    long_recordings,
    meta,
    models,
    queues,
    recordings,
    slo,
    thresholds,
)
from genotel.rules.rule import Group

GROUPS: tuple[Group, ...] = (
    thresholds.GROUP,
    recordings.GROUP,
    long_recordings.GROUP,
    availability.GROUP,
    slo.GROUP,
    models.GROUP,
    queues.GROUP,
    gpu.GROUP,
    host.GROUP,
    itself.GROUP,
    meta.GROUP,
)
