"""``call()`` reaches every operation of the catalogue, and ``request()`` every URL below the API."""

from __future__ import annotations

from typing import Any, Callable

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.catalogue import OPERATIONS
from checkmk_sync.catalogue.operations import operations_named
from checkmk_sync.errors import (
    ApiError,
    BrokenReplyError,
    CheckmkError,
    Delivery,
    NotFoundError,
    PreconditionError,
    ReplyTooLargeError,
    UnexpectedReplyError,
)
from checkmk_sync.metrics.calls import CallEvent
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import MakeClient

HOST = "/objects/host_config/web01"
HOSTS = "/domain-types/host_config/collections/all"
CREATE = {"host_name": "web01", "folder": "/", "attributes": {}}


@pytest.fixture
def with_host(site: SimulatedSite, cmk: Checkmk) -> Checkmk:
    cmk.hosts.create("web01", "/", {"alias": "old"})
    return cmk


def _sent(site: SimulatedSite) -> list[str]:
    return [f"{request.method} {request.path}" for request in site.requests]


# call()


def test_a_call_returns_the_answer_of_the_site(with_host: Checkmk) -> None:
    reply = with_host.call("hosts.get", path={"name": "web01"}, query={"effective_attributes": True})
    assert (reply.status, reply.data["id"], reply.etag) == (200, "web01", with_host.hosts.get("web01").etag)
    assert reply.data["extensions"]["effective_attributes"] is not None
    assert reply.headers["X-Checkmk-Version"] == "2.4.0p18"
    assert reply.elapsed_s >= 0 and reply.body.startswith(b"{")


def test_a_call_uses_the_cache_like_the_methods(with_host: Checkmk, site: SimulatedSite) -> None:
    with_host.hosts.get("web01")
    before = len(site.requests)
    assert with_host.call("hosts.get", path={"name": "web01"}).from_cache
    assert not with_host.call("hosts.get", path={"name": "web01"}, fresh=True).from_cache
    with_host.call("hosts.update", path={"name": "web01"}, body={"update_attributes": {"alias": "new"}})
    assert with_host.hosts.get("web01").attributes["alias"] == "new"
    assert len(site.requests) == before + 4


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("hosts.gett", "did you mean hosts.get"),
        ("host.get", "did you mean hosts.get"),
        ("hosts.zzzzzzzzzz", "did you mean hosts.bulk_create or hosts.bulk_delete or"),
        ("zebra.x", "the nouns are activation, aux_tags, "),
        ("hosts", "did you mean"),
        ("", "the nouns are activation"),
    ],
)
def test_an_unknown_operation_names_the_nearest(cmk: Checkmk, site: SimulatedSite, name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match="unknown operation") as caught:
        cmk.call(name)
    assert nearest in str(caught.value)
    assert _sent(site) == []


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "path missing": ("hosts.get", {}, "hosts.get needs the path parameter 'name'; give path={'name': …}"),
    "path unknown": (
        "hosts.get",
        {"path": {"host": "a"}},
        "unknown path parameter 'host' of hosts.get; use one of: name",
    ),
    "path empty": ("hosts.get", {"path": {"name": ""}}, "must not be empty"),
    "query unknown": (
        "hosts.get",
        {"path": {"name": "a"}, "query": {"effective_attribute": True}},
        "unknown query parameter 'effective_attribute' of hosts.get; did you mean 'effective_attributes'?",
    ),
    "query not accepted": ("site.version", {"query": {"x": 1}}, "of site.version; it does not accept any"),
    "body unknown": (
        "hosts.create",
        {"body": {"hostname": "a"}},
        "'hostname' of hosts.create; did you mean 'host_name'?",
    ),
    "body not accepted": ("site.version", {"body": {"x": 1}}, "unknown body field 'x'"),
    "body not JSON": ("hosts.create", {"body": {"attributes": {1, 2}}}, "cannot be sent as JSON"),
    "body not a number": ("hosts.create", {"body": {"attributes": float("nan")}}, "cannot be sent as JSON"),
    "etag not accepted": ("hosts.delete", {"path": {"name": "a"}, "etag": '"x"'}, "does not accept an ETag"),
    "etag invalid": ("hosts.update", {"path": {"name": "a"}, "etag": "a\r\nb"}, "an ETag must be"),
}


@pytest.mark.every_case
@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_refused_before_anything_is_sent(cmk: Checkmk, site: SimulatedSite, case: str) -> None:
    name, arguments, message = WRONG[case]
    with pytest.raises(ValueError) as caught:
        cmk.call(name, **arguments)
    assert message in str(caught.value)
    assert _sent(site) == []


@pytest.mark.parametrize("argument", ["path", "query", "body"])
def test_arguments_must_be_mappings(cmk: Checkmk, argument: str) -> None:
    with pytest.raises(TypeError, match=f"{argument} must be a mapping, not a list"):
        cmk.call("hosts.update", **{"path": {"name": "a"}, argument: []})  # type: ignore[arg-type]


def test_the_current_etag_is_sent_if_none_is_given(with_host: Checkmk, site: SimulatedSite) -> None:
    etag = with_host.hosts.get("web01").etag
    body = {"update_attributes": {"alias": "new"}}
    reply = with_host.call("hosts.update", path={"name": "web01"}, body=body)
    assert site.requests[-1].headers["If-Match"] == etag
    assert _sent(site)[-2:] == [f"GET {HOST}", f"PUT {HOST}"]
    with pytest.raises(PreconditionError):
        with_host.call("hosts.update", path={"name": "web01"}, body=body, etag=etag)
    with_host.call("hosts.update", path={"name": "web01"}, body=body, etag=reply.etag)


def test_an_activation_takes_the_etag_of_the_pending_changes(with_host: Checkmk, site: SimulatedSite) -> None:
    assert with_host.call("activation.start").data["domainType"] == "activation_run"
    assert "pending_changes" in _sent(site)[-2]
    assert site.requests[-1].headers["If-Match"] not in ("", "*")


def test_nothing_was_done_if_the_etag_cannot_be_read(cmk: Checkmk, site: SimulatedSite) -> None:
    with pytest.raises(NotFoundError) as caught:
        cmk.call("hosts.update", path={"name": "none"}, body={"attributes": {}})
    assert caught.value.attempted is not None
    assert (caught.value.attempted.delivery, caught.value.attempted.is_read) == (Delivery.NOTHING_DONE, False)


def test_a_plain_noun_can_be_called(connect: MakeClient) -> None:
    @responses.activate
    def run() -> None:
        with SimulatedSite() as site:
            cmk = connect(site)
        url = f"{cmk.settings.base_url}/domain-types/host_group_config/collections/all"
        made = {"domainType": "host_group_config", "id": "linux", "title": "Linux"}
        headers = {"X-Checkmk-Version": "2.4.0p18", "X-Checkmk-Edition": "cre"}
        responses.add(
            "GET", f"{cmk.settings.base_url}/version", json={"versions": {"checkmk": "2.4.0p18"}, "edition": "cre"}
        )
        responses.add("POST", url, json=made, headers=headers)
        assert cmk.call("host_groups.create", body={"name": "linux", "alias": "Linux"}).data["id"] == "linux"
        with pytest.raises(CheckmkError, match="edition cre, does not support customer"):
            cmk.call("host_groups.create", body={"name": "linux", "alias": "Linux", "customer": "x"})
        assert len([call for call in responses.calls if call.request.method == "POST"]) == 1

    run()


def test_a_field_of_another_version_is_refused(connect: MakeClient) -> None:
    with SimulatedSite("2.2.0p44") as site:
        cmk = connect(site)
        with pytest.raises(CheckmkError, match="'hosts list' of this version does not support fields"):
            cmk.call("hosts.list", query={"fields": "(id)"})
    with SimulatedSite("2.5.0p9") as site:
        cmk = connect(site)
        with pytest.raises(CheckmkError, match="2.5.0p9 does not support 'services list'; use 'services query'"):
            cmk.call("services.list")
        assert cmk.call("services.query").data["value"] == []


def test_a_scan_in_the_background_is_an_answer(connect: MakeClient) -> None:
    with SimulatedSite(hosts=1) as site:
        reply = connect(site).call("discovery.start", body={"host_name": "host00000", "mode": "refresh"})
    assert reply.status == 303
    assert reply.headers["Location"].endswith(
        "/objects/service_discovery_run/host00000/actions/wait-for-completion/invoke"
    )


def test_rows_of_one_name_agree() -> None:
    for row in OPERATIONS:
        rows = operations_named(row.noun, row.verb)
        assert {(other.path_parameters, other.is_read) for other in rows} == {(row.path_parameters, row.is_read)}
        if row.if_match:
            source = operations_named(row.noun, row.etag_from)[0]
            assert source.is_read and set(source.path_parameters) <= set(row.path_parameters)
        if row.replaced_by:
            assert operations_named(*row.replaced_by.split("."))


# request()


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


def test_a_redirect_of_the_site_is_an_answer(with_host: Checkmk) -> None:
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
    assert _sent(site) == []


def test_a_refusal_is_the_usual_error(cmk: Checkmk) -> None:
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
    assert _sent(site) == [f"POST {HOSTS}"]
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


def test_a_page_is_not_an_answer_to_a_read(cmk: Checkmk, site: SimulatedSite) -> None:
    site.set_faults([Fault("html")])
    with pytest.raises(UnexpectedReplyError, match="does not come from a Checkmk endpoint") as caught:
        cmk.request("GET", "/version")
    assert caught.value.attempted is not None and not caught.value.attempted.is_uncertain


AGENT = "/domain-types/agent/actions/download/invoke"
Offline = Callable[..., Any]


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
