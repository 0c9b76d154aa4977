"""Every dashboard there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.dashboards import advice, batches, experiments, gpu, host, itself, model, overview, servers, slo, vram
from genotel.dashboards.dashboard import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    overview.DASHBOARD,
    model.DASHBOARD,
    slo.DASHBOARD,
    experiments.DASHBOARD,
    batches.DASHBOARD,
    gpu.DASHBOARD,
    vram.DASHBOARD,
    advice.DASHBOARD,
    servers.DASHBOARD,
    host.DASHBOARD,
    itself.DASHBOARD,
)
