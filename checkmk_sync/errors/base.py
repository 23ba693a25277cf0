"""The root of all errors, and those of the program itself."""

from __future__ import annotations

import pickle
from typing import Any, Optional

__all__ = [
    "CheckmkError",
    "MissingExtraError",
    "SettingsError",
    "located",
]


class CheckmkError(Exception):
    """The base of all errors of this library; the facts are attributes, ``str()`` is one sentence."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the constructor with `args` only, and lose the cause.
        return _rebuild, (type(self), self.args, dict(self.__dict__), _picklable(self.__cause__))

    def to_dict(self) -> dict[str, Any]:
        """The error as plain data for logs and ``--json``: its class, its message and its facts."""
        facts = {key: value for key, value in self.__dict__.items() if not key.startswith("_")}
        return {"error": type(self).__name__, "message": str(self), **facts}


def _rebuild(
    kind: type[CheckmkError], args: tuple[Any, ...], state: dict[str, Any], cause: Optional[BaseException]
) -> CheckmkError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _picklable(cause: Optional[BaseException]) -> Optional[BaseException]:
    """The cause, or what it said where it does not pickle: it may hold sockets and locks, or be of any library."""
    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - our own dump
    except Exception as unpicklable:
        return RuntimeError(f"{type(cause).__name__}: {cause} (it does not pickle: {type(unpicklable).__name__})")
    return cause


class SettingsError(CheckmkError):
    """A setting is missing or wrong. ``file``, ``line`` and ``column`` (from 1) say where, ``field`` which one."""

    def __init__(
        self,
        message: str,
        *,
        file: Optional[str] = None,
        line: Optional[int] = None,
        column: Optional[int] = None,
        field: Optional[str] = None,
    ) -> None:
        self.file, self.line, self.column, self.field = file, line, column, field
        super().__init__(f"{located(file, line, column)}{message}")

    @property
    def reason(self) -> str:
        """The message without the place."""
        return str(self)[len(located(self.file, self.line, self.column)) :]


def located(file: Optional[str], line: Optional[int], column: Optional[int] = None) -> str:
    """``"file:line:column: "`` with what is known of it."""
    if file is None:
        return ""
    known = [file, *(str(number) for number in (line, column) if number is not None)]
    return f"{':'.join(known)}: "


class MissingExtraError(CheckmkError, ImportError):
    """A feature needs an optional package; the message names the extra to install."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        how = f"pip install 'checkmk_sync[{extra}]', or in a checkout: pip install '.[{extra}]'"
        super().__init__(f"{feature} needs the extra '{extra}': {how}")
