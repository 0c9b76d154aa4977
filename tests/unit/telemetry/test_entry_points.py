"""Our reader by name serves its own page."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from genotel.telemetry.entry_points import ServedPageReader
from tests.servers import free_port


def test_the_reader_serves_what_its_provider_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the address of the environment, until the provider is shut down."""
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(port))
    provider = MeterProvider([ServedPageReader()], shutdown_on_exit=False)
    provider.get_meter("app").create_counter("jobs").add(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b'jobs_total{otel_scope_name="app"} 1' in answer.read()
    provider.shutdown()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)


def test_the_reader_is_behind_the_web_configuration_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As every other page of the environment is."""
    (tmp_path / "web.yml").write_text("basic_auth_users: {alice: $2y$10$" + "a" * 53 + "}", encoding="utf-8")
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
    monkeypatch.setenv("GENOTEL_WEB_CONFIG_FILE", str(tmp_path / "web.yml"))
    reader = ServedPageReader()
    assert reader.server is not None
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(reader.server.url, timeout=10)
    reader.shutdown()


def test_a_taken_port_is_one_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The program goes on, measured all the same."""
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(free_port()))
    first, second = ServedPageReader(), ServedPageReader()
    assert len(caplog.records) == 1
    assert "the metrics page is not served: 127.0.0.1:" in caplog.text
    for reader in (first, second):
        reader.shutdown()
