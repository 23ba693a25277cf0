"""Service discovery and the background jobs it runs in."""

from __future__ import annotations

from ..wire import Kind
from .operation import Operation

__all__ = ["ROWS"]

_BULK = "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"
_OPTIONS = ("hostnames", "do_full_scan", "bulk_size", "ignore_errors")

ROWS = (
    Operation(
        "discovery",
        "start",
        "POST",
        "/domain-types/service_discovery_run/actions/start/invoke",
        Kind.BULK,
        body=("host_name", "mode"),
        redirects=True,
    ),
    Operation("discovery", "run", "GET", "/objects/service_discovery_run/{name}", Kind.POLL),
    # Checkmk may contact the host for it, which takes its time and is not to be done again and again.
    Operation("discovery", "result", "GET", "/objects/service_discovery/{name}", Kind.BULK),
    Operation(
        "discovery",
        "set_phase",
        "PUT",
        "/objects/host/{name}/actions/update_discovery_phase/invoke",
        Kind.BULK,
        body=("check_type", "service_item", "target_phase"),
    ),
    Operation(
        "discovery", "bulk", "POST", _BULK, Kind.BULK, body=("options", *_OPTIONS), redirects=True, since="2.3.0b1"
    ),
    Operation("discovery", "bulk", "POST", _BULK, Kind.BULK, body=("mode", *_OPTIONS), until="2.3.0b1"),
    Operation("jobs", "get", "GET", "/objects/background_job/{job}", Kind.POLL, query=("site_id",), since="2.4.0b1"),
    Operation("jobs", "get", "GET", "/objects/discovery_run/{job}", Kind.POLL, until="2.4.0b1"),
)
