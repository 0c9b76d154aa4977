"""Configuration of Prometheus: as a server that keeps and judges, or as an agent that hands on."""

from __future__ import annotations

import json

from genotel.actions.provision.stack import Files, Stack
from genotel.semconv import attributes as a

MADE = "# Written by `genotel provision`. Change it as you like: it is not written over without --force.\n"
ALERTMANAGER = "127.0.0.1:9093"
# Alerts on programs that are gone know ours by this beginning.
HOST_JOB, PROGRAM_JOB = "genotel-host", "genotel-programs"
# What arrives by OTLP carries these on its resource; dashboards and alerts ask for them as labels.
_PROMOTED = (a.SERVICE_NAME, a.SERVICE_INSTANCE, "service.namespace", "host.name")


def server_files(stack: Stack) -> Files:
    """Return the files of a Prometheus that scrapes, keeps, and evaluates rules."""
    text = (
        f"{MADE}{_global(stack)}"
        f"rule_files: [rules/*.yaml]\n"
        f"alerting:\n  alertmanagers:\n    - static_configs: [{{targets: [{json.dumps(ALERTMANAGER)}]}}]\n"
        f"{_scrapes()}"
        "# Points on panels that lead to traces: start it with --enable-feature=exemplar-storage.\n"
        "storage:\n  exemplars: {max_exemplars: 100000}\n"
    )
    if stack.has_otlp:
        names = ", ".join(_PROMOTED)
        text += (
            "  # Programs push in batches and try again, so what comes may be late.\n"
            "  tsdb: {out_of_order_time_window: 30m}\n"
            "# Prometheus 3 and newer, started with --web.enable-otlp-receiver.\n"
            f"otlp:\n  promote_resource_attributes: [{names}]\n"
        )
    if stack.remote_write is not None:
        text += _remote_write(stack)
    return {"prometheus.yml": text, **target_files(stack)}


def agent_files(stack: Stack) -> Files:
    """Return the files of an agent on each machine of a fleet; vmagent reads them, too."""
    return {"agent.yml": f"{MADE}{_global(stack)}{_scrapes()}{_remote_write(stack)}", **target_files(stack)}


def target_files(stack: Stack) -> Files:
    """Return the lists of what is scraped; a change is seen without a restart."""
    return {
        "targets/host.yaml": _targets("Pages of machines: genotel serve.", stack.targets),
        "targets/programs.yaml": _targets("Pages of programs: configure(), `genotel run`.", stack.programs),
    }


def _global(stack: Stack) -> str:
    # Half a minute is enough for rules, and a quarter of their cost.
    return f"global:\n  scrape_interval: {stack.scrape_interval}\n  evaluation_interval: 30s\n"


def _scrapes() -> str:
    jobs = "".join(
        f"  - job_name: {job}\n    file_sd_configs: [{{files: [targets/{file}.yaml]}}]\n"
        for job, file in ((HOST_JOB, "host"), (PROGRAM_JOB, "programs"))
    )
    why = "# Names of our jobs begin with genotel: the alert on programs that are gone knows them by that."
    return f"{why}\nscrape_configs:\n{jobs}"


def _targets(about: str, targets: tuple[str, ...]) -> str:
    return f"{MADE}# {about}\n- targets: {json.dumps(list(targets))}\n"


def _remote_write(stack: Stack) -> str:
    lines = [
        "remote_write:",
        f"  - url: {json.dumps(stack.remote_write)}",
        "    send_exemplars: true",
    ]
    if stack.tenant is not None:
        lines.append(f"    headers: {{X-Scope-OrgID: {json.dumps(stack.tenant)}}}")
    if stack.token_file is not None:
        lines.append(f"    authorization: {{credentials_file: {json.dumps(str(stack.token_file))}}}")
    return "\n".join(lines) + "\n"
