"""Compare reading one host with the same request through ``requests.Session``. Run: python benchmarks/small_read.py

nginx answers both with the same file. The client has its default settings, so every guard is active. Each call is
``fresh``, so no answer comes from the cache. The ratio is the rate of the client divided by the rate of the session:
1.0 means equal, and higher is better. An argument sets the number of rounds.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator

import requests

from checkmk_sync import Checkmk

ROUNDS, CALLS = 21, 600  # CALLS in each round, divided among the threads
API = "/s/check_mk/api/1.0"
SECRET = "benchmark"
RELATIONS = "urn:org.restfulobjects:rels"
HOST = {
    "domainType": "host_config",
    "id": "web01",
    "title": "Web server 1",
    "links": [
        {
            "domainType": "link",
            "rel": relation,
            "href": f"https://mon.example.com{API}/objects/{target}",
            "method": method,
            "type": "application/json",
        }
        for relation, target, method in (
            ("self", "host_config/web01", "GET"),
            (f"{RELATIONS}/update", "host_config/web01", "PUT"),
            (f"{RELATIONS}/delete", "host_config/web01", "DELETE"),
            ("urn:com.checkmk:rels/folder_config", "folder_config/~berlin~linux", "GET"),
        )
    ],
    "members": {},
    "extensions": {
        "folder": "/berlin/linux",
        "attributes": {
            "ipaddress": "10.0.0.1",
            "alias": "Web server 1",
            "tag_criticality": "prod",
            "labels": {"env": "prod", "os": "linux"},
            "meta_data": {
                "created_at": "2025-03-01T09:00:00.123456+00:00",
                "updated_at": "2025-03-01T09:00:00.130001+00:00",
                "created_by": "automation",
            },
        },
        "effective_attributes": None,
        "is_cluster": False,
        "is_offline": False,
        "cluster_nodes": None,
    },
}
VERSION = {"site": "s", "edition": "cre", "versions": {"checkmk": "2.4.0p18"}}
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    default_type application/json;
    etag off;
    add_header ETag '"1f6b0d40c2a5b5e7a3f0d1d1f8a3c4c9f5d2b0a1e6c7d8f9a0b1c2d3e4f5a6b7"';
    add_header X-Checkmk-Version 2.4.0p18;
    add_header X-Checkmk-Edition cre;
    server {{
        listen 127.0.0.1:{port};
        location = {api}/version {{ alias {folder}/version.json; }}
        location = {api}/objects/host_config/web01 {{ alias {folder}/web01.json; }}
    }}
}}
"""


@contextlib.contextmanager
def _nginx() -> Iterator[str]:
    """Start nginx, which serves the version and one host, and yield its URL."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        sys.exit("small_read.py needs nginx; run apt-get install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "version.json").write_text(json.dumps(VERSION))
        (folder / "web01.json").write_text(json.dumps(HOST))
        user = "user root;" if os.geteuid() == 0 else ""  # workers of another user could not read the folder
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, api=API, user=user))
        server = subprocess.Popen([program, "-p", name, "-c", f"{name}/nginx.conf", "-e", f"{name}/error.log"])
        try:
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                if server.poll() is not None:
                    sys.exit(f"nginx did not start: {(folder / 'error.log').read_text()}")
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _rate(read: Callable[[], object], executor: ThreadPoolExecutor, threads: int) -> float:
    """Return the calls per second of all threads together."""

    def work() -> None:
        for _ in range(CALLS // threads):
            read()

    gc.collect()  # so that neither side collects the other's garbage
    started = time.perf_counter()
    for done in [executor.submit(work) for _ in range(threads)]:
        done.result()
    return CALLS // threads * threads / (time.perf_counter() - started)


def _compare(ours: Callable[[], object], theirs: Callable[[], object], threads: int, rounds: int) -> None:
    with ThreadPoolExecutor(threads) as executor:
        for read in (ours, theirs):
            _rate(read, executor, threads)  # opens the connections
        rates = []
        for number in range(rounds):
            if number % 2:
                rates.append((_rate(ours, executor, threads), _rate(theirs, executor, threads)))
            else:
                rates.append((_rate(theirs, executor, threads), _rate(ours, executor, threads))[::-1])
    ratio = statistics.median(our / their for our, their in rates)
    our, their = (statistics.median(side) for side in zip(*rates))
    print(f"{threads:2} threads: {ratio:.2f} x requests.Session ({our:,.0f} and {their:,.0f} reads per second)")


def main(rounds: int) -> None:
    print(f"Python {sys.version.split()[0]}")
    with _nginx() as url, Checkmk(url, "s", "automation", SECRET) as client, requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer automation {SECRET}", "Accept": "application/json"})
        target = f"{url}{API}/objects/host_config/web01"
        expected = client.hosts.get("web01", fresh=True)
        assert expected.name == session.get(target, timeout=60).json()["id"] and expected.etag
        for threads in (1, 10):
            _compare(
                lambda: client.hosts.get("web01", fresh=True),
                lambda: session.get(target, timeout=60).json(),
                threads,
                rounds,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
