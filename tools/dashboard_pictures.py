"""Draw every dashboard with Grafana's own components from a real Prometheus: ``make pictures``.

A simulated day goes into Prometheus; headless Chromium draws each dashboard; the PNG stands in docs/pictures.
It fails when a panel has no data, holds no number, or the page logs an error. Node, Chromium and Prometheus must
be there; the npm packages of tools/dashboard-pictures are installed into .pictures, once.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.servers import RealPrometheus
from tools.headless_browser import Page, browser_page
from tools.picture_history import HOURS, history

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tools" / "dashboard-pictures"
WORK = ROOT / ".pictures"
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 1480
# An evening, so that the day's work is seen; always the same one, so that pictures change with dashboards only.
END = 1_795_197_600
# Rates need a window before the first point.
SHOWN_HOURS = HOURS - 2
MOST_BYTES = 300_000


def bundle(folder: Path) -> None:
    """Install the packages where they are not, and make one script of ours and theirs."""
    WORK.mkdir(exist_ok=True)
    wanted = (SOURCES / "package.json").read_bytes()
    mark = WORK / ".ready"
    if not mark.exists() or mark.read_bytes() != wanted:
        shutil.copy(SOURCES / "package.json", WORK)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--legacy-peer-deps", "--silent"]
        subprocess.run(npm, cwd=WORK, check=True)
        mark.write_bytes(wanted)
    for file in SOURCES.glob("*.js*"):
        shutil.copy(file, WORK)
    command = ["node_modules/.bin/esbuild", "main.jsx", "--bundle", "--minify", "--format=esm", "--log-level=warning"]
    command += [f"--loader:.{kind}=dataurl" for kind in ("svg", "woff2", "ttf")]
    command += ['--define:process.env.NODE_ENV="production"', f"--outfile={folder / 'main.js'}"]
    subprocess.run(command, cwd=WORK, check=True)
    (folder / "index.html").write_text(
        '<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="main.css"></head>'
        '<body style="margin:0"><div id="root"></div><script type="module" src="main.js"></script></body></html>',
        encoding="utf-8",
    )
    # Where Grafana's icons and letters are looked for.
    packages = WORK / "node_modules"
    fonts = folder / "public" / "fonts" / "inter"
    fonts.mkdir(parents=True)
    (folder / "public" / "img").symlink_to(packages / "@grafana" / "ui" / "dist" / "public" / "img")
    for weight, name in ((400, "Regular"), (500, "Medium")):
        source = packages / "@fontsource" / "inter" / "files" / f"inter-latin-{weight}-normal.woff2"
        (fonts / f"Inter-{name}.woff2").symlink_to(source)


class _Files(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        """Find icons below the build, too."""
        return super().translate_path(path.replace("/public/build/", "/public/", 1))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback."""
    handler = functools.partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def draw(page: Page, url: str, name: str, prometheus: str) -> list[str]:
    """Draw one dashboard into docs/pictures; return what is wrong with it."""
    query = {"dashboard": f"{name}.json", "prometheus": prometheus, "to": END, "hours": SHOWN_HOURS}
    page.open(f"{url}/?{urlencode(query)}")
    drawn = page.value_of("window.drawn")
    faults = [str(fault) for fault in drawn["faults"]] + page.complaints
    target = PICTURES / f"{name}.png"
    target.write_bytes(page.picture(drawn["width"], drawn["height"]))
    subprocess.run(["node", "compress.js", target], cwd=WORK, check=True)
    if target.stat().st_size > MOST_BYTES:
        faults.append(f"{target.name} has {target.stat().st_size} bytes, more than {MOST_BYTES}")
    return [f"{name}: {fault}" for fault in faults]


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Draw every dashboard, or those that are named.")
    parser.add_argument("names", nargs="*", help="such as genotel-gpu")
    wanted = parser.parse_args().names
    needed = {name: shutil.which(name) for name in ("npm", "node", "chromium", "prometheus", "promtool")}
    if missing := [name for name, path in needed.items() if path is None]:
        print(f"not installed: {', '.join(missing)} (on Debian: npm, chromium, prometheus)", file=sys.stderr)
        return 2
    began = time.monotonic()
    faults: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="genotel-pictures-") as place:
        folder = Path(place)
        site = folder / "site"
        site.mkdir()
        bundle(site)
        names = wanted or [path.stem for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))]
        for name in names:
            shutil.copy(ROOT / "grafana" / "dashboards" / f"{name}.json", site)
        server = RealPrometheus(folder / "prometheus", {}, retention="9999d")
        server.load("".join(history(END)))
        with server, served(site) as url, browser_page(str(needed["chromium"]), folder / "profile", WIDTH) as page:
            for name in names:
                faults += draw(page, url, name, server.url)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(names)} pictures in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
