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
    from .catalogue.nouns import AuxTag as AuxTag
    from .catalogue.nouns import ContactGroup as ContactGroup
    from .catalogue.nouns import HostGroup as HostGroup
    from .catalogue.nouns import NotificationRule as NotificationRule
    from .catalogue.nouns import Password as Password
    from .catalogue.nouns import Role as Role
    from .catalogue.nouns import Rule as Rule
    from .catalogue.nouns import Ruleset as Ruleset
    from .catalogue.nouns import ServiceGroup as ServiceGroup
    from .catalogue.nouns import TagGroup as TagGroup
    from .catalogue.nouns import TimePeriod as TimePeriod
    from .catalogue.nouns import User as User
    from .catalogue.states import HostState as HostState
    from .catalogue.states import ServiceState as ServiceState
    from .catalogue.versions import CheckmkVersion as CheckmkVersion
    from .client.checkmk import Checkmk as Checkmk
    from .client.diagnosis import diagnose_host as diagnose_host
    from .client.ensured import Ensured as Ensured
    from .client.health import Health as Health
    from .client.nouns.acknowledgements import Acknowledgement as Acknowledgement
    from .client.nouns.comments import Comment as Comment
    from .client.nouns.downtimes import Downtime as Downtime
    from .client.outcomes import Outcome as Outcome
    from .client.outcomes import Outcomes as Outcomes
    from .client.outcomes import Status as Status
    from .client.problems import Problem as Problem
    from .client.problems import SiteStatus as SiteStatus
    from .client.problems import group_problems as group_problems
    from .client.query import Filter as Filter
    from .client.query import column as column
    from .client.query import unhandled_host_problems as unhandled_host_problems
    from .client.query import unhandled_problems as unhandled_problems
    from .client.query import where as where
    from .client.records import Folder as Folder
    from .client.records import Host as Host
    from .client.records import HostStatus as HostStatus
    from .client.records import ServiceStatus as ServiceStatus
    from .client.records import Version as Version
    from .client.targets import MonitoredObject as MonitoredObject
    from .client.targets import Target as Target
    from .config.secrets import SecretSource as SecretSource
    from .config.settings import Settings as Settings
    from .core.call import Reply as Reply
    from .errors import CheckmkError as CheckmkError

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
        "client.diagnosis": "diagnose_host",
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

if not TYPE_CHECKING:  # type checkers read the imports
    __all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
