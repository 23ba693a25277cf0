"""The doctor reports problems of the connection and their fixes, from the network inwards."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

from checkmk_sync import SecretSource, Settings
from checkmk_sync.cli.app import run
from checkmk_sync.commands.doctor import Finding, Verdict, diagnose
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import use_site


def _settings(url: str, secret: str = "simulated-secret", **options: Any) -> Settings:
    return Settings(
        url, options.pop("site", "s"), options.pop("user", "automation"), SecretSource(value=secret), **options
    )


def _findings(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnose(settings)}


def test_a_healthy_site_passes_all_checks(site: SimulatedSite) -> None:
    findings = _findings(_settings(site.url))
    assert {finding.verdict for finding in findings.values()} == {Verdict.OK}
    assert list(findings) == [
        "reachable", "TLS", "credentials", "version", "read hosts", "read status", "change hosts", "pending changes",
    ]  # fmt: skip
    assert site.state.configuration.changes == [], "the check of permissions changes nothing"


def test_a_closed_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    findings = _findings(_settings(f"http://127.0.0.1:{port}"))
    assert list(findings) == ["reachable"]
    assert findings["reachable"].verdict is Verdict.FAILED
    assert "refused" in findings["reachable"].message
    assert "firewall" in findings["reachable"].advice


@pytest.mark.filterwarnings("ignore:http")
def test_an_unknown_host_name_is_reported() -> None:
    findings = _findings(_settings("https://no-such-name.invalid"))
    assert "cannot be resolved" in findings["reachable"].message


def test_a_wrong_password_or_site_is_reported(site: SimulatedSite) -> None:
    wrong = _findings(_settings(site.url, "not-the-secret"))
    assert wrong["credentials"].verdict is Verdict.FAILED
    assert "automation user" in wrong["credentials"].advice
    elsewhere = _findings(_settings(site.url, site="other"))
    assert elsewhere["site"].verdict is Verdict.FAILED
    assert "'other' is the ID of the site" in elsewhere["site"].advice


def test_the_advice_for_a_stopped_site_is_to_start_it(site: SimulatedSite) -> None:
    site.set_faults([Fault("status", status=503)])
    findings = _findings(_settings(site.url, recovery=_no_retries()))
    assert "omd start s" in findings["site"].advice


def _no_retries() -> Any:
    from checkmk_sync.config.settings import RecoverySettings, RetrySettings

    return RecoverySettings(retry=RetrySettings(max_retries=0))


def test_a_user_without_write_permission_gets_a_warning(site: SimulatedSite) -> None:
    site.add_user("reader", "readers-secret", "guest")
    findings = _findings(_settings(site.url, "readers-secret", user="reader"))
    assert findings["read hosts"].verdict is Verdict.OK
    assert findings["change hosts"].verdict is Verdict.WARNING
    assert "permissions to make changes" in findings["change hosts"].advice


def test_pending_changes_of_others_are_a_warning(site: SimulatedSite) -> None:
    site.add_user("carol", "carols-secret")
    with site.client("carol") as hers:
        hers.hosts.create("x")
    findings = _findings(_settings(site.url))
    assert findings["pending changes"].verdict is Verdict.WARNING
    assert "carol" in findings["pending changes"].message


@pytest.mark.parametrize(
    ("version", "verdict"), [("2.2.0p44", Verdict.WARNING), ("2.5.0p9", Verdict.OK), ("3.0.0", Verdict.WARNING)]
)
def test_the_verdict_depends_on_the_version(version: str, verdict: Verdict) -> None:
    with SimulatedSite(version) as site:
        assert _findings(_settings(site.url))["version"].verdict is verdict


def test_the_certificate_of_the_server_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, certificate = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://localhost:{listener.getsockname()[1]}"
    try:
        unknown = _findings(_settings(url))["TLS"]
        assert unknown.verdict is Verdict.FAILED
        assert "ca_bundle" in unknown.advice
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert _findings(_settings(url, recovery=_no_retries()))["TLS"].verdict is Verdict.OK
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        known = _findings(_settings(url, ca_bundle=str(certificate), recovery=_no_retries()))
        assert known["TLS"].verdict is Verdict.OK
        assert known["site"].verdict is Verdict.FAILED, "the server speaks TLS, but not HTTP"
    finally:
        listener.close()


def test_proxies_and_authorities_of_the_environment_are_used(
    site: SimulatedSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The checks read the same environment variables as the client."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    findings = _findings(_settings("http://monitor.invalid", recovery=_no_retries()))
    assert "reachable" not in findings, "with a proxy, this machine need not resolve the name"
    assert "cannot connect for GET /version" in findings["site"].message
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert _findings(_settings(site.url))["reachable"].verdict is Verdict.OK
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    findings = _findings(_settings(site.url.replace("http://", "https://")))
    assert "missing.pem does not exist" in findings["ca_bundle"].message


def test_the_doctor_on_the_command_line(site: SimulatedSite, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    use_site(monkeypatch, site)
    assert run(["doctor"]) == 0
    assert "ok      credentials: automation can log in" in capsys.readouterr().out
    assert run(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["verdict"] == "ok"
    monkeypatch.setenv("CHECKMK_PASSWORD", "wrong-one")
    assert run(["doctor"]) == 2
    assert "FAILED  credentials" in capsys.readouterr().out


def test_the_doctor_exits_like_other_commands(site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for changed in ({"PASSWORD": "wrong-one"}, {"SITE": "other"}, {"SERVER_URL": "http://127.0.0.1:1"}):
        use_site(monkeypatch, site)
        for name, value in changed.items():
            monkeypatch.setenv(f"CHECKMK_{name}", value)
        assert run(["doctor"]) == run(["version"]) != 0


def test_https_to_a_port_that_speaks_http_is_reported(site: SimulatedSite) -> None:
    finding = _findings(_settings(site.url.replace("http://", "https://")))["TLS"]
    assert finding.verdict is Verdict.FAILED
    assert finding.message.endswith("does not speak https")
    assert "http:// in server_url" in finding.advice


def test_a_missing_ca_bundle_is_reported(site: SimulatedSite) -> None:
    finding = _findings(_settings(site.url.replace("http://", "https://"), ca_bundle="/nowhere/ca.pem"))["ca_bundle"]
    assert "/nowhere/ca.pem does not exist" in finding.message
    assert "ca_bundle" in finding.advice


def test_an_unreadable_password_file_is_reported(site: SimulatedSite, capsys: Any, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"checkmk: {{server_url: '{site.url}', site: s, username: automation, password_file: {tmp_path}/nothing}}"
    )
    assert run(["--config", str(config), "doctor"]) == 2
    shown = capsys.readouterr()
    assert shown.err == ""
    assert f"FAILED  password: the password file {tmp_path}/nothing cannot be read" in shown.out
    assert shown.out.splitlines()[-1].startswith("        -> ")


@pytest.mark.parametrize("line", ["password_file: {folder}/secret", "password: simulated-secret"])
def test_a_secret_that_others_may_read_is_a_warning(
    site: SimulatedSite, capsys: Any, tmp_path: Path, line: str
) -> None:
    (tmp_path / "secret").write_text(site.password)
    config = tmp_path / "config.yaml"
    setting = line.format(folder=tmp_path)
    config.write_text(f"checkmk: {{server_url: '{site.url}', site: s, username: automation, {setting}}}")
    for path in (config, tmp_path / "secret"):
        path.chmod(0o644)
    assert run(["--config", str(config), "doctor"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "warning password: " in shown.out
    assert "-> run: chmod 600" in shown.out
    assert run(["--config", str(config), "doctor", "--json"]) == 0
    (row,) = (row for row in json.loads(capsys.readouterr().out) if row["verdict"] == "warning")
    assert row["advice"].startswith("run: chmod 600")
