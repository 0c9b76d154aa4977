"""What every page must be: read by both reference parsers and promtool, each series once."""

from __future__ import annotations

import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series_of(text: str, *, openmetrics: bool = False) -> Series:
    """Return every series of a page with its value; fail on a series or family that is there twice."""
    found: Series = {}
    families: set[str] = set()
    for family in (parse_openmetrics if openmetrics else parse_text)(text):
        assert family.name not in families, f"two blocks of {family.name}"
        families.add(family.name)
        for sample in family.samples:
            # A label without a value is no label to Prometheus.
            key = (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value))
            assert key not in found, f"two series {key}"
            found[key] = sample.value
    return found


def read_page(page: Page) -> Series:
    """Return the series of a page, which is the same in both formats but for times of birth and sums."""
    text = series_of(page.render(TEXT_0_0_4).decode())
    openmetrics = series_of(page.render(OPENMETRICS_1_0_0).decode(), openmetrics=True)
    assert {key: value for key, value in openmetrics.items() if not key[0].endswith("_created")}.items() <= text.items()
    return text


def refused_by_promtool(promtool: str, page: Page) -> list[str]:
    """Return what promtool says of a page that it cannot read; its advice on names is no refusal."""
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=page.render(TEXT_0_0_4),
        capture_output=True,
        check=False,
        timeout=30,
    )
    if checked.returncode in (0, 3):
        return []
    return checked.stderr.decode().splitlines()


def labelled(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return the key of a series."""
    return name, frozenset(labels.items())
