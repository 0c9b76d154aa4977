"""Grafana's provisioning: where its data comes from, and the dashboards."""

from __future__ import annotations

import json
import re

from genotel.actions.provision.shipped import shipped_dashboards, shipped_text
from genotel.actions.provision.stack import Files, Stack

_SHIPPED = "grafana/provisioning"
_NAME = "genotel"


def grafana_files(stack: Stack) -> Files:
    """Return the data source, the folder of dashboards, and the dashboards."""
    source = shipped_text(f"{_SHIPPED}/datasources/{_NAME}.yaml")
    source = re.sub(r"(?m)^    url: .*$", lambda _: f"    url: {json.dumps(stack.query_url)}", source)
    source = re.sub(r"timeInterval: \S+", lambda _: f"timeInterval: {stack.scrape_interval}", source)
    if stack.tenant is not None:
        # A header is two keys, and the value stands among the secrets.
        source = source.replace("    jsonData:\n", "    jsonData:\n      httpHeaderName1: X-Scope-OrgID\n", 1)
        source += f"    secureJsonData: {{httpHeaderValue1: {json.dumps(stack.tenant)}}}\n"
    provider = re.sub(
        r"(?m)^      path: .*$",
        lambda _: f"      path: {json.dumps(f'{stack.folder}/grafana/dashboards')}",
        shipped_text(f"{_SHIPPED}/dashboards/{_NAME}.yaml"),
    )
    return {
        f"{_SHIPPED}/datasources/{_NAME}.yaml": _uncommented(source),
        f"{_SHIPPED}/dashboards/{_NAME}.yaml": _uncommented(provider),
        **{f"grafana/dashboards/{name}": text for name, text in shipped_dashboards()},
    }


def _uncommented(text: str) -> str:
    """Return it without its first line, which says where to copy the file."""
    return text.partition("\n")[2] if text.startswith("# Copy") else text
