"""Secrets: where they come from, and how they stay out of everything that is shown or stored."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Optional

from ..core.arguments import describe_type
from ..core.private_files import is_open_to_others
from ..errors import MissingExtraError, SettingsError

__all__ = ["SecretSource", "warn_caller", "warn_if_readable_by_others"]

MAX_CHARACTERS = 2**16  # of a password file
_SURROGATE = re.compile("[\ud800-\udfff]")
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
        sources = [name for name in ("value", "file", "env", "command", "keyring") if getattr(self, name) is not None]
        if len(sources) != 1:
            message = "none is given" if not sources else f"{' and '.join(sources)} are given"
            raise SettingsError(f"exactly one source for the password is needed, {message}", field="password")
        kind = describe_type(getattr(self, sources[0]))  # never the value
        if not isinstance(getattr(self, sources[0]), (str, os.PathLike) if sources[0] == "file" else str):
            name = "password" if sources[0] == "value" else f"password_{sources[0]}"
            raise SettingsError(f"{name} must be a text, not {kind}", field=name)

    def __repr__(self) -> str:
        return f"SecretSource({self.location})"

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
        problem = "is empty or missing" if not secret else None
        if "\n" in secret or "\r" in secret:
            problem = "has more than one line"
        if _SURROGATE.search(secret):  # as the environment has for bytes that are not UTF-8
            problem = "is not UTF-8 text"
        if problem is not None:
            del secret  # tracebacks can show what frames hold
            raise SettingsError(f"the password from {self.location} {problem}", field="password")
        return secret

    @property
    def location(self) -> str:
        """Where the secret comes from, in words."""
        if self.file is not None:
            return f"the file {self.file}"
        if self.env is not None:
            return f"the environment variable {self.env}"
        if self.command is not None:
            return "the password command"
        return "the settings" if self.value is not None else f"the keyring service {self.keyring}"


def _from_file(path: str) -> str:
    path = os.path.abspath(os.path.expanduser(path))
    try:
        with open(path, encoding="utf-8-sig") as source:
            warn_if_readable_by_others(path, os.fstat(source.fileno()))
            secret = source.read(MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)  # of ValueError: a name with NUL
        if isinstance(error, UnicodeDecodeError):
            reason = "it is not UTF-8 text"
        cause = error if isinstance(error, OSError) else None  # UnicodeDecodeError holds the bytes of the file
        raise SettingsError(f"the password file {path} cannot be read: {reason}", field="password_file") from cause
    if len(secret) > MAX_CHARACTERS:
        del secret  # tracebacks can show what frames hold
        message = f"the password file {path} is longer than {MAX_CHARACTERS // 2**10} KiB, so it holds no password"
        raise SettingsError(message, field="password_file")
    secret = secret.rstrip("\r\n")
    if secret != secret.strip():
        warn_caller(f"the password in {path} starts or ends with a blank; remove it unless it belongs to the password")
    return secret


def warn_if_readable_by_others(path: str, status: os.stat_result) -> None:
    """Warn about a file with a secret that group or others may read."""
    if is_open_to_others(status):
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
        message = f"the password command failed: {_why_it_failed(error)}{hint}"
        raise SettingsError(message, field="password_command") from None


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
