"""Compare loading an inventory with its bare decoder, and an unchanged plan with the bare streamed read of the site.

The inventory and the site contain the same hosts, each with a folder, an address, an alias and two labels. The site
runs in a separate process. Times are the best of three; memory is what the loaded inventory keeps.
Run: python benchmarks/plan_speed.py [HOSTS]
"""

from __future__ import annotations

import collections
import csv
import gc
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import yaml

from checkmk_sync import Checkmk
from checkmk_sync.sync import apply_plan, from_data, load, make_plan

SECRET = "benchmark"
COLUMNS = ("num_services",)
SITE = ("simulate", "--port", "0", "--hosts", "0", "--services", "2", "--password", SECRET, "--json")


def _hosts(count: int) -> list[dict[str, Any]]:
    return [
        {
            "name": f"h{number:06d}",
            "folder": f"/region{number % 10}/site{number % 90}",
            "attributes": {
                "ipaddress": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "alias": f"Host {number}",
            },
            "labels": {"env": "prod", "rack": f"r{number % 50}"},
        }
        for number in range(count)
    ]


def _write(folder: Path, hosts: list[dict[str, Any]]) -> dict[str, Path]:
    paths = {name: folder / f"hosts.{name}" for name in ("json", "csv", "yaml")}
    paths["json"].write_text(json.dumps({"hosts": hosts}))
    paths["yaml"].write_text(yaml.dump({"hosts": hosts}, Dumper=yaml.CSafeDumper, sort_keys=False))
    with paths["csv"].open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "folder", "ipaddress", "alias", "label:env", "label:rack"])
        for host in hosts:
            writer.writerow([host["name"], host["folder"], *host["attributes"].values(), *host["labels"].values()])
    return paths


def _read_csv(path: Path) -> Any:
    with path.open(newline="") as file:
        return list(csv.reader(file))


BARE: dict[str, Callable[[Path], Any]] = {
    "json": lambda path: json.loads(path.read_bytes()),
    "csv": _read_csv,
    "yaml": lambda path: yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader),
}


def best(call: Callable[[], Any], repeat: int = 3) -> float:
    """Return the shortest time of a call in seconds."""
    times = []
    for _ in range(repeat):
        gc.collect()
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def kept_bytes(call: Callable[[], Any]) -> int:
    """Return the memory that the result of a call keeps."""
    gc.collect()
    tracemalloc.start()
    kept = call()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return size


def measure_loading(folder: Path, hosts: list[dict[str, Any]]) -> None:
    for name, path in _write(folder, hosts).items():
        bare, ours = best(lambda path=path, name=name: BARE[name](path)), best(lambda path=path: load(path))
        size = kept_bytes(lambda path=path: load(path))
        per_host = 1e6 / len(hosts)
        print(
            f"load {name:5} {ours * per_host:7.1f} µs a host, {size / len(hosts) / 1000:5.1f} kB a host; "
            f"bare decoder {bare * per_host:6.1f} µs, ratio {ours / bare:5.2f}"
        )


def measure_plan(url: str, hosts: list[dict[str, Any]]) -> None:
    with Checkmk(url, "s", "automation", SECRET) as cmk:
        desired = from_data({"hosts": hosts})
        report = apply_plan(cmk, make_plan(cmk, desired, owner="benchmark"))
        assert report.ok, report.errors
        assert make_plan(cmk, desired, owner="benchmark").is_empty

        def read() -> None:
            """Read the answers that a plan needs, and do nothing with them."""
            for each in (cmk.folders.each(), cmk.hosts.each(), cmk.host_status.each(columns=COLUMNS)):
                collections.deque(each, maxlen=0)

        raw, plan = best(read), best(lambda: make_plan(cmk, desired, owner="benchmark"))
    print(f"plan {plan:6.2f} s; bare streamed read of the same answers {raw:6.2f} s, ratio {plan / raw:5.2f}")


def main() -> None:
    hosts = _hosts(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    with tempfile.TemporaryDirectory() as folder:
        measure_loading(Path(folder), hosts)
    process = subprocess.Popen([sys.executable, "-m", "checkmk_sync", *SITE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(5)]
        measure_plan(json.loads("".join(lines))["url"], hosts)
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    main()
