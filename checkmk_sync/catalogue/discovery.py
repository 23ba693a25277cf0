"""Operations of service discovery, and of the background jobs in which it runs."""

from __future__ import annotations

import functools

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

_START = "/domain-types/service_discovery_run/actions/start/invoke"
_BULK = "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"
_SET_PHASE = "/objects/host/{name}/actions/update_discovery_phase/invoke"
_OPTIONS = ("hostnames", "do_full_scan", "bulk_size", "ignore_errors")
_RUN = (ExpectedReply(200, "discovery_run"),)
# Checkmk: an operation that scans in the background responds with a redirect, 302 up to 2.3 and 303 since 2.4.
_SCAN = "/objects/service_discovery_run/{name}/"
_STARTED = (
    ExpectedReply(200, "service_discovery"),
    ExpectedReply(302, location=_SCAN),
    ExpectedReply(303, location=_SCAN),
)
_QUEUED = (
    ExpectedReply(303, location="/objects/background_job/"),
    ExpectedReply(204),  # there was nothing to start
)

_poll = functools.partial(Operation, kind=CallKind.POLL)
_bulk = functools.partial(Operation, "discovery", kind=CallKind.BULK)

ROWS = (
    _bulk("start", "POST", _START, body=("host_name", "mode"), expected=_STARTED),
    _poll("discovery", "run", "GET", "/objects/service_discovery_run/{name}"),
    # BULK, so that it is never retried, because Checkmk may contact the host, which is slow.
    _bulk("result", "GET", "/objects/service_discovery/{name}"),
    _bulk(
        "set_phase",
        "PUT",
        _SET_PHASE,
        body=("check_type", "service_item", "target_phase"),
        expected=(ExpectedReply(204),),
    ),
    _bulk("bulk", "POST", _BULK, body=("options", *_OPTIONS), expected=_QUEUED, since="2.4.0b1"),
    _bulk("bulk", "POST", _BULK, body=("options", *_OPTIONS), expected=_RUN, since="2.3.0b1", until="2.4.0b1"),
    _bulk("bulk", "POST", _BULK, body=("mode", *_OPTIONS), expected=_RUN, until="2.3.0b1"),
    _poll("jobs", "get", "GET", "/objects/background_job/{job}", query=("site_id",), since="2.4.0b1"),
    _poll("jobs", "get", "GET", "/objects/discovery_run/{job}", until="2.4.0b1"),
)
