"""Both vintages of the GenAI conventions: the names, units and labels of one call, pinned in files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import genotel
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.version import __version__

GOLDEN = Path(__file__).parent / "vintages"


def shape(page: str) -> str:
    """Return the lines of the GenAI metrics without what changes from run to run."""
    lines = []
    for line in page.splitlines():
        name = line.split("{")[0].split(" ")[2 if line.startswith("# ") and line != "# EOF" else 0]
        if not name.startswith("gen_ai_") or ("_bucket{" in line and 'le="+Inf"' not in line):
            continue
        # What other tests counted in this process is there too.
        if not line.startswith("# ") and 'gen_ai_request_model="model"' not in line:
            continue
        lines.append(line if line.startswith("# ") else line.split(" # ")[0].rsplit(" ", 1)[0])
    return "\n".join(sorted(set(lines))).replace(__version__, "VERSION") + "\n"


@pytest.mark.parametrize(
    ("vintage", "opt_in"), [("older", ""), ("newer", "gen_ai_latest_experimental"), ("older", "http,database")]
)
def test_a_call_bears_the_names_of_its_vintage(vintage, opt_in, monkeypatch):
    """OTEL_SEMCONV_STABILITY_OPT_IN chooses; other tokens of the list are others' matter."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    with genotel.configure(page=False) as handle:
        with genotel.generation("model", output="text") as call:
            call.tokens(input=3, output=5)
            call.chunk()
            call.chunk()
        page = shape(handle.page.render(OPENMETRICS_1_0_0).decode())
    golden = GOLDEN / f"{vintage}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")


def test_the_newer_counters_count_every_token(monkeypatch):
    """Two calls add up."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    with genotel.configure(page=False) as handle:
        for _ in range(2):
            with genotel.generation("counted-model") as call:
                call.tokens(input=3, output=5)
        page = handle.page.render(OPENMETRICS_1_0_0).decode()
    counted = [line for line in page.splitlines() if "_usage_" in line and "_total{" in line and "counted" in line]
    assert sorted(line.rsplit(" ", 1)[1] for line in counted) == ["10", "6"]
