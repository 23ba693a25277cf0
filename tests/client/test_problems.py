"""Problems and the status of a site are read at a glance."""

from __future__ import annotations

import datetime as dt

import pytest

from checkmk_sync import Checkmk, MonitoredObject, Problem, Target, column, group_problems
from checkmk_sync.testing import ManualClock, SimulatedSite

SINCE = 1_699_990_000


@pytest.fixture
def seeded(site: SimulatedSite) -> SimulatedSite:
    hosts = [
        {"name": "web01", "state": 1, "labels": {"os": "linux"}, "filename": "/wato/linux/web/hosts.mk"},
        {"name": "web02", "groups": ["web"], "labels": {"os": "linux"}, "filename": "/wato/hosts.mk"},
        {"name": "db01", "has_been_checked": 0, "filename": "/etc/own.cfg"},
    ]
    services = [
        {"host_name": "web01", "description": "CPU", "state": 2, "last_state_change": SINCE},
        {"host_name": "web02", "description": "CPU", "state": 2, "last_state_change": SINCE, "groups": ["a", "b"]},
        {"host_name": "web02", "description": "Memory", "state": 1, "state_type": 0, "plugin_output": "80 %"},
        {"host_name": "web02", "description": "Disk", "state": 0},
        {"host_name": "db01", "description": "Ping", "state": 3, "state_type": 1},
    ]
    site.seed_monitoring({"hosts": hosts, "services": services})
    return site


def _names(problems: object) -> list[str]:
    assert not isinstance(problems, (list, str))
    return [str(problem.object) for problem in problems]  # type: ignore[attr-defined]


def test_unhandled_problems_omit_services_of_hosts_that_are_down(seeded: SimulatedSite, cmk: Checkmk) -> None:
    problems = list(cmk.problems())
    assert [str(p.object) for p in problems] == ["web01", "db01/Ping", "web02/CPU", "web02/Memory"]
    assert [p.folder for p in problems] == ["/linux/web", None, "/", "/"]
    assert [p.state.name for p in problems] == ["DOWN", "UNKNOWN", "CRITICAL", "WARNING"]
    cpu, memory = problems[2:]
    assert (cpu.host, cpu.service, problems[0].service) == ("web02", "CPU", None)
    assert cpu.since == dt.datetime.fromtimestamp(SINCE, dt.timezone.utc)
    assert (memory.hard, memory.output, memory.acknowledgement, memory.downtime) == (False, "80 %", None, False)
    assert "web01/CPU" in _names(cmk.problems(handled=True))
    assert _names(cmk.problems(host="web0?", query=column("state_type") == 1)) == ["web01", "web02/CPU"]


def test_handled_problems_say_who_takes_care_of_them(seeded: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    targets = [problem.object for problem in cmk.problems() if problem.service]
    assert cmk.acknowledgements.set(Target.objects(targets[:1]), comment="ticket 4711").ok
    assert cmk.downtimes.create("web02", end="2h", comment="reboot").ok
    assert cmk.downtimes.create("web02", start="1h", end="9h", comment="later").ok
    clock.advance(1)
    assert _names(cmk.problems()) == ["web01"]
    by_name = {str(problem.object): problem for problem in cmk.problems(handled=True)}
    acknowledgement = by_name["db01/Ping"].acknowledgement
    assert acknowledgement is not None
    assert (acknowledgement.author, acknowledgement.comment) == ("automation", "ticket 4711")
    cpu = by_name["web02/CPU"]
    assert cpu.downtime
    assert cpu.downtime_until is not None
    assert abs(cpu.downtime_until.timestamp() - clock.time() - 7200) < 5


def test_problems_are_grouped(seeded: SimulatedSite, cmk: Checkmk) -> None:
    def grouped(by: str) -> dict[str, list[str]]:
        return {name: [str(p.object) for p in members] for name, members in group_problems(cmk.problems(), by).items()}

    assert grouped("host") == {"web01": ["web01"], "db01": ["db01/Ping"], "web02": ["web02/CPU", "web02/Memory"]}
    assert grouped("folder")["/"] == ["web02/CPU", "web02/Memory"]
    assert grouped("group") == {"": ["web01", "db01/Ping", "web02/Memory"], "a": ["web02/CPU"], "b": ["web02/CPU"]}
    assert grouped("label:os")["linux"] == ["web01"]
    for by in ("label:", "color", "host:x"):
        with pytest.raises(ValueError, match="host, folder, group or label:KEY"):
            grouped(by)


def test_the_status_counts_the_objects_of_the_site(seeded: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("new")
    status = cmk.status()
    assert status.hosts == {"UP": 1, "DOWN": 1, "UNREACHABLE": 0, "PENDING": 1}
    assert status.services == {"OK": 1, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 1, "PENDING": 0}
    assert (status.unhandled_hosts, status.unhandled_services) == (1, 3)
    assert (status.pending_changes, status.activating, status.version.site) == (1, False, seeded.site)


def test_the_status_counts_handled_problems(seeded: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    assert cmk.acknowledgements.set(
        Target.objects(p.object for p in cmk.problems() if not p.service), comment="on it"
    ).ok
    assert cmk.downtimes.create("web02", end="2h", comment="reboot").ok
    clock.advance(1)
    before = len(seeded.requests)
    status = cmk.status()
    assert len(seeded.requests) - before <= 8
    assert (status.handled_hosts, status.handled_services, status.downtimes) == (1, 2, 1)
    assert status.unhandled_hosts == len([p for p in cmk.problems() if not p.service]) == 0
    assert status.unhandled_services == len([p for p in cmk.problems() if p.service]) == 1


def test_a_flexible_downtime_that_has_not_started_has_no_end(
    seeded: SimulatedSite, cmk: Checkmk, clock: ManualClock
) -> None:
    assert cmk.downtimes.create("web02", end="2h", comment="reboot", flexible="30m").ok
    clock.advance(1)
    (cpu,) = (problem for problem in cmk.problems() if str(problem.object) == "web02/CPU")
    assert (cpu.downtime, cpu.downtime_until, cpu.handled) == (False, None, False)


def test_a_problem_is_a_value(seeded: SimulatedSite, cmk: Checkmk) -> None:
    problem = next(iter(cmk.problems()))
    assert isinstance(problem, Problem)
    assert problem.object == MonitoredObject("web01")
    assert problem.values("label:os") == ["linux"]
