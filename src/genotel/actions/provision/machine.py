"""The layout of one machine, or of a few that one Prometheus scrapes: everything on loopback."""

from __future__ import annotations

from genotel.actions.provision import programs
from genotel.actions.provision.alerting import alertmanager_files, rule_files, secrets
from genotel.actions.provision.grafana import grafana_files
from genotel.actions.provision.prometheus import server_files
from genotel.actions.provision.stack import Provisioned, Stack
from genotel.actions.provision.systemd import units


def machine(stack: Stack, find: programs.Find) -> Provisioned:
    """Return Prometheus, Alertmanager and Grafana beside genotel, and units that start them."""
    folder = stack.folder
    return Provisioned(
        {
            **server_files(stack),
            **rule_files(stack),
            **alertmanager_files(stack),
            **grafana_files(stack),
            **units(stack, is_agent=False, find=find),
        },
        (
            "# the page of this machine",
            programs.serve_line(find=find),
            "# Prometheus: scrapes, keeps, judges",
            programs.prometheus_line(stack, data=f"{folder}/data/prometheus", find=find),
            "# Alertmanager: tells people",
            programs.alertmanager_line(stack, data=f"{folder}/data/alertmanager", find=find),
            "# Grafana, where it is installed",
            f"GF_PATHS_PROVISIONING={folder}/grafana/provisioning grafana-server --homepath /usr/share/grafana",
            *_otlp(stack),
            "# or all of them with systemd",
            f"cp {folder}/systemd/*.service /etc/systemd/system/ && systemctl daemon-reload && "
            "systemctl enable --now genotel genotel-prometheus genotel-alertmanager",
        ),
        secrets(),
        "Debian's Prometheus has no OTLP receiver: the otlp block is checked, what it receives is not."
        if stack.has_otlp
        else "",
    )


def _otlp(stack: Stack) -> tuple[str, ...]:
    if not stack.has_otlp:
        return ()
    return (
        "# programs that push by OTLP (Prometheus 3 and newer)",
        "export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:9090/api/v1/otlp/v1/metrics",
    )
