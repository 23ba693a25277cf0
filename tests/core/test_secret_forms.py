"""Messages and tracebacks contain no secret, even if it is encoded, escaped, part of base64 or in an error page."""

from __future__ import annotations

import base64
import html
import json
import traceback
from typing import Any, Callable, Optional
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, SecretSource
from checkmk_sync.core.redaction import Redactor
from checkmk_sync.errors import CheckmkError, SettingsError
from checkmk_sync.testing import SimulatedSite
from tests.interrupts import interrupt_at

SECRETS = ["geheim-hunter2/+=%", "Zürich-pässwort", "naïve<&>'\"x", "pa ss wörter", "日本語のパスワード", "hunter2"]
ENCODINGS = ("utf-8", "latin-1", "cp1252")


def _bytes_of(secret: str) -> list[bytes]:
    found = []
    for encoding in ENCODINGS:
        try:
            found.append(secret.encode(encoding))
        except UnicodeEncodeError:
            continue
    return found


def _shown_forms(secret: str) -> list[bytes]:
    """Return the forms in which an error page can repeat the secret of a request."""
    forms = [html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(quote(secret))]
    forms += ["".join(f"&#{ord(char)};" for char in secret), "".join(f"&#x{ord(char):x};" for char in secret)]
    forms += ["".join(f"\\u{ord(char):04x}" for char in secret)]
    found = [form.encode() for form in forms]
    for raw in _bytes_of(secret):
        found += [raw, raw.hex().encode(), quote(raw, safe="").lower().encode(), quote_plus(raw).encode()]
        for user in ("automation", "x", "", "someone@else"):
            found += [base64.b64encode(user.encode() + b":" + raw), base64.urlsafe_b64encode(b"Bearer " + raw)]
    return found


def _core(secret: str) -> list[str]:
    """Return the secret and those of its parts that would make it easy to guess."""
    return [secret, *(piece for piece in secret.replace("-", " ").split() if len(piece) > 4 and piece.isascii())]


def _reveals(text: str, secret: str) -> bool:
    decoded = [text, unquote(text), unquote_plus(text), html.unescape(text)]
    for word in text.replace("<", " ").replace(">", " ").split():
        for padding in ("", "=", "=="):
            try:
                decoded.append(base64.b64decode(word + padding, altchars=b"-_").decode("latin-1"))
            except ValueError:
                continue
    pieces = [secret, *(raw.decode("latin-1") for raw in _bytes_of(secret))]
    return any(piece in form for piece in pieces for form in decoded)


@pytest.mark.parametrize("status", [200, 401, 429, 502])
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_repeated_by_an_error_page_are_hidden(secret: str, status: int) -> None:
    options = {"recovery": {"retry": {"max_retries": 0}}, "proxy": f"http://user:{quote(secret, safe='')}@proxy:3128"}
    for form in _shown_forms(secret):
        page = b"<html><body><pre>Proxy-Authorization: Basic " + form + b" </pre></body></html>"
        with responses.RequestsMock() as mock:
            mock.get("https://mon/s/check_mk/api/1.0/version", status=status, body=page, content_type="text/html")
            with Checkmk("https://mon", "s", "automation", secret, **options) as cmk:
                with pytest.raises(CheckmkError) as caught:
                    cmk.version()
        shown = f"{caught.value} {caught.value!r} {json.dumps(caught.value.to_dict(), default=repr)}"
        assert not _reveals(shown, secret), form
        assert not any(piece in shown for piece in _core(secret)), form


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=6, max_size=20))
def test_no_form_of_any_secret_is_left(secret: str) -> None:
    redact = Redactor([secret], "automation")
    for form in _shown_forms(secret):
        for encoding in ENCODINGS:
            assert not _reveals(redact(f"before {form.decode(encoding, 'replace')} after"), secret)


def test_texts_without_a_secret_stay_unchanged() -> None:
    redact = Redactor(["hunter2", "ab"], "automation")
    for text in ("nothing here", "100 % &amp; more \\u00fc", "abc", "%68%75nt"):
        assert redact(text) == text


def test_a_proxy_password_from_the_environment_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:pr0xy%2Fhunter3@127.0.0.1:1")
    with responses.RequestsMock() as mock:
        mock.get("https://mon/s/check_mk/api/1.0/version", status=407, body="user:pr0xy/hunter3 pr0xy%2Fhunter3")
        with Checkmk("https://mon", "s", "automation", "geheim") as cmk, pytest.raises(CheckmkError) as caught:
            cmk.version()
    assert "hunter3" not in str(caught.value)


def _frames(error: BaseException) -> str:
    """Return the traceback with local variables, as some tools show it, but without the frame of the test."""
    inside = error.__traceback__.tb_next if error.__traceback__ is not None else None
    shown = "".join(traceback.TracebackException(type(error), error, inside, capture_locals=True).format())
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            shown += "".join(traceback.TracebackException.from_exception(linked, capture_locals=True).format())
    return shown


def test_no_frame_of_a_failed_constructor_contains_the_secret(tmp_path: Any) -> None:
    proxy = "http://user:geheim-hunter2@proxy:0"
    config = tmp_path / "config.yaml"
    config.write_text(
        "checkmk: {server_url: 'https://mon', site: s, username: u, password: geheim-hunter2, verify: 5}\n"
    )
    config.chmod(0o600)
    makers: list[Callable[[], Any]] = [
        lambda: Checkmk("mon", "s", "automation", _secret()),
        lambda: Checkmk("https://mon", "s", "auto mation", _secret()),
        lambda: Checkmk("https://mon", "s", "automation", _secret(), timeouts={"read_s": -1}),
        lambda: Checkmk("https://mon", "s", "automation", _secret(), ca_bundle="/nothing"),
        lambda: Checkmk("https://mon", "s", "automation", _secret() + "\n"),
        lambda: Checkmk("https://mon", "s", "automation", _secret() + "\udcfc"),
        lambda: Checkmk("https://mon", "s", "automation", SecretSource(value=_secret()), proxy=proxy),
        lambda: Checkmk("https://mon", "s", "automation", _secret(), nothing=1),
        lambda: Checkmk.from_config(config),
    ]
    for make in makers:
        with pytest.raises((SettingsError, TypeError)) as caught:
            make()
        assert "hunter2" not in _frames(caught.value).replace(proxy, "")


def _secret() -> str:
    return "geheim-hunter2"


def test_a_secret_that_is_not_utf8_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python decodes Latin-1 bytes in the environment as lone surrogates."""
    monkeypatch.setenv("SECRET", "hunter2-\udcfc")
    with pytest.raises(SettingsError, match="variable SECRET is not UTF-8 text") as caught:
        Checkmk("https://mon", "s", "automation", SecretSource(env="SECRET"))
    assert "hunter2" not in _frames(caught.value) + repr(caught.value.__context__)


CALLS: dict[str, Callable[[Checkmk], Any]] = {
    "read": lambda client: client.hosts.get("host00000", fresh=True),
    "write": lambda client: client.hosts.update("host00000", update_attributes={"alias": "x"}),
    "stream": lambda client: next(client.hosts.each()),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets of interrupted calls
@pytest.mark.parametrize("call", CALLS)
def test_no_frame_of_an_interrupted_call_contains_the_secret(call: str) -> None:
    """Ctrl-C arrives while requests, urllib3 or http.client runs, and a tool shows all local variables."""
    with SimulatedSite(hosts=1, password="geheim-hunter2") as site, site.client(caching={"enabled": False}) as client:
        CALLS[call](client)
        number = 0
        while True:
            number += 13
            error = _interrupted_below(number, lambda: CALLS[call](client))
            if error is None:
                break
            assert "hunter2" not in _frames(error)
        assert number > 100


def _interrupted_below(number: int, do: Callable[[], Any]) -> Optional[BaseException]:
    """Call ``do`` and raise KeyboardInterrupt at the ``number``-th line of the libraries below the adapter."""
    libraries = ("urllib3", "requests/adapters.py", "http/client.py")
    return interrupt_at(number, do, in_file=lambda file: any(name in file for name in libraries))
