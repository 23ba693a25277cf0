"""The simulated site as a testing tool: faults, control requests, locks, latency, large lists and a pytest plugin."""

from __future__ import annotations

import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from checkmk_sync import Checkmk
from checkmk_sync.errors import TransportError
from checkmk_sync.testing import Fault, SimulatedSite


@pytest.fixture
def controlled() -> Any:
    with SimulatedSite(hosts=3, control=True) as site:
        yield site


def _control(site: SimulatedSite, method: str, path: str, **options: Any) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{site.url}/control/{path}", **options)


def test_control_shows_the_state_and_resets_it(controlled: SimulatedSite) -> None:
    with controlled.client() as cmk:
        cmk.hosts.create("web01")
        state = _control(controlled, "GET", "state").json()
        assert state["requests"] == 2
        assert (state["hosts"], state["monitored_hosts"], state["pending_changes"]) == (4, 3, 1)
        assert _control(controlled, "POST", "reset").json() == {"ok": True}
        state = _control(controlled, "GET", "state").json()
        assert (state["hosts"], state["monitored_hosts"], state["pending_changes"]) == (0, 0, 0)
        assert cmk.hosts.find("web01", fresh=True) is None


def test_control_sets_monitoring_and_faults(controlled: SimulatedSite) -> None:
    rows = {"hosts": [{"name": "seeded"}], "services": []}
    assert _control(controlled, "POST", "monitoring", json=rows).ok
    faults = {"faults": [{"kind": "status", "status": 503, "times": 1}]}
    assert _control(controlled, "POST", "faults", json=faults).ok
    with controlled.client(recovery={"retry": {"base_delay": 0.001}}) as cmk:
        assert [host.name for host in cmk.host_status.each()] == ["seeded"]
        assert cmk.metrics()["counters"]["retries"] == 1
    assert _control(controlled, "GET", "state").json()["struck"] == {"status": 1}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("faults", {"faults": [{"kind": "magic"}]}),
        ("faults", {"faults": [{"kind": "status", "status": 404}]}),
        ("faults", {"faults": [{"kind": "slow", "speed": 1}]}),
        ("faults", {"faults": [{"kind": "slow", "path": "("}]}),
        ("faults", 7),
        ("monitoring", []),
        ("monitoring", {"host": []}),
    ],
)
def test_invalid_control_requests_are_explained(controlled: SimulatedSite, path: str, data: Any) -> None:
    answer = _control(controlled, "POST", path, json=data)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"status": 500}, "a fault must have a 'kind'; use one of status, crash, "),
        ({"kind": "slow", "speed": 1, "size": 2}, "unknown keys in a fault: size, speed; use kind, status, "),
    ],
)
def test_invalid_faults_name_the_mistake(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Fault.of(data)


def test_control_accepts_only_requests_from_this_machine(controlled: SimulatedSite) -> None:
    assert _control(controlled, "POST", "reset", headers={"Host": "evil.example"}).status_code == 403
    assert _control(controlled, "POST", "reset", headers={"Host": "evil.example:80"}).status_code == 403
    assert _control(controlled, "POST", "reset", headers={"Origin": "http://evil.example"}).status_code == 403
    assert _control(controlled, "POST", "reset", headers={"Host": "localhost"}).status_code == 200
    assert _control(controlled, "GET", "nothing").status_code == 404
    with pytest.raises(ValueError, match="this machine only"):
        SimulatedSite(host="0.0.0.0", control=True)


def test_control_is_off_by_default(site: SimulatedSite) -> None:
    assert _control(site, "POST", "reset").status_code == 404


def test_writes_wait_for_one_lock_and_are_counted_while_they_wait() -> None:
    with SimulatedSite(lock_hold=0.05, faults=[Fault("hold_lock", seconds=30)]) as site, ExitStack() as opened:
        clients = [opened.enter_context(site.client()) for _ in range(4)]
        threads = [threading.Thread(target=c.hosts.create, args=(f"h{n}",)) for n, c in enumerate(clients)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while site.most_waiting < 4 and time.monotonic() < deadline:
            threads[0].join(0.01)
        started = time.monotonic()
        site.set_faults([])
        for thread in threads:
            thread.join()
        assert time.monotonic() - started >= 4 * 0.05
        assert site.most_waiting == 4


def test_a_client_sends_one_write_at_a_time() -> None:
    """A second concurrent write would only occupy a worker of the site while it waits for the lock."""
    with SimulatedSite(lock_hold=0.05) as site, site.client() as cmk:
        threads = [threading.Thread(target=cmk.hosts.create, args=(f"h{n}",)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert site.most_waiting == 1


def test_reads_in_flight_are_bounded() -> None:
    most, now, lock = [0], [0], threading.Lock()
    three = threading.Barrier(3, timeout=20)

    with SimulatedSite() as site, site.client(limits={"reads_in_flight": 3}) as cmk:
        cmk.version()

        def enter(method: str, path: str) -> None:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            three.wait()
            with lock:
                now[0] -= 1

        site.on_request(enter)
        threads = [threading.Thread(target=cmk.version) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most[0] == 3


def test_a_held_lock_makes_writes_wait() -> None:
    with SimulatedSite() as site, site.client() as cmk:
        started = time.monotonic()
        site.set_faults([Fault("hold_lock", seconds=0.3)])
        cmk.hosts.create("web01")
        assert time.monotonic() - started >= 0.3


def test_latency_is_added_to_every_request() -> None:
    with SimulatedSite(latency=0.1) as site, site.client() as cmk:
        started = time.monotonic()
        cmk.version()
        assert time.monotonic() - started >= 0.1


def test_faults_match_by_method_path_count_and_probability(site: SimulatedSite) -> None:
    script = site.state.faults

    def strikes(fault: Fault, requests: list[tuple[str, str]]) -> list[bool]:
        script.set([fault])
        return [script.match(method, path) is not None for method, path in requests]

    some = [("GET", "/version"), ("POST", "/x"), ("POST", "/domain-types/host/collections/all"), ("DELETE", "/x")]
    assert strikes(Fault("slow"), some) == [True] * 4
    assert strikes(Fault("slow", writes=True), some) == [False, True, False, True]
    assert strikes(Fault("slow", method="POST"), some) == [False, True, True, False]
    assert strikes(Fault("slow", path="^/x"), some) == [False, True, False, True]
    assert strikes(Fault("slow", skip=1, times=2), some) == [False, True, True, False]
    assert sum(strikes(Fault("slow", probability=0.5), some * 100)) in range(150, 250)
    assert set(Fault.kinds()) >= {"status", "late", "drip"}


def test_without_faults_all_requests_succeed(site: SimulatedSite, cmk: Checkmk) -> None:
    standing = [Fault("fail_activation"), Fault("fail_discovery", times=2), Fault("hold_lock", seconds=30)]
    for end_it in (lambda: site.set_faults([]), site.reset):
        site.set_faults(standing)
        end_it()
        cmk.hosts.create("h")
        assert cmk.discovery.bulk(["h"]).ok
        assert cmk.activation.activate().activated


def test_a_crash_can_follow_the_change(site: SimulatedSite) -> None:
    site.set_faults([Fault("crash_after", path="host_config", times=1), Fault("redirect", method="GET", times=1)])
    auth, body = (site.username, site.password), {"host_name": "h", "folder": "/"}
    with requests.Session() as session:
        session.trust_env = False
        url = f"{site.api_url}/domain-types/host_config/collections/all"
        assert session.post(url, json=body, auth=auth, headers={"Accept": "*/*"}).status_code == 500
        assert "h" in site.state.configuration.hosts
        assert session.get(f"{site.api_url}/version", auth=auth, allow_redirects=False).status_code == 302


@pytest.mark.slow
def test_a_hundred_thousand_hosts_are_streamed() -> None:
    with SimulatedSite(hosts=100_000, services=2) as site, site.client() as cmk:
        pages = cmk.hosts.pages(batch_size=1000)
        assert sum(len(page.items) for page in pages) == 100_000


def test_an_ipv6_address_is_written_in_brackets() -> None:
    try:
        site = SimulatedSite(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with site, site.client() as cmk:
        assert site.url.startswith("http://[::1]:")
        assert cmk.version().site == "s"


def test_a_closed_site_has_no_url() -> None:
    site = SimulatedSite()
    site.close()
    site.close()
    with pytest.raises(RuntimeError, match="closed"):
        site.url


@pytest.mark.parametrize("kind", ["slow", "drip", "lock", "hold_lock"])
def test_closing_a_site_does_not_wait_for_answers(kind: str) -> None:
    site = SimulatedSite(faults=[Fault(kind, seconds=20)])
    cmk = site.client(timeouts={"read_s": 0.2, "total_s": 0.3}, recovery={"retry": {"max_retries": 0}})
    with cmk, pytest.raises(TransportError):
        cmk.call("hosts.bulk_update", body={"entries": []})
    started = time.monotonic()
    site.close()
    assert time.monotonic() - started < 5


def test_connections_are_kept_alive(cmk: Checkmk, site: SimulatedSite) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            answer = session.get(f"{site.api_url}/version", auth=(site.username, site.password))
            assert answer.headers.get("Connection", "keep-alive") != "close"


def test_the_plugin_provides_a_site_to_other_projects(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_script(checkmk_site, checkmk_client):
            checkmk_client.hosts.create("web01")
            assert [request.method for request in checkmk_site.requests] == ["GET", "POST"]
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_the_fixtures_provide_a_site_and_its_client(
    checkmk_site: SimulatedSite, checkmk_client: Checkmk, tmp_path: Path
) -> None:
    assert checkmk_client.version().site == checkmk_site.site
