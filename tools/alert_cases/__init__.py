"""When each alert must fire and when not: the cases from which promtool's tests are written, a file per group."""

from __future__ import annotations

from tools.alert_cases import availability, gpu, host, itself, meta, models, queues, recommender, slo, usual
from tools.alert_cases.case import Case

# The heartbeat has no condition: it fires, whatever there is.
ALWAYS = "GenotelWatchdog"
CASES: tuple[Case, ...] = (
    *availability.cases(),
    *slo.cases(),
    *models.cases(),
    *queues.cases(),
    *gpu.cases(),
    *host.cases(),
    *usual.cases(),
    *recommender.cases(),
    *itself.cases(),
    *meta.cases(),
)
