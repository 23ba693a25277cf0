"""Ambiguous answers of the site are settled by reading or raise an error, and are never guessed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.errors import BadRequestError, UnexpectedReplyError
from checkmk_sync.testing import SimulatedSite


@pytest.fixture
def filled(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.hosts.create("w1", "/", {"alias": "a", "ipaddress": "192.0.2.1"})
    return site


def test_removing_attributes_succeeds_if_one_is_absent(filled: SimulatedSite, cmk: Checkmk) -> None:
    """Checkmk answers 400 because of the absent attribute, but has removed the other one."""
    host = cmk.hosts.update("w1", remove_attributes=["alias", "ipv6address"])
    assert set(host.attributes) == {"ipaddress"}
    assert set(filled.state.configuration.hosts["w1"].attributes) == {"ipaddress"}
    assert cmk.hosts.update("w1", remove_attributes=["alias"]).attributes == host.attributes


def test_a_refused_removal_raises_an_error(filled: SimulatedSite, cmk: Checkmk) -> None:
    """Here the web server refuses the request, and the attribute still exists."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add_passthru(filled.url)
        base = f"{filled.api_url}/objects/host_config/w1"
        mocked.put(base, status=400, json={"title": "Bad Request", "status": 400, "detail": "no"})
        mocked.get(base, json={"id": "w1", "extensions": {"folder": "/", "attributes": {"alias": "a"}}})
        with pytest.raises(BadRequestError):
            cmk.hosts.update("w1", remove_attributes=["alias"])


@pytest.mark.parametrize("noun", ["host_status", "services"])
def test_an_unknown_state_in_an_answer_raises_an_error(noun: str) -> None:
    columns = {"name": "h", "host_name": "h", "description": "d", "state": 7, "has_been_checked": 1}
    base = "https://mon.example.com/s/check_mk/api/1.0"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        answer = {"versions": {"checkmk": "2.4.0p18"}, "edition": "cre", "site": "s"}
        mocked.get(f"{base}/version", json=answer)
        for kind in ("host", "service"):
            mocked.get(f"{base}/domain-types/{kind}/collections/all", json={"value": [{"extensions": columns}]})
        with Checkmk("https://mon.example.com", "s", "a", "geheim") as client:
            rows = getattr(client, noun)
            with pytest.raises(UnexpectedReplyError, match=r"7|num_services"):
                list(rows.each())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"hosts": [{"nam": "h1"}]}, "row 0 of 'hosts' must have a string in 'name'"),
        ({"hosts": [{"name": "h", "state": "DOWN"}]}, "row 0 of 'hosts' has the state 'DOWN'"),
        ({"services": [{"host_name": "h", "description": "d", "state": 7}]}, "from 0 to 3"),
        ({"bla": []}, "unknown table 'bla'; use one of hosts, services"),
        ({"hosts": [7]}, "row 0 of 'hosts' must be a mapping of columns, not an int"),
        ({"hosts": None}, "'hosts' must be a list of rows, not None"),
        ([], "the rows must be a mapping of tables, not a list"),
    ],
)
def test_the_simulated_core_refuses_invalid_rows(rows: Any, said: str) -> None:
    with SimulatedSite(hosts=2, control=True) as site:
        request = urllib.request.Request(f"{site.url}/control/monitoring", json.dumps(rows).encode(), method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert said in json.loads(refused.value.read())["error"]
        with site.client() as client:
            assert len(list(client.host_status.each())) == 2
