"""The service commands."""

from __future__ import annotations

from ..catalogue.states import ServiceState
from .arguments import WITH_LABEL, pattern, search, state
from .command import Command, Field, LazyModule

_problems = LazyModule(".handlers.problems", __package__)
_services = LazyModule(".handlers.services", __package__)

_ON_HOST = pattern("host", "Show only services of this host; may be a pattern such as 'web*'.", "web*")
_SEARCH = search("the name of the service", "filesystem")
_FIELDS = (
    Field("host", "The name of the host."),
    Field("service", "The description of the service.", untrusted=True),
    Field("state", "OK, WARNING, CRITICAL, UNKNOWN or PENDING."),
    Field("plugin_output", "The output of the check.", untrusted=True),
    Field("acknowledged", "1 if the problem is acknowledged.", int),
    Field("scheduled_downtime_depth", "Greater than 0 while the service is in downtime.", int),
    Field("last_check", "The time of the last check, as UNIX time.", int, time=True),
)

COMMANDS = (
    Command(
        "services list",
        "List monitored services and their states.",
        _services.list_all,
        (_ON_HOST, _SEARCH, WITH_LABEL, state(ServiceState, ["critical"])),
        ("host", "service", "state", "plugin_output"),
        example="--host 'web*' --state critical --state warning",
        fields=_FIELDS,
        names=("host", "service"),
        empty_text="no services",
    ),
    Command(
        "services problems",
        "Deprecated; use problems. List unhandled problems of services, worst first.",
        _problems.of_services,
        (_ON_HOST, _SEARCH, WITH_LABEL),
        ("host", "service", "state", "plugin_output"),
        replaced_by="problems",
        example="--limit 20",
        fields=_FIELDS,
        names=("host", "service"),
        empty_text="no unhandled problems",
    ),
)
