"""TLS certificates are verified, and a request that fails before it is sent is reported as unsent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import trustme
from cheroot.ssl.builtin import BuiltinSSLAdapter

from checkmk_sync import Checkmk
from checkmk_sync.errors import BrokenReplyError, ConnectError, DeadlineError, SettingsError
from checkmk_sync.testing import Fault, SimulatedSite

NO_RETRIES = {"retry": {"max_retries": 0}}


@pytest.fixture
def authority(tmp_path: Path) -> Any:
    found = trustme.CA()
    found.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = found.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    return tmp_path


@pytest.fixture
def secure_site(authority: Path) -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        pem = str(authority / "server.pem")
        adapter = BuiltinSSLAdapter(pem, pem)
        site._server._server.ssl_adapter = adapter  # type: ignore[union-attr]
        yield site


def _client(site: SimulatedSite, **options: Any) -> Checkmk:
    url = site.url.replace("http://127.0.0.1", "https://localhost")
    return Checkmk(url, "s", "automation", site.password, recovery=NO_RETRIES, **options)


def test_known_authorities_are_trusted(secure_site: SimulatedSite, authority: Path) -> None:
    with _client(secure_site, ca_bundle=str(authority / "ca.pem")) as cmk:
        assert cmk.version().site == "s"
        cmk.hosts.create("web01")
        assert cmk.hosts.get("web01").name == "web01"


def test_nothing_is_sent_to_an_unknown_authority(secure_site: SimulatedSite) -> None:
    with _client(secure_site) as cmk, pytest.raises(ConnectError, match="certificate") as caught:
        cmk.hosts.create("web01")
    assert caught.value.sent is False
    assert len(secure_site.requests) == 0


def test_https_to_a_port_that_speaks_http_gets_a_hint() -> None:
    with SimulatedSite() as site:
        url = site.url.replace("http://", "https://")
        with Checkmk(url, site.site, site.username, site.password, recovery=NO_RETRIES) as cmk:
            with pytest.raises(ConnectError, match="; use http:// in server_url, or the port that speaks https"):
                cmk.version()


def test_https_to_a_proxy_that_speaks_http_does_not_advise_to_give_up_https_to_the_site() -> None:
    with SimulatedSite() as site:
        proxy = site.url.replace("http://", "https://")
        with Checkmk("https://mon.example.com", "s", "u", "geheim", proxy=proxy, recovery=NO_RETRIES) as cmk:
            with pytest.raises(ConnectError, match="; use http:// in the URL of the proxy$"):
                cmk.version()


def test_disabling_verification_warns(secure_site: SimulatedSite) -> None:
    with pytest.warns(UserWarning, match="not verified"):
        cmk = _client(secure_site, verify=False)
    with cmk, pytest.warns(Warning, match="Unverified HTTPS request"):
        assert cmk.version().site == "s"


def test_deadlines_hold_over_tls(secure_site: SimulatedSite, authority: Path) -> None:
    secure_site.set_faults([Fault("drip", seconds=0.05)])
    with _client(secure_site, ca_bundle=str(authority / "ca.pem"), timeouts={"total_s": 1.0}) as cmk:
        with pytest.raises(DeadlineError):
            cmk.version()


def test_missing_bundles_are_explained(secure_site: SimulatedSite) -> None:
    with pytest.raises(SettingsError, match="/no/such/bundle.pem does not exist"):
        _client(secure_site, ca_bundle="/no/such/bundle.pem")


class Proxy:
    """A proxy that sends a given answer to CONNECT, and then calls ``then`` with the connection."""

    def __init__(self, answer: bytes, then: Callable[[socket.socket], None] = lambda _client: None) -> None:
        self._answer, self._then = answer, then
        self.seen: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        self.url = f"http://me:proxy-password@127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.seen.append(client.recv(65_536))
            client.sendall(self._answer)
            self._then(client)
            client.close()

    def close(self) -> None:
        self._listener.close()


def test_refusals_of_a_proxy_are_not_of_the_site() -> None:
    proxy = Proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    try:
        options = {"proxy": proxy.url, "recovery": NO_RETRIES}
        with Checkmk("https://mon.example.com", "s", "automation", "geheim", **options) as cmk:
            with pytest.raises(ConnectError) as caught:
                cmk.hosts.create("web01")
        assert caught.value.sent is False, "CONNECT was sent, but the request was not"
        assert proxy.seen[0].startswith(b"CONNECT mon.example.com:443")
        assert b"geheim" not in proxy.seen[0]
        assert "proxy-password" not in str(caught.value)
    finally:
        proxy.close()


def test_requests_lost_by_a_proxy_have_an_unknown_outcome(authority: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")

    def read_and_hang_up(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as secured:
            secured.recv(65_536)

    proxy = Proxy(b"HTTP/1.1 200 Connection established\r\n\r\n", read_and_hang_up)
    try:
        options = {"proxy": proxy.url, "recovery": NO_RETRIES, "timeouts": {"settle_s": 0}}
        options["ca_bundle"] = str(authority / "ca.pem")
        with Checkmk("https://localhost:9", "s", "automation", "geheim", **options) as cmk:
            with pytest.raises(BrokenReplyError) as caught:
                cmk.hosts.create("web01")
        assert caught.value.sent is None
    finally:
        proxy.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_deadlines_hold_if_a_proxy_answers_in_drips(authority: Path, scheme: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")

    def drip(client: socket.socket) -> None:
        connection = context.wrap_socket(client, server_side=True) if scheme == "https" else client
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            for byte in b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 60:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: drip(listener.accept()[0]), daemon=True).start()
        options: dict[str, Any] = {"proxy": f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"}
        options |= {"ca_bundle": str(authority / "ca.pem"), "timeouts": {"total_s": 0.5}, "recovery": NO_RETRIES}
        with Checkmk("https://mon.example.com", "s", "automation", "geheim", **options) as cmk:
            started = time.monotonic()
            with pytest.raises(DeadlineError) as caught:
                cmk.hosts.create("web01")
            assert time.monotonic() - started < 2
            assert caught.value.sent is False


@pytest.mark.parametrize(
    "proxy",
    [
        *("http://[bad", "http://me:proxy-password@[bad", "http://pro xy:1", "proxy:3128"),
        *("ftp://me:proxy-password@proxy", "me:proxy-password@pro_xy.example.com:1/*"),
    ],
)
def test_invalid_proxies_in_the_environment_are_reported(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A later failure would look like a write that the site did not answer."""
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SettingsError, match="is not a URL.* environment variables such as http_proxy") as caught:
        Checkmk("http://127.0.0.1:1", "s", "automation", "geheim")
    inside = caught.tb.tb_next  # without the test's own frame
    shown = traceback.TracebackException(SettingsError, caught.value, inside, capture_locals=True)
    assert "proxy-password" not in "".join(shown.format())
    assert Checkmk("https://mon.example.com", "s", "automation", "geheim"), "http_proxy does not apply to https"


@pytest.mark.parametrize("proxy", ["http://", ""])
def test_the_name_of_a_proxy_may_start_like_a_scheme(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("https_proxy", f"{proxy}socks.example.com:3128")
    assert Checkmk("https://mon.example.com", "s", "automation", "geheim")


def test_socks_proxies_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="PySocks"):
        Checkmk("https://mon.example.com", "s", "automation", "geheim", proxy="socks5://127.0.0.1:1080")
