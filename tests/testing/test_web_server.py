"""The simulated site's web server handles request targets like Apache in front of Checkmk."""

from __future__ import annotations

import json

import pytest

from checkmk_sync.testing import Fault, SimulatedSite
from tests.raw_requests import send_bytes

API = "/s/check_mk/api/1.0"
HOSTS = f"{API}/domain-types/host_config/collections/all"


@pytest.mark.parametrize(
    "target",
    [
        "//s/check_mk/api/1.0/version",
        "///s//check_mk///api//1.0//version",
        "/s/check_mk/api/1.0//version",
        "/s/check_mk/api/1.0/version?",
    ],
)
def test_repeated_slashes_are_collapsed(site: SimulatedSite, target: str) -> None:
    answer = send_bytes(site, "GET", target)
    assert (answer.status, answer.json["site"]) == (200, "s")
    assert site.requests[-1].path == "/version"


def test_trailing_slashes_are_kept(site: SimulatedSite) -> None:
    assert send_bytes(site, "GET", f"//{API}/version//").status == 404


@pytest.mark.parametrize("scheme", ["http", "HTTP", "https"])
@pytest.mark.parametrize("slashes", ["/", "//", "///"])
def test_absolute_targets_are_accepted(site: SimulatedSite, scheme: str, slashes: str) -> None:
    target = f"{scheme}://checkmk.example:8080{slashes}s/check_mk//api/1.0/objects/folder_config/~"
    answer = send_bytes(site, "GET", target, host="other.example")
    assert answer.status == 200
    # RFC 9112: the host in an absolute target replaces the Host header.
    assert answer.json["links"][0]["href"] == f"http://checkmk.example:8080{API}/objects/folder_config/~"


def test_absolute_targets_without_a_path_mean_the_root(site: SimulatedSite) -> None:
    assert send_bytes(site, "GET", "http://checkmk.example").status == 404
    assert send_bytes(site, "GET", "http://checkmk.example?x=//").status == 404


def test_slashes_in_queries_are_kept(site: SimulatedSite) -> None:
    query = "hostnames=a//b&fields=%28value%29//"
    answer = send_bytes(site, "GET", f"/{HOSTS}?{query}")
    assert answer.status == 400
    assert site.requests[-1].query == query
    assert "'a//b'" in json.dumps(answer.json["fields"]["hostnames"])


def test_repeated_slashes_are_collapsed_for_writes(site: SimulatedSite) -> None:
    body = json.dumps({"host_name": "a", "folder": "//"}).encode()
    assert send_bytes(site, "POST", f"/{HOSTS}", body=body).status == 400, "slashes in a body are not collapsed"
    body = json.dumps({"host_name": "a", "folder": "/"}).encode()
    assert send_bytes(site, "POST", f"//{HOSTS}", body=body).status == 200
    one = f"//{API}//objects//host_config//a"
    body = json.dumps({"entries": [{"host_name": "a", "update_attributes": {"alias": "b//c"}}]}).encode()
    bulk = f"/{API}//domain-types/host_config/actions/bulk-update/invoke"
    assert send_bytes(site, "PUT", bulk, body=body).status == 200
    assert site.state.configuration.hosts["a"].attributes["alias"] == "b//c"
    assert send_bytes(site, "DELETE", one).status == 204


def test_encoded_slashes_are_refused(site: SimulatedSite) -> None:
    for target in (
        f"{API}/objects/folder_config/%2F",
        f"/{API}//objects/folder_config/%2f~",
        "/%2Fs/check_mk/api/1.0/version",
    ):
        answer = send_bytes(site, "GET", target)
        assert (answer.status, answer.headers["content-type"]) == (404, "text/html")
    assert send_bytes(site, "GET", f"//{API}//objects/folder_config/%252F").status == 200
    assert send_bytes(site, "GET", f"{API}/version?_profile=%2F").status == 200


def test_the_length_limit_applies_to_the_sent_target(site: SimulatedSite) -> None:
    assert send_bytes(site, "GET", "/" * 9000 + f"{API}/version").status == 414


def test_other_targets_are_refused(site: SimulatedSite) -> None:
    for target in ("s/check_mk/api/1.0/version", "/a b", "ftp://127.0.0.1/s/check_mk/api/1.0/version"):
        assert send_bytes(site, "GET", target).status in (400, 404)
    assert send_bytes(site, "OPTIONS", "*").status in (400, 404)


def test_faults_and_control_match_collapsed_paths() -> None:
    with SimulatedSite(control=True, faults=[Fault("status", path="^/version$", times=1)]) as site:
        assert send_bytes(site, "GET", f"/{API}//version").status == 503
        assert send_bytes(site, "GET", "//control//state").json["struck"] == {"status": 1}
        target = site.url + "//control/state"
        assert send_bytes(site, "GET", target).status == 200
        assert send_bytes(site, "GET", "http://evil.example/control/state").status == 403
