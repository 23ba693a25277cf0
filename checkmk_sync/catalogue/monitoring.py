"""Operations of the monitoring state of hosts and services.

Each list has a GET form and a POST form. The GET form comes first, because it is preferred.
"""

from __future__ import annotations

import functools

from ..core.call import CallKind
from .operation import Operation

_ALL_HOSTS = "/domain-types/host/collections/all"
_ALL_SERVICES = "/domain-types/service/collections/all"
_HOST = "/objects/host/{name}"
_OF_HOST = f"{_HOST}/collections/services"
_SERVICE = f"{_HOST}/actions/show_service/invoke"
_FILTERS = ("sites", "query", "columns")

_hosts = functools.partial(Operation, "host_status", kind=CallKind.STATUS)
_services = functools.partial(Operation, "services", kind=CallKind.STATUS)

# Checkmk: the POST forms take the configuration lock of the site, so they wait for every write. The GET forms do not,
# but they are limited by the length of a URL and no longer exist in 2.5.
ROWS = (
    _hosts("list", "GET", _ALL_HOSTS, query=_FILTERS, until="2.5.0b1", replaced_by="host_status.query"),
    _hosts("query", "POST", _ALL_HOSTS, body=_FILTERS, since="2.3.0p23"),
    _hosts("get", "GET", _HOST, query=("columns",)),
    _services(
        "list", "GET", _ALL_SERVICES, query=(*_FILTERS, "host_name"), until="2.5.0b1", replaced_by="services.query"
    ),
    _services("query", "POST", _ALL_SERVICES, body=(*_FILTERS, "host_name"), since="2.3.0p31"),
    _services("list_of_host", "GET", _OF_HOST, query=_FILTERS, until="2.5.0b1", replaced_by="services.query_of_host"),
    _services("query_of_host", "POST", _OF_HOST, body=_FILTERS, since="2.3.0p31"),
    _services("get", "GET", _SERVICE, query=("service_description", "columns"), since="2.4.0b1"),
    _services("get", "GET", _SERVICE, query=("service_description",), until="2.4.0b1"),
)
