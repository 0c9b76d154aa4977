"""What the demo's own page says about itself and about this machine, read as any scraper reads it."""

from __future__ import annotations

from dataclasses import dataclass

from genotel.demo.local_http import get
from genotel.semconv.host_metrics import CPU_UTILIZATION, MEMORY_UTILIZATION
from genotel.semconv.spec import MetricSpec


@dataclass(frozen=True, slots=True)
class PageFigures:
    """Hold the size of a page in bytes, the number of its samples, and shares of the machine (0–1) where known."""

    size: int
    samples: int
    cpu_utilization: float | None
    memory_utilization: float | None


def read_page(url: str) -> PageFigures:
    """Scrape a page and return its figures.

    Raises:
        ServerError: nobody answers there.
    """
    return figures_of(get(url))


def figures_of(body: bytes) -> PageFigures:
    """Return the figures of a page in the text format.

    Example:
        >>> figures_of(b'# HELP x X.\\nx 1\\nsystem_memory_utilization{a="b"} 0.25\\n')
        PageFigures(size=54, samples=2, cpu_utilization=None, memory_utilization=0.25)
    """
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    return PageFigures(len(body), len(lines), _value(lines, CPU_UTILIZATION), _value(lines, MEMORY_UTILIZATION))


def _value(lines: list[str], metric: MetricSpec) -> float | None:
    for line in lines:
        if line.startswith((metric.prometheus_name + "{", metric.prometheus_name + " ")):
            return float(line.rpartition(" ")[2])
    return None
