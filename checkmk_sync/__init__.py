"""Automate Checkmk over its REST API: a synchronous, threaded client, desired state, and a simulated site.

>>> from checkmk_sync import Checkmk

Importing the package is cheap, because each public name is imported on first use.

Where to start reading the code:

- ``http/adapter.py`` and ``recovery/retry.py`` send requests and retry them.
- ``client/settling.py`` finds out whether a write was executed if its response was lost.
- ``client/records.py`` defines the records of hosts, folders and statuses.
- ``sync/executors.py`` creates, changes and deletes objects for a sync.
- ``mcp/calls.py`` asks for approval before a language model changes anything.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue.nouns import (
        AuxTag,
        ContactGroup,
        HostGroup,
        NotificationRule,
        Password,
        Role,
        Rule,
        Ruleset,
        ServiceGroup,
        TagGroup,
        TimePeriod,
        User,
    )
    from .catalogue.states import HostState, ServiceState
    from .catalogue.versions import CheckmkVersion
    from .client.checkmk import Checkmk
    from .client.ensured import Ensured
    from .client.health import Health
    from .client.nouns.acknowledgements import Acknowledgement
    from .client.nouns.comments import Comment
    from .client.nouns.downtimes import Downtime
    from .client.outcomes import Outcome, Outcomes, Status
    from .client.problems import Problem, SiteStatus, group_problems
    from .client.query import Filter, column, unhandled_host_problems, unhandled_problems, where
    from .client.records import Folder, Host, HostStatus, ServiceStatus, Version
    from .client.targets import MonitoredObject, Target
    from .config.secrets import SecretSource
    from .config.settings import Settings
    from .core.call import Reply
    from .errors import CheckmkError

__version__ = "0.1.0"

# The module that each public name is imported from.
_HOMES = {
    name: module
    for module, names in {
        "catalogue.nouns": "AuxTag ContactGroup HostGroup NotificationRule Password Role Rule Ruleset ServiceGroup "
        "TagGroup TimePeriod User",
        "catalogue.states": "HostState ServiceState",
        "catalogue.versions": "CheckmkVersion",
        "client.checkmk": "Checkmk",
        "client.ensured": "Ensured",
        "client.health": "Health",
        "client.nouns.acknowledgements": "Acknowledgement",
        "client.nouns.comments": "Comment",
        "client.nouns.downtimes": "Downtime",
        "client.outcomes": "Outcome Outcomes Status",
        "client.problems": "Problem SiteStatus group_problems",
        "client.query": "Filter column unhandled_host_problems unhandled_problems where",
        "client.records": "Folder Host HostStatus ServiceStatus Version",
        "client.targets": "MonitoredObject Target",
        "config.secrets": "SecretSource",
        "config.settings": "Settings",
        "core.call": "Reply",
        "errors": "CheckmkError",
    }.items()
    for name in names.split()
}

__all__ = [
    "Acknowledgement",
    "AuxTag",
    "Checkmk",
    "CheckmkError",
    "CheckmkVersion",
    "Comment",
    "ContactGroup",
    "Downtime",
    "Ensured",
    "Filter",
    "Folder",
    "Health",
    "Host",
    "HostGroup",
    "HostState",
    "HostStatus",
    "MonitoredObject",
    "NotificationRule",
    "Outcome",
    "Outcomes",
    "Password",
    "Problem",
    "Reply",
    "Role",
    "Rule",
    "Ruleset",
    "SecretSource",
    "ServiceGroup",
    "ServiceState",
    "ServiceStatus",
    "Settings",
    "SiteStatus",
    "Status",
    "TagGroup",
    "Target",
    "TimePeriod",
    "User",
    "Version",
    "column",
    "group_problems",
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
