"""Clusters of the simulated site: valid nodes, answers, and renaming."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.raw_requests import Raw

HOSTS, CLUSTERS = "/domain-types/host_config/collections/all", "/domain-types/host_config/collections/clusters"
ONE, NODES = "/objects/host_config/{}", "/objects/host_config/{}/properties/nodes"
STAR = {"If-Match": "*"}


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with SimulatedSite(request.param, activation_time=0, discovery_time=0) as site:
        found = Raw(site)
        for name in ("a", "b", "c"):
            assert found("POST", HOSTS, json={"host_name": name, "folder": "/"}).status_code == 200
        for name in ("clu", "other"):
            body = {"host_name": name, "folder": "/", "nodes": ["a", "b"]}
            assert found("POST", CLUSTERS, json=body).status_code == 200
        yield found
        found.session.close()


def _nodes(raw: Raw, name: str) -> Any:
    return raw("GET", ONE.format(name)).json()["extensions"]["cluster_nodes"]


def test_a_cluster_is_a_host_with_nodes(raw: Raw) -> None:
    data = raw("GET", ONE.format("clu")).json()["extensions"]
    assert (data["is_cluster"], data["cluster_nodes"]) == (True, ["a", "b"])
    data = raw("GET", ONE.format("a")).json()["extensions"]
    assert (data["is_cluster"], data["cluster_nodes"]) == (False, None)


@pytest.mark.parametrize(
    ("nodes", "complaint"),
    [
        (["clu"], {"0": ["Host 'clu' may not be a cluster host, but is."]}),
        (["a", "other"], {"1": ["Host 'other' may not be a cluster host, but is."]}),
        (["nope"], {"0": ["Host not found: 'nope'"]}),
        (["nope", "clu"], {"0": ["Host not found: 'nope'"], "1": ["Host 'clu' may not be a cluster host, but is."]}),
        (["a b"], {"0": ["'a b' does not match pattern '^[-0-9a-zA-Z_.]+\\\\Z'."]}),
        ([5], {"0": ["Not a valid string."]}),
        ([None], {"0": ["Field may not be null."]}),
        ("a", ["Not a valid list."]),
        (None, ["Field may not be null."]),
    ],
)
def test_invalid_nodes_are_refused(raw: Raw, nodes: Any, complaint: Any) -> None:
    answer = raw("PUT", NODES.format("clu"), STAR, json={"nodes": nodes})
    assert (answer.status_code, answer.json()["fields"]) == (400, {"nodes": complaint})
    assert _nodes(raw, "clu") == ["a", "b"]
    if "clu" not in str(nodes) and "other" not in str(nodes):
        answer = raw("POST", CLUSTERS, json={"host_name": "new", "folder": "/", "nodes": nodes})
        assert (answer.status_code, answer.json()["fields"]) == (400, {"nodes": complaint})
        assert raw("GET", ONE.format("new")).status_code == 404


def test_only_a_cluster_has_nodes(raw: Raw) -> None:
    answer = raw("PUT", NODES.format("a"), STAR, json={"nodes": ["b"]})
    said = {"host_name": ["Host 'a' is not a cluster host, but needs to be."]}
    assert (answer.status_code, answer.json()["fields"]) == (404, said)
    answer = raw("PUT", NODES.format("nope"), STAR, json={"nodes": ["b"]})
    assert (answer.status_code, answer.json()["fields"]) == (404, {"host_name": ["Host not found: 'nope'"]})
    # The path is checked before the body and the ETag.
    assert raw("PUT", NODES.format("a"), json={"nodes": 5}).status_code == 404


def test_changing_nodes_returns_the_new_nodes(raw: Raw) -> None:
    answer = raw("PUT", NODES.format("clu"), STAR, json={"nodes": ["c", "a"]})
    data = answer.json()
    assert (answer.status_code, data["value"], data["id"]) == (200, ["c", "a"], "clu_nodes")
    (link,) = data["links"]
    assert (link["rel"], link["method"]) == ("urn:org.restfulobjects:rels/modify", "PUT")
    assert link["href"] == raw.site.api_url + NODES.format("clu")
    assert "ETag" not in answer.headers
    assert _nodes(raw, "clu") == ["c", "a"]
    assert raw("PUT", NODES.format("clu"), STAR, json={"nodes": []}).status_code == 200
    assert _nodes(raw, "clu") == []


def test_changing_nodes_needs_the_current_etag(raw: Raw) -> None:
    before = raw("GET", ONE.format("clu")).headers["ETag"]
    assert raw("PUT", NODES.format("clu"), json={"nodes": ["c"]}).status_code == 428
    assert raw("PUT", NODES.format("clu"), {"If-Match": '"nonsense"'}, json={"nodes": ["c"]}).status_code == 412
    assert raw("PUT", NODES.format("clu"), {"If-Match": before}, json={"nodes": ["c"]}).status_code == 200
    answer = raw("PUT", NODES.format("clu"), {"If-Match": before}, json={"nodes": ["b"]})
    assert answer.status_code == 412
    assert answer.json()["ext"]["cluster_nodes"] == ["c"]


def test_renaming_a_node_updates_its_clusters(raw: Raw) -> None:
    raw.site.state.configuration.changes.clear()
    answer = raw("PUT", f"{ONE.format('a')}/actions/rename/invoke", STAR, json={"new_name": "renamed"})
    assert answer.status_code in (200, 302, 303)
    raw.site.state.finish_due_jobs()
    assert _nodes(raw, "clu") == _nodes(raw, "other") == ["renamed", "b"]


def test_clusters_otherwise_behave_like_hosts(raw: Raw) -> None:
    answer = raw("PUT", ONE.format("clu"), STAR, json={"update_attributes": {"alias": "Cluster"}})
    assert answer.json()["extensions"]["cluster_nodes"] == ["a", "b"]
    raw("POST", "/domain-types/folder_config/collections/all", json={"name": "f", "title": "F", "parent": "/"})
    move = f"{ONE.format('clu')}/actions/move/invoke"
    assert raw("POST", move, STAR, json={"target_folder": "/f"}).json()["extensions"]["is_cluster"]
    assert raw("DELETE", ONE.format("clu")).status_code == 204
    assert raw("GET", ONE.format("a")).status_code == 200
