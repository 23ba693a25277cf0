"""Targets select exactly the given objects."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, MonitoredObject, Target, column
from checkmk_sync.client.query import Filter
from checkmk_sync.errors import NotFoundError
from checkmk_sync.testing import SimulatedSite

NAMES = ("web1", "web10", "xweb1", "a.b", "axb")
SERVICES = ("CPU", "CPU load", "a+b", "100%25", "Filesystem C:\\")


@pytest.fixture
def seeded(site: SimulatedSite) -> SimulatedSite:
    groups = {"web1": ["web"], "web10": ["web-prod"], "xweb1": ["WEB"]}
    site.seed_monitoring(
        {
            "hosts": [{"name": name, "groups": groups.get(name, [])} for name in NAMES],
            "services": [
                {"host_name": host, "description": name, "state": 1, "groups": [f"{name[0]} group"]}
                for host in NAMES
                for name in SERVICES
            ],
        }
    )
    return site


@pytest.mark.every_case
@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_never_a_pattern(seeded: SimulatedSite, cmk: Checkmk, name: str) -> None:
    for other in NAMES:
        assert cmk.downtimes.create(other, end="2h", comment="c").ok
    assert [d.host for d in cmk.downtimes.each(name)] == [name]
    assert [outcome.key.split(" ")[0] for outcome in cmk.downtimes.delete(name)] == [name]
    assert sorted(d.host for d in cmk.downtimes.each()) == sorted(set(NAMES) - {name})


@pytest.mark.every_case
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_never_a_pattern_and_never_decoded(seeded: SimulatedSite, cmk: Checkmk, name: str) -> None:
    target = Target.services("web1", name)
    assert [o.key for o in cmk.downtimes.create(target, end="2h", comment="c")] == [f"web1/{name}"]
    assert [o.key for o in cmk.acknowledgements.set(target, comment="c")] == [f"web1/{name}"]
    assert [o.key for o in cmk.comments.create(target, "c")] == [f"web1/{name}"]
    assert [d.service for d in cmk.downtimes.each(target)] == [name]
    assert {a.object for a in cmk.acknowledgements.each()} == {MonitoredObject("web1", name)}


def test_the_downtimes_of_a_group_are_found_by_its_exact_name(seeded: SimulatedSite, cmk: Checkmk) -> None:
    for name in NAMES:
        cmk.downtimes.create(name, end="2h", comment="c")
    # The site's own selector is a regular expression, which would also match web-prod and WEB.
    assert [d.host for d in cmk.downtimes.each(Target.host_group("web"))] == ["web1"]
    assert len(cmk.downtimes.delete(Target.host_group("web"))) == 1


def test_queries_are_translated_to_the_table_of_downtimes(seeded: SimulatedSite, cmk: Checkmk) -> None:
    target = Target.matching_services(
        ~(column("host_name") != "web1")
        & (column("description").startswith("CPU") | column("services.groups").has("a group"))
    )
    assert len(cmk.downtimes.create(target, end="2h", comment="c")) == 3
    assert len(list(cmk.downtimes.each(target))) == 3
    assert len(list(cmk.downtimes.each(column("host_name") == "web1"))) == 3
    assert not list(cmk.downtimes.each("web1"))


def test_hosts_that_are_not_monitored_are_reported(seeded: SimulatedSite, cmk: Checkmk) -> None:
    outcomes = cmk.downtimes.create(Target.host("web1", "nope"), end="2h", comment="c")
    assert [(o.key, o.status.value) for o in outcomes] == [("nope", "not applied"), ("web1", "applied")]
    assert "nope is not monitored; check its name, whether it is activated" in outcomes.not_applied[0].reason
    for target in ("nope", Target.host_group("nope"), Target.services("web1", "nope")):
        with pytest.raises(NotFoundError) as caught:
            cmk.comments.create(target, "c")
        assert caught.value.attempted.may_be_repeated


def test_children_are_included_at_every_level(site: SimulatedSite, cmk: Checkmk) -> None:
    parents = {"core": [], "sw1": ["core"], "sw2": ["core", "sw1"], "web": ["sw2"], "loop": ["web", "loop"], "x": []}
    site.seed_monitoring({"hosts": [{"name": name, "parents": above} for name, above in parents.items()]})
    outcomes = cmk.downtimes.create("core", end="2h", comment="c", include_children=True)
    assert sorted(outcome.key for outcome in outcomes) == ["core", "loop", "sw1", "sw2", "web"]
    with pytest.raises(ValueError, match="include_children needs a target for hosts"):
        cmk.downtimes.create(Target.services("core"), end="2h", comment="c", include_children=True)


@pytest.mark.parametrize(
    "make",
    [
        Target.host,
        lambda: Target.host("web*"),
        lambda: Target.objects([MonitoredObject("a"), MonitoredObject("a", "b")]),
        lambda: Target.services("web1", "two\nlines"),
        lambda: Target.host_group("two\nlines"),
    ],
)
def test_an_invalid_target_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="."):
        make()


def test_a_target_of_another_type_is_refused(cmk: Checkmk) -> None:
    for target in (None, 5, ["web1"]):
        with pytest.raises(TypeError, match="target must be a Target or the name of a host"):
            cmk.downtimes.create(target, end="2h", comment="c")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="query must be a Filter"):
        Target.matching_hosts({"op": "="})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="objects must be MonitoredObjects such as problem.of, not a str"):
        Target.objects(["web1"])  # type: ignore[list-item]
    assert str(MonitoredObject("web1")) == "web1"
    assert str(MonitoredObject("web1", "a/b")) == "web1/a/b"


MALFORMED = [
    {"op": "and"},
    {"op": "and", "expr": "x"},
    {"op": "=", "left": 5},
    {"op": "=", "left": "state"},
    {"left": "state", "right": "1"},
    {"expr": [1]},
]


@pytest.mark.parametrize("query", MALFORMED)
def test_a_malformed_query_for_entries_is_refused(query: Any) -> None:
    with pytest.raises(ValueError, match="a query must consist of expressions such as"):
        Target.matching_hosts(Filter(query)).on_entries()


@pytest.mark.parametrize(
    "query",
    [
        Filter({"op": "and", "expr": []}),
        Filter({"op": "or", "expr": []}) | (column("state") == 0),
        ~Filter({"op": "or", "expr": [{"op": "and", "expr": []}]}),
    ],
)
def test_an_empty_list_of_expressions_is_refused(seeded: SimulatedSite, cmk: Checkmk, query: Filter) -> None:
    target = Target.matching_hosts(query)
    calls: list[Any] = [
        lambda: cmk.downtimes.create(target, end="2h", comment="c"),
        lambda: list(cmk.downtimes.each(target)),
        lambda: cmk.comments.create(target, "c"),
        lambda: list(cmk.host_status.each(query=query)),
        lambda: list(cmk.services.each(query=query, search="CPU")),
    ]
    cmk.version()
    before = len(seeded.requests)
    for call in calls:
        with pytest.raises(ValueError, match="'(and|or)' in a query needs at least one expression"):
            call()
    assert len(seeded.requests) == before


def test_long_names_fit_into_urls(connect: Any) -> None:
    """Checkmk 2.2 reads the monitoring state with GET only."""
    names = [f"{n:02d} {'ü' * 200}" for n in range(20)]
    hosts = [f"h{n:02d}{'x' * 230}" for n in range(40)]
    with SimulatedSite("2.2.0p44") as site:
        services = [{"host_name": "web1", "description": name} for name in names]
        site.seed_monitoring({"hosts": [{"name": name} for name in hosts], "services": services})
        cmk = connect(site)
        assert len(cmk.comments.create(Target.services("web1", *names), "c").applied) == 20
        assert len(cmk.comments.create(Target.host(*hosts[:20]), "c").applied) == 20
        assert cmk.host_status.monitored(hosts) == set(hosts)
