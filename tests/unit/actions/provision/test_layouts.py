"""Each layout's files read as what they are, name each other, and say what the user said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from genotel.actions.provision.layouts import LAYOUTS, layout_named
from genotel.actions.provision.stack import Stack
from genotel.errors import SettingsError
from genotel.semconv.recorded_series import CPU, OBJECTIVE
from genotel.settings import AlertSettings, Settings, SloSettings
from tests.architecture.sources import ROOT

FOLDER = Path("/srv/a folder")
WRITE = "http://store:8428/api/v1/write"


def made(layout, **options):
    """Return what a layout makes, on a machine without any program."""
    return layout_named(layout)(Stack(folder=FOLDER, remote_write=WRITE, **options), lambda name: None)


def read(layout, path, **options):
    """Return one YAML file of a layout as data."""
    return yaml.safe_load(made(layout, **options).files[path])


@pytest.mark.parametrize("otlp", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_file_reads_as_what_it_is(layout, otlp):
    """YAML and JSON parse, and nothing is empty."""
    for path, text in made(layout, has_otlp=otlp, tenant="t", token_file=Path("/t")).files.items():
        assert text.endswith("\n") or path.endswith(".json")
        if path.endswith((".yaml", ".yml")):
            assert yaml.safe_load(text)
        if path.endswith(".json"):
            assert json.loads(text)["uid"]


def test_an_unknown_layout_is_told_with_those_there_are():
    """One line."""
    with pytest.raises(SettingsError, match="unknown layout 'helm'; the layouts are machine, fleet, compose, kub"):
        layout_named("helm")


def test_the_document_names_every_layout():
    """A layout that nobody can read of is none."""
    text = (ROOT / "docs" / "provision.md").read_text(encoding="utf-8")
    assert [layout for layout in LAYOUTS if f"| `{layout}` |" not in text] == []


def test_a_machine_scrapes_what_it_was_told():
    """Pages of machines and of programs are jobs whose names alerts know."""
    configuration = read("machine", "prometheus.yml")
    assert [job["job_name"] for job in configuration["scrape_configs"]] == ["genotel-host", "genotel-programs"]
    assert read("machine", "targets/host.yaml", targets=("a:1", "b:2")) == [{"targets": ["a:1", "b:2"]}]
    assert read("machine", "targets/programs.yaml", programs=("c:3",)) == [{"targets": ["c:3"]}]


def test_thresholds_and_promises_of_the_site_are_in_the_rules():
    """As genotel.toml says them, in the files and in the operator's object."""
    site = Settings(alerts=AlertSettings(cpu=0.5), slo=SloSettings(objective=0.9))
    rules = read("machine", "rules/thresholds.yaml", settings=site)["groups"][0]["rules"]
    said = {rule["record"]: rule["expr"] for rule in rules}
    assert (said[CPU.name], said[OBJECTIVE.name]) == ("vector(0.5)", "vector(0.9)")
    assert "vector(0.5)" in made("kubernetes", settings=site).files["manifests/rules.yaml"]


def test_no_file_sends_its_reader_to_our_sources():
    """Whoever runs a stack changes it there."""
    wrong = [path for path, text in made("machine").files.items() if "make generate" in text]
    assert wrong == []


def test_links_of_alerts_lead_to_the_user_s_grafana_and_runbooks():
    """Absolute addresses, without a double slash."""
    rules = read("machine", "rules/gpu.yaml", grafana_url="https://graphs/", runbooks="https://wiki")["groups"][0]
    alert = next(rule for rule in rules["rules"] if "alert" in rule)
    assert alert["annotations"]["dashboard_url"].startswith("https://graphs/d/genotel-")
    assert alert["annotations"]["runbook_url"].startswith("https://wiki/gpu.md#genotel")


def test_secrets_are_files_of_the_folder():
    """Alertmanager needs whole paths, blanks and all."""
    result = made("machine")
    configuration = yaml.safe_load(result.files["alertmanager/alertmanager.yml"])
    assert configuration["global"]["slack_api_url_file"] == f"{FOLDER}/alertmanager/secrets/slack-url"
    assert "alertmanager/secrets/pagerduty-key" in result.secrets
    assert "/etc/alertmanager" not in result.files["alertmanager/alertmanager.yml"]


def test_grafana_asks_the_store_as_its_tenant():
    """Address, interval and header of the data source, and the folder of dashboards."""
    options = {"query_url": "http://mimir/prometheus", "tenant": "team", "scrape_interval": "30s"}
    [source] = read("fleet", "grafana/provisioning/datasources/genotel.yaml", **options)["datasources"]
    assert source["url"] == "http://mimir/prometheus"
    assert source["jsonData"]["timeInterval"] == "30s"
    assert source["jsonData"]["httpHeaderName1"] == "X-Scope-OrgID"
    assert source["secureJsonData"] == {"httpHeaderValue1": "team"}
    [provider] = read("fleet", "grafana/provisioning/dashboards/genotel.yaml")["providers"]
    assert provider["options"]["path"] == f"{FOLDER}/grafana/dashboards"


def test_an_agent_hands_on_with_its_credentials():
    """Tenant and token go with every sample, and exemplars too."""
    [write] = read("fleet", "agent.yml", tenant="team", token_file=Path("/etc/token"))["remote_write"]
    assert write == {
        "url": WRITE,
        "send_exemplars": True,
        "headers": {"X-Scope-OrgID": "team"},
        "authorization": {"credentials_file": "/etc/token"},
    }


def test_a_fleet_needs_a_store():
    """The message names an address of each kind."""
    with pytest.raises(SettingsError, match="give --remote-write URL"):
        layout_named("fleet")(Stack(folder=FOLDER), lambda name: None)


@pytest.mark.parametrize(
    ("store", "word"),
    [
        ("mimir", "mimirtool rules load --address=http://localhost:9090 --id=team"),
        ("thanos", "thanos rule --rule-file='/srv/a folder/rules/*.yaml'"),
        ("victoria-metrics", "vmalert -rule='/srv/a folder/rules/*.yaml' -datasource.url=http://localhost:9090 "),
        ("prometheus", "rule_files: [/srv/a folder/rules/*.yaml]"),
    ],
)
def test_each_store_is_given_the_rules_in_its_way(store, word):
    """And what nobody of us ran is said."""
    result = made("fleet", store=store, tenant="team")
    assert word in "\n".join(result.steps)
    assert (store in result.not_run) is (store in {"mimir", "thanos"})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_otlp_is_offered_only_when_asked(layout):
    """Prometheus 2 would not read the block."""
    without = "\n".join([*made(layout).files.values(), *made(layout).steps])
    assert "otlp" not in without.replace("genotel_otlp", "").lower() or layout == "kubernetes"
    if layout != "kubernetes":
        result = made(layout, has_otlp=True)
        assert "otlp" in "\n".join([*result.files.values(), *result.steps]).lower()


def test_an_otlp_collector_writes_with_the_same_credentials():
    """One store for both ways."""
    options = {"has_otlp": True, "tenant": "team", "token_file": Path("/etc/token")}
    collector = read("fleet", "collector.yaml", **options)
    exporter = collector["exporters"]["prometheusremotewrite"]
    assert exporter["endpoint"] == WRITE
    assert exporter["headers"] == {"X-Scope-OrgID": "team"}
    assert collector["extensions"]["bearertokenauth"] == {"filename": "/etc/token"}
    assert collector["service"]["extensions"] == ["bearertokenauth"]


def test_kubernetes_gets_rules_and_dashboards_as_objects():
    """The operator reads groups, Grafana's side-car reads labels."""
    result = made("kubernetes")
    rule = yaml.safe_load(result.files["manifests/rules.yaml"])
    assert rule["kind"] == "PrometheusRule"
    assert len(rule["spec"]["groups"]) == len({group["name"] for group in rule["spec"]["groups"]}) > 9
    board = yaml.safe_load(result.files["manifests/dashboard-genotel-gpu.yaml"])
    assert board["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert json.loads(board["data"]["genotel-gpu.json"])["uid"] == "genotel-gpu"


def test_units_say_which_machine_an_agent_is_on():
    """All machines are 127.0.0.1 to themselves."""
    unit = made("fleet").files["systemd/genotel-agent.service"]
    assert "ExecStartPre=+/bin/sh -c" in unit
    assert "%H" in unit
    assert "DynamicUser=yes" in unit
    assert set(made("machine").files) >= {f"systemd/genotel{name}.service" for name in ("", "-prometheus")}


def test_containers_see_their_own_paths():
    """The folder of the machine is mounted, not named inside."""
    result = made("compose")
    assert str(FOLDER) not in "".join(result.files.values())
    services = yaml.safe_load(result.files["compose.yaml"])["services"]
    assert {name for name, service in services.items() if service["network_mode"] == "host"} == {
        "prometheus",
        "alertmanager",
        "grafana",
    }
