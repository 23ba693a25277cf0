"""A request has the form that the API requires, and results in a reply or in one typed error."""

from __future__ import annotations

import base64
import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from responses import matchers

from checkmk_sync import Checkmk, SecretSource, Settings
from checkmk_sync.core.call import Call, CallKind, ExpectedReply, clean_etag
from checkmk_sync.core.clock import ManualClock
from checkmk_sync.errors import (
    BrokenReplyError,
    ConnectError,
    GatewayError,
    ReadTimeoutError,
    ThrottledError,
    UnexpectedReplyError,
)
from checkmk_sync.http.transport import InsecureTransportWarning, Transport

BASE = "https://mon.example.com/prod/check_mk/api/1.0"
READ = Call("GET", "/version", CallKind.POLL, "site", "version")
WRITE = Call("POST", "/domain-types/x/collections/all", CallKind.WRITE, "hosts", "create", body={"a": "ü"})


@pytest.fixture
def mocked() -> Any:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def make_transport(secret: str = "geheim", clock: Any = None, **options: Any) -> Transport:
    settings = Settings("https://mon.example.com", "prod", "automation", SecretSource(value=secret), **options)
    return Transport(settings, clock=clock or ManualClock())


def test_reads_have_no_body_and_no_content_type(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", json={"a": 1}, headers={"X-Checkmk-Version": "2.4.0p1", "X-Checkmk-Edition": "cre"})
    transport = make_transport()
    reply = transport.perform(READ)
    sent = mocked.calls[0].request
    assert reply.data == {"a": 1}
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["Authorization"] == "Bearer automation geheim"
    assert "Content-Type" not in sent.headers
    assert "If-Match" not in sent.headers
    assert "Cookie" not in sent.headers
    assert sent.body is None
    assert (transport.version_text, transport.edition) == ("2.4.0p1", "cre")


def test_non_ascii_server_names_and_prefixes_are_encoded(mocked: Any) -> None:
    mocked.get("https://xn--bcher-kva.example/%C3%BC%20b/prod/check_mk/api/1.0/version", json={"a": 1})
    settings = Settings("https://bücher.example/ü b", "prod", "automation", SecretSource(value="geheim"))
    assert Transport(settings).perform(READ).data == {"a": 1}


def test_writes_are_json_with_an_etag(mocked: Any) -> None:
    mocked.post(f"{BASE}{WRITE.path}", json={}, match=[matchers.json_params_matcher({"a": "ü"})])
    call = Call("POST", WRITE.path, CallKind.WRITE, "hosts", "create", body={"a": "ü"}, etag='"abc"')
    make_transport().perform(call)
    sent = mocked.calls[0].request
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["If-Match"] == '"abc"'


@pytest.mark.parametrize("secret", ["€uro", " leading", "trailing ", "日本"])
def test_credentials_that_do_not_fit_bearer_are_sent_as_basic(mocked: Any, secret: str) -> None:
    mocked.get(f"{BASE}/version", json={})
    make_transport(secret).perform(READ)
    scheme, _, value = mocked.calls[0].request.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == f"automation:{secret}"


def test_netrc_does_not_replace_the_credentials(mocked: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine mon.example.com login me password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    mocked.get(f"{BASE}/version", json={})
    make_transport().perform(READ)
    assert mocked.calls[0].request.headers["Authorization"].startswith("Bearer automation")


def test_cookies_are_not_kept(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", json={}, headers={"Set-Cookie": "auth_prod=x; Path=/"})
    transport = make_transport()
    transport.perform(READ)
    transport.perform(READ)
    assert "Cookie" not in mocked.calls[1].request.headers


def test_proxy_and_ca_bundle_come_from_settings_then_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outside, own = tmp_path / "outside.pem", tmp_path / "own.pem"
    outside.touch()
    own.touch()
    monkeypatch.setenv("HTTPS_PROXY", "http://outside:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(outside))
    assert make_transport()._adapter._options == {"verify": str(outside), "proxies": {"https": "http://outside:1"}}
    inside = make_transport(proxy="http://inside:2", ca_bundle=str(own))._adapter._options
    assert inside["verify"] == str(own)
    assert inside["proxies"]["https"] == "http://inside:2"
    with pytest.warns(InsecureTransportWarning, match="not verified"):
        assert make_transport(verify=False)._adapter._options["verify"] is False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(mocked: Any, status: int) -> None:
    where = "/prod/check_mk/api/1.0/objects/job/1"
    mocked.post(f"{BASE}/domain-types/x/collections/all", status=status, headers={"Location": where})
    reply = make_transport().perform(replace(WRITE, expected=(ExpectedReply(status, location="/objects/job/"),)))
    assert (reply.status, reply.data, reply.headers["Location"]) == (status, None, where)
    assert len(mocked.calls) == 1


@pytest.mark.parametrize("where", ["http://[broken", "/login", "https://elsewhere.example.com/", ""])
@pytest.mark.parametrize(
    "call", [READ, WRITE, replace(WRITE, expected=(ExpectedReply(302, location="/objects/job/"),))]
)
def test_redirects_that_the_api_does_not_define_are_no_proof(mocked: Any, call: Call, where: str) -> None:
    mocked.add(call.method, f"{BASE}{call.path}", status=302, headers={"Location": where})
    with pytest.raises(UnexpectedReplyError) as caught:
        make_transport().perform(call)
    assert caught.value.attempted.is_uncertain is not call.is_read
    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    "href",
    [
        "https://mon.example.com/prod/check_mk/api/1.0/objects/x/1?a=b",
        "http://other/prod/check_mk/api/v1/objects/x/1?a=b",
        "/prod/check_mk/api/1.0/objects/x/1?a=b",
    ],
)
def test_links_are_made_relative_to_the_api(href: str) -> None:
    assert make_transport().path_below_api(href) == "/objects/x/1?a=b"


@pytest.mark.parametrize("href", ["", "https://evil.example/", "/prod/check_mk/", "/check_mk/api/1.0"])
def test_links_outside_the_api_are_refused(href: str) -> None:
    with pytest.raises(UnexpectedReplyError, match="does not lead"):
        make_transport().path_below_api(href)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ('"abc"', '"abc"'),
        ('"abc-gzip"', '"abc"'),
        ('"abc-br"', '"abc"'),
        ('"abc;gzip"', '"abc"'),
        ('W/"abc"', '"abc"'),
        (' W/"abc-gzip" ', '"abc"'),
        ("abc-gzip", "abc"),
        ("*", "*"),
    ],
)
def test_suffixes_of_web_servers_are_removed_from_etags(raw: str, clean: str) -> None:
    assert clean_etag(raw) == clean


def test_lower_case_header_names_are_understood(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", json={"ok": 1}, headers={"etag": '"abc"'})
    assert make_transport().perform(READ).etag == '"abc"'


def test_login_pages_are_refused(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", body="<html>Login</html>", content_type="text/html")
    with pytest.raises(UnexpectedReplyError, match=r"is text/html, not JSON; is https://mon.example.com a Checkmk"):
        make_transport().perform(READ)


@pytest.mark.parametrize(
    ("exception", "kind", "sent"),
    [
        (requests.ConnectTimeout("slow"), ConnectError, False),
        (requests.ReadTimeout("slow"), ReadTimeoutError, None),
        (requests.ConnectionError("reset"), BrokenReplyError, None),
        (requests.exceptions.ChunkedEncodingError("cut"), BrokenReplyError, None),
    ],
)
def test_failures_say_whether_the_request_was_sent(mocked: Any, exception: Any, kind: Any, sent: Any) -> None:
    mocked.post(f"{BASE}{WRITE.path}", body=exception)
    with pytest.raises(kind) as caught:
        make_transport().perform(WRITE)
    assert caught.value.sent is sent
    assert caught.value.attempts == (4 if sent is False else 1)
    assert getattr(caught.value.__cause__, "request", None) is None, "the request contains the secret"
    assert b"geheim" not in pickle.dumps(caught.value)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_errors_are_retried_for_reads_only(mocked: Any, status: int) -> None:
    page = "<html><title>Bad Gateway</title></html>"
    mocked.get(f"{BASE}/version", status=status, body=page, content_type="text/html")
    mocked.get(f"{BASE}/version", json={"ok": 1})
    mocked.post(f"{BASE}{WRITE.path}", status=status, body=page, content_type="text/html")
    transport = make_transport()
    assert transport.perform(READ).data == {"ok": 1}
    with pytest.raises(GatewayError) as caught:
        transport.perform(WRITE)
    assert (caught.value.status, caught.value.sent, caught.value.attempts) == (status, None, 1)


def test_a_429_is_retried_for_writes_after_retry_after(mocked: Any) -> None:
    clock = ManualClock()
    mocked.post(f"{BASE}{WRITE.path}", status=429, headers={"Retry-After": "7"})
    mocked.post(f"{BASE}{WRITE.path}", json={"ok": 1})
    assert make_transport(clock=clock).perform(WRITE).data == {"ok": 1}
    assert clock.slept[0] >= 7


def test_persistent_429_answers_are_raised(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", status=429, headers={"Retry-After": "2"})
    with pytest.raises(ThrottledError) as caught:
        make_transport().perform(READ)
    assert caught.value.retry_after_s == 2
    assert caught.value.attempts == 4


def test_status_queries_by_post_are_reads(mocked: Any) -> None:
    call = Call("POST", "/domain-types/service/collections/all", CallKind.STATUS, "services", "query", body={})
    mocked.post(f"{BASE}{call.path}", status=503)
    mocked.post(f"{BASE}{call.path}", json={"value": []})
    assert make_transport().perform(call).data == {"value": []}


def test_broken_json_is_retried_for_reads_and_unknown_for_writes(mocked: Any) -> None:
    mocked.get(f"{BASE}/version", body='{"a": ', content_type="application/json")
    mocked.get(f"{BASE}/version", json={"ok": 1})
    mocked.post(f"{BASE}{WRITE.path}", body='{"a": ', content_type="application/json")
    transport = make_transport()
    assert transport.perform(READ).data == {"ok": 1}
    with pytest.raises(BrokenReplyError) as caught:
        transport.perform(WRITE)
    assert caught.value.sent is None


def test_plain_http_to_other_machines_warns() -> None:
    with pytest.warns(InsecureTransportWarning, match="unencrypted") as caught:
        Checkmk("http://mon.example.com", "prod", "automation", "geheim")
    assert caught[0].filename == __file__, "the warning points to the caller"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for url in ("http://127.0.0.1:5000", "http://localhost", "https://mon.example.com"):
            Checkmk(url, "prod", "automation", "geheim")


def test_closed_clients_refuse_calls(mocked: Any) -> None:
    client = Checkmk("https://mon.example.com", "prod", "automation", "geheim")
    client.close()
    with pytest.raises(ConnectError, match="closed") as caught:
        client.version()
    assert caught.value.sent is False
    client.close()
