"""Cancelled work that reads or waits ends at once. Cancelled work that writes ends after its current write."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.core.cancellation import Cancellation, Stopped, current, shielded
from checkmk_sync.testing import Fault, SimulatedSite
from tests.held import Gate

SOON_S = 5.0  # much less than the client's time limits and the delays of the site


class _Task:
    """A call that runs in its own thread and can be cancelled."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self.cancellation, self.ended = Cancellation(), threading.Event()
        self.result: Any = None
        self._do = do
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        current.set(self.cancellation)
        try:
            self.result = self._do()
        except BaseException as error:
            self.result = error
        self.ended.set()

    def stopped(self) -> Any:
        """Stop the call and return its result or error."""
        self.cancellation.stop()
        assert self.ended.wait(SOON_S)
        return self.result


@pytest.fixture
def held() -> Iterator[tuple[SimulatedSite, Checkmk, Gate]]:
    """Yield a site whose responses about ``host00001`` wait for a gate, a client, and the gate."""
    with SimulatedSite(hosts=3, services=5) as site, site.client(limits={"reads_in_flight": 1}) as cmk:
        cmk.version()
        gate = Gate(site, "host00001")
        yield site, cmk, gate
        gate.open.set()


def test_a_running_read_is_cancelled_and_later_reads_work(held: tuple[SimulatedSite, Checkmk, Gate]) -> None:
    _, cmk, gate = held
    task = _Task(lambda: cmk.hosts.get("host00001"))
    assert gate.reached.wait(20)
    assert isinstance(task.stopped(), Stopped)
    gate.open.set()
    assert cmk.hosts.get("host00002").name == "host00002"
    assert cmk.hosts.get("host00001").name == "host00001"


def test_cancelled_waiters_wake_up_and_send_no_request(held: tuple[SimulatedSite, Checkmk, Gate]) -> None:
    site, cmk, gate = held
    first = _Task(lambda: cmk.hosts.get("host00001"))
    assert gate.reached.wait(20)
    waiting = [_Task(lambda: cmk.hosts.get("host00002")) for _ in range(3)]
    last = _Task(lambda: cmk.hosts.get("host00000").name)
    before = len(site.requests)
    assert [type(task.stopped()) for task in waiting] == [Stopped] * 3
    assert len(site.requests) == before
    gate.open.set()
    assert first.ended.wait(SOON_S)
    assert last.ended.wait(SOON_S)
    assert last.result == "host00000"


def test_a_cancelled_follower_does_not_cancel_the_leader(held: tuple[SimulatedSite, Checkmk, Gate]) -> None:
    _, cmk, gate = held
    leader = _Task(lambda: cmk.hosts.get("host00001").name)
    assert gate.reached.wait(20)
    follower = _Task(lambda: cmk.hosts.get("host00001").name)
    assert isinstance(follower.stopped(), Stopped)
    assert not leader.ended.is_set()
    gate.open.set()
    assert leader.ended.wait(SOON_S)
    assert leader.result == "host00001"


def test_a_follower_of_a_cancelled_leader_sends_its_own_request(held: tuple[SimulatedSite, Checkmk, Gate]) -> None:
    _, cmk, gate = held
    leader = _Task(lambda: cmk.hosts.get("host00001").name)
    assert gate.reached.wait(20)
    follower = _Task(lambda: cmk.hosts.get("host00001").name)
    assert isinstance(leader.stopped(), Stopped)
    gate.open.set()
    assert follower.ended.wait(SOON_S)
    assert follower.result == "host00001"


def test_a_slow_stream_is_cancelled() -> None:
    with SimulatedSite(hosts=200) as site, site.client() as cmk:
        cmk.version()
        site.set_faults([Fault("drip", seconds=0.05, path="/domain-types/host_config/collections/all", times=1)])
        task = _Task(lambda: sum(1 for _ in cmk.hosts.each()))
        while not any("host_config" in received.path for received in site.requests):
            time.sleep(0.01)
        assert isinstance(task.stopped(), Stopped)
        site.set_faults([])
        assert sum(1 for _ in cmk.hosts.each()) == 200


def test_the_wait_before_a_retry_is_cancelled() -> None:
    faults = [Fault("status", status=503, retry_after=50.0)]
    with SimulatedSite(hosts=1, faults=faults) as site, site.client() as cmk:
        task = _Task(lambda: cmk.hosts.get("host00000"))
        while not cmk.metrics()["counters"].get("retries"):  # counted before the wait
            time.sleep(0.01)
        assert not task.ended.wait(0.2)
        assert isinstance(task.stopped(), Stopped)


def test_partitioned_reads_are_cancelled_in_all_threads() -> None:
    with SimulatedSite(hosts=30, services=5) as site, site.client() as cmk:
        cmk.version()
        gate = Gate(site, "/domain-types/service/")
        task = _Task(lambda: sum(1 for _ in cmk.services.each()))
        assert gate.reached.wait(20)
        assert isinstance(task.stopped(), Stopped)
        gate.open.set()
        assert sum(1 for _ in cmk.services.each()) == 150


def test_a_running_write_finishes_and_the_next_does_not_start() -> None:
    with SimulatedSite() as site, site.client(batch_processing={"chunk_size": 2}) as cmk:
        cmk.version()
        gate = Gate(site, "bulk-create")
        known: list[str] = []
        hosts = [{"host_name": f"h{number}"} for number in range(6)]
        task = _Task(lambda: cmk.hosts.bulk_create(hosts, progress=lambda outcome: known.append(outcome.key)))
        assert gate.reached.wait(20)
        task.cancellation.stop()
        assert not task.ended.wait(0.1)
        gate.open.set()
        assert task.ended.wait(SOON_S)
        assert isinstance(task.result, Stopped)
        assert known == ["h0", "h1"]
        # The client waited for the response, so it did not have to settle the write by reading.
        assert not any("Error" in name for name in cmk.metrics()["counters"])
        assert set(site.state.configuration.hosts) == {"h0", "h1"}


def test_a_cancelled_write_with_a_lost_response_is_settled() -> None:
    with SimulatedSite() as site, site.client() as cmk:
        cmk.version()
        gate = Gate(site, "/domain-types/host_config/collections/all")
        site.set_faults([Fault("reset_after", method="POST", path="/host_config/collections/all", times=1)])
        task = _Task(lambda: cmk.hosts.create("new").name)
        assert gate.reached.wait(20)
        task.cancellation.stop()
        gate.open.set()
        assert task.ended.wait(SOON_S)
        assert task.result == "new"


def test_shielded_work_continues_after_a_stop() -> None:
    work = Cancellation()
    token = current.set(work)
    work.stop()
    with SimulatedSite(hosts=2) as site, site.client() as cmk:
        with shielded():
            assert cmk.hosts.get("host00000").name == "host00000"
        with pytest.raises(Stopped):
            cmk.hosts.get("host00001")
    current.reset(token)
