"""The commands for downtimes, acknowledgements and comments."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Optional

from ..catalogue.downtimes import RECURRENCES
from .arguments import search
from .command import Argument, Command, Field, LazyModule

_handlers = LazyModule(".handlers.downtimes", __package__)


def _query(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValueError('a query must be an object such as {"op": "=", "left": "state", "right": "1"}')


TARGET = (
    Argument(
        "objects",
        "A host such as web01, or a service such as 'web01/CPU load'. Use - to read the lines "
        "of -o name from standard input.",
        "names",
        many=True,
        example=["web01", "web02"],
        aliases=("hosts", "host", "services", "names"),
        tool_help="Hosts such as web01, or services such as web01/CPU load. A host does not include its services.",
    ),
    Argument("host_group", "The hosts of this host group."),
    Argument("service_group", "The services of this service group."),
    Argument("host_query", "The hosts that match this Livestatus query in JSON.", dict, check=_query),
    Argument("service_query", "The services that match this Livestatus query in JSON.", dict, check=_query),
)
_COMMENT = Argument("comment", "The comment.", required=True, is_option=True, example="reboot")
_TIMEOUT = Argument(
    "timeout_s", "Maximum wait for the core, in seconds.", int, default=30, option="--timeout", minimum=1, maximum=600
)
_ZONE = Argument("zone", "The time zone of times without one, such as Europe/Berlin.")
_TIMES = "a duration such as 2h, an ISO 8601 time, or a time such as 'tomorrow 06:00 Europe/Berlin'"
_END = Argument(
    "end", f"The end: {_TIMES}.", option="--for", aliases=("until", "end", "duration"), metavar="TIME", example="2h"
)
_WHEN = (
    replace(_END, help=f"{_END.help} A duration counts from the start.", required=True, is_option=True),
    Argument("start", f"The start: {_TIMES}.", default="now", metavar="TIME"),
    _ZONE,
)
_NAMES = ("host", "service", "site", "id")
_ENTRY = (
    Field("host", "The name of the host."),
    Field("service", "The service, or an empty text for the host itself.", untrusted=True),
    Field("site", "The ID of the site."),
    Field("id", "The ID, which is unique only within its site."),
    Field("author", "The user who added it.", untrusted=True),
    Field("comment", "The comment.", untrusted=True),
)
_SEARCH = search("the host, the service, the author or the comment", "reboot")


def _by_id(noun: str) -> tuple[Argument, ...]:
    return (
        *TARGET,
        Argument("id", f"Only the {noun} with this ID."),
        Argument("site", f"The site of the {noun}; required to find the ID on a remote site."),
    )


def _switch(name: str, option: str, off: str, on: str) -> Argument:
    """Return an argument that is on by default. ``off`` is the help of its option, ``on`` that of tools."""
    return Argument(name, off, bool, default=True, tool_help=on, option=option)


def _write(words: str, text: str, handler: Any, preview: Any, *arguments: Argument, **facts: Any) -> Command:
    """Return a command that writes. Its preview shows each object that it changes."""
    facts = {"check_with": "checkmk-sync downtimes list", **facts}
    effects: Any = {"writes": True, "destructive": True, "reports_progress": True}
    command = Command(words, text, handler, (*arguments, _TIMEOUT), preview=preview, **effects, **facts)
    done = Field(command.participle, "The number of objects or entries for which this is confirmed.", int)
    return replace(command, fields=(done,))


COMMANDS = (
    Command(
        "downtimes list",
        "List downtimes, including those that have not started yet.",
        partial(_handlers.list_all, "downtimes"),
        (*TARGET, _SEARCH),
        ("host", "service", "start", "end", "author", "comment"),
        example="--search reboot",
        fields=(
            *_ENTRY,
            Field("start", "The start.", time=True),
            Field("end", "The end.", time=True),
            Field("recurring", "True if it is repeated.", bool),
            Field("flexible", "The duration of a flexible downtime.", Optional[str]),
        ),
        names=_NAMES,
        empty_text="no downtimes",
    ),
    _write(
        "downtimes create",
        "Schedule a downtime for hosts or services.",
        _handlers.create,
        _handlers.preview_create,
        *TARGET,
        *_WHEN,
        _COMMENT,
        Argument("include_children", "Include child hosts, at every level.", bool, default=False),
        Argument("flexible", "Start with the first problem, and last for this duration.", metavar="DURATION"),
        Argument("recur", "Repeat the downtime.", choices=RECURRENCES),
        Argument("ensure", "If a downtime with this comment exists, only change its end.", bool, default=False),
        Argument("journal", "Record progress here, so that a killed command can be repeated.", "path", metavar="FILE"),
        example="web01 web02 --for 2h --comment reboot",
        additive=True,
    ),
    _write(
        "downtimes modify",
        "Change the end or the comment of downtimes.",
        partial(_handlers.change, "downtimes", "modify", "modified"),
        _handlers.preview_modify,
        *_by_id("downtime"),
        _END,
        Argument("extend", "Move the end of each downtime by this duration.", metavar="DURATION", example="30m"),
        Argument("comment", "The new comment."),
        _ZONE,
        example="web01 --extend 30m",
    ),
    _write(
        "downtimes delete",
        "Delete downtimes, which ends them.",
        partial(_handlers.change, "downtimes", "delete", "deleted"),
        partial(_handlers.preview_change, "downtimes", "Delete"),
        *_by_id("downtime"),
        example="web01 web02",
    ),
    Command(
        "acknowledgements list",
        "List acknowledged problems.",
        partial(_handlers.list_all, "acknowledgements"),
        (*TARGET, _SEARCH),
        ("host", "service", "author", "comment"),
        example="--search ticket",
        fields=(
            *_ENTRY[:2],
            Field("sticky", "True if it lasts until the object recovers.", bool),
            Field("author", "The user who acknowledged the problem.", Optional[str], untrusted=True),
            Field("comment", "The comment.", Optional[str], untrusted=True),
            Field("time", "The time of the acknowledgement.", Optional[str], time=True),
        ),
        names=("host", "service"),
        empty_text="no acknowledged problems",
    ),
    _write(
        "acknowledge",
        "Acknowledge problems of hosts or services.",
        partial(_handlers.send, "acknowledgements", "set", "acknowledged"),
        partial(_handlers.preview, "acknowledgements", "Acknowledge problems of {objects} with {comment!r}", "state"),
        *TARGET,
        _COMMENT,
        Argument("expires", f"The end of the acknowledgement: {_TIMES}. Needs Checkmk 2.4.0p6.", metavar="TIME"),
        _ZONE,
        _switch("sticky", "--no-sticky", "End it when the state changes.", "Keep it until the object recovers."),
        _switch("notify", "--no-notify", "Send no notifications about it.", "Send notifications about it."),
        Argument("persistent", "Keep the comment when the acknowledgement ends.", bool, default=False),
        example="web01 web02 --comment 'ticket 4711'",
        check_with="checkmk-sync acknowledgements list",
    ),
    _write(
        "unacknowledge",
        "Remove the acknowledgements of hosts or services. Needs Checkmk 2.4.0p6.",
        partial(_handlers.send, "acknowledgements", "remove", "unacknowledged"),
        partial(_handlers.preview, "acknowledgements", "Remove the acknowledgements of {objects}", "acknowledged"),
        *TARGET,
        example="web01 web02",
        check_with="checkmk-sync acknowledgements list",
        idempotent=True,
    ),
    Command(
        "comments list",
        "List comments on hosts and services.",
        partial(_handlers.list_all, "comments"),
        (*TARGET, _SEARCH),
        ("host", "service", "time", "author", "comment"),
        example="--search fan",
        fields=(
            *_ENTRY,
            Field("time", "The time of the comment.", time=True),
            Field("persistent", "True if it survives a restart of the monitoring core.", bool),
        ),
        names=_NAMES,
        empty_text="no comments",
    ),
    _write(
        "comments create",
        "Add a comment to hosts or services.",
        partial(_handlers.send, "comments", "create", "created"),
        partial(_handlers.preview, "comments", "Add the comment {comment!r} to {objects}", ""),
        *TARGET,
        _COMMENT,
        Argument("persistent", "Keep it when the monitoring core restarts.", bool, default=False),
        example="web01 --comment 'replaced the fan'",
        check_with="checkmk-sync comments list",
        additive=True,
    ),
    _write(
        "comments delete",
        "Delete comments.",
        partial(_handlers.change, "comments", "delete", "deleted"),
        partial(_handlers.preview_change, "comments", "Delete"),
        *_by_id("comment"),
        example="web01 web02",
        check_with="checkmk-sync comments list",
    ),
)
