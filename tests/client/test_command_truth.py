"""No outcome of a command contradicts the state of the core in the end, whatever happens to the request."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import pytest

from checkmk_sync import Checkmk, CheckmkError, Outcomes, Status, Target, column
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.official_documents import watch

VERSIONS = {"2.2.0p44": "cre", "2.3.0p41": "cee", "2.4.0p18": "cre", "2.5.0p9": "cee"}
SEEDED: Mapping[str, Any] = {
    "hosts": [{"name": name, "state": 1, "groups": ["linux"]} for name in ("web1", "web2")]
    + [{"name": "web10", "state": 1, "groups": ["linux-old"]}],
    "services": [
        {"host_name": host, "description": name, "state": 2, "groups": ["disks"] if name == "Filesystem /" else []}
        for host in ("web1", "web2", "web10")
        for name in ("CPU load", "Filesystem /", "100% (a+b)")
    ],
}
TARGETS: Mapping[str, tuple[Target, set[str]]] = {
    "host": (Target.host("web1"), {"web1"}),
    "hosts": (Target.host("web1", "web2"), {"web1", "web2"}),
    "host group": (Target.host_group("linux"), {"web1", "web2"}),
    "host query": (Target.matching_hosts(column("name") == "web10"), {"web10"}),
    "services": (Target.services("web1", "CPU load", "100% (a+b)"), {"web1/CPU load", "web1/100% (a+b)"}),
    "all services": (
        Target.services("web1"),
        {"web1/CPU load", "web1/Filesystem /", "web1/100% (a+b)"},
    ),
    "service group": (Target.service_group("disks"), {"web1/Filesystem /", "web2/Filesystem /", "web10/Filesystem /"}),
    "service query": (
        Target.matching_services(column("description").startswith("100%") & (column("host_name") == "web2")),
        {"web2/100% (a+b)"},
    ),
}
WAIT: Mapping[str, Any] = {"timeout_s": 10}

# The table with the entry that an operation adds, and values of that entry.
ADDED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "create": ("downtimes", {"fixed": 1, "recurring": 0}),
    "flexible": ("downtimes", {"fixed": 0, "duration": 1800}),
    "recurring": ("downtimes", {"fixed": 1, "recurring": 3}),
    "ensure": ("downtimes", {"fixed": 1, "recurring": 0}),
    "acknowledge": ("comments", {"entry_type": 4, "expires": 0}),
    "expiring": ("comments", {"entry_type": 4, "expires": 1}),
    "comment": ("comments", {"entry_type": 1}),
}

Operation = Callable[[Checkmk, Target], Outcomes]
OPERATIONS: Mapping[str, Operation] = {
    "create": lambda cmk, target: cmk.downtimes.create(target, end="2h", comment="c", **WAIT),
    "flexible": lambda cmk, target: cmk.downtimes.create(target, end="2h", comment="c", flexible="30m", **WAIT),
    "recurring": lambda cmk, target: cmk.downtimes.create(target, end="2h", comment="c", recur="week", **WAIT),
    "ensure": lambda cmk, target: cmk.downtimes.ensure(target, end="2h", comment="c", **WAIT),
    "modify": lambda cmk, target: cmk.downtimes.modify(target, extend="30m", comment="changed", **WAIT),
    "delete": lambda cmk, target: cmk.downtimes.delete(target, **WAIT),
    "acknowledge": lambda cmk, target: cmk.acknowledgements.set(target, comment="c", **WAIT),
    "expiring": lambda cmk, target: cmk.acknowledgements.set(target, comment="c", expires="1h", **WAIT),
    "remove": lambda cmk, target: cmk.acknowledgements.remove(target, **WAIT),
    "comment": lambda cmk, target: cmk.comments.create(target, "c", **WAIT),
    "uncomment": lambda cmk, target: cmk.comments.delete(target, **WAIT),
}
PREPARED: Mapping[str, Operation] = {
    "modify": OPERATIONS["create"],
    "delete": OPERATIONS["create"],
    "remove": OPERATIONS["acknowledge"],
    "uncomment": OPERATIONS["comment"],
}


def _entries(site: SimulatedSite, table: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in site.state.monitoring.command_rows(table):
        name = f"{row['host_name']}/{row['service_description']}" if row["is_service"] else row["host_name"]
        found.setdefault(name, []).append(row)
    return found


def _affected(site: SimulatedSite, operation: str) -> set[str]:
    """Return the objects for which the core has executed the operation."""
    core = site.state.monitoring
    everything = [row["name"] for row in core.host_rows()]
    everything += [f"{row['host_name']}/{row['description']}" for row in core.service_rows()]
    downtimes, comments = _entries(site, "downtimes"), _entries(site, "comments")
    rows = [*core.host_rows(), *core.service_rows()]
    acknowledged = {name for name, row in zip(everything, rows) if row["acknowledged"]}
    if operation == "modify":
        return {name for name, entries in downtimes.items() if all(e["comment"] == "changed" for e in entries)}
    if operation in ("acknowledge", "expiring", "comment"):
        return acknowledged if operation != "comment" else set(comments)
    left = {"delete": set(downtimes), "remove": acknowledged, "uncomment": set(comments)}
    return set(everything) - left[operation] if operation in left else set(downtimes)


def _check_entries(site: SimulatedSite, operation: str, names: set[str], most: int = 1) -> None:
    """Check that the core has one entry of these objects, or up to ``most``, with the values of the operation."""
    table, values = ADDED.get(operation, ("", {}))
    found = _entries(site, table) if table else {}
    for name in names if table else ():
        assert 1 <= len(found[name]) <= most
        assert all(values.items() <= {key: row[key] for key in values}.items() for row in found[name])


def _in_order(outcomes: Outcomes) -> dict[str, Status]:
    """Return the status of each object, whose key can be followed by the id of its downtime or comment."""
    return {outcome.key.rpartition(" #")[0] or outcome.key: outcome.status for outcome in outcomes}


def _prepare(site: SimulatedSite, connect: Any, operation: str, target: Target) -> Checkmk:
    site.seed_monitoring(SEEDED)
    cmk: Checkmk = connect(site)
    if operation in PREPARED:
        assert PREPARED[operation](cmk, target).ok
    return cmk


def _refusal(cmk: Checkmk, operation: str) -> str:
    """Return the error for an operation that the version or the edition of the site does not have, or ""."""
    if operation == "remove" and not cmk.checkmk_version().at_least("2.4.0p6"):
        return "does not support 'acknowledgements remove'"
    if operation == "expiring" and not cmk.checkmk_version().at_least("2.4.0p6"):
        return "does not support expire_on"
    is_raw = cmk.version().edition in ("cre", "community")
    return "the raw edition cannot repeat downtimes" if operation == "recurring" and is_raw else ""


@pytest.fixture(params=VERSIONS)
def versioned(request: pytest.FixtureRequest, clock: ManualClock) -> Any:
    with SimulatedSite(request.param, VERSIONS[request.param], clock=clock) as site:
        yield site


@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_for_every_target_match_the_official_document(
    request: Any, versioned: SimulatedSite, connect: Any, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    checker = watch(monkeypatch, versioned, request.node.callspec.params["versioned"])
    test_every_operation_reaches_exactly_its_target_in_every_version(versioned, connect, operation)
    assert not checker.deviations, "\n".join(checker.deviations)
    assert checker.checked


@pytest.mark.every_case
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_reaches_exactly_its_target_in_every_version(
    versioned: SimulatedSite, connect: Any, operation: str
) -> None:
    for target, names in TARGETS.values():
        versioned.reset()
        cmk = _prepare(versioned, connect, operation, target)
        if refusal := _refusal(cmk, operation):
            with pytest.raises(CheckmkError, match=refusal):
                OPERATIONS[operation](cmk, target)
            return
        outcomes = OPERATIONS[operation](cmk, target)
        assert _in_order(outcomes) == dict.fromkeys(names, Status.APPLIED)
        affected = _affected(versioned, operation)
        _check_entries(versioned, operation, names)
        if operation in ("delete", "remove", "uncomment"):
            assert names <= affected
        else:
            assert affected == names


FAULTS: Mapping[str, Mapping[str, Any]] = {
    "lost answer": {"kind": "reset_after"},
    "lost request": {"kind": "reset_before"},
    "late": {"kind": "late", "seconds": 0.05},
    "page after": {"kind": "answer_after", "status": 502, "body": "<html>bad gateway</html>"},
    "page instead": {"kind": "answer", "status": 400, "body": "<html>blocked</html>"},
    "empty 204 of a proxy": {"kind": "answer", "status": 204},
    "crash after": {"kind": "crash_after"},
    "not started": {"kind": "status", "status": 503},
    "sent twice": {"kind": "repeat"},
}
WRITES = "(downtime|acknowledge|comment)/(collections/(host|service)|actions)"


@pytest.mark.parametrize("delay", [0.0, 4.0, 60.0])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_outcome_contradicts_the_core(
    clock: ManualClock, connect: Any, operation: str, version: str, fault: str, delay: float
) -> None:
    # Each fault meets all targets, in different versions.
    number = list(FAULTS).index(fault) + 2 * list(VERSIONS).index(version)
    target, names = list(TARGETS.values())[number % len(TARGETS)]
    with SimulatedSite(version, "cee" if operation == "recurring" else VERSIONS[version], clock=clock) as site:
        cmk = connect(site)
        if _refusal(cmk, operation):
            return
        cmk = _prepare(site, connect, operation, target)
        site.state.monitoring.commands.delay_s = delay
        site.set_faults([{**FAULTS[fault], "writes": True, "path": WRITES, "times": 1}])
        try:
            statuses = _in_order(OPERATIONS[operation](cmk, target))
        except CheckmkError as error:
            assert error.attempted is not None
            assert not error.attempted.is_uncertain
            statuses = dict.fromkeys(names, Status.NOT_APPLIED)
        sent = [request for request in site.requests if request.status == 204 and request.method != "GET"]
        assert len(sent) <= (operation in PREPARED) + (2 if fault == "sent twice" else 1)
        assert statuses.keys() == names
        clock.advance(60)
        affected = _affected(site, operation)
        applied = {name for name, status in statuses.items() if status is Status.APPLIED}
        assert applied <= affected
        # An acknowledgement replaces the one before it, together with its comment.
        is_doubled = fault == "sent twice" and operation not in ("acknowledge", "expiring")
        _check_entries(site, operation, applied, 2 if is_doubled else 1)
        if fault == "late":  # the request takes effect after the comparison
            assert Status.NOT_APPLIED not in statuses.values()
        else:
            assert not affected & {name for name, status in statuses.items() if status is Status.NOT_APPLIED}
        if fault == "sent twice" and delay < WAIT["timeout_s"]:
            assert Status.UNKNOWN not in statuses.values()


@pytest.mark.parametrize("name", ["hosts", "service group"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_stopped_remote_site_proves_nothing(
    clock: ManualClock, connect: Any, operation: str, version: str, name: str
) -> None:
    target, _ = TARGETS[name]
    service = "/Filesystem /" if name == "service group" else ""
    with SimulatedSite(version, "cee", clock=clock, remote_sites=["r1"]) as site:
        remote, *others = SEEDED["hosts"]
        site.seed_monitoring({**SEEDED, "hosts": [{**remote, "site": "r1"}, *others]})
        cmk: Checkmk = connect(site)
        if _refusal(cmk, operation):
            return
        if operation in PREPARED:
            assert PREPARED[operation](cmk, target).ok
        downtimes, comments = list(cmk.downtimes.each()), list(cmk.comments.each())
        site.stop_remote_site("r1")
        if operation == "delete":
            outcomes = cmk.downtimes.delete(downtimes, **WAIT)
        elif operation == "uncomment":
            outcomes = cmk.comments.delete(comments, **WAIT)
        elif operation == "modify":
            outcomes = cmk.downtimes.modify(downtimes, comment="changed", **WAIT)
        else:
            outcomes = OPERATIONS[operation](cmk, target)
        statuses = _in_order(outcomes)
        assert statuses[f"web2{service}"] is Status.APPLIED
        assert statuses.get(f"web1{service}") is not Status.APPLIED
        site.start_remote_site("r1")
        assert f"web1{service}" not in _affected(site, operation)
        _check_entries(site, operation, {f"web2{service}"})


def test_a_refused_command_raises_its_error(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(edition="cee", clock=clock) as site:
        site.add_user(
            "guest", "secret", "user", without=["action.downtimes", "action.acknowledge", "action.addcomment"]
        )
        for operation in OPERATIONS:
            for target, names in TARGETS.values():
                site.reset()
                _prepare(site, connect, operation, target)
                cmk: Checkmk = connect(site, username="guest")
                with pytest.raises(CheckmkError, match="lack the permission"):
                    OPERATIONS[operation](cmk, target)
                assert not _affected(site, operation) & names
        site.seed_monitoring(SEEDED)
        # The next call does not take the refused one for a downtime that is on its way.
        assert connect(site).downtimes.ensure("web1", end="2h", comment="c").ok
        with pytest.raises(CheckmkError, match="lack the permission"):
            cmk.downtimes.ensure("web2", end="2h", comment="c")


@pytest.mark.parametrize("operation", ["create", "acknowledge", "comment"])
def test_an_equal_entry_of_an_earlier_call_proves_nothing(clock: ManualClock, connect: Any, operation: str) -> None:
    with SimulatedSite(clock=clock) as site:
        cmk = _prepare(site, connect, operation, Target.host("web1"))
        times = {"start": "2040-01-01T00:00Z", "end": "2040-01-01T02:00Z"}
        command = (
            OPERATIONS[operation]
            if operation != "create"
            else lambda cmk, target: cmk.downtimes.create(target, comment="c", **times, **WAIT)
        )
        assert command(cmk, Target.host("web1")).ok
        clock.advance(60)
        site.set_faults([{**FAULTS["lost request"], "writes": True, "path": WRITES, "times": 1}])
        (outcome,) = command(cmk, Target.host("web1"))
        assert outcome.status is Status.UNKNOWN


@pytest.mark.parametrize("operation", ["create", "comment"])
def test_an_equal_entry_of_another_thread_proves_nothing(clock: ManualClock, connect: Any, operation: str) -> None:
    """The answer of one of two equal calls is lost, and its request never arrived."""
    with SimulatedSite(clock=clock) as site:
        cmk = _prepare(site, connect, operation, Target.host("web1"))
        site.set_faults([{**FAULTS["lost request"], "writes": True, "path": WRITES, "times": 1}])
        others: list[Outcomes] = []
        # The second call runs completely while the first one looks for the outcome of its command.
        cmk.add_settling_hook(lambda _: others.append(OPERATIONS[operation](cmk, Target.host("web1"))))
        (outcome,) = OPERATIONS[operation](cmk, Target.host("web1"))
        assert [other.ok for other in others] == [True]
        assert outcome.status is Status.UNKNOWN
