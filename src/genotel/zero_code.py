"""Telemetry without a line of code: what ``opentelemetry-instrument python job.py`` finds by entry point.

The distro chooses exporters where the user chose none; the configurator lets the SDK set up what the
environment asks for (exporters, sampler, resource) and then starts what is ours: the page, and the
journal where it is asked for.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # untyped upstream
from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # distros are told to subclass it

from genotel.settings import load_settings, variable_of
from genotel.startup import configure

logger = logging.getLogger("genotel")

PAGE = "genotel"
NOTHING = "none"
_OTLP = "otlp"
_METRICS, _TRACES = variable_of("metrics_exporters"), variable_of("traces_exporters")


class GenotelDistro(BaseDistro):  # type: ignore[misc]  # untyped upstream
    """Choose exporters where the user chose none: our page, and OTLP where an endpoint is set."""

    def _configure(self, **_: Any) -> None:
        asked = load_settings().otlp
        pushes_metrics = bool(asked.otlp_endpoint or asked.otlp_metrics_endpoint) and not asked.metrics_exporters
        pushes_traces = bool(asked.otlp_endpoint or asked.otlp_traces_endpoint) and not asked.traces_exporters
        if (pushes_metrics or pushes_traces) and not _is_installed("opentelemetry.exporter.otlp"):
            logger.warning(
                "genotel: an OTLP endpoint is set but its exporter is not installed; nothing is pushed. "
                "Install it: pip install 'genotel[otlp]'"
            )
            pushes_metrics = pushes_traces = False
        os.environ.setdefault(_METRICS, f"{PAGE},{_OTLP}" if pushes_metrics else PAGE)
        os.environ.setdefault(_TRACES, _OTLP if pushes_traces else NOTHING)


class GenotelConfigurator(_OTelSDKConfigurator):
    """Let the SDK make the providers that the environment asks for, then start what is ours."""

    def _configure(self, **kwargs: Any) -> None:
        before = os.environ.get(_METRICS)
        asked = load_settings().otlp.metrics_exporters
        others = [name for name in asked if name not in (PAGE, NOTHING)]
        # Our page is not made by name here: `configure` hangs it on the provider that the SDK makes.
        os.environ[_METRICS] = ",".join(others) or NOTHING
        try:
            super()._configure(**kwargs)  # type: ignore[no-untyped-call]  # untyped upstream
        finally:
            if before is None:
                del os.environ[_METRICS]
            else:
                os.environ[_METRICS] = before
        # Another exporter of the user's choice takes the place of the page.
        configure(page=None if PAGE in asked or not asked else False)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
