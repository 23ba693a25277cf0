"""Compare reading 100,000 hosts (130 MB of JSON) and 90,000 services with ``requests.get(url).json()``.

The data comes from a static server and from a simulated site. Each server and each reader runs in a separate process.
Memory growth is measured after a first small call. A time of 1/2.00 is half the time of requests.
Run: python benchmarks/reading_speed.py [rounds]
"""

from __future__ import annotations

import bisect
import contextlib
import gc
import itertools
import json
import socketserver
import subprocess
import sys
import time
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import parse_qs, quote

import requests

from checkmk_sync import Checkmk

HOSTS = 100_000
SERVICE_HOSTS, SERVICES = 3_000, 30
SECRET = "benchmark"
API = "/s/check_mk/api/1.0"
HOST_LIST = f"{API}/domain-types/host_config/collections/all"
INDEX = f"{API}/domain-types/host/collections/all"
SERVICE_LIST = f"{API}/domain-types/service/collections/all"
COLUMNS = ("host_name", "description", "state", "has_been_checked")
FIRST = "host00000"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
VERSION = {"site": "s", "edition": "cre", "versions": {"checkmk": "2.4.0p18"}}


def _host(number: int) -> dict[str, Any]:
    """Return a host in the form of Checkmk 2.4."""
    name, folder = f"host{number:05d}", f"~site{number % 40:02d}~linux"
    rels = "urn:org.restfulobjects:rels"
    links = [
        ("self", f"host_config/{name}", "GET", None),
        (f"{rels}/update", f"host_config/{name}", "PUT", None),
        (f"{rels}/delete", f"host_config/{name}", "DELETE", None),
        ("urn:com.checkmk:rels/folder_config", f"folder_config/{folder}", "GET", "The folder config of the host."),
    ]
    base = {"domainType": "link", "type": "application/json"}
    meta = {
        "created_at": "2025-03-01T09:00:00.123456+00:00",
        "updated_at": "2025-03-01T09:00:00.130001+00:00",
        "created_by": "automation",
    }
    attributes = {
        "ipaddress": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        "alias": f"Web server {number}",
        "tag_criticality": "prod",
        "labels": {"env": "prod", "os": "linux"},
        "meta_data": meta,
    }
    return {
        "domainType": "host_config",
        "id": name,
        "title": f"Web server {number}",
        "links": [
            {
                **base,
                "rel": rel,
                "href": f"https://mon.example.com{API}/objects/{target}",
                "method": method,
                **({} if title is None else {"title": title}),
            }
            for rel, target, method, title in links
        ],
        "members": {},
        "extensions": {
            "folder": folder.replace("~", "/"),
            "attributes": attributes,
            "effective_attributes": None,
            "is_cluster": False,
            "is_offline": False,
            "cluster_nodes": None,
        },
    }


HEAD, TAIL = b'{"id": "host", "domainType": "host_config", "links": [], "value": [', b"]}"


def _collection(items: Iterable[str]) -> bytes:
    return HEAD + ", ".join(items).encode() + TAIL


def _row(kind: str, name: str, title: str, extensions: dict[str, Any]) -> str:
    """Return a monitored host or service in the form of Checkmk 2.4."""
    link = {
        "domainType": "link",
        "rel": "urn:com.checkmk:rels/show",
        "href": f"https://mon.example.com{API}/objects/{kind}/{quote(name)}",
        "method": "GET",
        "type": "application/json",
        "title": f"Show {name}",
    }
    row = {"domainType": kind, "id": name, "title": title, "links": [link], "members": {}, "extensions": extensions}
    return json.dumps(row)


def _service(host: str, number: int) -> str:
    name = f"Filesystem /data/{number:02d}"
    columns = {"host_name": host, "description": name, "state": number % 3, "has_been_checked": 1}
    return _row("service", f"{host}:{name}", f"Service {name} on host {host}", columns)


class _Services:
    """The list of services, complete or for a range of host names. Answers are slices of one prepared text."""

    def __init__(self) -> None:
        self.names = [f"host{number:05d}" for number in range(SERVICE_HOSTS)]
        rows = [", ".join(_service(name, number) for number in range(SERVICES)).encode() for name in self.names]
        self._text = memoryview(b", ".join(rows))
        self._starts = [0, *itertools.accumulate(len(row) + len(", ") for row in rows)]

    def answer(self, query: str) -> list[Any]:
        start, end = 0, len(self.names)
        asked = json.loads(parse_qs(query).get("query", ["{}"])[0])
        for node in asked.get("expr", [asked] if asked else []):
            at = 1 if node["op"] == "~" else bisect.bisect_left(self.names, node["right"])
            start, end = (at, end) if node["op"] == ">=" else (start, at)
        return [HEAD, self._text[self._starts[start] : self._starts[end] - len(", ")], TAIL]


def serve() -> None:
    """Print the URL, and then serve ``/version`` and the lists of hosts and services until the process is killed."""
    services = _Services()
    index = [_row("host", name, name, {"name": name, "num_services": SERVICES}) for name in services.names]
    indexes = {"whole": _collection(index), "first": _collection(index[:1]), "none": _collection([])}
    bodies = {
        f"{API}/version": json.dumps(VERSION).encode(),
        HOST_LIST: _collection(json.dumps(_host(number)) for number in range(HOSTS)),
        f"{HOST_LIST}?hostnames={FIRST}": _collection([json.dumps(_host(0))]),
    }

    def answer(target: str) -> list[Any]:
        path, _, query = target.partition("?")
        if path == SERVICE_LIST:
            return services.answer(query)
        if path == INDEX:
            before_the_first = "%3C" in query and FIRST in query
            return [indexes["none" if before_the_first else "first" if FIRST in query else "whole"]]
        return [bodies.get(target) or bodies[path]]

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True  # as Apache does

        def handle(self) -> None:
            # Does as little as possible, because the time of the server must not affect the measurement.
            with contextlib.suppress(ConnectionError):
                while line := self.rfile.readline():
                    while self.rfile.readline().strip():
                        pass
                    pieces = answer(line.split()[1].decode())
                    for piece in (REPLY % sum(map(len, pieces)), *pieces):
                        self.wfile.write(piece)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        print(json.dumps({"url": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
        server.serve_forever()


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[str]:
    """Start a server in another process and yield its URL, which it prints as JSON."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = ""
    while not text.rstrip().endswith("}"):
        text += process.stdout.readline()
    try:
        yield json.loads(text)["url"]
    finally:
        process.kill()
        process.communicate()


def _site(hosts: int) -> Any:
    size = ("--hosts", str(hosts), "--services", str(SERVICES))
    return _running("-m", "checkmk_sync", "simulate", "--port", "0", *size, "--password", SECRET, "--json")


def _memory_mb(line: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(entry.split()[1]) / 1024 for entry in file if entry.startswith(line))


def _theirs(url: str, path: str, query: Any = None) -> Iterator[Any]:
    headers = {"Authorization": f"Bearer automation {SECRET}"}
    for target, asked in ((f"{API}/version", None), (path, query)):
        answer = requests.get(f"{url}{target}", params=asked, headers=headers, timeout=300).json()
        yield from answer.get("value", [answer])


def _ours(url: str, noun: str, **first: Any) -> Iterator[Any]:
    with Checkmk(url, "s", "automation", SECRET) as client:
        reader = getattr(client, noun)
        yield next(reader.pages(**first))
        for page in reader.pages():
            yield from page.items


READERS: dict[str, Callable[[str], Iterator[Any]]] = {
    "json": lambda url: _theirs(url, HOST_LIST),
    "hosts": lambda url: _ours(url, "hosts", names=[FIRST]),
    "json of services": lambda url: _theirs(url, SERVICE_LIST, {"columns": COLUMNS}),
    "services": lambda url: _ours(url, "services", host=f"{FIRST}*"),
}


def read(name: str, url: str) -> None:
    """Print total seconds, CPU seconds, seconds to the first item, memory growth in MB, and the number of items."""
    items = READERS[name](url)
    next(items)
    gc.collect()  # now, so that objects left by imports are not collected during the measurement
    base = _memory_mb("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # resets the peak of the memory use
    started, cpu = time.perf_counter(), time.process_time()
    next(items)
    first_s = time.perf_counter() - started
    count = 1 + sum(1 for _ in items)
    total_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps([total_s, cpu_s, first_s, _memory_mb("VmHWM") - base, count]))


def _measured(name: str, url: str, *, fast: bool = True) -> list[float]:
    command = [sys.executable, __file__, name, url, *(() if fast else ("without-msgspec",))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *found, count = json.loads(done.stdout)
    assert count == (SERVICE_HOSTS * SERVICES if "services" in name else HOSTS), count
    return found


def _compare(url: str, theirs: str, ours: str, rounds: int) -> None:
    """Print the best times and the largest memory growth of several rounds, which alternate between the ways."""
    ways = {"requests.get().json()": (theirs, True), "stdlib": (ours, False), "fast": (ours, True)}
    taken: dict[str, list[list[float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (name, fast) in ways.items():
            taken[way].append(_measured(name, url, fast=fast))
    base = [min(values) for values in zip(*taken["requests.get().json()"])]
    for way, found in taken.items():
        total, cpu, first, _ = (wanted / min(values) for wanted, values in zip(base, zip(*found)))
        grown = max(values[-1] for values in found)
        print(
            f"  {way:22} time 1/{total:<5.2f} CPU 1/{cpu:<5.2f} first item {first:6.1f} times sooner {grown:+6.1f} MB"
        )


def main(rounds: int) -> None:
    print(f"Python {sys.version.split()[0]}")
    with _running(__file__, "serve") as url:
        print(f"{HOSTS:,} hosts from a static server:")
        _compare(url, "json", "hosts", rounds)
        print(f"{SERVICE_HOSTS:,} hosts x {SERVICES} services from a static server:")
        _compare(url, "json of services", "services", rounds)
    with _site(HOSTS) as url:
        print(f"{HOSTS:,} hosts from the simulated site:")
        _compare(url, "json", "hosts", 1)
    with _site(SERVICE_HOSTS) as url:
        print(f"{SERVICE_HOSTS:,} hosts x {SERVICES} services from the simulated site:")
        _compare(url, "json of services", "services", 1)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[-1:] == ["without-msgspec"]:
        sys.modules["msgspec"] = None  # type: ignore[assignment]
    if arguments == ["serve"]:
        serve()
    elif len(arguments) > 1:
        read(*arguments[:2])
    else:
        main(int(arguments[0]) if arguments else 3)
