"""The layout of Kubernetes with the Prometheus operator: a page on each node, rules, dashboards."""

from __future__ import annotations

import textwrap

from genotel.actions.provision import programs
from genotel.actions.provision.shipped import shipped_dashboards
from genotel.actions.provision.stack import Files, Provisioned, Stack
from genotel.rules.site import rule_files
from genotel.rules.writing import RUNBOOKS

_MADE = "# Written by `genotel provision`.\n"
_NAME = "genotel"


def kubernetes(stack: Stack, find: programs.Find) -> Provisioned:
    """Return manifests: a DaemonSet, a PodMonitor, a PrometheusRule, and a ConfigMap for each dashboard."""
    del find  # nothing of this machine is named
    rules = _rule_files(stack)
    files = {
        "Dockerfile": f"{_MADE}FROM python:3.12-slim\nRUN pip install --no-cache-dir genotel\n"
        'ENTRYPOINT ["genotel"]\nCMD ["serve", "--host", "0.0.0.0"]\n',
        "manifests/namespace.yaml": f"{_MADE}apiVersion: v1\nkind: Namespace\nmetadata: {{name: {_NAME}}}\n",
        "manifests/daemonset.yaml": _daemonset(stack),
        "manifests/podmonitor.yaml": _pod_monitor(stack),
        "manifests/rules.yaml": _rules(rules),
        **{
            f"manifests/dashboard-{name.removesuffix('.json')}.yaml": _dashboard(name, text)
            for name, text in shipped_dashboards()
        },
        **{path: text for path, text in rules.items() if path.startswith(RUNBOOKS)},
    }
    return Provisioned(
        files,
        (
            "# an image of genotel that the nodes can pull",
            f"docker build --tag {stack.image} {stack.folder} && docker push {stack.image}",
            "# the Prometheus operator and Grafana's side-car for dashboards are there already",
            f"kubectl apply --server-side --filename {stack.folder}/manifests",
        ),
        (),
        "No cluster was asked by us: the manifests are read as YAML, and their rules by promtool.",
    )


def _daemonset(stack: Stack) -> str:
    return f"""\
{_MADE}# One page for each node that has cards; take out the selector and the runtime class for all nodes.
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: {_NAME}, namespace: {_NAME}, labels: {{app.kubernetes.io/name: {_NAME}}}}}
spec:
  selector: {{matchLabels: {{app.kubernetes.io/name: {_NAME}}}}}
  template:
    metadata: {{labels: {{app.kubernetes.io/name: {_NAME}}}}}
    spec:
      # The node's own processes, disks and network are what is measured.
      hostPID: true
      hostNetwork: true
      runtimeClassName: nvidia
      nodeSelector: {{nvidia.com/gpu.present: "true"}}
      tolerations: [{{operator: Exists}}]
      containers:
        - name: {_NAME}
          image: {stack.image}
          args: [serve, --host, 0.0.0.0, --port, "9464"]
          env:
            # All cards are seen and none is taken from the scheduler.
            - {{name: NVIDIA_VISIBLE_DEVICES, value: all}}
            - {{name: NVIDIA_DRIVER_CAPABILITIES, value: utility}}
          ports: [{{name: metrics, containerPort: 9464}}]
          readinessProbe: {{httpGet: {{path: /-/ready, port: metrics}}}}
          livenessProbe: {{httpGet: {{path: /-/healthy, port: metrics}}}}
          resources: {{requests: {{cpu: 10m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}
          securityContext: {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}}
"""


def _pod_monitor(stack: Stack) -> str:
    return f"""\
{_MADE}apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {{name: {_NAME}, namespace: {_NAME}}}
spec:
  selector: {{matchLabels: {{app.kubernetes.io/name: {_NAME}}}}}
  podMetricsEndpoints:
    - port: metrics
      interval: {stack.scrape_interval}
      relabelings:
        # Alerts on programs that are gone know ours by this beginning.
        - {{targetLabel: job, replacement: genotel-host}}
        - {{sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: instance}}
"""


def _rule_files(stack: Stack) -> Files:
    # Nobody reads a folder of this machine from inside a cluster.
    runbooks = stack.runbooks if stack.runbooks is not None else RUNBOOKS
    return rule_files(stack.settings, grafana=stack.grafana_url.rstrip("/"), runbooks=runbooks)


def _rules(files: Files) -> str:
    parts = [text.partition("groups:\n")[2] for path, text in files.items() if not path.startswith(RUNBOOKS)]
    body = textwrap.indent("".join(parts), "  ")
    return (
        f"{_MADE}apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n"
        f"metadata: {{name: {_NAME}, namespace: {_NAME}}}\nspec:\n  groups:\n{body}"
    )


def _dashboard(name: str, text: str) -> str:
    return (
        f"{_MADE}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name.removesuffix('.json')}\n"
        f'  namespace: {_NAME}\n  labels: {{grafana_dashboard: "1"}}\n'
        f"data:\n  {name}: |\n{textwrap.indent(text, '    ')}"
    )
