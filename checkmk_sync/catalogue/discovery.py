"""Service discovery and the background jobs it runs in."""

from __future__ import annotations

import functools

from ..core.call import CallKind
from .operation import Answer, Operation

__all__ = ["ROWS"]

_BULK = "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"
_SCAN = "/objects/service_discovery_run/{name}/"
_JOB = "/objects/background_job/"
_OPTIONS = ("hostnames", "do_full_scan", "bulk_size", "ignore_errors")
_operation = functools.partial(Operation, "discovery")

ROWS = (
    # Checkmk: what scans in the background answers with a redirect, 302 up to 2.3, 303 from 2.4 on.
    _operation(
        "start",
        "POST",
        "/domain-types/service_discovery_run/actions/start/invoke",
        CallKind.BULK,
        body=("host_name", "mode"),
        answers=(Answer(200, "service_discovery"), Answer(302, location=_SCAN), Answer(303, location=_SCAN)),
    ),
    _operation("run", "GET", "/objects/service_discovery_run/{name}", CallKind.POLL),
    # Checkmk may contact the host for it, which takes its time and is not to be done again and again.
    _operation("result", "GET", "/objects/service_discovery/{name}", CallKind.BULK),
    _operation(
        "set_phase",
        "PUT",
        "/objects/host/{name}/actions/update_discovery_phase/invoke",
        CallKind.BULK,
        body=("check_type", "service_item", "target_phase"),
        answers=(Answer(204),),
    ),
    # 204: there was nothing to start
    _operation(
        "bulk",
        "POST",
        _BULK,
        CallKind.BULK,
        body=("options", *_OPTIONS),
        answers=(Answer(303, location=_JOB), Answer(204)),
        since="2.4.0b1",
    ),
    _operation(
        "bulk",
        "POST",
        _BULK,
        CallKind.BULK,
        body=("options", *_OPTIONS),
        answers=(Answer(200, "discovery_run"),),
        since="2.3.0b1",
        until="2.4.0b1",
    ),
    _operation(
        "bulk",
        "POST",
        _BULK,
        CallKind.BULK,
        body=("mode", *_OPTIONS),
        answers=(Answer(200, "discovery_run"),),
        until="2.3.0b1",
    ),
    Operation(
        "jobs", "get", "GET", "/objects/background_job/{job}", CallKind.POLL, query=("site_id",), since="2.4.0b1"
    ),
    Operation("jobs", "get", "GET", "/objects/discovery_run/{job}", CallKind.POLL, until="2.4.0b1"),
)
