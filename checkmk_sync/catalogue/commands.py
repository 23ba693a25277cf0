"""Operations that send commands to the monitoring core: downtimes, acknowledgements and comments.

The answer 204 to a command means that it was handed over to the core, not that the core has executed it.
"""

from __future__ import annotations

import functools
from typing import Callable

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

RECURRENCES = (
    *("hour", "day", "week", "second_week", "fourth_week"),
    *("weekday_start", "weekday_end", "day_of_month"),
)
_ON_HOSTS, _ON_SERVICES = ("host_name", "hostgroup_name", "query"), ("host_name", "servicegroup_name", "query")
_GROUPS = ("hostgroup_name", "servicegroup_name")
_GROUPS_SINCE, _EXPIRES_SINCE = "2.4.0b1", "2.4.0p6"
_STATUS = ("host_status", "services")
_WHEN = ("downtime_type", "start_time", "end_time", "recur", "duration", "comment")
_PROBLEM = ("acknowledge_type", "comment", "sticky", "notify", "persistent")
_REMARK = ("comment_type", "comment", "persistent", "host_name", "query")
_LIST = ("host_name", "service_description", "query", "site_id")
_ENTRIES = ("site_id", "host_name", "service_descriptions", "query")
_DELETE, _CHANGE = ("delete_type", *_ENTRIES), ("modify_type", "end_time", "comment", "downtime_id", *_ENTRIES)

_read = functools.partial(Operation, method="GET", kind=CallKind.STATUS)
_command = functools.partial(
    Operation, method="POST", kind=CallKind.COMMAND, touches=(*_STATUS, "comments"), expected=(ExpectedReply(204),)
)


def _collection(noun: str, domain: str) -> Callable[..., Operation]:
    """Return a function that makes the row for a command on hosts or services (``kind``)."""
    return lambda kind, **facts: _command(
        noun, f"on_{kind}s", path=f"/domain-types/{domain}/collections/{kind}", **facts
    )


def _action(noun: str, domain: str, verb: str, action: str = "delete") -> Callable[..., Operation]:
    """Return a function that makes the row for a command on downtimes, comments or acknowledgements."""
    return functools.partial(_command, noun, verb, path=f"/domain-types/{domain}/actions/{action}/invoke")


_schedule, _acknowledge = _collection("downtimes", "downtime"), _collection("acknowledgements", "acknowledge")
_comment = _collection("comments", "comment")
_modify = functools.partial(_action("downtimes", "downtime", "modify", "modify"), method="PUT")
_delete = _action("downtimes", "downtime", "delete")
_remove = _action("acknowledgements", "acknowledge", "remove")
# CHECKMK_API_MORE: of all commands, only the deletion of comments takes the configuration lock.
_delete_comments = functools.partial(_action("comments", "comment", "delete"), kind=CallKind.WRITE)

# CHECKMK_API 10.6, 10.8: IDs are unique in one site only, so 2.2.0p9 and later need the ID of the site.
ROWS = (
    _read("downtimes", "list", path="/domain-types/downtime/collections/all", query=(*_LIST, "downtime_type")),
    _read("downtimes", "get", path="/objects/downtime/{key}", query=("site_id",)),
    _schedule("host", body=(*_WHEN, *_ON_HOSTS)),
    _schedule("service", body=(*_WHEN, *_ON_SERVICES, "service_descriptions")),
    _modify(body=(*_CHANGE, *_GROUPS), since=_GROUPS_SINCE),
    _modify(body=_CHANGE, since="2.2.0p26", until=_GROUPS_SINCE),
    _delete(body=(*_DELETE, "downtime_id", *_GROUPS), since=_GROUPS_SINCE),
    _delete(body=(*_DELETE, "downtime_id"), until=_GROUPS_SINCE),
    _acknowledge("host", body=(*_PROBLEM, *_ON_HOSTS, "expire_on"), since=_EXPIRES_SINCE),
    _acknowledge("host", body=(*_PROBLEM, *_ON_HOSTS), until=_EXPIRES_SINCE),
    _acknowledge("service", body=(*_PROBLEM, *_ON_SERVICES, "service_description", "expire_on"), since=_EXPIRES_SINCE),
    _acknowledge("service", body=(*_PROBLEM, *_ON_SERVICES, "service_description"), until=_EXPIRES_SINCE),
    _remove(body=("acknowledge_type", *_ON_HOSTS, "servicegroup_name", "service_description"), since=_EXPIRES_SINCE),
    _read("comments", "list", path="/domain-types/comment/collections/{collection_name}", query=_LIST),
    _read("comments", "get", path="/objects/comment/{key}", query=("site_id",)),
    _comment("host", body=_REMARK, touches=_STATUS),
    _comment("service", body=(*_REMARK, "service_description"), touches=_STATUS),
    _delete_comments(body=(*_DELETE, "comment_id"), touches=_STATUS),
)
