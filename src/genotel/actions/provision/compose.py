"""The layout of containers on one Linux machine, beside a genotel that runs on the machine itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genotel.actions.provision import programs
from genotel.actions.provision.alerting import alertmanager_files, rule_files, secrets
from genotel.actions.provision.grafana import grafana_files
from genotel.actions.provision.prometheus import server_files
from genotel.actions.provision.stack import Provisioned, Stack

# Where the folder stands inside the containers.
_INSIDE = Path("/etc/genotel")


def compose(stack: Stack, find: programs.Find) -> Provisioned:
    """Return Prometheus, Alertmanager and Grafana as containers that share the machine's network."""
    inside = replace(stack, folder=_INSIDE)
    files = {
        **server_files(inside),
        **rule_files(inside),
        **alertmanager_files(inside),
        **grafana_files(inside),
        "compose.yaml": _compose(inside),
    }
    return Provisioned(
        files,
        (
            "# the page of this machine, on the machine itself: it sees the cards and all processes",
            programs.serve_line(find=find),
            "# Prometheus, Alertmanager and Grafana",
            f"docker compose --file {stack.folder}/compose.yaml up --detach",
        ),
        secrets(),
        "No container was run by us.",
    )


def _compose(stack: Stack) -> str:
    otlp = "      - --web.enable-otlp-receiver\n" if stack.has_otlp else ""
    return f"""\
# Written by `genotel provision`. On Linux: the containers use the machine's own network, as its loopback
# is where the pages are. Name the versions that you have tried.
services:
  prometheus:
    image: prom/prometheus:v3.5.0
    network_mode: host
    restart: unless-stopped
    command:
      - --config.file={_INSIDE}/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time={stack.settings.export.retention_days}d
      - --enable-feature=exemplar-storage
{otlp}      - --web.listen-address=127.0.0.1:9090
    volumes:
      - .:{_INSIDE}:ro
      - prometheus:/prometheus
  alertmanager:
    image: prom/alertmanager:v0.28.1
    network_mode: host
    restart: unless-stopped
    command:
      - --config.file={_INSIDE}/alertmanager/alertmanager.yml
      - --storage.path=/alertmanager
      - --web.listen-address=127.0.0.1:9093
      - --cluster.listen-address=
    volumes:
      - .:{_INSIDE}:ro
      - alertmanager:/alertmanager
  grafana:
    image: grafana/grafana:12.0.0
    network_mode: host
    restart: unless-stopped
    environment:
      GF_PATHS_PROVISIONING: {_INSIDE}/grafana/provisioning
      GF_SERVER_HTTP_ADDR: 127.0.0.1
    volumes:
      - .:{_INSIDE}:ro
      - grafana:/var/lib/grafana
volumes:
  prometheus: {{}}
  alertmanager: {{}}
  grafana: {{}}
"""
