"""Every rare use is counted: 12 models, 0 to 3 calls each in an hour, two restarts, in real time.

    python benchmarks/rare_use.py [--scrape 15] [--hour 3600]

A real Prometheus scrapes the program; what `promql/catalog.py` asks for is held against the journal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.rare_use import run


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scrape", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--hour", type=float, default=3600.0, metavar="SECONDS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genotel-rare-") as folder:
        counted, kept = run(Path(folder), scrape_seconds=arguments.scrape, hour_seconds=arguments.hour)
    for model in sorted({*counted, *kept}):
        print(f"{model:<12} PromQL {counted.get(model, 0)}  journal {kept.get(model, 0)}")
    print("equal" if counted == kept else "NOT equal", f"({sum(kept.values())} uses of {len(kept)} models)")
    return 0 if counted == kept else 1


if __name__ == "__main__":
    sys.exit(main())
