"""A redirect is an answer only if the API defines it. A redirect to the login page of a proxy is an error."""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.errors import UnexpectedReplyError
from checkmk_sync.testing import Fault, SimulatedSite

BASE = "https://mon.example.com/s/check_mk/api/1.0"


@pytest.fixture
def behind_login() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.get(f"{BASE}/version", json={"versions": {"checkmk": "2.4.0p18"}, "edition": "cre", "site": "s"})
        for method in ("GET", "POST", "PUT", "DELETE"):
            mocked.add(method, url=re.compile(BASE), status=302, headers={"Location": "https://sso/login"})
        yield mocked


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.hosts.get("h"),
        lambda client: client.hosts.delete("h"),
        lambda client: client.hosts.create("h"),
        lambda client: client.hosts.move("h", "/x"),
        lambda client: client.folders.delete("/x", recursive=True),
        lambda client: client.discovery.start("h"),
        lambda client: client.discovery.bulk(["h"]),
        lambda client: client.activation.activate(),
        lambda client: list(client.hosts.each()),
        lambda client: list(client.services.each()),
    ],
    ids=["get", "delete", "create", "move", "folder", "discover", "bulk", "activate", "list", "services"],
)
def test_login_pages_are_not_success(behind_login: responses.RequestsMock, call: Any) -> None:
    with Checkmk("https://mon.example.com", "s", "a", "geheim", timeouts={"settle_s": 0}) as client:
        client.version()
        with pytest.raises(UnexpectedReplyError, match="sso/login"):
            call(client)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.hosts.get("h"),
        lambda client: list(client.hosts.each()),
        lambda client: list(client.services.each(host="h*")),
        lambda client: list(client.folders.each()),
    ],
    ids=["get", "list", "services", "folders"],
)
def test_html_pages_are_refused_even_in_streams(call: Any) -> None:
    with SimulatedSite(hosts=3) as site, site.client() as cmk:
        cmk.version()
        site.set_faults([Fault("html")])
        with pytest.raises(UnexpectedReplyError, match="is text/html.*not JSON; is http://127.* a Checkmk server"):
            call(cmk)
        site.set_faults([])
        assert cmk.hosts.get("host00000", fresh=True), "the connection can still be used"
