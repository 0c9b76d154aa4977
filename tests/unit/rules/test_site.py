"""Every key of [alerts] and [slo] changes what Prometheus is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genotel.rules.durations import durations
from genotel.rules.registry import GROUPS
from genotel.rules.site import groups_for, rule_files
from genotel.semconv import recorded_series as r
from genotel.settings import AlertSettings, Objective, Settings, SloSettings
from tests.architecture.sources import ROOT
from tests.query_proof import faults


def recorded(settings: Settings, name: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return query and labels of the recordings of a name."""
    rules = [rule for group in groups_for(settings) for rule in group.rules if rule.name == name]
    return [(rule.query, rule.labels) for rule in rules]


def test_the_shipped_files_are_those_of_the_defaults():
    """Whoever copies the folder has what `genotel provision` would write."""
    for path, text in rule_files(Settings()).items():
        assert (ROOT / "alerting-rules" / path).read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (Settings(alerts=AlertSettings(cpu=0.5)), r.CPU.name, "0.5"),
        (Settings(alerts=AlertSettings(memory=0.6)), r.MEMORY.name, "0.6"),
        (Settings(alerts=AlertSettings(disk=0.7)), r.DISK.name, "0.7"),
        (Settings(alerts=AlertSettings(response_seconds=30.0)), r.RESPONSE.name, "30"),
        (Settings(slo=SloSettings(objective=0.95)), r.OBJECTIVE.name, "0.95"),
        (Settings(slo=SloSettings(minimum_failures=7)), r.SLO_MINIMUM.name, "7"),
    ],
)
def test_a_threshold_is_the_site_s_own(settings, name, value):
    """One line of one file differs."""
    assert recorded(settings, name) == [(f"vector({value})", ())]
    before, after = rule_files(Settings()), rule_files(settings)
    (path,) = [path for path in before if before[path] != after[path]]
    assert path == "thresholds.yaml"
    assert sum(a != b for a, b in zip(before[path].splitlines(), after[path].splitlines(), strict=True)) == 1


def test_anomalies_can_be_switched_off():
    """The file stays, without a rule: an older one in its place is replaced."""
    off = Settings(alerts=AlertSettings(anomaly_detection=False))
    assert "Unusual" in rule_files(Settings())["usual.yaml"]
    assert rule_files(off)["usual.yaml"].endswith("rules: []\n")
    assert "runbooks/usual.md" not in rule_files(off)
    assert len(groups_for(off)) == len(GROUPS)


def test_a_model_has_its_own_objective():
    """Beside the one of all, told apart by its label."""
    settings = Settings(slo=SloSettings(objectives=(Objective(model='a "b"', success=0.999),)))
    assert recorded(settings, r.OWN_OBJECTIVE.name) == [("vector(0.999)", (("gen_ai_request_model", 'a "b"'),))]
    assert '          gen_ai_request_model: "a \\"b\\""\n' in rule_files(settings)["thresholds.yaml"]
    assert recorded(settings, r.DURATION_OBJECTIVE.name) == []


def test_a_promised_duration_is_watched_at_its_bucket():
    """Every window of the alerts is recorded for the model, in queries that are proven."""
    group = durations([Objective(model="wan", duration_seconds=327.68, duration_share=0.9), Objective(model="b")])
    names = {rule.name for rule in group.rules}
    assert names == {series.name for series in r.PROMISED} - {r.OWN_OBJECTIVE.name}
    assert 'le="327.68"' in "".join(rule.query for rule in group.rules)
    assert all(rule.labels == (("gen_ai_request_model", "wan"),) for rule in group.rules)
    assert [fault for rule in group.rules for fault in faults(rule.query)] == []


def test_addresses_stand_in_links():
    """As a site has them."""
    files = rule_files(Settings(), grafana="https://grafana.example", runbooks="https://wiki.example")
    assert 'dashboard_url: "https://grafana.example/d/genotel-host' in files["host.yaml"]
    assert 'runbook_url: "https://wiki.example/host.md#' in files["host.yaml"]


def test_no_two_files_have_one_name():
    """One file a group."""
    names = [group.name for group in GROUPS]
    assert len(set(names)) == len(names)
    assert replace(GROUPS[0], rules=()).alerts() == ()
