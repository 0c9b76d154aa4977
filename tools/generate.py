"""Write every generated file of the repository, or say which ones are stale.

Run ``python -m tools.generate`` to write and ``python -m tools.generate --check`` to compare.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools.generate_cli_doc import commands_page
from tools.generate_dashboards import dashboard_files
from tools.generate_foreign_doc import foreign_servers_page
from tools.generate_metrics_doc import metrics_page
from tools.generate_rules import rule_files
from tools.generate_settings_doc import settings_page
from tools.generate_settings_example import settings_example

ROOT = Path(__file__).resolve().parent.parent

# Generated file -> the function that returns its text. One visible line per file or folder.
GENERATED: dict[str, Callable[[], str]] = {
    "docs/cli.md": commands_page,
    "docs/foreign-servers.md": foreign_servers_page,
    "docs/metrics.md": metrics_page,
    "docs/settings.md": settings_page,
    "examples/genotel.toml": settings_example,
    **dashboard_files(),
    **rule_files(),
}


def stale_files(root: Path = ROOT) -> list[str]:
    """Return the generated files whose text is not what their generator says now."""
    return [name for name, text in GENERATED.items() if _read(root / name) != text()]


def write_files(root: Path = ROOT) -> None:
    """Write every generated file."""
    for name, text in GENERATED.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Write the generated files, or check them.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    if not parser.parse_args().check:
        write_files()
        return 0
    stale = stale_files()
    for name in stale:
        print(f"{name} is stale: run `make generate` and commit it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
