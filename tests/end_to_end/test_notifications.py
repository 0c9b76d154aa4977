"""A fault of a card reaches people on every way within half a minute, with Alertmanager of both generations."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.end_to_end.test_alertmanager import CONFIGURATION, FOLDER, letters, post, sent
from tests.end_to_end.test_live_queries import CARDS, IDLE, started
from tests.fake_nvml import STATE_VARIABLE, FakeDriver
from tests.servers import RealPrometheus, fetch, free_port, program, wait_for

pytestmark = pytest.mark.real_servers
__all__ = ["letters", "sent"]

FAULT = 'hw_errors_total{error_type="xid:79"}'
SUMMARY = "A GPU reported an error that needs a reset or a repair."
both_generations = pytest.mark.parametrize("newer", [False, True], ids=["0.25", "0.28 and newer"])


def configured(folder: Path, url: str, mail: str, *, newer: bool) -> Path:
    """Write the shipped configuration with this test's addresses, and with mail and a webhook for the pager too.

    Every secret stands in a file of its own; the webhook's whole address does where Alertmanager can read it.
    """
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, text in {
        "pagerduty-key": "x",
        "heartbeat-token": "x",
        "advice-token": "x",
        "slack-url": f"{url}/slack",
        "webhook-url": f"{url}/webhook",
        "webhook-token": "x",
    }.items():
        (secrets / name).write_text(text, encoding="utf-8")
    where = f"url_file: {secrets}/webhook-url" if newer else f"url: {url}/webhook"
    text = CONFIGURATION.read_text(encoding="utf-8").replace("/etc/alertmanager/secrets", str(secrets))
    text = text.replace("global:\n", f"global:\n  pagerduty_url: {url}/pager\n", 1)
    text = text.replace("smtp_smarthost: localhost:25", f"smtp_smarthost: {mail}")
    text = re.sub(r"group_wait: (10|30)s", "group_wait: 1s", text)
    more = f"""\
  - name: pager
    email_configs:
      - to: models@localhost
        headers: {{Subject: '{{{{ template "genotel.title" . }}}}'}}
        text: '{{{{ template "genotel.text" . }}}}'
        html: ""
    webhook_configs:
      - {where}
        http_config: {{authorization: {{credentials_file: {secrets}/webhook-token}}}}
"""
    path = folder / "alertmanager.yml"
    path.write_text(text.replace("  - name: pager\n", more, 1), encoding="utf-8")
    shutil.copy(FOLDER / "messages.tmpl", folder)
    return path


@contextmanager
def alertmanager(configuration: Path, *, newer: bool) -> Iterator[str]:
    """Run Alertmanager and yield its address."""
    checked = subprocess.run(
        [program("amtool", newer=newer), "check-config", configuration], capture_output=True, text=True, timeout=30
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    url = f"http://127.0.0.1:{free_port()}"
    with (configuration.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus-alertmanager", newer=newer),
                f"--config.file={configuration}",
                f"--storage.path={configuration.parent / 'data'}",
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


@contextmanager
def box_of_cards(folder: Path, alerting: str, *, newer: bool) -> Iterator[tuple[FakeDriver, RealPrometheus]]:
    """Run a page of two cards and a Prometheus that judges it by the shipped rules."""
    driver = FakeDriver(folder / "cards", CARDS)
    variables = {STATE_VARIABLE: str(folder / "cards"), "LD_LIBRARY_PATH": os.path.dirname(driver.library)}
    page, address = started(IDLE, **variables)
    server = RealPrometheus(folder / "prometheus", {"genotel-host": address}, newer=newer)
    path = folder / "prometheus" / "prometheus.yml"
    text = path.read_text(encoding="utf-8").replace("global: {", "global: {evaluation_interval: 1s, ")
    path.write_text(
        f'{text}rule_files: ["{ROOT}/alerting-rules/*.yaml"]\nalerting:\n  alertmanagers:\n'
        f"    - static_configs: [{{targets: [{alerting.removeprefix('http://')!r}]}}]\n",
        encoding="utf-8",
    )
    try:
        with server:
            # What is sent before it knows of Alertmanager is lost, and sent again after a minute.
            wait_for("Alertmanager to be known", lambda: server.api("alertmanagers")["activeAlertmanagers"])
            yield driver, server
    finally:
        page.stdin.close()
        page.wait(20)
        page.stdout.close()


@both_generations
def test_a_fault_of_a_card_reaches_webhook_mail_and_chat_within_half_a_minute(tmp_path, sent, letters, newer):
    """Driver, collector, page, scrape, rule, route, receivers; the lesser alert of the card is kept back."""
    url, bodies = sent
    port, mails = letters

    def of(path: str) -> list[dict]:
        return [body for known, body in bodies if known == path and SUMMARY in json.dumps(body)]

    configuration = configured(tmp_path, url, f"127.0.0.1:{port}", newer=newer)
    with (
        alertmanager(configuration, newer=newer) as alerting,
        box_of_cards(tmp_path, alerting, newer=newer) as (driver, server),
    ):
        wait_for("the card", lambda: len(server.query(f"count_over_time({FAULT}[1m]) > 2")) == 2)
        before = time.monotonic()
        driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 1")
        seconds = {}

        def arrived() -> bool:
            ways = {
                "webhook": of("/webhook"),
                "mail": [mail for mail in mails if SUMMARY in mail],
                "chat": of("/slack"),
                "pager": of("/pager"),
            }
            for way, came in ways.items():
                if came:
                    seconds.setdefault(way, time.monotonic() - before)
            return len(seconds) == len(ways)

        wait_for("every notification", arrived, 60)
        assert max(seconds.values()) < 30, seconds

        [alert] = of("/webhook")[0]["alerts"]
        assert alert["labels"]["alertname"] == "GenotelGpuXidFatal"
        assert "reported xid:79." in alert["annotations"]["description"]
        mail = next(mail for mail in mails if SUMMARY in mail)
        assert f"Subject: [FIRING 1] {SUMMARY}" in mail
        assert "reported xid:79." in mail
        chat = of("/slack")[0]
        assert "reported xid:79." in chat["attachments"][0]["text"]

        # The same card is hot, too: nobody needs to hear that now.
        lesser = {**alert["labels"], "alertname": "GenotelGpuThermalThrottle", "severity": "warning"}
        post(alerting, [lesser])
        rows = wait_for("the lesser alert", lambda: _alerts(alerting, "GenotelGpuThermalThrottle"))
        held = wait_for(
            "it is kept back",
            lambda: [
                row["status"]
                for row in _alerts(alerting, "GenotelGpuThermalThrottle")
                if row["status"]["state"] == "suppressed"
            ],
        )
        assert len(rows) == 1
        assert held[0]["inhibitedBy"]
    assert not any("GenotelGpuThermalThrottle" in json.dumps(body) for _, body in bodies)


def _alerts(url: str, name: str) -> list[dict]:
    return [row for row in json.loads(fetch(f"{url}/api/v2/alerts")) if row["labels"]["alertname"] == name]
