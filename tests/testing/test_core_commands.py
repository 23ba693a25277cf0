"""The simulated core executes commands late, ends them in time, and shows them in the columns of their objects."""

from __future__ import annotations

from typing import Any, Mapping

import pytest

from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.raw_requests import Raw

DOWNTIME, ACKNOWLEDGE, COMMENT = (
    f"/domain-types/{name}/collections" for name in ("downtime", "acknowledge", "comment")
)
START = 1_700_000_000  # of the test's clock: 2023-11-14T22:13:20Z
WHEN = {"start_time": "2023-11-14T22:13:20Z", "end_time": "2023-11-14T23:13:20Z", "comment": "c"}
QUERY = {"op": "=", "left": "name", "right": "web"}


@pytest.fixture
def site(clock: ManualClock) -> Any:
    with SimulatedSite("2.4.0p18", "cee", clock=clock, remote_sites=["r1"]) as running:
        running.seed_monitoring(
            {
                "hosts": [{"name": "web", "state": 1, "groups": ["g"]}, {"name": "far", "site": "r1"}],
                "services": [{"host_name": "web", "description": "CPU", "state": 2}],
            }
        )
        yield running


def _post(raw: Raw, path: str, **body: Any) -> Any:
    return raw("POST", path, json=body)


def _schedule(raw: Raw, **more: Any) -> Any:
    return _post(raw, f"{DOWNTIME}/host", **{"downtime_type": "host", "host_name": "web", **WHEN, **more})


def _host(site: SimulatedSite, name: str = "web") -> Mapping[str, Any]:
    row = site.state.monitoring.host_row(name)
    assert row is not None
    return row


def test_a_command_takes_effect_after_its_delay(site: SimulatedSite, raw: Raw, clock: ManualClock) -> None:
    site.state.monitoring.commands.delay_s = 5
    assert _schedule(raw).status_code == 204
    assert _host(site)["downtimes"] == []
    clock.advance(5)
    assert _host(site)["downtimes_with_info"] == [[1, "automation", "c"]]
    times = [START + 5, START, START + 3600]
    assert _host(site)["downtimes_with_extra_info"] == [[1, "automation", "c", 0, *times, 1, 0, 0, 0]]
    assert _host(site)["scheduled_downtime_depth"] == 1
    assert _host(site, "far")["downtimes"] == []


def test_a_fixed_downtime_is_active_from_its_start_to_its_end(
    site: SimulatedSite, raw: Raw, clock: ManualClock
) -> None:
    _schedule(raw, start_time="2023-11-14T22:30:00Z")
    _schedule(raw)
    assert _host(site)["scheduled_downtime_depth"] == 1
    clock.advance(1800)
    assert _host(site)["scheduled_downtime_depth"] == 2
    clock.advance(1800)
    assert (_host(site)["scheduled_downtime_depth"], _host(site)["downtimes"]) == (0, [])


def test_a_flexible_downtime_starts_with_a_problem(site: SimulatedSite, raw: Raw, clock: ManualClock) -> None:
    site.seed_monitoring({"hosts": [{"name": "web"}]})
    _schedule(raw, duration=30)
    assert (_host(site)["scheduled_downtime_depth"], _host(site)["pending_flex_downtime"]) == (0, 1)
    clock.advance(3000)
    site.seed_monitoring({"hosts": [{"name": "web", "state": 1}]})
    assert (_host(site)["scheduled_downtime_depth"], _host(site)["pending_flex_downtime"]) == (1, 0)
    clock.advance(1700)
    assert _host(site)["scheduled_downtime_depth"] == 1, "it lasts for its duration, although its period has ended"
    clock.advance(100)
    assert _host(site)["downtimes"] == []


def test_a_recurring_downtime_moves_to_its_next_period(site: SimulatedSite, raw: Raw, clock: ManualClock) -> None:
    _schedule(raw, recur="day")
    clock.advance(3 * 86_400 + 3600)
    (row,) = site.state.monitoring.command_rows("downtimes")
    assert (row["start_time"], row["end_time"]) == (START + 4 * 86_400, START + 4 * 86_400 + 3600)
    assert _host(site)["scheduled_downtime_depth"] == 0


def test_the_raw_core_ignores_the_recurrence(clock: ManualClock) -> None:
    with SimulatedSite("2.4.0p18", "cre", clock=clock) as site:
        site.seed_monitoring({"hosts": [{"name": "web"}]})
        raw = Raw(site)
        assert _schedule(raw, recur="day").status_code == 204
        assert [row["recurring"] for row in site.state.monitoring.command_rows("downtimes")] == [0]
        raw.session.close()


def test_the_core_ignores_what_it_cannot_do(site: SimulatedSite, raw: Raw) -> None:
    site.state.configuration.add_host("fresh", "/", {}, user="x")
    assert _schedule(raw, start_time="2020-01-01T00:00:00Z", end_time="2020-01-02T00:00:00Z").status_code == 204
    for name in ("fresh", "web"):
        host = {"comment_type": "host", "host_name": name, "comment": "c"}
        assert _post(raw, f"{COMMENT}/host", **host).status_code == (204 if name == "fresh" else 400)
    query = {"op": "=", "left": "name", "right": "far"}
    ack = {"acknowledge_type": "host_by_query", "query": query, "comment": "c"}
    assert _post(raw, f"{ACKNOWLEDGE}/host", **ack).status_code == 204
    for table in ("downtimes", "comments"):
        assert not list(site.state.monitoring.command_rows(table))
    assert _host(site, "far")["acknowledged"] == 0


def test_an_acknowledgement_keeps_only_a_persistent_comment(site: SimulatedSite, raw: Raw, clock: ManualClock) -> None:
    for persistent in (True, False):
        ack = {"acknowledge_type": "host_by_query", "query": QUERY, "comment": "c", "persistent": persistent}
        _post(raw, f"{ACKNOWLEDGE}/host", **ack, expire_on="2023-11-14T22:30:00Z")
    assert [entry[:1] + entry[3:] for entry in _host(site)["comments_with_extra_info"]] == [
        [1, 4, START],
        [2, 4, START],
    ]
    clock.advance(3600)
    assert (_host(site)["acknowledged"], _host(site)["acknowledgement_type"]) == (0, 0)
    assert _host(site)["comments_with_info"] == [[1, "automation", "c"]]


def test_queries_on_downtimes_have_the_columns_of_their_objects(site: SimulatedSite, raw: Raw) -> None:
    _schedule(raw)
    _post(
        raw, f"{DOWNTIME}/service", downtime_type="service", host_name="web", service_descriptions=["CPU", "?"], **WHEN
    )
    for query, ids in (
        ('{"op": ">=", "left": "host_groups", "right": "g"}', ["1", "2"]),
        ('{"op": "=", "left": "service_state", "right": "2"}', ["2"]),
        ('{"op": "=", "left": "downtimes.id", "right": "2"}', ["2"]),
    ):
        found = raw("GET", f"{DOWNTIME}/all", params={"query": query}).json()["value"]
        assert [entry["id"] for entry in found] == ids
    assert raw("GET", f"{DOWNTIME}/all", params={"query": '{"op": "=", "left": "x", "right": ""}'}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("downtime/host", {"downtime_type": "host", "host_name": "nope", **WHEN}, 400, "should be monitored"),
        ("downtime/host", {"downtime_type": "hostgroup", "hostgroup_name": "g", **WHEN}, 400, "Group missing: 'g'"),
        ("downtime/host", {"downtime_type": "x"}, 400, "Unsupported value: x"),
        (
            "downtime/service",
            {"downtime_type": "service", "host_name": "web", "service_descriptions": ["?"], **WHEN},
            401,
            "Cannot find",
        ),
        (
            "downtime/host",
            {"downtime_type": "host", "host_name": "web", **WHEN, "end_time": "soon"},
            400,
            "Not a valid datetime.",
        ),
        (
            "downtime/host",
            {"downtime_type": "host", "host_name": "web", **WHEN, "start_time": "2040-01-01T00:00:00Z"},
            400,
            "after the start",
        ),
        ("downtime/host", {"downtime_type": "host", "host_name": "web", **WHEN, "more": 1}, 400, "Unknown field."),
        (
            "downtime/host",
            {"downtime_type": "host_by_query", "query": {**QUERY, "right": "?"}, **WHEN},
            422,
            "did not match any host",
        ),
        (
            "acknowledge/host",
            {"acknowledge_type": "host_by_query", "query": {**QUERY, "right": "?"}, "comment": "c"},
            422,
            "no monitored hosts",
        ),
        (
            "acknowledge/host",
            {"acknowledge_type": "host", "host_name": "web", "comment": "c"},
            400,
            "Host not found: 'web'",
        ),
        ("comment/host", {"comment_type": "host_by_query", "comment": "c"}, 500, "KeyError"),
    ],
)
def test_refusals(site: SimulatedSite, raw: Raw, path: str, body: Any, status: int, text: str) -> None:
    domain, _, kind = path.partition("/")
    answer = _post(raw, f"/domain-types/{domain}/collections/{kind}", **body)
    assert answer.status_code == status
    assert text in answer.text


def test_a_group_that_is_configured_but_not_monitored(site: SimulatedSite, raw: Raw) -> None:
    assert raw("POST", "/domain-types/host_group_config/collections/all", json={"name": "new", "alias": "New"}).ok
    answer = _schedule(raw, downtime_type="hostgroup", hostgroup_name="new")
    assert answer.status_code == 400, "host_name is a field of another kind"
    body = {"downtime_type": "hostgroup", "hostgroup_name": "new", **WHEN}
    assert _post(raw, f"{DOWNTIME}/host", **body).status_code == 401


def test_objects_of_a_stopped_site_are_invisible(site: SimulatedSite, raw: Raw) -> None:
    _schedule(raw, host_name="far")
    ident = {"site_id": "r1"}
    assert raw("GET", "/objects/downtime/1", params=ident).json()["extensions"]["site_id"] == "r1"
    site.stop_remote_site("r1")
    assert raw("GET", "/objects/downtime/1", params=ident).status_code == 404
    assert raw("GET", "/objects/host/far").status_code == 404
    delete = {"delete_type": "by_id", "downtime_id": "1", **ident}
    assert _post(raw, "/domain-types/downtime/actions/delete/invoke", **delete).status_code == 204
    assert _schedule(raw, host_name="far").status_code == 400
    site.start_remote_site("r1")
    assert raw("GET", "/objects/downtime/1", params=ident).ok, "the deletion had no effect"
    with pytest.raises(ValueError, match="unknown remote site 'x'"):
        site.stop_remote_site("x")


def test_hosts_belong_to_remote_sites(clock: ManualClock) -> None:
    with SimulatedSite(clock=clock, remote_sites=["r1"], activation_time=0) as site, site.client(clock=clock) as cmk:
        cmk.hosts.create("far", attributes={"site": "r1"})
        cmk.activation.activate()
        assert cmk.downtimes.create("far", end="2h", comment="c").ok
        assert [(d.site, d.host) for d in cmk.downtimes.each()] == [("r1", "far")]


def test_only_the_deletion_of_comments_waits_for_the_configuration_lock(site: SimulatedSite, raw: Raw) -> None:
    state = site.state
    with state.configuration.lock:
        assert _schedule(raw).status_code == 204
        assert _post(raw, "/domain-types/downtime/actions/delete/invoke", delete_type="params", host_name="web").ok
    assert site.most_waiting == 0
    assert _post(raw, "/domain-types/comment/actions/delete/invoke", delete_type="params", host_name="web").ok
    assert site.most_waiting == 1
