"""Compare a sync of 10,000 new hosts with a script that creates one host per request.

Each of them uses its own simulated site in a separate process. The site holds its configuration lock for 20 ms per
write plus 1 ms per host. The script creates 1,000 hosts, without discovery and activation, and its time is multiplied
by ten.
Run: python benchmarks/sync_speed.py
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from typing import Iterator

import requests

from checkmk_sync import Checkmk
from checkmk_sync.sync import apply_plan, from_data, make_plan

HOSTS, SCALED = 10_000, 10
SECRET = "benchmark"
SITE = (
    *("simulate", "--port", "0", "--services", "4", "--lock-hold", "0.02", "--host-cost", "0.001"),
    *("--password", SECRET, "--json", "--control"),
)


def _folder(number: int) -> str:
    """Return one of 90 nested folders, nine in each of ten regions."""
    place = number % 90
    return f"/region{place % 10}/site{place}"


@contextlib.contextmanager
def site() -> Iterator[str]:
    """Start a simulated site in another process and yield its URL."""
    process = subprocess.Popen([sys.executable, "-m", "checkmk_sync", *SITE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    try:
        yield json.loads("".join(lines))["url"]
    finally:
        process.terminate()
        process.communicate()


def _requests(url: str) -> int:
    return int(requests.get(f"{url}/control/state", timeout=10).json()["requests"])


def one_by_one(url: str) -> float:
    """Return the seconds of a plain script that sends one POST per host, scaled to all hosts."""
    with Checkmk(url, "s", "automation", SECRET) as cmk:
        for number in range(90):
            cmk.folders.ensure(_folder(number))
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer automation {SECRET}", "Accept": "application/json"})
    target = f"{url}/s/check_mk/api/1.0/domain-types/host_config/collections/all"
    started = time.perf_counter()
    for number in range(HOSTS // SCALED):
        body = {"host_name": f"h{number:05d}", "folder": _folder(number), "attributes": {"ipaddress": "10.0.0.1"}}
        session.post(target, json=body, timeout=60).raise_for_status()
    return (time.perf_counter() - started) * SCALED


def one_sync(url: str) -> tuple[float, int, int]:
    """Return the seconds and requests of a sync, and the requests of a second plan.

    The sync creates folders and hosts, discovers, activates and verifies.
    """
    inventory = {
        "hosts": [
            {"name": f"h{number:05d}", "folder": _folder(number), "attributes": {"ipaddress": "10.0.0.1"}}
            for number in range(HOSTS)
        ]
    }
    with Checkmk(url, "s", "automation", SECRET) as cmk:
        started = time.perf_counter()
        desired = from_data(inventory)
        report = apply_plan(cmk, make_plan(cmk, desired, owner="benchmark"))
        elapsed, used = time.perf_counter() - started, _requests(url)
        assert report.ok
        assert make_plan(cmk, desired, owner="benchmark").is_empty
        return elapsed, used, _requests(url) - used


def main() -> None:
    with site() as url:
        ours, used, second = one_sync(url)
    with site() as url:
        theirs = one_by_one(url)
    print(f"sync of {HOSTS} hosts      {ours:7.1f} s, {used} requests; second plan: {second} requests")
    print(f"one host per request    {theirs:7.1f} s (scaled), without discovery and activation")
    print(f"ratio                   {theirs / ours:7.1f}")


if __name__ == "__main__":
    main()
