"""Operations that send commands to the monitoring core: downtimes, acknowledgements and comments.

The answer 204 to a command means that it was handed over to the core, not that the core has executed it.
"""

from __future__ import annotations

import functools

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

RECURRENCES = (
    *("hour", "day", "week", "second_week", "fourth_week"),
    *("weekday_start", "weekday_end", "day_of_month"),
)
_HOST_SELECTORS = ("host_name", "hostgroup_name", "query")
_SERVICE_SELECTORS = ("host_name", "servicegroup_name", "query")
_GROUPS = ("hostgroup_name", "servicegroup_name")
_BY_NAME = ("site_id", "host_name", "service_descriptions", "query")
_GROUPS_SINCE = "2.4.0b1"
_EXPIRES_SINCE = "2.4.0p6"
_STATUS = ("host_status", "services")

_read = functools.partial(Operation, method="GET", kind=CallKind.STATUS)
# CHECKMK_API_MORE: only the deletion of comments takes the configuration lock.
_command = functools.partial(
    Operation, method="POST", kind=CallKind.COMMAND, touches=(*_STATUS, "comments"), expected=(ExpectedReply(204),)
)

# Downtimes

_DOWNTIMES = "/domain-types/downtime"
_WHEN = ("start_time", "end_time", "recur", "duration", "comment", "downtime_type")
_LIST = ("host_name", "service_description", "query", "site_id")
_ID = ("downtime_id", *_BY_NAME)
_modify = functools.partial(
    _command, "downtimes", "modify", method="PUT", path=f"{_DOWNTIMES}/actions/modify/invoke", since="2.2.0p26"
)
_delete = functools.partial(_command, "downtimes", "delete", path=f"{_DOWNTIMES}/actions/delete/invoke")
_CHANGES = ("modify_type", "end_time", "comment")

# Acknowledgements

_ACKNOWLEDGE = "/domain-types/acknowledge"
_PROBLEM = ("acknowledge_type", "comment", "sticky", "notify", "persistent")
_on_hosts = functools.partial(_command, "acknowledgements", "on_hosts", path=f"{_ACKNOWLEDGE}/collections/host")
_on_services = functools.partial(
    _command, "acknowledgements", "on_services", path=f"{_ACKNOWLEDGE}/collections/service"
)

# Comments

_COMMENTS = "/domain-types/comment"
_REMARK = ("comment_type", "comment", "persistent", "host_name", "query")

# CHECKMK_API 10.6, 10.8: ids are unique in one site only, so 2.2.0p9 and later need the id of the site.
ROWS = (
    _read("downtimes", "list", path=f"{_DOWNTIMES}/collections/all", query=(*_LIST, "downtime_type")),
    _read("downtimes", "get", path="/objects/downtime/{key}", query=("site_id",)),
    _command("downtimes", "on_hosts", path=f"{_DOWNTIMES}/collections/host", body=(*_WHEN, *_HOST_SELECTORS)),
    _command(
        "downtimes",
        "on_services",
        path=f"{_DOWNTIMES}/collections/service",
        body=(*_WHEN, *_SERVICE_SELECTORS, "service_descriptions"),
    ),
    _modify(body=(*_CHANGES, *_ID, *_GROUPS), since=_GROUPS_SINCE),
    _modify(body=(*_CHANGES, *_ID), until=_GROUPS_SINCE),
    _delete(body=("delete_type", *_ID, *_GROUPS), since=_GROUPS_SINCE),
    _delete(body=("delete_type", *_ID), until=_GROUPS_SINCE),
    _on_hosts(body=(*_PROBLEM, *_HOST_SELECTORS, "expire_on"), since=_EXPIRES_SINCE),
    _on_hosts(body=(*_PROBLEM, *_HOST_SELECTORS), until=_EXPIRES_SINCE),
    _on_services(body=(*_PROBLEM, *_SERVICE_SELECTORS, "service_description", "expire_on"), since=_EXPIRES_SINCE),
    _on_services(body=(*_PROBLEM, *_SERVICE_SELECTORS, "service_description"), until=_EXPIRES_SINCE),
    _command(
        "acknowledgements",
        "remove",
        path=f"{_ACKNOWLEDGE}/actions/delete/invoke",
        body=("acknowledge_type", "host_name", *_GROUPS, "service_description", "query"),
        since=_EXPIRES_SINCE,
    ),
    _read("comments", "list", path=f"{_COMMENTS}/collections/{{collection_name}}", query=_LIST),
    _read("comments", "get", path="/objects/comment/{key}", query=("site_id",)),
    _command("comments", "on_hosts", path=f"{_COMMENTS}/collections/host", body=_REMARK, touches=_STATUS),
    _command(
        "comments",
        "on_services",
        path=f"{_COMMENTS}/collections/service",
        body=(*_REMARK, "service_description"),
        touches=_STATUS,
    ),
    _command(
        "comments",
        "delete",
        path=f"{_COMMENTS}/actions/delete/invoke",
        kind=CallKind.WRITE,
        body=("delete_type", "comment_id", *_BY_NAME),
        touches=_STATUS,
    ),
)
