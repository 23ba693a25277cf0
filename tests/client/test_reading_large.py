"""Reading large sites uses constant memory, and a broken part neither loses nor duplicates items."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
from typing import Any, Iterator

import pytest

from checkmk_sync.client import partitions
from checkmk_sync.testing import SimulatedSite

HOSTS = 100_000
SERVICE_HOSTS, SERVICES = 3_000, 30
MOST_MB = 10.0
FIRST = "host00000"

pytestmark = pytest.mark.slow

# The growth is measured after a first small list, because the kernel reports only the maximum of a process.
CHILD = """\
import json, sys
url, secret, noun, first, fast = json.loads(sys.argv[1])
if not fast:
    sys.modules["msgspec"] = None
from checkmk_sync import Checkmk

def memory_mb(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))

with Checkmk(url, "s", "automation", secret) as client:
    reader = getattr(client, noun)
    next(reader.pages(**first))
    base = memory_mb("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    count = sum(len(page.items) for page in reader.pages())
    print(json.dumps([count, memory_mb("VmHWM") - base]))
"""


@contextlib.contextmanager
def _site_elsewhere(hosts: int) -> Iterator[str]:
    """Yield the URL of a simulated site in a separate process."""
    command = ["simulate", "--port", "0", "--hosts", str(hosts), "--services", str(SERVICES), "--json"]
    arguments = [*command, "--password", "simulated-secret"]
    process = subprocess.Popen([sys.executable, "-m", "checkmk_sync", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads("".join(process.stdout.readline() for _ in range(5)))["url"]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs the memory statistics of Linux")
@pytest.mark.parametrize(
    ("noun", "hosts", "items", "first"),
    [
        ("hosts", HOSTS, HOSTS, {"names": [FIRST]}),
        ("services", SERVICE_HOSTS, SERVICE_HOSTS * SERVICES, {"host": FIRST}),
    ],
)
def test_memory_does_not_grow_with_the_site(noun: str, hosts: int, items: int, first: Any) -> None:
    with _site_elsewhere(hosts) as url:
        for fast in (False, True):
            asked = json.dumps([url, "simulated-secret", noun, first, fast])
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", CHILD, asked], stdout=subprocess.PIPE, text=True, check=True
            )
            count, grown_mb = json.loads(done.stdout)
            assert count == items
            assert grown_mb <= MOST_MB


def test_any_part_may_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "TARGET_BYTES", 40_000)
    path = "/domain-types/service/collections/all$"
    with SimulatedSite(hosts=100, services=SERVICES) as site:
        wanted = sorted((row["host_name"], row["description"]) for row in site.state.monitoring.service_rows())
        with site.client(recovery={"retry": {"base_delay": 0.001, "max_delay": 0.01}}) as client:
            for part in itertools.count():
                site.set_faults([{"kind": "cut", "path": path, "skip": part, "times": 1}])
                found = [(service.host_name, service.name) for service in client.services.each()]
                assert sorted(found) == wanted, f"part {part}"
                assert [host for host, _ in found] == sorted(host for host, _ in found), f"part {part}"
                if site.counts()["struck"].get("cut", 0) == part:  # the previous part was the last
                    break
    assert part > 20
