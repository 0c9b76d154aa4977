"""The layout of a fleet: an agent on each machine writes to one store, which judges for all."""

from __future__ import annotations

import json
import shlex

from genotel.actions.provision import programs
from genotel.actions.provision.alerting import alertmanager_files, rule_files, secrets
from genotel.actions.provision.grafana import grafana_files
from genotel.actions.provision.prometheus import agent_files
from genotel.actions.provision.stack import Provisioned, Stack
from genotel.actions.provision.systemd import units
from genotel.errors import SettingsError


def fleet(stack: Stack, find: programs.Find) -> Provisioned:
    """Return the agent of each machine, and rules, routes and dashboards of the whole.

    Raises:
        SettingsError: nobody said where the agents write to.
    """
    if stack.remote_write is None:
        raise SettingsError(
            "a fleet writes to one store: give --remote-write URL, such as http://mimir:8080/api/v1/push, "
            "http://thanos:10908/api/v1/receive or http://victoria:8428/api/v1/write"
        )
    folder = stack.folder
    files = {
        **agent_files(stack),
        **rule_files(stack),
        **alertmanager_files(stack),
        **grafana_files(stack),
        **units(stack, is_agent=True, find=find),
    }
    if stack.has_otlp:
        files["collector.yaml"] = _collector(stack)
    return Provisioned(
        files,
        (
            "# on each machine: its page, and an agent that hands it on (systemd/ has units of both)",
            programs.serve_line(find=find),
            programs.agent_line(stack, data=f"{folder}/data/agent", find=find),
            "# or vmagent, which reads the same file",
            _vmagent(stack),
            "# once, where the store is: the rules",
            _rules(stack),
            "# once: Alertmanager",
            programs.alertmanager_line(stack, data=f"{folder}/data/alertmanager", find=find),
            "# once: Grafana",
            f"GF_PATHS_PROVISIONING={folder}/grafana/provisioning grafana-server --homepath /usr/share/grafana",
            *_otlp(stack),
        ),
        secrets(),
        _not_run(stack),
    )


def _vmagent(stack: Stack) -> str:
    words = [
        "vmagent",
        f"-promscrape.config={stack.folder}/agent.yml",
        "-promscrape.config.strictParse=false",
        f"-remoteWrite.url={stack.remote_write}",
        f"-remoteWrite.tmpDataPath={stack.folder}/data/vmagent",
    ]
    if stack.tenant is not None:
        words.append(f"-remoteWrite.headers=X-Scope-OrgID:{stack.tenant}")
    if stack.token_file is not None:
        words.append(f"-remoteWrite.bearerTokenFile={stack.token_file}")
    return " ".join(shlex.quote(word) for word in words)


def _rules(stack: Stack) -> str:
    rules = f"{shlex.quote(str(stack.folder))}/rules/*.yaml"
    query = shlex.quote(stack.query_url)
    match stack.store:
        case "mimir":
            tenant = f" --id={shlex.quote(stack.tenant)}" if stack.tenant else ""
            return f"mimirtool rules load --address={query}{tenant} {rules}"
        case "thanos":
            return f"thanos rule --rule-file={shlex.quote(f'{stack.folder}/rules/*.yaml')} --query={query}"
        case "victoria-metrics":
            base = query.removesuffix("/prometheus")
            return (
                f"vmalert -rule={shlex.quote(f'{stack.folder}/rules/*.yaml')} -datasource.url={base} "
                f"-remoteWrite.url={base} -remoteRead.url={base} -notifier.url=http://127.0.0.1:9093"
            )
        case _:
            return f"# give the Prometheus that stores them: rule_files: [{stack.folder}/rules/*.yaml]"


def _otlp(stack: Stack) -> tuple[str, ...]:
    if not stack.has_otlp:
        return ()
    return (
        "# once or on each machine: a collector for programs that push by OTLP",
        f"otelcol-contrib --config={shlex.quote(f'{stack.folder}/collector.yaml')}",
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
    )


def _collector(stack: Stack) -> str:
    headers = f"    headers: {{X-Scope-OrgID: {json.dumps(stack.tenant)}}}\n" if stack.tenant else ""
    token = "    auth: {authenticator: bearertokenauth}\n" if stack.token_file is not None else ""
    extension = f"extensions:\n  bearertokenauth: {{filename: {json.dumps(str(stack.token_file))}}}\n" if token else ""
    service = "  extensions: [bearertokenauth]\n" if token else ""
    return (
        "# Written by `genotel provision` for the contrib build of OpenTelemetry's collector.\n"
        "receivers:\n  otlp:\n    protocols:\n      http: {endpoint: 127.0.0.1:4318}\n"
        "      grpc: {endpoint: 127.0.0.1:4317}\n"
        "processors:\n  batch: {}\n"
        f"{extension}"
        f"exporters:\n  prometheusremotewrite:\n    endpoint: {json.dumps(stack.remote_write)}\n{headers}{token}"
        "    resource_to_telemetry_conversion: {enabled: true}\n"
        f"service:\n{service}  pipelines:\n    metrics: {{receivers: [otlp], processors: [batch], "
        "exporters: [prometheusremotewrite]}\n"
    )


def _not_run(stack: Stack) -> str:
    parts = [f"{stack.store} as a store"] if stack.store in {"mimir", "thanos"} else []
    if stack.has_otlp:
        parts.append("the collector")
    return f"Not run by us: {' and '.join(parts)}." if parts else ""
