"""Alertmanager itself says whom an alert reaches, what is kept back, and how many pages fifty models make."""

from __future__ import annotations

import http.server
import json
import os
import quopri
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from genotel.rules.registry import GROUPS
from tests.architecture.sources import ROOT
from tests.conftest import require
from tests.end_to_end.test_live_queries import CARDS, IDLE, started
from tests.fake_nvml import STATE_VARIABLE, FakeDriver
from tests.servers import RealPrometheus, fetch, free_port, program, wait_for

generations = pytest.mark.parametrize("newer", [False, True], ids=["0.25", "newer"])
FOLDER = ROOT / "alerting-rules" / "alertmanager"
CONFIGURATION = FOLDER / "alertmanager.yaml"
PAGED, WARNED, TOLD = "pager,chat", "chat-and-mail", "digest"

# Labels of an alert, and the receivers that it reaches.
ROUTES = [
    ("alertname=GenotelWatchdog severity=none component=meta", "heartbeat"),
    ("alertname=GenotelWatchdog severity=critical component=meta", "heartbeat"),
    ("alertname=GenotelTargetDown severity=critical component=inference instance=a", PAGED),
    ("alertname=GenotelNoSuccess severity=critical component=inference gen_ai_request_model=sdxl", PAGED),
    ("alertname=GenotelErrorBudgetBurn severity=critical component=slo window=1h", PAGED),
    ("alertname=GenotelErrorBudgetBurn severity=warning component=slo window=3d", WARNED),
    ("alertname=GenotelDiskAlmostFull severity=critical component=host instance=a", PAGED),
    ("alertname=GenotelThresholdsMissing severity=critical component=meta", PAGED),
    ("alertname=GenotelGpuXidFatal severity=critical component=gpu instance=a hw_id=GPU-1", PAGED),
    ("alertname=GenotelGpuLost severity=critical component=gpu instance=a", PAGED),
    ("alertname=GenotelGpuThermalThrottle severity=warning component=gpu instance=a hw_id=GPU-1", WARNED),
    ("alertname=GenotelGpuPowerCapped severity=info component=gpu instance=a hw_id=GPU-1", TOLD),
    ("alertname=GenotelCpuHigh severity=warning component=host instance=a", WARNED),
    ("alertname=GenotelDiskHigh severity=warning component=host instance=a", WARNED),
    ("alertname=GenotelNetworkErrors severity=info component=host instance=a", TOLD),
    ("alertname=GenotelOutOfMemory severity=warning component=inference", WARNED),
    ("alertname=GenotelOutOfMemoryRepeatedly severity=critical component=inference", PAGED),
    ("alertname=GenotelCollectorFails severity=warning component=exporter instance=a", WARNED),
    ("alertname=GenotelCollectorTimesOut severity=info component=exporter instance=a", TOLD),
    ("alertname=GenotelDataMissing severity=warning component=exporter instance=a", WARNED),
    ("alertname=GenotelRecommendationPending severity=warning component=recommender", "advice"),
    ("alertname=GenotelRecommendationPending severity=info component=recommender", "advice"),
    ("alertname=GenotelRecommenderStale severity=critical component=recommender", "advice"),
    ("alertname=GenotelDurationBudgetBurn severity=warning component=slo window=6h", WARNED),
    ("alertname=GenotelNoSuccess severity=critical component=inference job=genotel", PAGED),
    ("alertname=GenotelDemandUnusuallyHigh severity=info component=anomaly", TOLD),
    ("alertname=GenotelVramUnusual severity=info component=anomaly hw_id=GPU-1", TOLD),
    ("alertname=GenotelForecastDegraded severity=info component=recommender", "advice"),
    ("alertname=SomebodyElses", "chat"),
    ("alertname=SomebodyElses severity=page", "chat"),
]


def amtool(*arguments: str | Path, newer: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Alertmanager's own tool."""
    command = [program("amtool", newer=newer), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@generations
def test_alertmanager_accepts_the_configuration(newer):
    """Receivers, routes, inhibitions and templates are read."""
    done = amtool("check-config", CONFIGURATION, newer=newer)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 inhibit rules" in done.stdout


def test_the_newer_example_is_accepted_by_the_newer_version():
    """Its fields are those that 0.25 does not know."""
    assert amtool("check-config", FOLDER / "newer-receivers.yaml", newer=True).returncode == 0
    assert amtool("check-config", FOLDER / "newer-receivers.yaml").returncode == 1


def test_a_linter_finds_nothing():
    """No route is out of reach, no inhibition silences too much."""
    path = Path(sys.executable).with_name("amlint")
    linter = require(str(path) if path.exists() else None, "amlint (dependency group dev)")
    done = subprocess.run([linter, "check", CONFIGURATION], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout


@generations
def test_every_alert_reaches_its_receivers(newer):
    """The routing table, asked of amtool."""
    asked = ("config", "routes", "test", f"--config.file={CONFIGURATION}")
    wrong = [
        (labels, receivers)
        for labels, receivers in ROUTES
        if amtool(*asked, f"--verify.receivers={receivers}", *labels.split(), newer=newer).returncode
    ]
    assert wrong == []


def test_every_alert_of_ours_has_a_way_in_the_table():
    """A severity and component that the table does not have would go who knows where."""
    asked = [dict(pair.split("=", 1) for pair in labels.split()) for labels, _ in ROUTES]
    table = {(labels.get("severity"), labels.get("component")) for labels in asked}
    ours = {(str(alert.severity), group.component) for group in GROUPS for alert in group.alerts()}
    assert ours - table == set()


def test_a_wrong_receiver_is_seen():
    """The table proves something."""
    done = amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", "--verify.receivers=digest", "a=b")
    assert done.returncode == 1


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_secrets_come_from_files_only(path):
    """No key of a secret has its value in the file."""
    text = path.read_text(encoding="utf-8")
    secret = r"\b(api_url|routing_key|service_key|auth_password|credentials|password|bot_token|webhook_url|api_key)\s*:"
    assert not re.search(secret, text)
    assert "_file: /etc/alertmanager/secrets/" in text


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keep every body that is sent."""

    bodies: list[tuple[str, dict]]

    def do_POST(self) -> None:
        """Take a notification."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append((self.path, body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sent() -> Iterator[tuple[str, list[tuple[str, dict]]]]:
    """Give the address of a receiver and what it got."""
    bodies: list[tuple[str, dict]] = []
    handler = type("Keeping", (Receiver,), {"bodies": bodies})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
        server.shutdown()
        thread.join()


class Mailbox(socketserver.StreamRequestHandler):
    """Take mail as a server does, as far as Alertmanager asks."""

    letters: list[str]

    def handle(self) -> None:
        """Answer one session."""
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = iter(self.rfile.readline, b".\r\n")
                self.letters.append(quopri.decodestring(b"".join(body)).decode(errors="replace"))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


@pytest.fixture
def letters() -> Iterator[tuple[int, list[str]]]:
    """Give the port of a mail server and what it got."""
    bodies: list[str] = []
    handler = type("Keeping", (Mailbox,), {"letters": bodies})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], bodies
        server.shutdown()
        thread.join()


@pytest.fixture
def alertmanager(request, tmp_path, sent, letters) -> Iterator[str]:
    """Run Alertmanager with our routes, its pager and chat turned to the receiver."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("pagerduty-key", "heartbeat-token", "advice-token"):
        (secrets / name).write_text("x", encoding="utf-8")
    (secrets / "slack-url").write_text(f"{sent[0]}/slack", encoding="utf-8")
    text = CONFIGURATION.read_text(encoding="utf-8").replace("/etc/alertmanager/secrets", str(secrets))
    text = text.replace("global:\n", f"global:\n  pagerduty_url: {sent[0]}/pager\n", 1)
    text = re.sub(r"group_wait: 10s", "group_wait: 1s", text)
    text = text.replace("localhost:25\n", f"127.0.0.1:{letters[0]}\n")
    # It is never night in this test.
    text = text.replace("mute_time_intervals: [night]", "group_wait: 1s")
    (tmp_path / "alertmanager.yaml").write_text(text, encoding="utf-8")
    shutil.copy(FOLDER / "messages.tmpl", tmp_path)
    url = f"http://127.0.0.1:{free_port()}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus-alertmanager", newer=getattr(request, "param", False)),
                f"--config.file={tmp_path / 'alertmanager.yaml'}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for("Alertmanager to be ready", lambda: fetch(f"{url}/-/ready"))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def post(url: str, alerts: list[dict[str, str]]) -> None:
    """Hand alerts to Alertmanager, as Prometheus does."""
    texts = {"summary": "No call of a model succeeds.", "description": "3 calls failed.", "impact": "Errors."}
    body = json.dumps([{"labels": labels, "annotations": texts} for labels in alerts]).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v2/alerts", body, headers), timeout=10).close()


@pytest.mark.real_servers
def test_fifty_models_that_fail_at_once_are_two_pages_at_most(alertmanager, sent):
    """Every model has an alert on its calls and two on its budget; one page goes out, the rest is kept back."""
    models = [f"model-{number}" for number in range(50)]
    of = {"job": "genotel", "severity": "critical"}
    burning = {"alertname": "GenotelErrorBudgetBurn", "component": "slo"}
    post(
        alertmanager,
        [{**of, "alertname": "GenotelNoSuccess", "component": "inference", "gen_ai_request_model": m} for m in models]
        + [{**of, **burning, "window": window, "gen_ai_request_model": m} for m in models for window in ("1h", "6h")],
    )
    pages = wait_for("a page", lambda: [body for path, body in sent[1] if path == "/pager"])
    time.sleep(3)  # three times what the pager's routes wait for more
    pages = [body for path, body in sent[1] if path == "/pager"]
    assert 1 <= len(pages) <= 2
    assert pages[0]["payload"]["summary"] == "[FIRING 50] No call of a model succeeds."
    held = [row for row in json.loads(fetch(f"{alertmanager}/api/v2/alerts")) if row["status"]["inhibitedBy"]]
    assert {row["labels"]["alertname"] for row in held} == {"GenotelErrorBudgetBurn"}
    assert len(held) == 100


@pytest.mark.real_servers
@pytest.mark.parametrize("alertmanager", [False, True], ids=["0.25", "newer"], indirect=True)
def test_a_warning_is_read_in_the_chat_and_in_a_letter(alertmanager, sent, letters):
    """With the summary on top, and what was seen and what to do below."""
    post(alertmanager, [{"alertname": "GenotelCpuHigh", "severity": "warning", "component": "host", "instance": "a"}])
    letter = wait_for("a letter", lambda: letters[1][:1])[0]
    chat = wait_for("a line in the chat", lambda: [body for path, body in sent[1] if path == "/slack"])[0]
    assert "Subject: [FIRING 1] No call of a model succeeds." in letter
    assert "To: models@localhost" in letter
    for said in (letter, json.dumps(chat)):
        assert "3 calls failed." in said
    assert [path for path, _ in sent[1] if path == "/pager"] == []


@pytest.mark.real_servers
def test_the_worse_alert_of_a_machine_keeps_the_lesser_back(alertmanager, sent):
    """A full disk silences its own warning, not that of another disk or machine."""
    disk = {"job": "genotel", "component": "host", "instance": "a", "system_filesystem_mountpoint": "/models"}
    full = {**disk, "alertname": "GenotelDiskAlmostFull", "severity": "critical"}
    high = {**disk, "alertname": "GenotelDiskHigh", "severity": "warning"}
    post(
        alertmanager,
        [full, high, {**high, "instance": "b"}, {**high, "system_filesystem_mountpoint": "/"}],
    )
    wait_for("a page", lambda: [body for path, body in sent[1] if path == "/pager"])
    rows = json.loads(fetch(f"{alertmanager}/api/v2/alerts"))
    held = [row["labels"] for row in rows if row["status"]["inhibitedBy"]]
    assert held == [high]


@pytest.mark.real_servers
def test_a_fault_of_a_card_pages_somebody_within_half_a_minute(tmp_path, alertmanager, sent):
    """Driver, collector, page, scrape, rule, route, pager: the whole way, with the messages that people read."""
    driver = FakeDriver(tmp_path / "cards", CARDS)
    variables = {STATE_VARIABLE: str(tmp_path / "cards"), "LD_LIBRARY_PATH": os.path.dirname(driver.library)}
    card, address = started(IDLE, **variables)
    server = RealPrometheus(tmp_path / "prometheus", {"genotel-host": address})
    path = tmp_path / "prometheus" / "prometheus.yml"
    text = path.read_text(encoding="utf-8").replace("global: {", "global: {evaluation_interval: 1s, ")
    path.write_text(
        f'{text}rule_files: ["{ROOT}/alerting-rules/*.yaml"]\nalerting:\n  alertmanagers:\n'
        f"    - static_configs: [{{targets: [{alertmanager.removeprefix('http://')!r}]}}]\n",
        encoding="utf-8",
    )
    fault = 'hw_errors_total{error_type="xid:79"}'
    try:
        with server:
            # What is sent before it knows of Alertmanager is lost, and sent again after a minute.
            wait_for("Alertmanager to be known", lambda: server.api("alertmanagers")["activeAlertmanagers"])
            wait_for("the card", lambda: len(server.query(f"count_over_time({fault}[1m]) > 2")) == 2)
            before = time.monotonic()
            driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 1")
            body = wait_for("a page", lambda: [body for path, body in sent[1] if path == "/pager"], 60)[0]
            taken = time.monotonic() - before
        assert taken < 30
        assert body["payload"]["summary"] == "[FIRING 1] A GPU reported an error that needs a reset or a repair."
        assert "reported xid:79." in json.dumps(body)
        assert "runbooks/gpu.md#genotelgpuxidfatal" in json.dumps(body)
    finally:
        card.stdin.close()
        card.wait(20)
        card.stdout.close()
