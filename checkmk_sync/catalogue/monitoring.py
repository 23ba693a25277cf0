"""The monitoring state of hosts and services.

Checkmk: the POST forms take the configuration lock of the site, so they wait for every write; the GET
forms do not, but end with 2.4 and with the length of a URL. So both stand here, the GET forms first.
"""

from __future__ import annotations

from ..core.call import CallKind
from .operation import Operation

__all__ = ["ROWS"]

_HOSTS = "/domain-types/host/collections/all"
_SERVICES = "/domain-types/service/collections/all"
_HOST = "/objects/host/{name}"
_OF_HOST = f"{_HOST}/collections/services"
_ASKED = ("sites", "query", "columns")

ROWS = (
    Operation("host_status", "list", "GET", _HOSTS, CallKind.STATUS, query=_ASKED, until="2.5.0b1"),
    Operation("host_status", "query", "POST", _HOSTS, CallKind.STATUS, body=_ASKED, since="2.3.0p23"),
    Operation("host_status", "get", "GET", _HOST, CallKind.STATUS, query=("columns",)),
    Operation("services", "list", "GET", _SERVICES, CallKind.STATUS, query=(*_ASKED, "host_name"), until="2.5.0b1"),
    Operation("services", "query", "POST", _SERVICES, CallKind.STATUS, body=(*_ASKED, "host_name"), since="2.3.0p31"),
    Operation("services", "list_of_host", "GET", _OF_HOST, CallKind.STATUS, query=_ASKED, until="2.5.0b1"),
    Operation("services", "query_of_host", "POST", _OF_HOST, CallKind.STATUS, body=_ASKED, since="2.3.0p31"),
    Operation(
        "services",
        "get",
        "GET",
        f"{_HOST}/actions/show_service/invoke",
        CallKind.STATUS,
        query=("service_description", "columns"),
    ),
)
