"""An answer with status 400 or above becomes one typed error, which shows whether the site or a web server sent it."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import (
    AuthError,
    BadRequestError,
    ForbiddenError,
    GatewayError,
    NotFoundError,
    ServerError,
    UnexpectedReplyError,
)
from tests.http.test_transport import BASE, READ, WRITE, make_transport, mocked

__all__ = ["mocked"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, {"title": "Unauthorized", "detail": "Wrong credentials (Bearer header)"}, AuthError, "Wrong cred"),
        (401, {"title": "Unauthorized"}, AuthError, "401 Unauthorized"),
        (401, {"title": "x", "detail": "you lack the permission for this"}, ForbiddenError, "lack"),
        (401, {"title": "x", "detail": "There are changes from other users and foreign"}, ForbiddenError, "foreign"),
        (401, {"title": "x", "detail": "Deleting the root folder is not permitted."}, ForbiddenError, "root"),
        (401, {"title": "x", "detail": "Sorry, you have no permissions here"}, ForbiddenError, "permissions"),
        (401, {"title": "x", "detail": "Login user or password is wrong"}, AuthError, "Login user"),
        (401, {"title": "x", "detail": "This account is blacklisted"}, AuthError, "blacklisted"),
        (403, {"title": "Forbidden", "detail": "no"}, ForbiddenError, "no"),
        (
            404,
            {"title": "Not Found", "fields": {"host_name": ["Host not found: 'x'"]}},
            NotFoundError,
            "host_name: Host",
        ),
        (500, {"title": "Internal", "detail": "KeyError", "ext": {"details": {"data": "x"}}}, ServerError, "KeyError"),
    ],
)
def test_problems_become_errors(mocked: Any, status: int, body: Any, kind: Any, said: str) -> None:
    mocked.get(f"{BASE}/version", status=status, json=body, content_type="application/problem+json")
    with pytest.raises(kind, match=said) as caught:
        make_transport().perform(READ)
    assert caught.value.status == status
    assert "GET /version" in str(caught.value)
    assert len(mocked.calls) == 1, "an answer of the site is not retried"
    assert caught.value.ext == {}


@pytest.mark.parametrize("said", ["not allowed without valid credentials", "you lack the permission"])
def test_a_401_of_a_web_server_is_about_credentials(mocked: Any, said: str) -> None:
    mocked.get(f"{BASE}/version", status=401, body=f"<h1>401</h1>{said}", content_type="text/html")
    with pytest.raises(AuthError, match=said):
        make_transport().perform(READ)


@pytest.mark.parametrize("body", [b"", b"<html><h1>Oops</h1><script>x()</script></html>", b"[1]", b"\xff\xfe"])
def test_bodies_that_are_not_json_are_handled(mocked: Any, body: bytes) -> None:
    mocked.get(f"{BASE}/version", status=403, body=body, content_type="text/html")
    with pytest.raises(ForbiddenError) as caught:
        make_transport().perform(READ)
    assert "x()" not in str(caught.value)


@pytest.mark.parametrize("body", ["<h1>Not Found</h1>", '{"message": "no Route matched with those values"}', "[]"])
def test_a_404_of_the_web_server_is_not_a_missing_host(mocked: Any, body: str) -> None:
    mocked.get(f"{BASE}/objects/host_config/web01", status=404, body=body, content_type="application/json")
    with Checkmk("https://mon.example.com", "prod", "automation", "geheim") as client:
        with pytest.raises(UnexpectedReplyError, match="check server_url and site"):
            client.hosts.find("web01")


@pytest.mark.parametrize("body", ["<h1>Oops</h1>", '{"message": "An unexpected error occurred"}', ""])
def test_a_500_of_the_web_server_is_not_a_site_error(mocked: Any, body: str) -> None:
    """A crash report of the site is JSON with a title, and is final.

    After any other page, the site may still be executing the call.
    """
    mocked.get(f"{BASE}/version", status=500, body=body, content_type="application/json")
    mocked.post(f"{BASE}{WRITE.path}", status=500, body=body, content_type="application/json")
    asked = make_transport()
    with pytest.raises(GatewayError) as read:
        asked.perform(READ)
    assert read.value.attempted.may_be_repeated
    assert read.value.attempts > 1
    with pytest.raises(GatewayError) as written:
        asked.perform(WRITE)
    assert (written.value.sent, written.value.attempts, written.value.attempted.is_uncertain) == (None, 1, True)


def test_deeply_nested_problems_are_handled(mocked: Any) -> None:
    fields = "[" * 900 + "]" * 900
    body = f'{{"title": "Bad Request", "status": 400, "detail": "no", "fields": {fields}, "ext": {{"x": {fields}}}}}'
    mocked.get(f"{BASE}/version", status=400, body=body, content_type="application/problem+json")
    with pytest.raises(BadRequestError, match="400 Bad Request: no"):
        make_transport().perform(READ)


def test_fields_of_any_shape_are_flattened(mocked: Any) -> None:
    nested = {"entries": {"0": {"host_name": ["taken", "bad"]}}}
    dotted = {"body.entries.1.host_name": {"type": "value_error", "loc": ["body"], "msg": "taken", "input": 1}}
    for fields, flat in (
        (nested, {"entries.0.host_name": ["taken", "bad"]}),
        (dotted, {"entries.1.host_name": ["taken"]}),
    ):
        mocked.reset()
        mocked.post(f"{BASE}{WRITE.path}", status=400, json={"title": "Bad Request", "status": 400, "fields": fields})
        with pytest.raises(Exception, match="400") as caught:
            make_transport().perform(WRITE)
        assert caught.value.fields == flat  # type: ignore[attr-defined]
