"""The simulated site refuses plain requests in the same order and with the same bodies as Checkmk."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from checkmk_sync.testing import ManualClock, SimulatedSite
from checkmk_sync.testing.fields_filter import FieldsFilter
from tests.raw_requests import Raw

HOSTS = "/domain-types/host_config/collections/all"
FOLDERS = "/domain-types/folder_config/collections/all"


def test_routes_are_checked_before_credentials(raw: Raw) -> None:
    nobody = {"Authorization": None}
    assert raw("GET", "/nothing", nobody).status_code == 404
    assert raw("PATCH", "/version", nobody).status_code == 405
    assert raw("HEAD", "/version", nobody).status_code == 405
    assert raw("GET", "/version", nobody).status_code == 401
    assert raw("GET", "/version", nobody, base=raw.site.url + "/other/check_mk/api/1.0").status_code == 404


def test_api_versions_are_checked_from_2_5(raw: Raw) -> None:
    assert raw("GET", "/version", base=f"{raw.site.url}/s/check_mk/api/v0").status_code == 200
    with SimulatedSite("2.5.0p9") as site:
        new = Raw(site)
        assert new("GET", "/version", base=f"{site.url}/s/check_mk/api/v1").status_code == 200
        assert new("GET", "/version", base=f"{site.url}/s/check_mk/api/v0").status_code == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer automation wrong", 401),
        ("Bearer nobody simulated-secret", 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"automation:simulated-secret").decode(), 200),
        ("Bearer automation simulated-secret", 200),
        ("Digest x", 401),
    ],
)
def test_wrong_credentials_are_refused(raw: Raw, header: Any, status: int) -> None:
    answer = raw("GET", "/version", {"Authorization": header})
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["title"] == "Unauthorized"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "X-Checkmk-Version" not in answer.headers
    else:
        assert answer.headers["X-Checkmk-Version"] == "2.4.0p18"
        assert answer.headers["X-Checkmk-Edition"] == "cre"


def test_accounts_are_locked_after_wrong_passwords(raw: Raw) -> None:
    raw.site.add_user("robot", "right", lock_after=2)
    for _ in range(2):
        assert raw("GET", "/version", {"Authorization": "Bearer robot wrong"}).status_code == 401
    answer = raw("GET", "/version", {"Authorization": "Bearer robot right"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "User is locked")


def test_wrong_content_types_are_refused(raw: Raw) -> None:
    assert raw("POST", HOSTS, data="{}").status_code == 415
    assert raw("POST", HOSTS, {"Content-Type": "application/x-www-form-urlencoded"}, data="a=b").status_code == 415
    assert raw("POST", HOSTS, {"Content-Type": "application/json; charset=latin-1"}, data="{}").status_code == 415
    assert raw("POST", HOSTS, {"Content-Type": "application/json; charset=utf-8"}, data="{}").status_code == 400
    assert raw("POST", HOSTS, {"Content-Type": "application/json"}, data="{").status_code == 400


def test_the_accept_header_is_checked(raw: Raw) -> None:
    assert raw("GET", "/version", {"Accept": "text/html"}).status_code == 406
    assert raw("GET", "/version", {"Accept": "*/*"}).status_code == 200
    assert raw("GET", "/version", {"Accept": "application/json;q=0.5, text/html"}).status_code == 200


def test_objects_in_the_path_are_checked_first(raw: Raw) -> None:
    for path in ("/objects/host_config/nobody", "/objects/folder_config/~nowhere"):
        assert raw("GET", path, {"Accept": "text/plain"}).status_code == 404
        assert raw("PUT", path, {"If-Match": "*"}, json={"nonsense": 1}).status_code == 404
        assert raw("GET", path, params={"effective_attributes": "perhaps"}).status_code == 404
        assert raw("PUT", path, {"If-Match": "*"}, data="x=1").status_code == 415, (
            "the content type is checked even earlier"
        )


def test_deleting_a_host_during_its_renaming_is_safe(raw: Raw, clock: ManualClock) -> None:
    assert raw("POST", HOSTS, json={"host_name": "a", "folder": "/"}).status_code == 200
    start = "/domain-types/activation_run/actions/activate-changes/invoke"
    assert raw("POST", start, {"If-Match": "*"}, json={}).status_code == 200
    clock.advance(60)
    renamed = raw("PUT", "/objects/host_config/a/actions/rename/invoke", {"If-Match": "*"}, json={"new_name": "b"})
    assert renamed.status_code == 303
    assert raw("DELETE", "/objects/host_config/a").status_code == 204
    clock.advance(60)
    assert raw("GET", "/version").status_code == 200
    assert raw("GET", "/objects/host_config/b").status_code == 404


def test_unknown_fields_are_listed(raw: Raw) -> None:
    answer = raw("POST", HOSTS, json={"host_name": "a", "folder": "/", "nothing": 1})
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"nothing": ["Unknown field."]}
    answer = raw("GET", HOSTS, params={"nothing": "1"})
    assert answer.json()["fields"] == {"nothing": ["Unknown field."]}
    assert raw("GET", HOSTS, params={"_profile_x": "1"}).status_code == 200


def test_queries_accept_booleans_and_lists(raw: Raw) -> None:
    for name in ("a", "b", "c"):
        raw("POST", HOSTS, json={"host_name": name, "folder": "/"})
    for value in ("true", "1", "True"):
        found = raw("GET", HOSTS, params={"include_links": value}).json()["value"]
        assert found[0]["links"]
    assert raw("GET", HOSTS, params={"include_links": "maybe"}).status_code == 400
    found = raw("GET", HOSTS, params={"hostnames": ["a", "c"]}).json()["value"]
    assert [host["id"] for host in found] == ["a", "c"]


def test_etags_are_checked(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    etag = raw("GET", "/objects/host_config/a").headers["ETag"]
    assert (len(etag), etag[0], etag[-1]) == (66, '"', '"')
    body = {"update_attributes": {"alias": "x"}}
    path = "/objects/host_config/a"
    assert raw("PUT", path, json=body).status_code == 428
    assert raw("PUT", path, json={"update_attributes": {"bad": 1}}).status_code == 400, "the body is checked first"
    assert raw("PUT", path).status_code == 428, "without a body, the ETag is checked first"
    assert raw("PUT", path, {"If-Match": '"other"'}, json=body).status_code == 412
    assert raw("PUT", path, {"If-Match": etag.strip('"')}, json=body).status_code == 200
    assert raw("PUT", path, {"If-Match": etag}, json=body).status_code == 412
    assert raw("PUT", path, {"If-Match": "*"}, json=body).status_code == 200
    assert "ETag" not in raw("GET", HOSTS).headers


def test_etag_locking_can_be_disabled() -> None:
    with SimulatedSite(etag_locking=False) as site:
        raw = Raw(site)
        raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
        body = {"update_attributes": {"alias": "x"}}
        assert raw("PUT", "/objects/host_config/a", json=body).status_code == 200
        assert raw("PUT", "/objects/host_config/a", {"If-Match": '"other"'}, json=body).status_code == 200


@pytest.mark.parametrize(
    ("version", "started", "wait"), [("2.2.0p44", 200, ""), ("2.3.0p41", 302, "POST"), ("2.4.0p18", 303, "GET")]
)
def test_renaming_runs_immediately_or_in_the_background(
    clock: ManualClock, version: str, started: int, wait: str
) -> None:
    with SimulatedSite(version, discovery_time=5, clock=clock) as site:
        raw, star = Raw(site), {"If-Match": "*"}
        done = "/domain-types/host_config/actions/wait-for-completion/invoke"
        rename = "/objects/host_config/a/actions/rename/invoke"
        stale = {"If-Match": '"stale"'}  # Checkmk does not check the ETag here
        for name in ("a", "child"):
            attributes = {"parents": ["a"]} if name == "child" else {}
            raw("POST", HOSTS, json={"host_name": name, "folder": "/", "attributes": attributes})
        assert raw("PUT", rename, star, json={"new_name": "b"}).status_code == 409, "changes are pending"
        site.state.configuration.changes.clear()
        assert raw("PUT", rename, star, json={"new_name": "child"}).status_code == 400
        answer = raw("PUT", rename, stale if wait else {}, json={"new_name": "b"})
        assert answer.status_code == started
        if wait:
            assert answer.headers["Location"].endswith(done)
            assert raw("PUT", rename, star, json={"new_name": "c"}).status_code == 409, "another renaming is running"
            assert raw(wait, done).status_code == 302
            assert raw({"GET": "POST", "POST": "GET"}[wait], done).status_code == 405
            clock.advance(6)
            assert raw(wait, done).status_code == 204
        assert raw("GET", "/objects/host_config/a").status_code == 404
        assert raw("GET", "/objects/host_config/b").status_code == 200
        child = raw("GET", "/objects/host_config/child").json()
        assert child["extensions"]["attributes"]["parents"] == ["b"]


def test_bodies_of_get_requests_are_refused_from_2_5(raw: Raw) -> None:
    assert raw("GET", "/version", json={"a": 1}).status_code == 200
    with SimulatedSite("2.5.0p9") as site:
        assert Raw(site)("GET", "/version", json={"a": 1}).status_code == 400


def test_methods_can_be_overridden(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    answer = raw("POST", "/objects/host_config/a", {"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 204
    assert answer.content == b""
    assert "Content-Type" not in answer.headers


def test_paths_are_decoded_twice(raw: Raw) -> None:
    raw("POST", "/domain-types/folder_config/collections/all", json={"name": "ü", "title": "U", "parent": "/"})
    for spelling in ("~ü", "~%C3%BC", "~%25C3%25BC"):
        assert raw("GET", f"/objects/folder_config/{spelling}").json()["id"] == "~ü"
    assert raw("GET", "/objects/folder_config/%2F").status_code == 404, "Apache refuses an encoded slash"
    assert raw("GET", "/objects/folder_config/%252F").json()["id"] == "~"
    assert raw("GET", "//objects///folder_config/~").status_code == 200, "Apache collapses slashes"


def test_readers_cannot_write(raw: Raw) -> None:
    raw.site.add_user("reader", "abcd", "guest")
    reader = {"Authorization": "Bearer reader abcd"}
    assert raw("GET", HOSTS, reader).status_code == 200
    answer = raw("POST", HOSTS, reader, json={"host_name": "a", "folder": "/"})
    assert answer.status_code == 401
    assert "lack the permission" in answer.json()["detail"]


def test_users_can_be_limited_to_folders(raw: Raw) -> None:
    """A bulk call stops at the first folder that the user must not change, and keeps the earlier changes."""
    for folder in ("a", "ab", "b"):
        raw("POST", FOLDERS, json={"name": folder, "title": folder, "parent": "/"})
    raw.site.add_user("limited", "abcd", folders=["/a"])
    limited = {"Authorization": "Bearer limited abcd", "If-Match": "*"}
    entries = [{"host_name": f"in_{folder}", "folder": f"/{folder}"} for folder in ("a", "ab", "b")]
    bulk = "/domain-types/host_config/actions/bulk-create/invoke"
    answer = raw("POST", bulk, limited, json={"entries": entries})
    assert answer.status_code == 401
    assert "no permission to change the folder '/ab'" in answer.json()["detail"]
    assert list(raw.site.state.configuration.hosts) == ["in_a"]
    assert raw("POST", bulk, json={"entries": entries[1:]}).status_code == 200
    for method, path, body in (
        ("POST", FOLDERS, {"name": "x", "title": "x", "parent": "/"}),
        ("POST", HOSTS, {"host_name": "x", "folder": "/b"}),
        ("PUT", "/objects/host_config/in_b", {"attributes": {}}),
        ("DELETE", "/objects/host_config/in_b", None),
        ("PUT", "/objects/folder_config/~b", {"title": "x"}),
        ("POST", "/objects/folder_config/~a/actions/move/invoke", {"destination": "/b"}),
        ("DELETE", "/objects/folder_config/~b", None),
    ):
        assert raw(method, path, limited, json=body).status_code == 401, (method, path)
    assert raw("PUT", "/objects/host_config/in_a", limited, json={"attributes": {}}).status_code == 200
    for name, target in (("in_a", "/b"), ("in_b", "/a")):
        move = f"/objects/host_config/{name}/actions/move/invoke"
        answer = raw("POST", move, limited, json={"target_folder": target})
        assert (answer.status_code, answer.json()["title"]) == (403, "Permission denied")
        assert answer.json()["detail"] == f"You lack the permissions to move host {name} to ~{target[1:]}."


def test_long_urls_are_refused_by_the_web_server(raw: Raw) -> None:
    names = [f"h{number:03d}.example.com" for number in range(400)]
    assert raw("GET", HOSTS, params={"hostnames": names[:200]}).status_code == 200
    answer = raw("GET", HOSTS, params={"hostnames": names})
    assert answer.status_code == 414
    assert answer.headers["Content-Type"].startswith("text/html")


def test_fields_select_parts_of_the_answer(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/", "attributes": {"alias": "A"}})

    def get(fields: str) -> Any:
        return raw("GET", HOSTS, params={"fields": fields})

    assert get("(value(id))").json() == {"value": [{"id": "a"}]}
    assert get("(value(id,extensions(folder,attributes~alias)))").json() == {
        "value": [{"id": "a", "extensions": {"folder": "/", "attributes": {"alias": "A"}}}]
    }
    dropped = get("!(links,value~links,value(extensions~attributes))").json()
    assert set(dropped) == {"id", "domainType", "value", "extensions"}
    assert "attributes" not in dropped["value"][0]["extensions"]
    for wrong in (" ", "(", "value", "(value", "(value))", "(!x)", "(a,)", "(a b)", "!!(a)", "()", "(a.b)", "(ü)"):
        answer = get(wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["fields"] == {"fields": ["The fields format is invalid."]}


def test_empty_fields_select_everything(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    whole = raw("GET", HOSTS, params={"fields": ""})
    assert whole.status_code == 200
    (host,) = whole.json()["value"]
    assert host["links"]
    assert host["extensions"]["effective_attributes"]


@pytest.mark.parametrize(
    "fields", ["(value,value~id)", "(value~id,value)", "(value(id),value)", "( value ~ id ,\tvalue )"]
)
def test_the_narrower_of_two_fields_applies(raw: Raw, fields: str) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    assert raw("GET", HOSTS, params={"fields": fields}).json() == {"value": [{"id": "a"}]}
    (host,) = raw("GET", HOSTS, params={"fields": f"!{fields}"}).json()["value"]
    assert set(host) == {"domainType", "title", "links", "members", "extensions"}


def test_partly_overlapping_fields_add_up(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    wanted = "(value(id),value~extensions~folder,value(extensions(is_cluster),title),nothing)"
    found = raw("GET", HOSTS, params={"fields": wanted}).json()
    assert found == {"value": [{"id": "a", "title": "a", "extensions": {"folder": "/", "is_cluster": False}}]}
    dropped = "! ( value ( links, members ) , value~extensions , links,id,domainType,extensions )"
    found = raw("GET", HOSTS, params={"fields": dropped}).json()
    assert found == {"value": [{"id": "a", "title": "a", "domainType": "host_config"}]}


def test_unknown_fields_in_the_parameter_are_ignored(raw: Raw) -> None:
    assert raw("GET", HOSTS, params={"fields": "(nothing~at-all,_9)"}).json() == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("(a)", {"a.b": 1, "a": {"b": 2, "c": 3}}),
        ("(a~b)", {"a.b": 1, "a": {"b": 2}}),
        ("(a~c)", {"a": {"c": 3}}),
        ("!(a~b)", {"a": {"c": 3}}),
        ("!(a~c)", {"a.b": 1, "a": {"b": 2}}),
        ("!(a)", {}),
    ],
)
def test_a_key_with_dots_is_a_path_of_names(fields: str, expected: Any) -> None:
    assert FieldsFilter(fields).apply({"a.b": 1, "a": {"b": 2, "c": 3}}) == expected


def test_recorded_requests_contain_no_secrets(raw: Raw) -> None:
    raw("POST", HOSTS, json={"host_name": "a", "folder": "/"})
    kept = raw.site.requests[-1]
    assert (kept.method, kept.path, kept.status, kept.user) == ("POST", HOSTS, 200, "automation")
    assert kept.body == {"host_name": "a", "folder": "/"}
    assert raw.site.password not in repr(raw.site.requests)


def test_edition_names_depend_on_the_version() -> None:
    names = {"raw": "cre", "commercial": "cee", "cloud": "cce", "managed": "cme", "cre": "cre", "ultimate": "cce"}
    for name, short in names.items():
        with SimulatedSite("2.4.0p18", name) as site:
            assert Raw(site)("GET", "/version").json()["edition"] == short
    for name, word in {"raw": "community", "cee": "pro", "cce": "ultimate", "managed": "ultimatemt"}.items():
        with SimulatedSite("2.5.0p9", name) as site:
            found = Raw(site)("GET", "/version").json()
            assert (found["edition"], found["versions"]["checkmk"]) == (word, f"2.5.0p9.{word}")
    with pytest.raises(ValueError, match="unknown edition"):
        SimulatedSite(edition="gold")
    with pytest.raises(ValueError, match="not simulated"):
        SimulatedSite("2.1.0p1")
