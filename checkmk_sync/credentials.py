"""Secrets: where they come from, and how they stay out of everything that is shown or stored."""

from __future__ import annotations

import base64
import contextlib
import html
import importlib
import itertools
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Optional
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from .errors import MissingExtraError, SettingsError

__all__ = [
    "HIDDEN",
    "HiddenURL",
    "Redactor",
    "SecretSource",
    "hide_userinfo",
    "is_secret_name",
    "masked",
    "secrets_in",
    "warn_caller",
    "warn_if_readable_by_others",
]

HIDDEN = "***"
# snmp_community, management_ipmi_credentials, auth_password, and custom attributes of such names.
_SECRET_NAME = re.compile(
    r"communit|credential|passw|passphrase|secret|token|(?:^|[_-])(?:pass|psk)(?:$|[_-])"
    r"|(?:api|access|auth|private|priv|ssh|encryption)[_-]?key",
    re.IGNORECASE,
)
COMMAND_S = 60.0  # how long a password command may take


@dataclass(frozen=True)
class SecretSource:
    """Where a secret is kept; :meth:`reveal` fetches it. Exactly one of the places is set.

    It pickles, so that another process can fetch the secret itself; only ``value`` travels inside.
    """

    value: Optional[str] = None
    file: Optional[str] = None
    env: Optional[str] = None
    command: Optional[str] = None
    keyring: Optional[str] = None

    def __post_init__(self) -> None:
        given = [name for name in ("value", "file", "env", "command", "keyring") if getattr(self, name) is not None]
        if len(given) != 1:
            said = "none is given" if not given else f"{' and '.join(given)} are given"
            raise SettingsError(f"exactly one source for the password is needed, {said}", field="password")

    def __repr__(self) -> str:
        return f"SecretSource({self.place})"

    def reveal(self, username: str = "") -> str:
        """The secret; SettingsError when it cannot be had or is empty."""
        if self.value is not None:
            secret = self.value
        elif self.file is not None:
            secret = _from_file(self.file)
        elif self.env is not None:
            secret = os.environ.get(self.env, "")
        elif self.command is not None:
            secret = _from_command(self.command)
        else:
            secret = _from_keyring(str(self.keyring), username)
        wrong = "is empty or missing" if not secret else None
        if "\n" in secret or "\r" in secret:
            wrong = "has more than one line"
        if not secret.isascii() and not _is_unicode(secret):
            wrong = "is not UTF-8 text"
        if wrong is not None:
            del secret  # tracebacks can show what frames hold
            raise SettingsError(f"the password from {self.place} {wrong}", field="password")
        return secret

    @property
    def place(self) -> str:
        """Where the secret comes from, in words."""
        if self.file is not None:
            return f"the file {self.file}"
        if self.env is not None:
            return f"the environment variable {self.env}"
        if self.command is not None:
            return "the password command"
        return "the settings" if self.value is not None else f"the keyring service {self.keyring}"


def _is_unicode(secret: str) -> bool:
    """Return False for a text with halves of characters, as the environment gives for bytes that are not UTF-8."""
    try:
        secret.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_file(path: str) -> str:
    path = os.path.abspath(os.path.expanduser(path))
    try:
        with open(path, encoding="utf-8-sig") as source:
            warn_if_readable_by_others(path, os.fstat(source.fileno()).st_mode)
            secret = source.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        cause = error if isinstance(error, OSError) else None  # the other one holds what it could not decode
        raise SettingsError(f"the password file {path} cannot be read: {reason}", field="password_file") from cause
    if secret != secret.strip():
        warn_caller(f"the password in {path} starts or ends with a blank; remove it unless it belongs to the password")
    return secret


def warn_if_readable_by_others(path: str, mode: int) -> None:
    """Warn about a file with a secret that group or others may read."""
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        warn_caller(f"{path} holds a password and others may read it; run: chmod 600 {path}")


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing to the line outside of this package that brought it about."""
    level, frame = 1, sys._getframe()
    package = __name__.partition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


def _from_command(command: str) -> str:
    try:
        # No shell: the command is split like a shell would, but nothing in it is expanded.
        # Nor our standard input: what comes there may be an inventory, or the messages of an MCP client.
        done = subprocess.run(
            shlex.split(command), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_S
        )
        return done.stdout.decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        hint = "; it is run without a shell, so it knows no pipes" if set("|&;<>$`") & set(command) else ""
        said = f"the password command failed: {_why_it_failed(error)}{hint}"
        raise SettingsError(said, field="password_command") from None


def _why_it_failed(error: Exception) -> str:
    """Without the command and what it printed: both may hold secrets."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    if isinstance(error, UnicodeDecodeError):
        return "what it prints is not UTF-8 text"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"  # the name of the program alone
    return str(error) if isinstance(error, ValueError) else f"it took more than {COMMAND_S:g} s"


def _from_keyring(service: str, username: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise MissingExtraError("a password from the keyring", "keyring") from error
    return keyring.get_password(service, username) or ""


def is_secret_name(name: str) -> bool:
    """True for the name of an attribute, or of a part of one, whose value must not be shown."""
    return _SECRET_NAME.search(name) is not None


def masked(value: Any, name: str = "") -> Any:
    """``value``, which is called ``name``, with HIDDEN in place of all that is secret by its name."""
    if is_secret_name(name):
        return None if value is None else HIDDEN
    if isinstance(value, Mapping):
        return {key: masked(inner, str(key)) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else value


def secrets_in(value: Any, *, all_of_it: bool = False) -> Iterator[str]:
    """The texts in ``value`` that are secret by their names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_in(inner, all_of_it=all_of_it or is_secret_name(str(key)))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner, all_of_it=all_of_it)
    elif all_of_it and isinstance(value, str):
        yield value


class HiddenURL(str):
    """A URL that does not show its user and password where frames show what they hold."""

    def __repr__(self) -> str:
        return repr(hide_userinfo(self))


def hide_userinfo(url: str) -> str:
    """Return ``url`` without user and password."""
    head, separator, tail = url.rpartition("@")
    scheme = head.split("//", 1)[0] + "//" if "//" in head else ""
    return f"{scheme}***@{tail}" if separator else str(url)


class Redactor:
    """Replaces secrets in texts, in every form in which they travel or are shown."""

    def __init__(self, secrets: Iterable[str], username: str = "") -> None:
        self._secrets, self._username = tuple(filter(None, secrets)), username
        forms = {form for secret in self._secrets for form in _forms(secret, username)}
        # A secret of three letters is none, and hiding each "abc" would make every text unreadable.
        forms = {form for form in forms if len(form) > 3}
        self._plain = {form for secret in self._secrets if len(secret) > 3 for form in _read_as(secret)}
        # Longest first, so that no form leaves a piece of a longer one behind.
        self._forms = sorted(forms, key=len, reverse=True)

    def also(self, secrets: Iterable[str]) -> Redactor:
        """Return one that replaces these as well."""
        return Redactor((*self._secrets, *secrets), self._username)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        # Escapes can be mixed, or applied twice: what still holds a secret once it is decoded is hidden as a whole.
        for decode in (html.unescape, unquote, lambda once: unquote_plus(unquote_plus(once)), _unescaped):
            decoded = decode(text)
            if decoded != text and any(plain in decoded for plain in self._plain):
                return HIDDEN
        return text

    def __repr__(self) -> str:
        return "Redactor()"


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")


def _unescaped(text: str) -> str:
    """Return ``text`` without the escapes of JSON and Python."""
    return _ESCAPE.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), text)


def _forms(secret: str, username: str) -> Iterator[str]:
    """Yield the texts in which a secret can stand in an answer or in an error."""
    yield from (*_read_as(secret), html.escape(secret), html.escape(secret, quote=False))
    yield from (text[1:-1] for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)))
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
    """Yield a secret as it is, and as a page shows it that is read in another encoding than it was written in."""
    yield secret
    for encoding, other in itertools.product(_ENCODINGS, repeat=2):
        with contextlib.suppress(UnicodeEncodeError):
            yield secret.encode(encoding).decode(other, "replace")


LEAST_BASE64 = 6  # characters; fewer stand in too many texts by chance


def _base64_inside(raw: bytes) -> Iterator[str]:
    """Yield what is the same in the base64 of every text with ``raw`` in it, such as that of any user with a password.

    The three offsets of a byte in base64 give three forms; the characters at both ends depend on the neighbours.
    """
    for offset in range(3):
        code = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        inside = code[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        if len(inside) >= LEAST_BASE64:
            yield inside
