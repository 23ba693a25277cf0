"""Checks of the connection from this machine to a site, with advice for each problem."""

from __future__ import annotations

import enum
import os
import socket
import ssl
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Generator, Iterator, Optional, Sequence
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from .. import errors
from ..catalogue.versions import CheckmkVersion
from ..client.checkmk import Checkmk
from ..config.settings import Settings
from ..http.failures import SPEAKS_HTTP
from ..http.options import proxy_and_tls_options
from ..http.transport import InsecureTransportWarning

OLDEST, NEWEST = "2.2.0", "2.6.0"


class Verdict(enum.Enum):
    """The severity of a finding.

    FAILED means that the site cannot be used. WARNING means that it can be used, but not safely or not completely.
    """

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of a check, with advice if there is a problem."""

    check: str
    verdict: Verdict
    message: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return {"check": self.check, "verdict": self.verdict.value, "said": self.message, "advice": self.advice}


def diagnose(
    settings: Settings, *, observe: Callable[[Checkmk], object] = lambda _client: None, try_writes: bool = True
) -> Iterator[Finding]:
    """Yield the findings of all checks, from the network inwards. Stop at a failure that makes later checks pointless.

    ``observe`` is called with the client before its first request. ``try_writes`` sends a write that changes nothing,
    which shows whether the user may change hosts.
    """
    if not _is_behind_a_proxy(settings) and not (yield from _all_pass(_network(settings))):
        return
    client, findings = _client(settings)
    yield from findings
    if client is None:
        return
    with client:
        observe(client)
        if (yield from _all_pass(_site(client))):
            yield from _permissions(client, try_writes)
            yield _pending(client)


def _all_pass(findings: Iterator[Finding]) -> Generator[Finding, None, bool]:
    """Yield findings up to the first failure. Return True if all checks passed."""
    for finding in findings:
        yield finding
        if finding.verdict is Verdict.FAILED:
            return False
    return True


def _client(settings: Settings) -> tuple[Optional[Checkmk], list[Finding]]:
    """Return a client and the findings about its password. The client is None if the password cannot be read."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            client = Checkmk.from_settings(settings)
        except (errors.SettingsError, errors.MissingExtraError) as error:
            advice = "correct the setting for the password; docs/configuration.md lists all sources"
            return None, [Finding("password", Verdict.FAILED, str(error), advice)]
    return client, list(findings_of_warnings(caught))


def findings_of_warnings(caught: Sequence[warnings.WarningMessage]) -> Iterator[Finding]:
    """Yield a finding for each warning about settings and password. The TLS check reports the one about http://."""
    for warning in caught:
        if not issubclass(warning.category, InsecureTransportWarning):
            message, _, advice = str(warning.message).partition("; ")
            yield Finding("password", Verdict.WARNING, message, advice)


def _is_behind_a_proxy(settings: Settings) -> bool:
    """Return True if a proxy is configured. This machine then does not need to reach the server itself."""
    try:
        return select_proxy(settings.base_url, proxy_and_tls_options(settings)["proxies"]) is not None
    except errors.SettingsError:  # the error is about certificates, which the TLS check reports
        return settings.proxy is not None


def _network(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.server_url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=settings.timeouts.connect_s).close()
    except socket.gaierror:
        advice = "check the host name in server_url, and the name resolution on this machine"
        yield Finding("reachable", Verdict.FAILED, f"the host name {host} cannot be resolved", advice)
        return
    except OSError as error:
        advice = f"check that {host} is running, that it listens on port {port}, and that no firewall blocks it"
        yield Finding("reachable", Verdict.FAILED, f"{host} port {port}: {error.strerror or error}", advice)
        return
    yield Finding("reachable", Verdict.OK, f"{host} port {port} accepts connections")
    yield _tls(settings, host, port)


def _tls(settings: Settings, host: str, port: int) -> Finding:
    if not settings.server_url.startswith("https://"):
        if settings.is_loopback:
            return Finding("TLS", Verdict.OK, "not needed, because the site is on this machine")
        return Finding("TLS", Verdict.WARNING, "the password is sent unencrypted", "use https:// in server_url")
    if not settings.verify:
        advice = "set verify: true, and ca_bundle if the certificate is from a private CA"
        return Finding("TLS", Verdict.WARNING, "certificates are not verified", advice)
    advice = "set ca_bundle to a file or folder with CA certificates"
    try:
        verify = proxy_and_tls_options(settings)["verify"]
        path = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH  # the default of requests
        is_folder = os.path.isdir(path)
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    except errors.SettingsError as error:
        return Finding("ca_bundle", Verdict.FAILED, str(error), advice)
    except OSError as error:
        return Finding("ca_bundle", Verdict.FAILED, f"the CA bundle {path} cannot be read: {error}", advice)
    try:
        with socket.create_connection((host, port), timeout=settings.timeouts.connect_s) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                return Finding("TLS", Verdict.OK, f"{secured.version()}, the certificate is valid")
    except ssl.SSLCertVerificationError as error:
        advice = "set ca_bundle to the certificate of the CA that signed the server's certificate"
        return Finding("TLS", Verdict.FAILED, error.verify_message or str(error.reason), advice)
    except OSError as error:
        if SPEAKS_HTTP.search(str(error)):
            advice = "use http:// in server_url, or the port that speaks https"
            return Finding("TLS", Verdict.FAILED, f"{host} port {port} does not speak https", advice)
        reason = getattr(error, "reason", None) or error
        return Finding("TLS", Verdict.FAILED, str(reason), "check that the port speaks https")


_NO_SITE = (errors.ApiError, errors.UnexpectedReplyError)
# Error class, name of the check, and advice. The first match wins; {site} and {server} are filled in.
_ADVICE: tuple[tuple[Any, str, str], ...] = (
    (
        errors.AuthError,
        "credentials",
        "check username and password, and unlock the user in Checkmk if it is locked; prefer an automation user",
    ),
    (errors.ForbiddenError, "credentials", "give the user a role with permission to use Checkmk"),
    (errors.GatewayError, "site", "start the site on the server: omd start {site}"),
    (_NO_SITE, "site", "check that {site!r} is the ID of the site, and that {server} is its server"),
    (errors.ConnectError, "site", "check the proxy and the firewalls"),
    (errors.TransportError, "site", "check whether the server is overloaded"),
)


def _site(client: Checkmk) -> Iterator[Finding]:
    settings = client.settings
    try:
        version = client.version()
    except (*_NO_SITE, errors.TransportError) as error:
        check, advice = next((check, advice) for kind, check, advice in _ADVICE if isinstance(error, kind))
        advice = advice.format(site=settings.site, server=settings.server_url)
        yield Finding(check, Verdict.FAILED, str(error), advice)
        return
    yield Finding("credentials", Verdict.OK, f"{settings.username} can log in")
    yield _version(version.checkmk, version.edition)


def _version(text: str, edition: str) -> Finding:
    try:
        version = CheckmkVersion.parse(text)
    except ValueError:
        return Finding("version", Verdict.WARNING, f"unknown version {text!r}")
    if not version.at_least(OLDEST):
        return Finding("version", Verdict.FAILED, f"{version} is too old", f"update Checkmk to {OLDEST} or later")
    if version.at_least(NEWEST):
        return Finding(
            "version", Verdict.WARNING, f"{version} is newer than this program supports", "update checkmk-sync"
        )
    advice = "update Checkmk, because 2.2 has reached its end of life" if not version.at_least("2.3.0") else ""
    return Finding("version", Verdict.WARNING if advice else Verdict.OK, f"{version}, edition {edition}", advice)


def _permissions(client: Checkmk, try_writes: bool) -> Iterator[Finding]:
    yield _may(client, "read hosts", lambda: next(client.hosts.each(), None), "the permission to see all folders")
    yield _may(client, "read status", lambda: next(client.host_status.each(), None), "a role that may see hosts")
    if not try_writes:
        return
    # Checkmk checks the permission first, and an update of zero hosts changes nothing.
    advice = "the permissions to make changes and to modify hosts"
    yield _may(client, "change hosts", lambda: client.call("hosts.bulk_update", body={"entries": []}), advice)


def _may(client: Checkmk, check: str, action: Callable[[], object], role: str) -> Finding:
    try:
        action()
    except errors.ForbiddenError as error:
        return Finding(check, Verdict.WARNING, error.detail or str(error), f"give {client.settings.username} {role}")
    except errors.CheckmkError as error:
        return Finding(check, Verdict.WARNING, str(error), "resolve this error first")
    return Finding(check, Verdict.OK, "allowed")


def _pending(client: Checkmk) -> Finding:
    try:
        pending = client.activation.pending()
    except errors.CheckmkError as error:
        return Finding("pending changes", Verdict.WARNING, str(error), "resolve this error first")
    others = sorted({str(change.user) for change in pending if change.is_foreign_to(client.settings.username)})
    if not others:
        return Finding("pending changes", Verdict.OK, f"{len(pending)} of your own" if pending else "none")
    advice = "let them activate first, or use --force-foreign, which needs the permission to activate foreign changes"
    return Finding(
        "pending changes", Verdict.WARNING, f"{len(pending)}, including changes of {', '.join(others)}", advice
    )
