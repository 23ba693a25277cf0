"""Only Checkmk's own answer to an operation proves a write, not the answer of a web server in front of the site.

Every write is tested with every answer, once if nothing reached the site and once if the write took effect. No outcome
may contradict the state of the site.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.errors import ApiError, CheckmkError, NotFoundError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.client.test_writes_tell_the_truth import WRITES

PAGE = "<html><head><title>Blocked</title></head><body><h1>Request rejected</h1></body></html>"
_ODD_SUCCESSES: list[dict[str, Any]] = [
    *({"status": status} for status in (200, 201, 202, 204, 206)),
    *({"status": 200, "body": body} for body in ({}, [], "x", 5, None, {"result": "ok"}, PAGE)),
    {"status": 200, "body": {"domainType": "folder_config", "id": "~other", "title": "x", "extensions": {}}},
    {"status": 201, "body": {"domainType": "host_config", "id": "new"}},
    {"status": 200, "body": {"value": []}},
    {"status": 303, "body": PAGE},
    {"status": 308},
]
_PAGES = [400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 415, 417, 418, 422, 423, 428, 431, 451]
_JSON_OF_A_GATEWAY = [
    {"status": 403, "body": {"message": "Forbidden"}},
    {"status": 404, "body": {"title": "Not Found", "status": 200}},
    {"status": 409, "body": ["conflict"]},
    {"status": 400, "body": "Bad Request", "content_type": "application/problem+json"},
    {"status": 401, "body": {"title": 5, "status": 401}, "content_type": "application/problem+json"},
]


def _few(answers: list[Any], *quick: int) -> list[Any]:
    """Return the answers, all marked as slow except the ones at the positions ``quick``."""
    return [
        answer if number in quick else pytest.param(answer, marks=pytest.mark.slow)
        for number, answer in enumerate(answers)
    ]


ODD_SUCCESSES = _few(_ODD_SUCCESSES, 0, 3, 5, 12, 14)
PAGES = _few(_PAGES, 1, 3, 9)
JSON_OF_A_GATEWAY = _few(_JSON_OF_A_GATEWAY, 0)
PAGES_OF_BULK_CALLS = _few([{"status": status, "body": PAGE} for status in _PAGES], 0, 2)


@pytest.fixture
def prepared(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> SimulatedSite:
    cmk.folders.create("/a", attributes={"tag_criticality": "test"})
    cmk.folders.create("/c")
    cmk.hosts.create("old", "/", {"alias": "before", "ipaddress": "10.0.0.1"})
    clock.advance(60)
    return site


@pytest.mark.parametrize("answer", [*ODD_SUCCESSES, *JSON_OF_A_GATEWAY], ids=str)
@pytest.mark.parametrize("name", WRITES)
def test_foreign_answers_leave_the_outcome_unknown(
    prepared: SimulatedSite, cmk: Checkmk, name: str, answer: Any
) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("answer", writes=True, times=1, **answer)])
    with pytest.raises(CheckmkError) as caught:
        write(cmk)
    assert Outcome.failed(name, caught.value).status is Status.UNKNOWN
    assert not is_done(prepared)


@pytest.mark.parametrize("answer", [*ODD_SUCCESSES, *JSON_OF_A_GATEWAY], ids=str)
@pytest.mark.parametrize("name", WRITES)
def test_applied_writes_behind_foreign_answers_are_found(
    prepared: SimulatedSite, cmk: Checkmk, name: str, answer: Any
) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("answer_after", writes=True, times=1, **answer)])
    write(cmk)
    assert is_done(prepared)


@pytest.mark.parametrize("status", PAGES)
@pytest.mark.parametrize("kind", ["answer", "answer_after"])
@pytest.mark.parametrize("name", WRITES)
def test_refusal_pages_leave_the_outcome_unknown(
    prepared: SimulatedSite, cmk: Checkmk, name: str, kind: str, status: int
) -> None:
    prepared.set_faults([Fault(kind, writes=True, times=1, status=status, body=PAGE)])
    write, is_done = WRITES[name]
    if kind == "answer_after":
        write(cmk)
        assert is_done(prepared)
    else:
        with pytest.raises(CheckmkError) as caught:
            write(cmk)
        assert Outcome.failed(name, caught.value).status is Status.UNKNOWN


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("name", WRITES)
def test_throttled_writes_that_were_applied_are_found(
    prepared: SimulatedSite, cmk: Checkmk, name: str, times: int
) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("answer_after", writes=True, times=times, status=429, body=PAGE)])
    write(cmk)
    assert is_done(prepared)


@pytest.mark.parametrize("name", WRITES)
def test_requests_duplicated_by_a_proxy_are_applied(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    """The answer to the duplicate is "already exists", 404, 412 or "is already part of the folder"."""
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("repeat", writes=True, times=1)])
    write(cmk)
    assert is_done(prepared)


def test_repeated_changes_are_still_refused(prepared: SimulatedSite, cmk: Checkmk) -> None:
    for again in (
        lambda: cmk.hosts.create("old"),
        lambda: cmk.folders.create("/a"),
        lambda: cmk.folders.move("/a", "/a"),
        lambda: cmk.hosts.delete("nobody"),
        lambda: cmk.folders.delete("/nothing"),
    ):
        with pytest.raises(ApiError) as caught:
            again()
        assert Outcome.failed("x", caught.value).status is Status.NOT_APPLIED
    cmk.hosts.create("twice")
    with pytest.raises(ApiError):
        cmk.hosts.create("twice")  # in the same second
    with prepared.client() as other:
        with pytest.raises(ApiError):
            other.hosts.create("twice")
        other.folders.create("/twice")
    with pytest.raises(ApiError):
        cmk.folders.create("/twice")


@pytest.mark.parametrize("noun", ["hosts", "folders"])
def test_one_of_two_concurrent_creations_is_refused(prepared: SimulatedSite, cmk: Checkmk, noun: str) -> None:
    """Both callers have seen that the object is missing, and later find it exactly as they sent it."""
    both = threading.Barrier(2)

    def meet(method: str, path: str) -> None:
        if method == "GET":
            both.wait(10)

    prepared.on_request(meet)

    def create(_number: int) -> Status:
        try:
            getattr(cmk, noun).create("twice" if noun == "hosts" else "/twice")
        except CheckmkError as error:
            return Outcome.failed("twice", error).status
        return Status.APPLIED

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(create, range(2))) == {Status.APPLIED, Status.NOT_APPLIED}


@pytest.mark.parametrize("noun", ["hosts", "folders"])
def test_creations_of_other_threads_prove_nothing(prepared: SimulatedSite, cmk: Checkmk, noun: str) -> None:
    """The first request never arrives, and another thread creates the same object before the client looks for it."""
    name = "twice" if noun == "hosts" else "/twice"
    requests: list[str] = []
    others: list[Any] = []

    def create_too(method: str, path: str) -> None:
        requests.append(method)
        if requests == ["GET", "GET"]:  # one before the lost request, and one after it
            others.append(getattr(cmk, noun).create(name))

    prepared.set_faults([Fault("reset_before", writes=True, times=1)])
    prepared.on_request(create_too)
    with pytest.raises(CheckmkError) as caught:
        getattr(cmk, noun).create(name)
    assert len(others) == 1
    assert Outcome.failed(name, caught.value).status is Status.UNKNOWN


def test_unreadable_objects_prove_nothing(prepared: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    forbidden = Fault("answer", method="GET", status=403, body={"title": "Forbidden", "status": 403})
    prepared.set_faults([forbidden, Fault("reset_after", writes=True, times=1)])
    started = clock.monotonic()
    for create, is_done in (
        (lambda: cmk.hosts.create("old"), Status.UNKNOWN),
        (lambda: cmk.hosts.create("old"), Status.NOT_APPLIED),
        (lambda: cmk.folders.create("/a"), Status.NOT_APPLIED),
    ):
        with pytest.raises(CheckmkError) as caught:
            create()
        assert Outcome.failed("x", caught.value).status is is_done
    assert cmk.hosts.create("readable").name == "readable"
    assert clock.monotonic() == started


# Bulk calls

BULK: dict[str, tuple[Callable[[Checkmk], Any], Callable[[SimulatedSite, str], bool]]] = {
    "create": (
        lambda cmk: cmk.hosts.bulk_create([{"host_name": f"b{n}", "folder": "/a"} for n in range(4)]),
        lambda site, key: key in site.state.configuration.hosts,
    ),
    "update": (
        lambda cmk: cmk.hosts.bulk_update(
            [{"host_name": f"h{n}", "update_attributes": {"alias": "new"}} for n in range(4)]
        ),
        lambda site, key: site.state.configuration.hosts[key].attributes.get("alias") == "new",
    ),
    "remove": (
        lambda cmk: cmk.hosts.bulk_update(
            [{"host_name": f"h{n}", "remove_attributes": ["ipaddress"]} for n in range(4)]
        ),
        lambda site, key: "ipaddress" not in site.state.configuration.hosts[key].attributes,
    ),
    "delete": (
        lambda cmk: cmk.hosts.bulk_delete([f"h{n}" for n in range(4)]),
        lambda site, key: key not in site.state.configuration.hosts,
    ),
}


@pytest.fixture
def crowd(prepared: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> SimulatedSite:
    cmk.hosts.bulk_create([{"host_name": f"h{n}", "attributes": {"ipaddress": "192.0.2.1"}} for n in range(4)])
    clock.advance(60)
    return prepared


@pytest.mark.parametrize("answer", [*ODD_SUCCESSES, *JSON_OF_A_GATEWAY, *PAGES_OF_BULK_CALLS], ids=str)
@pytest.mark.parametrize("kind", ["answer", "answer_after"])
@pytest.mark.parametrize("name", BULK)
def test_bulk_calls_behind_foreign_answers_are_settled(
    crowd: SimulatedSite, cmk: Checkmk, name: str, kind: str, answer: Any
) -> None:
    call, is_done = BULK[name]
    crowd.set_faults([Fault(kind, path="bulk-", times=1, **answer)])
    outcomes = call(cmk)
    assert len(outcomes) == 4
    expected = Status.APPLIED if kind == "answer_after" else Status.UNKNOWN
    assert {outcome.status for outcome in outcomes} == {expected}
    assert {is_done(crowd, outcome.key) for outcome in outcomes} == {kind == "answer_after"}


@pytest.mark.parametrize("name", BULK)
def test_bulk_calls_duplicated_by_a_proxy_are_applied(crowd: SimulatedSite, cmk: Checkmk, name: str) -> None:
    call, is_done = BULK[name]
    crowd.set_faults([Fault("repeat", path="bulk-", times=1)])
    outcomes = call(cmk)
    assert {outcome.status for outcome in outcomes} == {Status.APPLIED}
    assert all(is_done(crowd, outcome.key) for outcome in outcomes)


def test_existing_entries_are_refused(crowd: SimulatedSite, cmk: Checkmk) -> None:
    entries = [{"host_name": name} for name in ("h0", "n0", "h1", "n1")]
    statuses = {outcome.key: outcome.status for outcome in cmk.hosts.bulk_create(entries)}
    assert statuses == dict(h0=Status.NOT_APPLIED, h1=Status.NOT_APPLIED, n0=Status.APPLIED, n1=Status.APPLIED)
    again = {outcome.status for outcome in cmk.hosts.bulk_create(entries)}  # in the same second
    assert again == {Status.NOT_APPLIED}
    gone = {outcome.key: outcome.status for outcome in cmk.hosts.bulk_delete(["h0", "nobody"])}
    assert gone == {"h0": Status.APPLIED, "nobody": Status.NOT_APPLIED}


def test_hosts_that_an_answer_omits_are_looked_up(crowd: SimulatedSite, cmk: Checkmk) -> None:
    body = {
        "domainType": "host_config",
        "id": "host",
        "value": [{"id": "b0", "domainType": "host_config"}],
        "links": [],
    }
    crowd.set_faults([Fault("answer", path="bulk-create", status=200, body=body, times=1)])
    assert {outcome.status for outcome in BULK["create"][0](cmk)} == {Status.UNKNOWN}


# Answers about another object


@pytest.mark.parametrize("name", ["create host", "update host", "move host", "create folder", "update folder"])
def test_answers_about_other_objects_are_not_trusted(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    host = {
        "domainType": "host_config",
        "id": "another",
        "title": "another",
        "extensions": {"folder": "/a", "attributes": {"alias": "changed"}},
    }
    folder = {
        "domainType": "folder_config",
        "id": "~z",
        "title": "Changed",
        "extensions": {"path": "/z", "attributes": {}},
    }
    body = host if "host" in name else folder
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("answer_after", writes=True, status=200, body=body, times=1)])
    found = write(cmk)
    assert getattr(found, "name", getattr(found, "path", "")) not in ("another", "/z")
    assert is_done(prepared)
    prepared.set_faults([Fault("answer", writes=True, status=200, body=body, times=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.hosts.create("fresh")
    assert Outcome.failed("fresh", caught.value).status is Status.UNKNOWN


def test_moves_with_a_wrong_folder_in_the_answer_are_checked(prepared: SimulatedSite, cmk: Checkmk) -> None:
    body = {"domainType": "host_config", "id": "old", "extensions": {"folder": "/c", "attributes": {}}}
    prepared.set_faults([Fault("answer_after", path="move", status=200, body=body, times=1)])
    assert cmk.hosts.move("old", "/a").folder == "/a"


def test_genuine_404_answers_mean_not_found(prepared: SimulatedSite, cmk: Checkmk) -> None:
    with pytest.raises(NotFoundError):
        cmk.hosts.update("nobody", update_attributes={"alias": "x"})
