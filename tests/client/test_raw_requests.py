"""``request()`` reaches every URL below the API, and never repeats a write."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.errors import (
    ApiError,
    BrokenReplyError,
    NotFoundError,
    ReplyTooLargeError,
    UnexpectedReplyError,
)
from checkmk_sync.metrics.calls import CallEvent
from checkmk_sync.testing import Fault, SimulatedSite
from tests.client.conftest import sent
from tests.conftest import MakeClient

HOST = "/objects/host_config/web01"
HOSTS = "/domain-types/host_config/collections/all"
CREATE = {"host_name": "web01", "folder": "/", "attributes": {}}


def test_a_request_returns_status_headers_etag_data_and_time(with_host: Checkmk, site: SimulatedSite) -> None:
    reply = with_host.request("get", HOST, query={"effective_attributes": True, "unused": None})
    assert (reply.status, reply.data["id"], reply.etag) == (200, "web01", with_host.hosts.get("web01").etag)
    assert reply.data["extensions"]["effective_attributes"] is not None
    assert (reply.headers["x-checkmk-edition"], reply.from_cache) == ("cre", False)
    assert site.requests[-2].headers["Authorization"] == "(hidden)"
    assert site.requests[-2].query == "effective_attributes=true"


def test_a_request_writes(cmk: Checkmk, site: SimulatedSite) -> None:
    made = cmk.request("POST", HOSTS, body=CREATE)
    assert made.data["id"] == "web01"
    changed = cmk.request("PUT", HOST, body={"attributes": {"alias": "x"}}, etag=made.etag)
    assert changed.data["extensions"]["attributes"]["alias"] == "x"
    gone = cmk.request("DELETE", HOST)
    assert (gone.status, gone.data, gone.body) == (204, None, b"")
    assert site.state.configuration.hosts == {}


def test_a_redirect_of_the_site_is_returned(with_host: Checkmk) -> None:
    body = {"redirect": True, "sites": [], "force_foreign_changes": False}
    reply = with_host.request(
        "POST", "/domain-types/activation_run/actions/activate-changes/invoke", body=body, etag="*"
    )
    assert reply.status in (302, 303)
    assert "/objects/activation_run/" in reply.headers["Location"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("GET", "https://evil.example/x"), "the path must be relative to the API"),
        (("GET", "/../x"), "the path must be relative to the API"),
        (("TRACE", "/version"), "unknown method 'TRACE'; use one of GET, POST, PUT, PATCH, DELETE"),
        (("GET", "/version", {"body": {}}), "a GET request must not have a body"),
        (("POST", "/version", {"body": {"a": {1}}}), "cannot be sent as JSON"),
        (("PUT", HOST, {"etag": "a\nb"}), "an ETag must be"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_sent(
    cmk: Checkmk, site: SimulatedSite, arguments: Any, message: str
) -> None:
    method, path, *rest = arguments
    with pytest.raises(ValueError) as caught:
        cmk.request(method, path, **(rest[0] if rest else {}))
    assert message in str(caught.value)
    frame = caught.value.__traceback__
    while frame is not None:
        assert "headers" not in frame.tb_frame.f_locals, "credentials are attached after the checks"
        frame = frame.tb_next
    assert sent(site) == []


def test_a_refusal_raises_the_same_error_as_other_calls(cmk: Checkmk) -> None:
    with pytest.raises(NotFoundError):
        cmk.request("GET", HOST)
    with pytest.raises(ApiError, match="405"):
        cmk.request("PATCH", HOST, body={})


def test_a_get_request_is_not_cached_and_retried_like_a_read(with_host: Checkmk, site: SimulatedSite) -> None:
    events: list[CallEvent] = []
    with_host.add_hook(events.append)
    with_host.request("GET", HOST)
    site.set_faults([Fault("reset_before", times=2)])
    with_host.request("GET", HOST)
    assert [(event.attempts, event.from_cache) for event in events] == [(1, False), (3, False)]


def test_a_writing_request_is_sent_once_and_uncertain_if_its_answer_is_lost(cmk: Checkmk, site: SimulatedSite) -> None:
    for kind in ("reset_before", "reset_after"):
        site.set_faults([Fault(kind, writes=True)])
        with pytest.raises(BrokenReplyError) as caught:
            cmk.request("POST", HOSTS, body=CREATE)
        assert caught.value.attempted.is_uncertain and caught.value.attempted.attempts == 1
    assert sent(site) == [f"POST {HOSTS}"]
    assert list(site.state.configuration.hosts) == ["web01"]


@pytest.mark.parametrize("kind", ["none", "reset_after"])
def test_a_writing_request_invalidates_all_cached_answers(with_host: Checkmk, site: SimulatedSite, kind: str) -> None:
    with_host.folders.get("/")
    with_host.hosts.get("web01")
    assert with_host.hosts.get("web01").attributes["alias"] == "old"
    etag = with_host.hosts.get("web01", fresh=True).etag
    site.set_faults([] if kind == "none" else [Fault(kind, writes=True)])
    try:
        with_host.request("PUT", HOST, body={"update_attributes": {"alias": "new"}}, etag=etag)
    except BrokenReplyError:
        assert kind == "reset_after"
    before = len(site.requests)
    assert with_host.hosts.get("web01").attributes["alias"] == "new"
    with_host.folders.get("/")
    assert len(site.requests) == before + 2


FOREIGN: dict[str, Fault] = {
    "page": Fault("html", writes=True),
    "portal": Fault("redirect", writes=True),
    "JSON": Fault("answer", status=200, body={"status": "ok"}, writes=True),
    "empty": Fault("answer", status=204, writes=True),
    "firewall": Fault("answer", status=403, body="<h1>blocked</h1>", writes=True),
}


@pytest.mark.every_case
@pytest.mark.parametrize("name", FOREIGN)
def test_an_answer_of_another_server_proves_no_write(cmk: Checkmk, site: SimulatedSite, name: str) -> None:
    site.set_faults([FOREIGN[name]])
    with pytest.raises(UnexpectedReplyError) as caught:
        cmk.request("POST", HOSTS, body=CREATE)
    assert caught.value.attempted is not None and caught.value.attempted.is_uncertain


def test_a_page_of_another_server_does_not_answer_a_read(cmk: Checkmk, site: SimulatedSite) -> None:
    site.set_faults([Fault("html")])
    with pytest.raises(UnexpectedReplyError, match="does not come from a Checkmk endpoint") as caught:
        cmk.request("GET", "/version")
    assert caught.value.attempted is not None and not caught.value.attempted.is_uncertain


AGENT = "/domain-types/agent/actions/download/invoke"


@responses.activate
def test_a_file_is_returned_as_bytes(connect: MakeClient) -> None:
    with SimulatedSite() as site:
        cmk = connect(site, limits={"max_reply_mb": 0.001})
    headers = {"X-Checkmk-Version": "2.4.0p18"}
    url = f"{cmk.settings.base_url}{AGENT}"
    responses.add("GET", url, body=b"\x00deb", headers=headers, content_type="application/x-deb")
    reply = cmk.request("GET", AGENT, query={"os_type": "linux_deb"})
    assert (reply.data, reply.body, reply.headers["Content-Type"]) == (None, b"\x00deb", "application/x-deb")
    assert responses.calls[0].request.headers["Accept"] == "*/*"
    responses.replace("GET", url, body=bytes(2000), headers=headers, content_type="application/x-deb")
    with pytest.raises(ReplyTooLargeError, match="limits.max_reply_mb"):
        cmk.request("GET", AGENT)


def test_requests_have_metrics_and_events_with_a_bounded_number_of_names(with_host: Checkmk) -> None:
    events: list[CallEvent] = []
    with_host.add_hook(events.append)
    with_host.request("GET", HOST)
    with pytest.raises(ApiError):
        with_host.request("GET", "/objects/host_config/none")
    with_host.request("DELETE", HOST)
    assert [(event.noun, event.verb, event.status) for event in events] == [
        ("request", "get", 200),
        ("request", "get", 404),
        ("request", "delete", 204),
    ]
    metrics = with_host.metrics()
    assert metrics["timings"]["call.request.get"]["count"] == 2
    assert {name for name in metrics["counters"] if name.startswith("calls.request.")} == {
        "calls.request.get.200",
        "calls.request.get.404",
        "calls.request.delete.204",
    }
