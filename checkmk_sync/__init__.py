"""Automate Checkmk over its REST API: a synchronous, threaded client, desired state, and a simulated site.

>>> from checkmk_sync import Checkmk

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Checkmk, Health
    from .credentials import SecretSource
    from .errors import CheckmkError
    from .names import CheckmkVersion, HostState, ServiceState
    from .outcomes import Outcome, Outcomes, Status
    from .query import Filter, column, unhandled_host_problems, unhandled_problems, where
    from .records import Folder, Host, HostStatus, ServiceStatus, Version
    from .settings import Settings

__version__ = "0.1.0"

_HOMES = {
    "Checkmk": "client",
    "CheckmkError": "errors",
    "CheckmkVersion": "names",
    "Filter": "query",
    "Folder": "records",
    "Health": "client",
    "Host": "records",
    "HostState": "names",
    "HostStatus": "records",
    "Outcome": "outcomes",
    "Outcomes": "outcomes",
    "SecretSource": "credentials",
    "ServiceState": "names",
    "ServiceStatus": "records",
    "Settings": "settings",
    "Status": "outcomes",
    "Version": "records",
    "column": "query",
    "unhandled_host_problems": "query",
    "unhandled_problems": "query",
    "where": "query",
}

__all__ = [
    "Checkmk",
    "CheckmkError",
    "CheckmkVersion",
    "Filter",
    "Folder",
    "Health",
    "Host",
    "HostState",
    "HostStatus",
    "Outcome",
    "Outcomes",
    "SecretSource",
    "ServiceState",
    "ServiceStatus",
    "Settings",
    "Status",
    "Version",
    "column",
    "unhandled_host_problems",
    "unhandled_problems",
    "where",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
