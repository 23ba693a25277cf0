"""Automate Checkmk over its REST API: a synchronous, threaded client, desired state, and a simulated site.

>>> from checkmk_sync import Checkmk

Names are imported when they are first used, so that importing the package costs next to nothing.

In the code: requests and retries are in ``http/adapter.py`` and ``recovery/retry.py``, lost writes are settled in
``client/settling.py``, a sync changes and deletes objects in ``sync/executors.py``, writes of language models are
approved in ``mcp/calls.py``, and the records of hosts are in ``client/records.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue.states import HostState, ServiceState
    from .catalogue.versions import CheckmkVersion
    from .client.checkmk import Checkmk, Health
    from .client.outcomes import Outcome, Outcomes, Status
    from .client.query import Filter, column, unhandled_host_problems, unhandled_problems, where
    from .client.records import Folder, Host, HostStatus, ServiceStatus, Version
    from .config.secrets import SecretSource
    from .config.settings import Settings
    from .errors import CheckmkError

__version__ = "0.1.0"

_HOMES = {
    name: module
    for module, names in {
        "catalogue.states": ("HostState", "ServiceState"),
        "catalogue.versions": ("CheckmkVersion",),
        "client.checkmk": ("Checkmk", "Health"),
        "client.outcomes": ("Outcome", "Outcomes", "Status"),
        "client.query": ("Filter", "column", "unhandled_host_problems", "unhandled_problems", "where"),
        "client.records": ("Folder", "Host", "HostStatus", "ServiceStatus", "Version"),
        "config.secrets": ("SecretSource",),
        "config.settings": ("Settings",),
        "errors": ("CheckmkError",),
    }.items()
    for name in names
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
