"""Observable effects of settings. Each function uses a client with some settings and returns an observation."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.errors import CheckmkError, TransportError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

DOWN = Fault("status", status=503)


class Scene:
    """A site with three hosts, a clock, and a factory of clients. Settings have dotted keys such as ``limits.x``."""

    def __init__(self, site: SimulatedSite, clock: ManualClock, folder: Path) -> None:
        self.site, self.clock, self.folder = site, clock, folder
        self.opened: list[Checkmk] = []

    def client(self, settings: Mapping[str, Any], **others: Any) -> Checkmk:
        options: dict[str, Any] = {}
        for key, value in settings.items():
            *groups, name = key.split(".")
            place = options
            for group in groups:
                place = place.setdefault(group, {})
            place[name] = value
        self.opened.append(self.site.client(**{"clock": self.clock, **options, **others}))
        return self.opened[-1]

    @property
    def struck(self) -> int:
        """The number of requests that met a fault."""
        return sum(self.site.state.faults.matched.values())


CONNECT = "timeouts.connect_s"
Look = Callable[[Scene, Mapping[str, Any]], Any]


def tries(scene: Scene, settings: Mapping[str, Any], *, calls: int = 1) -> int:
    """Return the number of requests that reach a site that is down."""
    client = scene.client(settings)
    scene.site.set_faults([DOWN])
    for _ in range(calls):
        with pytest.raises(TransportError):
            client.version()
    return scene.struck


def waits(scene: Scene, settings: Mapping[str, Any]) -> list[float]:
    """Return the waits before the retries of one call."""
    base = {"recovery.retry.jitter": False, "recovery.retry.base_delay": 1}
    tries(scene, {**base, **settings})
    return scene.clock.slept


def breaker(scene: Scene, settings: Mapping[str, Any], *, faults: str, pause_s: float = 0.0) -> str:
    """Return the state of a breaker that considers only the failure rate. Each F in ``faults`` is a call that fails."""
    place = "recovery.circuit_breaker"
    base = {f"{place}.failure_threshold": 99, f"{place}.failure_rate": 0.5, f"{place}.minimum_calls": 4}
    client = scene.client({**base, "recovery.retry.max_retries": 0, **settings})
    for letter in faults:
        scene.site.set_faults([DOWN] if letter == "F" else [])
        client.health()
        scene.clock.advance(pause_s)
    return str(client.metrics()["breaker"])


def recovered(scene: Scene, settings: Mapping[str, Any]) -> bool:
    """Return True if a client sends requests again 30 s after a failure of the site."""
    client = scene.client({"recovery.circuit_breaker.failure_threshold": 1, **settings})
    scene.site.set_faults([DOWN])
    client.health()
    scene.site.set_faults([])
    scene.clock.advance(30)
    return client.health().ok


def answer(scene: Scene, settings: Mapping[str, Any]) -> str:
    """Return the result of a read that takes 0.3 s."""
    scene.site.set_faults([Fault("slow", seconds=0.3, path="/version$")])
    health = scene.client({"recovery.retry.max_retries": 0, **settings}).health()
    return "ok" if health.error is None else type(health.error).__name__


def large(scene: Scene, settings: Mapping[str, Any]) -> str:
    """Return the result of a read with a response of 3 kB."""
    versions = {"site": "s", "edition": "cre", "versions": {"checkmk": "2.4.0p18"}, "more": "x" * 3000}
    scene.site.set_faults([Fault("answer", status=200, path="/version$", body=versions)])
    health = scene.client(settings).health()
    return "ok" if health.error is None else type(health.error).__name__


def bulk(scene: Scene, settings: Mapping[str, Any]) -> str:
    """Return the status of an item in a bulk call that takes 0.3 s."""
    client = scene.client({"timeouts.read_s": 0.1, "timeouts.settle_s": 0, **settings})
    client.version()
    scene.site.set_faults([Fault("slow", seconds=0.3, path="bulk-create")])
    (outcome,) = client.hosts.bulk_create([{"host_name": "new"}])
    return outcome.status.value


def connecting(_scene: Scene, settings: Mapping[str, Any]) -> float:
    """Return the connect timeout that requests receives."""
    with responses.RequestsMock() as mock:
        mock.get("https://mon.example.com/s/check_mk/api/1.0/version", json={})
        with Checkmk("https://mon.example.com", "s", "u", "secret", timeouts={"connect_s": settings[CONNECT]}) as cmk:
            cmk.health()
        asked: Any = mock.calls[0].request
        return float(asked.req_kwargs["timeout"][0])


def seconds(scene: Scene, settings: Mapping[str, Any], act: Callable[[Checkmk], Any]) -> float:
    """Return the duration of a call."""
    client = scene.client(settings)
    client.hosts.find("none")
    started = scene.clock.monotonic()
    with contextlib.suppress(CheckmkError):
        act(client)
    return round(scene.clock.monotonic() - started, 1)


def lost_write(scene: Scene, settings: Mapping[str, Any]) -> float:
    def act(client: Checkmk) -> None:
        scene.site.set_faults([Fault("reset_before", writes=True)])
        client.hosts.create("new")

    return seconds(scene, settings, act)


def five_reads(scene: Scene, settings: Mapping[str, Any]) -> float:
    return seconds(scene, settings, lambda client: [client.version() for _ in range(4)])


def together(scene: Scene, settings: Mapping[str, Any]) -> int:
    """Return the largest number of twelve reads that the site receives at the same time."""
    client, lock, now, most = scene.client(settings), threading.Lock(), [0], [0]
    meeting = threading.Barrier(settings["limits.reads_in_flight"], timeout=10)

    def meet(_method: str, _path: str) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        meeting.wait()
        with lock:
            now[0] -= 1

    scene.site.on_request(meet)
    threads = [threading.Thread(target=client.version) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return most[0]


def page(scene: Scene, settings: Mapping[str, Any]) -> int:
    return len(next(scene.client(settings).hosts.pages()).items)


def asked(scene: Scene, settings: Mapping[str, Any], *, read: str = "hosts", pause_s: float = 0.0) -> int:
    """Return the number of requests for an object that is read twice."""
    client = scene.client(settings)
    client.version()
    for _ in range(2):
        getattr(client, read).get("host00000")
        scene.clock.advance(pause_s)
    return len(scene.site.requests) - 1


def stands_in(scene: Scene, settings: Mapping[str, Any]) -> bool:
    """Return True if an expired response is used while the site is down."""
    client = scene.client(settings)
    client.hosts.get("host00000")
    scene.clock.advance(100)
    scene.site.set_faults([DOWN])
    try:
        return client.hosts.get("host00000").name == "host00000"
    except TransportError:
        return False


def kept(scene: Scene, settings: Mapping[str, Any]) -> int:
    """Return how many of three responses stay in the cache."""
    client = scene.client(settings)
    for number in range(3):
        client.hosts.get(f"host0000{number}")
    return int(client.metrics()["cache"]["size"])


def files(scene: Scene, settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the files that a cache creates."""
    path = scene.folder / settings.get("caching.path", "answers")
    client = scene.client({"caching.backend": "sqlite", **settings, "caching.path": str(path)})
    client.hosts.get("host00000")
    client.close()
    return [found.name for found in scene.folder.iterdir() if found.suffix != ".lock"]


def cleaned(scene: Scene, settings: Mapping[str, Any]) -> bool:
    """Return True if an expired response is removed from memory within half a second."""
    client = scene.client({"caching.default_ttl": 0.001, **settings}, clock=None)
    client.hosts.get("host00000")
    ends = time.monotonic() + 0.5
    while client.metrics()["cache"]["size"] and time.monotonic() < ends:
        time.sleep(0.01)
    return client.metrics()["cache"]["size"] == 0
