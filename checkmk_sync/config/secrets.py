"""The sources of passwords, and warnings about files that expose a password."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Collection, Iterator, Mapping, Optional

from ..core.arguments import describe_type
from ..core.private_files import is_open_to_others
from ..core.redaction import HIDDEN, is_public, is_shape, mask_secrets, named_entries, telling_name
from ..core.secret_names import is_secret_name
from ..core.text import suggestion
from ..errors import MissingExtraError, SettingsError

MAX_SETTINGS_FILE, MAX_PASSWORD_FILE = 2**20, 2**16  # characters
_SURROGATE = re.compile("[\ud800-\udfff]")
COMMAND_S = 60.0  # the time limit of a password command
_REFERENCE = "secret:"
NOT_HIDDEN = "not in a part with the name of a secret, so the site would show it"  # a reference


@dataclass(frozen=True)
class SecretSource:
    """The location of a secret. Exactly one of the fields is set; :meth:`reveal` fetches the secret.

    A pickled source contains only the location, so that another process must fetch the secret itself. The exception is
    ``value``, which is the secret.
    """

    value: Optional[str] = None
    file: Optional[str] = None
    env: Optional[str] = None
    command: Optional[str] = None
    keyring: Optional[str] = None

    def __post_init__(self) -> None:
        sources = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(sources) != 1:
            message = "none is given" if not sources else f"{' and '.join(sources)} are given"
            raise SettingsError(f"the password must have exactly one source, but {message}", field="password")
        kind = describe_type(getattr(self, sources[0]))  # never the value
        if not isinstance(getattr(self, sources[0]), (str, os.PathLike) if sources[0] == "file" else str):
            name = "password" if sources[0] == "value" else f"password_{sources[0]}"
            raise SettingsError(f"{name} must be a string, not {kind}", field=name)

    def __repr__(self) -> str:
        return f"SecretSource({self.location})"

    def reveal(self, username: str = "") -> str:
        """Return the secret. ``username`` selects an entry of the keyring.

        Raises SettingsError if the secret cannot be read, is empty or is not valid, and MissingExtraError if the
        package keyring is not installed.
        """
        _, read = _SOURCES[self._kind]
        secret = read(getattr(self, self._kind), username)
        problem = "is empty or missing" if not secret else None
        if "\n" in secret or "\r" in secret:
            problem = "has more than one line"
        if _SURROGATE.search(secret):  # os.environ contains them for bytes that are not UTF-8
            problem = "is not UTF-8 text"
        if problem is not None:
            del secret  # tracebacks can show local variables
            raise SettingsError(f"the password from {self.location} {problem}", field="password")
        return secret

    @property
    def location(self) -> str:
        """A description of the source for messages, such as ``"the file /etc/secret"``."""
        description, _ = _SOURCES[self._kind]
        return description.format(getattr(self, self._kind))

    @property
    def _kind(self) -> str:
        return next(name for name in _SOURCES if getattr(self, name) is not None)


def secret_name(value: object) -> Optional[str]:
    """Return NAME if the value is ``secret:NAME``, which refers to an entry of the configuration's section ``secrets``.

    Return None for any other value.
    """
    return value[len(_REFERENCE) :] if isinstance(value, str) and value.startswith(_REFERENCE) else None


def advice_on_secret(name: str, known: Collection[str]) -> str:
    """Return a hint for a secret that the configuration does not define, with the closest name."""
    advice = "; add it to the section 'secrets' of the configuration"
    return suggestion(name, tuple(known)) if known else advice


def reveal_named(sources: Mapping[str, SecretSource], name: str, username: str) -> str:
    """Return the secret ``name`` of the section ``secrets``.

    Raises SettingsError if it is not defined or cannot be fetched.
    """
    if name not in sources:
        raise SettingsError(f"unknown secret {name!r}{advice_on_secret(name, sources)}", field="secrets")
    try:
        return sources[name].reveal(username)
    except SettingsError as error:
        raise SettingsError(f"the secret {name!r}: {error.reason}", field="secrets") from None


def reveal_members(value: Any, reveal: Callable[[str], Any], member: str = "") -> Any:
    """Return a copy of the value in which ``reveal(NAME)`` replaces each ``secret:NAME`` in a secret member.

    Other members keep such a text, because they are shown. ``member`` is the name of the value itself.
    """
    if isinstance(value, Mapping):
        return {name: reveal_members(inner, reveal, telling_name(value, name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(reveal_members(inner, reveal, before or member) for before, inner in named_entries(value))
    name = secret_name(value)
    return reveal(name) if name is not None and is_secret_name(member) else value


def with_references(found: Any, wanted: Any, member: str = "") -> Any:
    """Return a copy of ``found`` with the references ``secret:NAME`` of ``wanted`` in place of their secrets.

    ``found`` is a value of a site, or a masked one. ``member`` is the name of the value itself.
    """
    if found == HIDDEN and isinstance(wanted, Mapping):
        found = dict.fromkeys(wanted, HIDDEN)
    elif found == HIDDEN and isinstance(wanted, (list, tuple)):
        found = [HIDDEN] * len(wanted)
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        names = {name: telling_name(wanted, name) for name in found}
        return {name: with_references(inner, wanted.get(name), names[name]) for name, inner in found.items()}
    is_list = isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)) and len(found) == len(wanted)
    if is_list:
        entries = zip(found, named_entries(wanted))
        return type(wanted)(with_references(inner, part, before or member) for inner, (before, part) in entries)
    if found is None or secret_name(wanted) is None or not is_secret_name(member):
        return found
    return wanted if isinstance(found, str) else HIDDEN


# Checkmk: members next to secrets that are not secret themselves, and tuples that name an entry of the password store.
_NOT_SECRET = re.compile(r"type|option|user|username|security_name|store_id|.*_protocol")
_STORED = ("store", "stored_password")


def replace_secrets(value: Any, replace: Callable[[Any], Any], name: str = "", *, is_inside: bool = False) -> Any:
    """Return a copy of the value in which ``replace(SECRET)`` replaces each secret in the clear.

    References ``secret:NAME`` stay. ``name`` is the name of the value itself. With ``is_inside``, the value is a part
    of a secret.
    """
    is_inside = (is_inside or is_secret_name(name)) and not is_public(name, value) and name not in _STORED
    if isinstance(value, Mapping):
        inside = {key: is_inside and _NOT_SECRET.fullmatch(str(key)) is None for key in value}
        names = {key: telling_name(value, key) for key in value}
        return {key: replace_secrets(v, replace, names[key], is_inside=inside[key]) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        entries = named_entries(value)
        return type(value)(replace_secrets(v, replace, before, is_inside=is_inside) for before, v in entries)
    is_secret = is_inside and value is not None and not isinstance(value, bool)
    if not is_secret:
        is_secret = isinstance(value, str) and mask_secrets(value, name) != value  # a password in a URL
    return replace(value) if is_secret and secret_name(value) is None and not is_shape(value) else value


def references_in(value: Any) -> Iterator[str]:
    """Yield all texts ``secret:NAME`` in a value."""
    if isinstance(value, (Mapping, list, tuple)):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from references_in(inner)
    elif secret_name(value) is not None:
        yield value


def _from_file(path: str) -> str:
    path = os.path.abspath(os.path.expanduser(path))
    text, status = read_file(path, f"the password file {path}", limit=MAX_PASSWORD_FILE, field="password_file")
    warn_if_readable_by_others(path, status)
    secret = text.rstrip("\r\n")
    if secret != secret.strip():
        warn_caller(f"the password in {path} starts or ends with a space; remove it unless it is part of the password")
    return secret


def read_file(
    path: str, label: str, *, limit: int = MAX_SETTINGS_FILE, file: Optional[str] = None, field: Optional[str] = None
) -> tuple[str, os.stat_result]:
    """Return the text of a UTF-8 file with settings or a secret, and the status of the file.

    Raises SettingsError if the file cannot be read or has more than ``limit`` characters. ``label`` names the
    file in the message, and the error has the attributes ``file`` and ``field``.
    """
    try:
        with open(path, encoding="utf-8-sig") as source:
            status, text = os.fstat(source.fileno()), source.read(limit + 1)
    except (OSError, ValueError) as error:  # open() raises ValueError for a name with NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = "it is not UTF-8 text"
        cause = error if isinstance(error, OSError) else None  # a UnicodeDecodeError contains the bytes of the file
        raise SettingsError(f"{label} cannot be read: {reason}", file=file, field=field) from cause
    if len(text) > limit:
        del text  # tracebacks can show local variables
        raise SettingsError(f"{label} is larger than {limit // 2**10} KiB; check its path", file=file, field=field)
    return text, status


def warn_if_readable_by_others(path: str, status: os.stat_result) -> None:
    """Warn if group or others may read a file that contains a secret."""
    if is_open_to_others(status):
        warn_caller(f"{path} contains a password and others may read it; run: chmod 600 {path}")


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points to the first caller outside this package."""
    level, frame = 1, sys._getframe()
    package = __name__.partition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


def _from_command(command: str) -> str:
    try:
        # Without a shell: the command is split into words as in a shell, but nothing is expanded.
        # Without our standard input, because an inventory or the messages of an MCP client may arrive there.
        done = subprocess.run(
            shlex.split(command), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_S
        )
        return done.stdout.decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        hint = "; it runs without a shell, so pipes do not work" if set("|&;<>$`") & set(command) else ""
        message = f"the password command failed: {_why_it_failed(error)}{hint}"
        raise SettingsError(message, field="password_command") from None


def _why_it_failed(error: Exception) -> str:
    """Describe the failure without the command and its output, because both may contain secrets."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    if isinstance(error, UnicodeDecodeError):
        return "its output is not UTF-8 text"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"  # only the name of the program
    return str(error) if isinstance(error, ValueError) else f"it took more than {COMMAND_S:g} s"


def _from_keyring(service: str, username: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise MissingExtraError("a password from the keyring", "keyring") from error
    return keyring.get_password(service, username) or ""


# For each source, its description in messages, and the function that returns the secret.
_SOURCES: Mapping[str, tuple[str, Callable[[str, str], str]]] = {
    "value": ("the settings", lambda secret, _: secret),
    "file": ("the file {}", lambda path, _: _from_file(path)),
    "env": ("the environment variable {}", lambda name, _: os.environ.get(name, "")),
    "command": ("the password command", lambda command, _: _from_command(command)),
    "keyring": ("the keyring service {}", _from_keyring),
}
