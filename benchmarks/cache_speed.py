"""Compare cached reads with requests to the site and with plain requests-cache. Run: python benchmarks/cache_speed.py

It also compares ``LRUCache.get`` with ``dict.get``, and counts the requests of 16 threads that read one host at once.
The simulated site runs in a separate process and answers after 20 ms. Redis also runs in a separate process, if it is
installed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from typing import Any, Callable, Iterator, Mapping

import requests
import requests_cache

from checkmk_sync import Checkmk
from checkmk_sync.cache import LRUCache

LATENCY_S, HITS, THREADS = 0.02, 500, 16
SECRET = "benchmark"
SITE = (
    *("simulate", "--port", "0", "--hosts", "3", "--latency", str(LATENCY_S)),
    *("--password", SECRET, "--json", "--control"),
)


@contextlib.contextmanager
def _site() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "checkmk_sync", *SITE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    try:
        yield json.loads("".join(lines))["url"]
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def _redis() -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Start a Redis server and yield the settings for it, or no settings if Redis is not installed."""
    if shutil.which("redis-server") is None:
        print("  (redis-server is not installed)")
        yield {}
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    try:
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.02)
        yield {"our client, redis": {"backend": "redis", "redis_url": f"redis://127.0.0.1:{port}/0"}}
    finally:
        server.terminate()
        server.wait()


def _us(work: Callable[[], object], number: int) -> float:
    """Return the microseconds per call, as the best of several rounds after a warm-up call."""
    work()
    return min(timeit.repeat(work, number=number, repeat=5)) / number * 1e6


def _requests(url: str) -> int:
    return int(requests.get(f"{url}/control/state", timeout=10).json()["requests"])


def _client(url: str, caching: Mapping[str, Any]) -> Checkmk:
    return Checkmk(url, "s", "automation", SECRET, caching=caching)


def _plain(url: str, folder: str, backend: str) -> Callable[[], object]:
    """Return the read of a plain script that uses requests-cache: one session, one URL."""
    session = requests_cache.CachedSession(f"{folder}/theirs", backend=backend, expire_after=60)
    session.headers.update({"Authorization": f"Bearer automation {SECRET}", "Accept": "application/json"})
    target = f"{url}/s/check_mk/api/1.0/objects/host_config/host00000"
    return lambda: session.get(target, timeout=60).json()


def lru() -> None:
    cache, plain = LRUCache(), {"hosts:web01": "10.0.0.1"}
    cache.set("hosts:web01", "10.0.0.1")
    hit, base = _us(lambda: cache.get("hosts:web01"), 100_000), _us(lambda: plain.get("hosts:web01"), 100_000)
    print(f"LRUCache.get of a string: {hit:.2f} us (target: 2), {hit / base:.1f} x dict.get")


def repeated(url: str, folder: str) -> None:
    print("Repeated hosts.get:")
    with _redis() as redis, contextlib.ExitStack() as opened:
        kinds = {
            "our client, no cache": {"enabled": False},
            "our client, memory": {"backend": "memory"},
            "our client, sqlite": {"backend": "sqlite", "path": f"{folder}/ours.sqlite"},
            **redis,
        }
        ways: dict[str, Callable[[], object]] = {}
        for name, caching in kinds.items():
            client = opened.enter_context(_client(url, caching))
            ways[name] = lambda client=client: client.hosts.get("host00000")  # type: ignore[misc]
        for backend in ("memory", "sqlite"):
            ways[f"requests-cache, {backend}"] = _plain(url, folder, backend)
        taken = {name: _us(way, 20 if name.endswith("no cache") else HITS) for name, way in ways.items()}
    for name, us in taken.items():
        asked, theirs = taken["our client, no cache"] / us, taken["requests-cache, memory"] / us
        print(f"  {name:24} {asked:7.1f} x the speed without cache, {theirs:6.2f} x requests-cache in memory")


def cold(url: str, folder: str) -> None:
    print(f"{THREADS} threads read the same host at once:")
    with _client(url, {}) as client:
        client.version()
        ways = {
            "our client": lambda: client.hosts.get("host00001"),
            "requests-cache": _plain(url, folder + "/cold", "memory"),
        }
        for name, way in ways.items():
            before, barrier = _requests(url), threading.Barrier(THREADS)

            def ask(way: Callable[[], object] = way, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                way()

            threads = [threading.Thread(target=ask) for _ in range(THREADS)]
            started = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(f"  {name:24} {_requests(url) - before:3} requests, {(time.perf_counter() - started) * 1000:.0f} ms")


def main() -> None:
    print(f"Python {sys.version.split()[0]}")
    lru()
    with _site() as url, tempfile.TemporaryDirectory() as folder:
        repeated(url, folder)
        cold(url, folder)


if __name__ == "__main__":
    main()
