"""Rules with the site's own thresholds, their runbooks, and Alertmanager's configuration."""

from __future__ import annotations

import json
import re

from genotel.actions.provision.prometheus import MADE
from genotel.actions.provision.shipped import shipped_text
from genotel.actions.provision.stack import Files, Stack
from genotel.rules import site
from genotel.rules.writing import RUNBOOKS

_SHIPPED = "alerting-rules/alertmanager"
_LINE_END = "\n"
_SHIPPED_SECRETS = "/etc/alertmanager/secrets"
_SECRET = re.compile(rf"(\w+_file): {re.escape(_SHIPPED_SECRETS)}/([\w-]+)")


def rule_files(stack: Stack) -> Files:
    """Return the rule file of each group as the site's settings want it, and its runbook."""
    made = site.rule_files(stack.settings, grafana=stack.grafana_url.rstrip("/"), runbooks=stack.runbooks_at)
    return {
        # Its first line says where genotel's own developers change it.
        path if path.startswith(RUNBOOKS) else f"rules/{path}": f"{_made(path)}{text.partition(_LINE_END)[2]}"
        for path, text in made.items()
    }


def _made(path: str) -> str:
    return "" if path.startswith(RUNBOOKS) else MADE


def alertmanager_files(stack: Stack) -> Files:
    """Return the configuration and its messages; secrets are read from files of the stack's folder."""
    return {
        "alertmanager/alertmanager.yml": _SECRET.sub(
            lambda match: f"{match[1]}: {json.dumps(f'{stack.folder}/alertmanager/secrets/{match[2]}')}",
            shipped_text(f"{_SHIPPED}/alertmanager.yaml").replace(
                f"below {_SHIPPED_SECRETS}", f"below {stack.folder}/alertmanager/secrets"
            ),
        ),
        "alertmanager/messages.tmpl": shipped_text(f"{_SHIPPED}/messages.tmpl"),
    }


def secrets() -> tuple[str, ...]:
    """Return the paths of the secrets that Alertmanager reads, below the stack's folder."""
    names = {match[2] for match in _SECRET.finditer(shipped_text(f"{_SHIPPED}/alertmanager.yaml"))}
    return tuple(f"alertmanager/secrets/{name}" for name in sorted(names))
