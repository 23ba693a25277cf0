"""``call()`` reaches every operation of the catalogue, with checks before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue import OPERATIONS
from checkmk_sync.catalogue.operations import operations_named
from checkmk_sync.errors import (
    CheckmkError,
    Delivery,
    NotFoundError,
    PreconditionError,
)
from checkmk_sync.testing import SimulatedSite
from tests.client.conftest import sent
from tests.conftest import MakeClient

HOST = "/objects/host_config/web01"


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
        ("zebra.x", "the nouns are acknowledgements, activation, "),
        ("hosts", "did you mean"),
        ("", "the nouns are acknowledgements"),
    ],
)
def test_an_unknown_operation_suggests_the_closest(cmk: Checkmk, site: SimulatedSite, name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match="unknown operation") as caught:
        cmk.call(name)
    assert nearest in str(caught.value)
    assert sent(site) == []


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
    assert sent(site) == []


@pytest.mark.parametrize("argument", ["path", "query", "body"])
def test_arguments_must_be_mappings(cmk: Checkmk, argument: str) -> None:
    with pytest.raises(TypeError, match=f"{argument} must be a mapping, not a list"):
        cmk.call("hosts.update", **{"path": {"name": "a"}, argument: []})  # type: ignore[arg-type]


def test_the_current_etag_is_sent_if_none_is_given(with_host: Checkmk, site: SimulatedSite) -> None:
    etag = with_host.hosts.get("web01").etag
    body = {"update_attributes": {"alias": "new"}}
    reply = with_host.call("hosts.update", path={"name": "web01"}, body=body)
    assert site.requests[-1].headers["If-Match"] == etag
    assert sent(site)[-2:] == [f"GET {HOST}", f"PUT {HOST}"]
    with pytest.raises(PreconditionError):
        with_host.call("hosts.update", path={"name": "web01"}, body=body, etag=etag)
    with_host.call("hosts.update", path={"name": "web01"}, body=body, etag=reply.etag)


def test_an_activation_sends_the_etag_of_the_pending_changes(with_host: Checkmk, site: SimulatedSite) -> None:
    assert with_host.call("activation.start").data["domainType"] == "activation_run"
    assert "pending_changes" in sent(site)[-2]
    assert site.requests[-1].headers["If-Match"] not in ("", "*")


def test_nothing_was_done_if_the_etag_cannot_be_read(cmk: Checkmk, site: SimulatedSite) -> None:
    with pytest.raises(NotFoundError) as caught:
        cmk.call("hosts.update", path={"name": "none"}, body={"attributes": {}})
    assert caught.value.attempted is not None
    assert (caught.value.attempted.delivery, caught.value.attempted.is_read) == (Delivery.NOTHING_DONE, False)


def test_a_plain_noun_can_be_called(cmk: Checkmk, site: SimulatedSite) -> None:
    made = cmk.call("host_groups.create", body={"name": "linux", "alias": "Linux"})
    assert (made.data["id"], cmk.host_groups.get("linux").alias) == ("linux", "Linux")
    cmk.call("host_groups.update", path={"key": "linux"}, body={"alias": "Linux servers"})
    assert cmk.host_groups.get("linux").alias == "Linux servers"
    before = len(site.requests)
    with pytest.raises(CheckmkError, match="edition cre, does not support customer"):
        cmk.call("host_groups.create", body={"name": "bsd", "alias": "BSD", "customer": "x"})
    assert len(site.requests) == before


def test_a_field_of_another_version_is_refused(connect: MakeClient) -> None:
    with SimulatedSite("2.2.0p44") as site:
        cmk = connect(site)
        with pytest.raises(CheckmkError, match="'hosts list' of Checkmk .* does not support fields"):
            cmk.call("hosts.list", query={"fields": "(id)"})
    with SimulatedSite("2.5.0p9") as site:
        cmk = connect(site)
        with pytest.raises(CheckmkError, match="2.5.0p9 does not support 'services list'; use 'services query'"):
            cmk.call("services.list")
        assert cmk.call("services.query").data["value"] == []


def test_the_redirect_to_a_background_scan_is_returned(connect: MakeClient) -> None:
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
