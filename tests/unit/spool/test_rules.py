"""How each metric of several processes becomes one."""

from __future__ import annotations

import pytest

from genotel.exposition.series import Family
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind, Merge
from genotel.spool.rules import Rule, rule_of


@pytest.mark.parametrize(
    ("family", "rule"),
    [
        (Family("jobs", "counter"), Rule(Merge.SUM, True)),
        (Family("took", "histogram"), Rule(Merge.SUM, True)),
        (Family("took", "summary"), Rule(Merge.SUM, True)),
        (Family("python", "info"), Rule(Merge.MAX, False)),
        (Family("load", "gauge"), Rule(Merge.PER_PROCESS, False)),
        (Family("load", "unknown"), Rule(Merge.PER_PROCESS, False)),
        (Family("active", "gauge", merge=Merge.SUM), Rule(Merge.SUM, False)),
    ],
)
def test_what_the_catalogue_does_not_know_goes_by_its_kind(family, rule):
    """A program's own counters add up; its gauges are kept apart unless they say that they add up too."""
    assert rule_of(family) == rule


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_the_catalogue_decides_for_our_own(spec):
    """Every metric has the rule of its spec, whatever the hint of its family."""
    kinds = {Kind.COUNTER: "counter", Kind.HISTOGRAM: "histogram"}
    family = Family(spec.family, kinds.get(spec.kind, "gauge"), merge=Merge.MAX)
    assert rule_of(family) == Rule(spec.merge, spec.outlives_process)


def test_totals_and_moments_outlive_their_process_and_states_do_not():
    """A dead worker's calls were made; its running calls are none, and it was last used when it was."""
    outliving = {spec.name for spec in CATALOGUE if spec.outlives_process}
    assert outliving >= {
        "genotel.generation.requests",
        "gen_ai.client.operation.duration",
        "genotel.model.last_used.timestamp",
    }
    assert outliving.isdisjoint(
        {"genotel.generation.active", "genotel.model.resident", "genotel.journal.size", "system.cpu.time"}
    )


def test_a_gauge_of_a_counters_name_is_no_counter():
    """A program may have such a name for another thing."""
    assert rule_of(Family("genotel_generation_requests", "gauge")) == Rule(Merge.PER_PROCESS, False)


def test_a_name_that_no_page_could_have_has_no_rule():
    """It would spoil the file for every reader."""
    assert rule_of(Family("a b", "gauge")) is None
    assert rule_of(Family("", "gauge")) is None
