"""Every rare use is counted: 12 models, 0 to 3 calls each in an hour, two restarts, in real time.

    python benchmarks/rare_use.py [--scrape 15] [--hour 3600]

Prometheus, a newer one and VictoriaMetrics scrape the program; what `promql/catalog.py` asks for and what
`genotel.Prometheus` reads is held against the journal.
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
    is_equal = True
    for name, uses in counted.items():
        is_equal &= uses == kept
        print(f"{name:<28} {'equal' if uses == kept else f'NOT equal: {uses}'}")
    print(f"journal: {sum(kept.values())} uses of {len(kept)} models: {dict(sorted(kept.items()))}")
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main())
