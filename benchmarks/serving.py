"""What TLS and users cost a scrape: `genotel serve` and node_exporter behind the same web configuration file.

    python benchmarks/serving.py [--rounds 5] [--scrapes 200]

Both serve plain HTTP on one port and TLS with a user (bcrypt, cost 12) on another, and are scraped in turn on
a kept connection and on a new one each time. Printed are medians over the rounds of the median wall time of a
scrape, the processor time of the server a scrape, the first scrape of all (which pays for the password), and
the proportional memory (PSS).

Needs Linux, `prometheus-node-exporter` (Debian's package), `bcrypt`, `pyyaml` and `cryptography`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bcrypt

from tests.certificates import Authority

HEADERS = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip", "Authorization": "Basic YWxpY2U6c2VjcmV0"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def commands(folder):
    node = shutil.which("prometheus-node-exporter") or "node_exporter"
    chosen = [f"--collector.{name}" for name in ("cpu", "meminfo", "loadavg", "diskstats", "filesystem", "netdev")]
    genotel = [sys.executable, "-m", "genotel", "serve", "--collectors", "cpu,memory,disk,network,system"]
    return {
        "genotel": [*genotel, "--port", "{port}"],
        "node_exporter": [node, "--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", *chosen],
    }


class Server:
    def __init__(self, command, port, extra=()):
        self.port = port
        words = [word.format(port=port) for word in command]
        self.process = subprocess.Popen([*words, *extra], stderr=subprocess.DEVNULL)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def pss_bytes(self):
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


def connection(port, context):
    if context is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)


def scrape(client):
    begin = time.perf_counter()
    client.request("GET", "/metrics", headers=HEADERS)
    answer = client.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return time.perf_counter() - begin


def first_scrape(port, context):
    for _ in range(200):
        try:
            client = connection(port, context)
            client.connect()
        except OSError:
            time.sleep(0.05)
            continue
        seconds = scrape(client)
        client.close()
        return seconds
    raise SystemExit(f"nobody serves on {port}")


def round_of(server, context, scrapes, keep):
    client = connection(server.port, context)
    if keep:
        scrape(client)
    before, walls = server.cpu_seconds(), []
    for _ in range(scrapes):
        if not keep:
            client = connection(server.port, context)
        walls.append(scrape(client))
        if not keep:
            client.close()
    cpu = (server.cpu_seconds() - before) / scrapes
    client.close()
    return statistics.median(walls), cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scrapes", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = Authority()
        authority.issue("127.0.0.1").write(folder)
        hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(12)).decode().replace("$2b$", "$2y$")
        tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        (folder / "web.yml").write_text(f"{tls}basic_auth_users: {{alice: {hashed}}}\n")
        trusting = authority.client()
        servers = {}
        try:
            for who, command in commands(folder).items():
                servers[who, "plain"] = (Server(command, free_port()), None)
                extra = (f"--web.config.file={folder / 'web.yml'}",)
                servers[who, "TLS, user"] = (Server(command, free_port(), extra), trusting)
            firsts = {key: first_scrape(server.port, context) for key, (server, context) in servers.items()}
            found = {}
            for _ in range(options.rounds):
                for key, (server, context) in servers.items():
                    for keep in (True, False):
                        found.setdefault((*key, keep), []).append(round_of(server, context, options.scrapes, keep))
            print(f"{'':14} {'':10} {'':6} {'wall':>9} {'CPU':>9} {'first':>9} {'PSS':>9}")
            for (who, how, keep), rounds in found.items():
                wall, cpu = (statistics.median(values) * 1e3 for values in zip(*rounds, strict=True))
                pss = servers[who, how][0].pss_bytes() / 1e6
                first = firsts[who, how] * 1e3
                kept = "kept" if keep else "new"
                print(f"{who:14} {how:10} {kept:6} {wall:6.2f} ms {cpu:6.2f} ms {first:6.1f} ms {pss:6.1f} MB")
        finally:
            for server, _ in servers.values():
                server.process.terminate()
                server.process.wait(10)


if __name__ == "__main__":
    main()
