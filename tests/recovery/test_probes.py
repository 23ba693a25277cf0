"""A health check (``Call.probe``) is sent once, ends in time, and does not affect the circuit breaker."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.core.call import Call, CallKind
from checkmk_sync.errors import CircuitOpenError, DeadlineError, GatewayError, TransportError
from checkmk_sync.recovery import BreakerState
from checkmk_sync.testing import Fault, SimulatedSite

PROBE = Call("GET", "/version", CallKind.POLL, "site", "version", probe=True)


def test_probes_are_not_retried_or_counted(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("status", status=503)])
    for _ in range(20):
        with pytest.raises(GatewayError) as caught:
            cmk._transport.perform(PROBE)
        assert caught.value.attempts == 1
    assert cmk._transport.breaker.state is BreakerState.CLOSED


def test_probes_pass_an_open_breaker(site: SimulatedSite, connect: Any) -> None:
    cmk = connect(site, recovery={"circuit_breaker": {"failure_threshold": 1}})
    site.set_faults([Fault("reset_before", times=1)])
    with pytest.raises(TransportError):
        cmk.hosts.create("h")
    with pytest.raises(CircuitOpenError):
        cmk.hosts.get("h")
    assert cmk._transport.perform(PROBE).status == 200
    assert cmk._transport.breaker.state is BreakerState.OPEN, "a single probe does not show that the site has recovered"


@pytest.mark.parametrize("kind", ["slow", "drip"], ids=["waits", "drips"])
def test_calls_with_one_deadline_end_together(kind: str) -> None:
    """This test uses real time."""
    with SimulatedSite(hosts=50) as site, site.client() as cmk:
        cmk.version()
        site.set_faults([Fault(kind, seconds=1 if kind == "slow" else 0.02)])
        started = time.monotonic()
        there = cmk.hosts._with_site(cmk._site.with_time_limit(0.3))
        for _ in range(10):
            with pytest.raises(TransportError):
                list(there.each())
        assert time.monotonic() - started < 2, "with separate deadlines, the calls would take three seconds"


@pytest.mark.slow
def test_streams_do_not_queue_beyond_their_deadline() -> None:
    """This test uses real time. Reading a chunk of a stream needs a read slot too."""
    options = {"limits": {"reads_in_flight": 1}, "recovery": {"retry": {"max_retries": 0}}}
    with SimulatedSite(hosts=3000) as site, site.client(**options) as cmk:
        cmk.version()
        stream = cmk.hosts._with_site(cmk._site.with_time_limit(1.0)).each()
        assert next(stream)
        site.set_faults([Fault("slow", seconds=5, path="pending_changes", times=1)])
        other = threading.Thread(target=cmk.activation.pending)
        other.start()
        while not site.state.faults.matched:
            time.sleep(0.01)
        started = time.monotonic()
        with pytest.raises(DeadlineError):
            list(stream)
        assert time.monotonic() - started < 2
        site.state.faults.set([])
        other.join()
