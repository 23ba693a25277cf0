"""The server over HTTP: tokens, host names, limits and addresses."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
import urllib.parse
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
import requests
from mcp_types import ElicitResult

from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.config.settings import Settings
from checkmk_sync.errors import SettingsError
from checkmk_sync.mcp.http import Listener, read_token
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.server import serve
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.mcp.in_process_client import result_data
from tests.mcp.server_process import TOKEN, http_client, running_server

pytestmark = pytest.mark.slow  # starts a server process for each test

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatedSite, str]]:
    """A site, and the URL of its server, which requires a token."""
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    with SimulatedSite(hosts=30, services=5) as site:
        with running_server(site, "--token-file", str(token), "--behind-tls", "--name", "mcp.example.com") as (url, _):
            yield site, url


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_many_sessions_at_once(guarded: tuple[SimulatedSite, str], mode: str) -> None:
    site, url = guarded
    answers: list[Any] = []

    async def session(number: int) -> None:
        async with http_client(url, mode=mode) as client:
            for _ in range(3):
                answers.append(result_data(await client.call_tool("hosts_get", {"name": f"host{number:05d}"}))["name"])

    async def script() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(session, number)

    anyio.run(script)
    assert sorted(answers) == sorted(f"host{number:05d}" for number in range(8) for _ in range(3))


def test_a_person_is_asked_over_http() -> None:
    questions: list[str] = []

    async def person(_context: Any, params: Any) -> ElicitResult:
        questions.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    async def script(url: str, mode: str, name: str) -> Any:
        async with http_client(url, mode, elicitation_callback=person) as client:
            return await client.call_tool("hosts_delete", {"names": [name]})

    with SimulatedSite(hosts=3) as site, running_server(site, "--allow-writes") as (url, process):
        assert result_data(anyio.run(script, url, "auto", "host00000"))["done"] is True
        assert result_data(anyio.run(script, url, "legacy", "host00001"))["done"] is True
        assert set(site.state.configuration.hosts) == {"host00002"}
        process.terminate()
        assert process.stderr is not None
        noted = process.stderr.read()
    assert [question.splitlines()[1] for question in questions] == ["in /: host00000", "in /: host00001"]
    assert [json.loads(line[6:])["outcome"] for line in noted.splitlines()[:4]] == ["started", "done"] * 2


def _post(url: str, **headers: str) -> requests.Response:
    fixed = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return requests.post(url, json=PING, headers={**fixed, **headers}, timeout=10)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \xe9"},
    ],
    ids=str,
)
def test_requests_without_the_token_are_refused(guarded: tuple[SimulatedSite, str], headers: dict[str, str]) -> None:
    _, url = guarded
    answer = _post(url, **headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.json() == {"error": "invalid_token", "error_description": "Authentication required"}


def test_several_authorization_headers_are_refused(guarded: tuple[SimulatedSite, str]) -> None:
    """A proxy in front of the server may have checked a different header."""
    _, url = guarded
    address = urllib.parse.urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(address.hostname or "", address.port)) as connection:
        connection.putrequest("POST", address.path)
        for value in (f"Bearer {TOKEN}", "Bearer another"):
            connection.putheader("Authorization", value)
        connection.putheader("Content-Length", "2")
        connection.endheaders(b"{}")
        assert connection.getresponse().status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Host": "mcp.example.com.evil.example"}, 421),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "http://mcp.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
    ],
)
def test_foreign_names_and_origins_are_refused(
    guarded: tuple[SimulatedSite, str], headers: dict[str, str], status: int
) -> None:
    _, url = guarded
    assert _post(url, Authorization=f"Bearer {TOKEN}", **headers).status_code == status


def test_the_name_of_the_proxy_is_accepted(guarded: tuple[SimulatedSite, str]) -> None:
    _, url = guarded
    own = {"Host": "mcp.example.com", "Origin": "https://mcp.example.com"}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    fixed = {"Accept": "application/json, text/event-stream", "Authorization": f"bearer {TOKEN}"}
    assert requests.post(url, json=body, headers={**fixed, **own}, timeout=10).status_code == 200


def test_a_body_that_is_too_large_is_refused(guarded: tuple[SimulatedSite, str]) -> None:
    _, url = guarded
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with contextlib.suppress(requests.ConnectionError):  # the server may close the connection early
        assert requests.post(url, data=b"x" * 20_000_000, headers=headers, timeout=10).status_code == 413


def test_too_many_idle_connections_get_503() -> None:
    with SimulatedSite() as site, running_server(site) as (url, _), contextlib.ExitStack() as strangers:
        address = ("127.0.0.1", int(url.split(":")[2].split("/")[0]))
        for _ in range(200):
            strangers.enter_context(socket.create_connection(address))
        assert _post(url, Authorization=f"Bearer {TOKEN}").status_code == 503
        strangers.close()
        deadline = time.monotonic() + 20
        while _post(url, Authorization=f"Bearer {TOKEN}").status_code == 503:
            assert time.monotonic() < deadline


def test_the_server_listens_on_this_machine_only(guarded: tuple[SimulatedSite, str]) -> None:
    _, url = guarded
    assert url.startswith("http://127.0.0.1:")
    port = int(url.split(":")[2].split("/")[0])
    other = socket.gethostbyname(socket.gethostname())
    if not other.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((other, port), timeout=2).close()


def test_settings_that_would_let_others_in_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for options in (
        {"host": "0.0.0.0"},
        {"host": "::", "token": TOKEN},
        {"host": "192.0.2.1", "behind_tls": True, "names": ("x",)},
        {"token": "short"},
        {"token": "with blanks 0123456789"},
        {"token": "w\xefth-others-0123456789"},
        {"writes": True},
        {"writes": True, "host": "::1"},
        {"host": "0.0.0.0", "token": TOKEN, "behind_tls": True},
    ):
        with pytest.raises(SettingsError):
            Listener(**options)
    Listener(host="0.0.0.0", token=TOKEN, behind_tls=True, names=("mcp.example.com",))
    Listener(writes=True, token=TOKEN)
    assert read_token(None) is None
    monkeypatch.setenv("CHECKMK_MCP_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    monkeypatch.setenv("CHECKMK_MCP_TOKEN", f" {TOKEN}\n")
    assert read_token(None) == TOKEN
    empty = tmp_path / "empty"
    empty.touch(0o600)
    with pytest.raises(SettingsError, match="empty"):
        read_token(str(empty))
    with pytest.raises(SettingsError, match="missing: the token file cannot be read: No such file"):
        read_token(str(tmp_path / "missing"))
    empty.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="the token file cannot be read: it is not UTF-8 text"):
        read_token(str(empty))


def test_serve_leaves_the_dictionary_of_the_caller_unchanged(tmp_path: Path) -> None:
    listen = {"host": "0.0.0.0", "token_file": str(tmp_path / "token")}
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    settings = Settings("http://localhost", "s", "automation", SecretSource(value="x"))
    for _ in range(2):
        with pytest.raises(SettingsError, match="other machines can reach 0.0.0.0"):
            serve(settings, Policy(), listen=listen)
    assert listen == {"host": "0.0.0.0", "token_file": str(tmp_path / "token")}


def test_the_reported_url_is_the_url_for_clients() -> None:
    assert Listener(host="::1").url(8765) == "http://[::1]:8765/mcp"
    assert Listener(host="localhost").url(80) == "http://127.0.0.1:80/mcp"
    beyond = Listener(host="0.0.0.0", token=TOKEN, behind_tls=True, names=("mcp.example.com",))
    assert beyond.url(8765) == "https://mcp.example.com/mcp"
    for host in ("::1", "localhost"):
        with SimulatedSite() as site, running_server(site, "--host", host) as (url, _):
            assert _post(url, Authorization=f"Bearer {TOKEN}").status_code == 400  # it arrives, but has no session


def test_a_port_in_use_is_an_error(sync: Run, site_for_cli: SimulatedSite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = sync("mcp", "--http", "--port", str(port))
    assert result.code == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in result.err
    assert "choose another --port" in result.err


def test_writes_over_http_need_a_token(sync: Run, site_for_cli: SimulatedSite) -> None:
    result = sync("mcp", "--http", "--allow-writes")
    assert result.code == 2
    assert "give --token-file FILE" in result.err
