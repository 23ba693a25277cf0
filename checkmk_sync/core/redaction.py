"""Removal of secrets from texts and data, whether they are plain or encoded."""

from __future__ import annotations

import base64
import contextlib
import html
import itertools
import json
import re
from collections.abc import Mapping  # isinstance() is three times slower with typing.Mapping
from typing import Any, Container, Iterable, Iterator, Sequence
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from .secret_names import is_secret_name

HIDDEN = "***"
# Checkmk: the types and protocols of SNMP credentials. They appear next to secrets but are public.
_SHAPES = frozenset(
    {
        *("v1_v2_community", "v3_no_auth_no_privacy", "v3_auth_no_privacy", "v3_auth_privacy"),
        *("noAuthNoPriv", "authNoPriv", "authPriv", "CBC-DES", "AES-128", "3DES-EDE", "AES-192", "AES-256"),
        *("AES-192-Blumenthal", "AES-256-Blumenthal", "MD5-96", "SHA-1-96", "SHA-2-224", "SHA-2-256"),
        *("SHA-2-384", "SHA-2-512"),
    }
)
_OPTIONS = ("explicit", "explicit_password", "explicit_token", "store")  # Checkmk: they appear next to secrets, too
_CHOICES = ("password", "explicit_password", "cmk_postprocessed")
_STATES = ("yes", "no", "default")  # Checkmk: of permissions such as wato.passwords; other names do not contain dots
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WORD = re.compile(r"[^\s'\"`,;:=()\[\]{}<>]+")
_USERINFO = re.compile(r"(\w://)[^/?#@\s]+@")
SHORT = 3  # characters; secrets up to this length are hidden only in some places


def mask_secrets(value: Any, name: str = "") -> Any:
    """Return a copy of ``value`` in which HIDDEN replaces all values with secret names.

    ``name`` is the name of ``value`` itself. In URLs, HIDDEN replaces user and password.
    """
    if is_secret_name(name) and not is_public(name, value):
        return None if value is None else HIDDEN
    if isinstance(value, Mapping):
        return {key: mask_secrets(inner, telling_name(value, key)) for key, inner in value.items()}
    if isinstance(value, str) and name.endswith("url"):
        return _USERINFO.sub(rf"\1{HIDDEN}@", value)
    if isinstance(value, (list, tuple)):
        return type(value)(mask_secrets(inner, before) for before, inner in named_entries(value))
    return value


def telling_name(members: Mapping[Any, Any], key: Any) -> str:
    """Return the name of a member, or "secret" if another member of the object says that it is a secret."""
    # Checkmk: the parameters of notifications, such as {"option": "explicit", "url": "https://…"}.
    is_explicit = str(members.get("option", "")).startswith("explicit") and key not in ("option", "username")
    # Checkmk: the value of a rule of snmp_communities is a text, or a tuple with passwords.
    is_value = key in ("value", "value_raw") and not isinstance(members.get(key), Mapping)
    return "secret" if is_explicit or (is_value and is_secret_name(str(members.get("ruleset", "")))) else str(key)


def named_entries(value: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a list or tuple, each with its name. In a tuple, a string is the name of the next entry."""
    # Checkmk: values of rules contain ("password", "…") and ("cmk_postprocessed", "explicit_password", ("uuid", "…")).
    # In JSON, they are lists.
    is_named = isinstance(value, tuple) or (len(value) in (2, 3) and value[0] in _CHOICES)
    for before, inner in zip(("", *value), value):
        yield before if is_named and isinstance(before, str) else "", inner


def is_public(name: str, value: Any) -> bool:
    """Return True if a value is not secret although its name says so.

    It can be a flag, the state of a permission, or the name of a secret in the site's password store.
    """
    if isinstance(value, Mapping):
        return "store_id" in value and value.keys() <= {"option", "store_id", "username"}
    return isinstance(value, bool) or ("." in name and value in _STATES)


def is_shape(value: Any) -> bool:
    """Return True for the type or the protocol of SNMP credentials, which is not secret."""
    return isinstance(value, str) and value in _SHAPES


def find_secrets(value: Any, *, all_of_it: bool = False) -> Iterator[str]:
    """Yield, as strings, the strings and numbers in ``value`` that are secret because of their names.

    With ``all_of_it``, all strings and numbers in ``value`` are secret, except types and protocols of credentials.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            is_kind = isinstance(inner, str) and inner in _SHAPES
            is_option = key == "option" and inner in _OPTIONS
            if not (is_option or (all_of_it and (key == "type" or str(key).endswith("_protocol")) and is_kind)):
                is_secret = is_secret_name(telling_name(value, key)) and not is_public(str(key), inner)
                yield from find_secrets(inner, all_of_it=all_of_it or is_secret)
    elif isinstance(value, (list, tuple)):
        for before, inner in named_entries(value):
            yield from find_secrets(inner, all_of_it=all_of_it or is_secret_name(before))
    elif all_of_it and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)


class HiddenURL(str):
    """A URL whose ``repr()`` hides user and password, because tracebacks can show local variables."""

    def __repr__(self) -> str:
        return repr(hide_userinfo(self))


def hide_userinfo(url: str) -> str:
    """Return ``url`` with ``***`` in place of user and password."""
    head, separator, tail = url.rpartition("@")
    scheme = head.split("//", 1)[0] + "//" if "//" in head else ""
    return f"{scheme}***@{tail}" if separator else str(url)


class Redactor:
    """A callable that returns a text with ``***`` in place of secrets, whether they are plain, escaped or encoded."""

    def __init__(self, secrets: Iterable[str], username: str = "") -> None:
        self._secrets, self._username = tuple(filter(None, secrets)), username
        forms = {form for secret in self._secrets for form in _forms(secret, username) if form}
        # Longest first: replacing a short form first could leave part of a longer one visible.
        self._all = sorted(forms, key=len, reverse=True)
        # Hiding a secret of three letters everywhere would make texts unreadable.
        self._forms = [form for form in self._all if len(form) > SHORT]
        self._plain = {form for secret in self._secrets if len(secret) > SHORT for form in _read_as(secret)}

    def also(self, secrets: Iterable[str]) -> Redactor:
        """Return a redactor that replaces these secrets as well."""
        return Redactor((*self._secrets, *secrets), self._username)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        # Escapes can be mixed or applied twice, so not every form can be listed. If decoding reveals a secret, the
        # entire text is hidden.
        for decode in (html.unescape, unquote, lambda once: unquote_plus(unquote_plus(once)), _unescaped):
            decoded = decode(text)
            if decoded != text and any(plain in decoded for plain in self._plain):
                return HIDDEN
        return text

    def strictly(self, text: str, public: Container[str] = (), *, about_secret: bool = False) -> str:
        """Return ``text`` without secrets and parts of secrets, such as a truncated secret in quotes.

        Words in ``public`` are kept. With ``about_secret``, every part of four or more characters is hidden. Otherwise
        a part is hidden only if it is in quotes or longer than half of the secret, because ordinary words can have
        letters in common with a secret.
        """

        def shown(piece: str, is_suspect: bool) -> str:
            word = piece.strip("'\"").rstrip(".…")
            is_public = word in public or word in _SHAPES
            if is_public or not self._is_piece(word, is_suspect):
                return piece
            return f"{piece[0]}{HIDDEN}{piece[0]}" if piece[0] in "'\"" else HIDDEN

        text = _QUOTED.sub(lambda match: shown(match[0], True), self(text))
        return _WORD.sub(lambda match: shown(match[0], about_secret), text)

    def _is_piece(self, word: str, is_suspect: bool) -> bool:
        for form in self._all:
            if is_suspect and (word == form or (len(word) > SHORT and word in form)):
                return True
            run = max(SHORT + 1, len(form) // 2 + 1)
            if any(form[at : at + run] in word for at in range(len(form) - run + 1)):
                return True
        return False

    def __repr__(self) -> str:
        return "Redactor()"


def _written(secret: str) -> Iterator[str]:
    """Yield the secret as escaped in JSON, Python and HTML, and with two of these escapes combined."""
    once = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    for form in once:
        yield from (form, html.escape(form), html.escape(form).replace("&#x27;", "&#39;"))
        yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], repr(form)[1:-1])


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")


def _unescaped(text: str) -> str:
    """Decode the backslash escapes of JSON and Python."""
    return _ESCAPE.sub(lambda match: match[3] or chr(int(match[1] or match[2], 16)), text)


def _forms(secret: str, username: str) -> Iterator[str]:
    """Yield the strings in which a secret can occur in a response or an error."""
    yield from (*_read_as(secret), html.escape(secret, quote=False), *_written(secret))
    yield from (secret.encode("unicode_escape").decode(), secret.encode("ascii", "xmlcharrefreplace").decode())
    for encoding in _ENCODINGS:
        try:
            raw, whole = secret.encode(encoding), f"{username}:{secret}".encode(encoding)
        except UnicodeEncodeError:
            continue
        for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(quote(raw, safe=""), safe="")):
            yield from (quoted, re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted))
        yield raw.hex()
        for form in (base64.b64encode(whole).decode(), *_base64_inside(raw)):
            for bare in (form, form.rstrip("=")):
                yield from (bare, bare.replace("+", "-").replace("/", "_"))


_ENCODINGS = ("utf-8", "latin-1", "cp1252")


def _read_as(secret: str) -> Iterator[str]:
    """Yield the secret itself, and the garbled text that results from decoding it with a wrong encoding."""
    yield secret
    for encoding, other in itertools.product(_ENCODINGS, repeat=2):
        with contextlib.suppress(UnicodeEncodeError):
            yield secret.encode(encoding).decode(other, "replace")


LEAST_BASE64 = 6  # characters; shorter strings occur by chance in too many texts


def _base64_inside(raw: bytes) -> Iterator[str]:
    """Yield the base64 characters of ``raw`` inside a longer text, such as ``user:password`` for any user.

    The characters depend on the position of ``raw`` modulo 3, so there are three forms. The characters at both ends are
    left out, because they also depend on the neighbouring bytes.
    """
    for offset in range(3):
        code = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        inside = code[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        if len(inside) >= LEAST_BASE64:
            yield inside
