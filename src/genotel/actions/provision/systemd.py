"""Units of systemd that start the servers of a stack and start them again when they end."""

from __future__ import annotations

from genotel.actions.provision import programs
from genotel.actions.provision.stack import Files, Stack

_MADE = "# Written by `genotel provision`. Copy to /etc/systemd/system, then: systemctl daemon-reload.\n"

_PAGE = "genotel"


def units(stack: Stack, *, is_agent: bool, find: programs.Find) -> Files:
    """Return a unit for the page of this machine, and one each for the servers that run on it."""
    made = {f"systemd/{_PAGE}.service": _unit("Metrics of this machine for Prometheus", programs.serve_line(find=find))}
    if is_agent:
        line = programs.agent_line(stack, data="/var/lib/genotel-agent", find=find)
        # Every machine scrapes itself by one name, so each says which machine it is.
        named = (
            'ExecStartPre=+/bin/sh -c \'printf "- targets: [127.0.0.1:9464]\\\\n  labels: {instance: %%s}\\\\n" %H'
            f" > {_path(stack)}/targets/host.yaml'\n"
        )
        made["systemd/genotel-agent.service"] = _unit(
            "Prometheus agent that hands on the metrics of this machine", line, state="genotel-agent", before=named
        )
        return made
    made["systemd/genotel-prometheus.service"] = _unit(
        "Prometheus for genotel",
        programs.prometheus_line(stack, data="/var/lib/genotel-prometheus", find=find),
        state="genotel-prometheus",
    )
    made["systemd/genotel-alertmanager.service"] = _unit(
        "Alertmanager for genotel",
        programs.alertmanager_line(stack, data="/var/lib/genotel-alertmanager", find=find),
        state="genotel-alertmanager",
    )
    return made


def _unit(about: str, line: str, *, state: str = "", before: str = "") -> str:
    # The page reads what all processes of the machine do, so it runs as root without root's other rights;
    # the servers read their folder and write to their own.
    rights = f"DynamicUser=yes\nStateDirectory={state}\n" if state else "CapabilityBoundingSet=CAP_SYS_PTRACE\n"
    return (
        f"{_MADE}[Unit]\nDescription={about}\nAfter=network-online.target\nWants=network-online.target\n\n"
        f"[Service]\n{before}ExecStart={line.replace('%', '%%')}\nExecReload=/bin/kill -HUP $MAINPID\n"
        f"Restart=on-failure\nRestartSec=5\n{rights}NoNewPrivileges=yes\nProtectSystem=strict\nProtectHome=read-only\n"
        "PrivateTmp=yes\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def _path(stack: Stack) -> str:
    return str(stack.folder).replace("%", "%%")
