"""Run the command line by ``python -m genotel``."""

from __future__ import annotations

from genotel.cli.main import run

if __name__ == "__main__":
    run()
