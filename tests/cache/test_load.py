"""Sixteen threads use one cache while it is cleared, invalidated and closed, without a crash or a wrong answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.testing import SimulatedSite

pytestmark = pytest.mark.slow

SECONDS = 6.0

# Runs in a separate process, because a mistake with SQLite can crash the interpreter. The alias of a host is a number
# that only grows, so each read must return at least the number that was written before it started.
CHILD = """\
import faulthandler, json, random, sys, threading, time

faulthandler.enable()
from checkmk_sync import Checkmk, SecretSource
from checkmk_sync.errors import CheckmkError

asked = json.loads(sys.argv[1])
if "redis_password" in asked["caching"]:
    asked["caching"]["redis_password"] = SecretSource(file=asked["caching"]["redis_password"])
names = [f"host{number:05d}" for number in range(asked["hosts"])]
written = dict.fromkeys(names, 0)
wrong, counts = [], {"reads": 0, "writes": 0, "clears": 0, "clients": 0, "hits": 0}


def work(clients, draw, closing):
    while True:
        name, client, dice = draw.choice(names), draw.choice(clients), draw.random()
        floor = written[name]
        try:
            if dice < 0.01:
                client.clear_cache()
                counts["clears"] += 1
            elif dice < 0.02:
                client.invalidate_cache_pattern(f"hosts:*{name}*")
            elif dice < 0.03:
                client.metrics()
            else:
                host = client.hosts.get(name)
                alias = int(host.attributes["alias"])
                host.attributes["alias"] = "mine alone"
                counts["reads"] += 1
                if host.name != name or alias < floor:
                    wrong.append(f"{name}: {host.name} {alias} < {floor}")
        except CheckmkError as error:
            if not closing.is_set():
                wrong.append(repr(error))
            return
        except BaseException as error:
            wrong.append(repr(error))
            raise


def write(clients, draw, closing):
    while not closing.wait(0.02):
        name = draw.choice(names)
        try:
            draw.choice(clients).hosts.update(name, update_attributes={"alias": str(written[name] + 1)})
        except CheckmkError as error:
            if not closing.is_set():
                wrong.append(repr(error))
            return
        written[name] += 1
        counts["writes"] += 1


def client():
    return Checkmk(asked["url"], "s", "automation", asked["secret"], caching=asked["caching"])


ends = time.monotonic() + asked["seconds"]
while time.monotonic() < ends and not wrong:
    clients, closing = [client(), client()], threading.Event()
    for name in names:  # the last write of the previous writer may or may not have been applied
        written[name] = int(clients[0].hosts.get(name, fresh=True).attributes["alias"])
    threads = [threading.Thread(target=work, args=(clients, random.Random(), closing)) for _ in range(16)]
    threads.append(threading.Thread(target=write, args=(clients, random.Random(), closing)))
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    counts["hits"] += sum(client.metrics()["cache"]["hits"] for client in clients)
    closing.set()
    for opened in clients:
        opened.close()
    for thread in threads:
        thread.join(30)
        if thread.is_alive():
            wrong.append("a thread hangs")
    counts["clients"] += 2
print(json.dumps([wrong[:5], counts]))
"""


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_sixteen_threads_never_see_an_old_answer(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    caching: dict[str, Any] = {"backend": kind, "path": str(tmp_path / "answers.sqlite")}
    if kind == "redis":
        secret = tmp_path / "redis-password"
        secret.write_text("redis-geheim\n")
        secret.chmod(0o600)
        caching = {"backend": kind, "redis_url": request.getfixturevalue("redis_url"), "redis_password": str(secret)}
    with SimulatedSite(hosts=20) as site:
        with site.client() as client:
            for number in range(20):
                client.hosts.update(f"host{number:05d}", update_attributes={"alias": "0"})
        asked = {"url": site.url, "secret": site.password, "hosts": 20, "seconds": SECONDS, "caching": caching}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, json.dumps(asked)], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    wrong, counts = json.loads(done.stdout)
    assert wrong == [], done.stderr
    assert min(counts.values()) > 0
    assert counts["hits"] > counts["reads"] / 10
    assert "Traceback" not in done.stderr
