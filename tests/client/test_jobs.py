"""Background jobs can be polled, awaited and asked for their result. A parent scan is one of them."""

from __future__ import annotations

import pickle

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.outcomes import is_uncertain
from checkmk_sync.errors import BadRequestError, CheckmkError, ConflictError, JobError, WaitTimeoutError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.client.conftest import sent

SCAN = "parent_scan/actions/start"


def test_a_parent_scan_is_awaited(with_host: Checkmk) -> None:
    job = with_host.hosts.scan_parents(["web01"], gateways="~", force_explicit=True)
    assert (job.id, job.ok, job.site) == ("parent_scan", True, "s")
    assert job.result() == job.poll().result() == ("Starting job...", "web01: no gateway found")


def test_a_job_is_polled_and_awaited(site: SimulatedSite, with_host: Checkmk) -> None:
    job = with_host.hosts.scan_parents(["web01"], gateways=True, wait=False)
    assert job.active and job.poll().active
    with pytest.raises(ConflictError, match="already running"):
        with_host.hosts.scan_parents(["web01"])
    ended = job.wait()
    assert (ended.active, ended.ok, job.active) == (False, True, True)
    bulk = with_host.discovery.bulk(["web01"], wait=False).job
    assert bulk is not None
    assert bulk.result()
    read_so_far = len(sent(site))
    assert ended.wait() is ended
    assert (ended.result(), len(sent(site))) == (ended.log, read_so_far), "a later run of the job changes nothing"
    copied = pickle.loads(pickle.dumps(ended))
    assert copied == ended
    with pytest.raises(CheckmkError, match=r"no client, for example after pickling; use client\.jobs"):
        copied.poll()


def test_a_failed_job_has_no_result(site: SimulatedSite, with_host: Checkmk) -> None:
    site.state.jobs.failing = 1
    job = with_host.hosts.scan_parents(["web01"])
    assert not job.ok
    with pytest.raises(
        JobError, match="^the job parent_scan ended as exception; its log ends with .*traceroute"
    ) as caught:
        job.result()
    assert caught.value.state == "exception"


def test_a_scan_that_is_not_confirmed_is_unknown(site: SimulatedSite, with_host: Checkmk) -> None:
    site.state.jobs.duration_s = 100
    with pytest.raises(WaitTimeoutError) as late:
        with_host.hosts.scan_parents(["web01"], timeout_s=3)
    assert is_uncertain(late.value)
    with_host.jobs.wait("parent_scan")
    site.set_faults([Fault("reset_after", path=SCAN, times=1)])
    with pytest.raises(CheckmkError) as lost:
        with_host.hosts.scan_parents(["web01"])
    assert is_uncertain(lost.value)
    assert sum(SCAN in line for line in sent(site)) == 2, "nothing was sent again"


def test_invalid_hosts_and_folders_are_refused(with_host: Checkmk) -> None:
    with pytest.raises(BadRequestError, match="Host not found: 'nope'"):
        with_host.hosts.scan_parents(["nope"])
    with pytest.raises(BadRequestError, match="could not be found"):
        with_host.hosts.scan_parents(["web01"], gateways="/nope")


def test_versions_that_cannot_scan_or_show_the_scan(clock: ManualClock) -> None:
    with SimulatedSite("2.2.0p44", clock=clock, hosts=1) as site, site.client(clock=clock) as cmk:
        with pytest.raises(CheckmkError, match="does not support 'hosts scan_parents'"):
            cmk.hosts.scan_parents(["host00000"])
    with SimulatedSite("2.3.0p41", clock=clock, hosts=1) as site, site.client(clock=clock) as cmk:
        with pytest.raises(CheckmkError, match="does not show when a parent scan ends; use wait=False"):
            cmk.hosts.scan_parents(["host00000"])
        assert not any(SCAN in line for line in sent(site))
        assert cmk.hosts.scan_parents(["host00000"], wait=False).id == "parent_scan"
