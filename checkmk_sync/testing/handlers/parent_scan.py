"""Starts the scan for parents of hosts, which finds no parents, because the hosts have no network."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..endpoints import Context, SiteState, serves
from ..jobs import PARENT_SCAN
from ..references import existing_folder, existing_host
from ..replies import Problem
from ..validation import REQUIRED, Field, boolean, integer, list_of, object_by_type, object_with, string
from .discovery import job_answer

_PERFORMANCE = {"hop_probes": 2, "max_gateway_distance": 10, "ping_probes": 5, "responses_timeout": 8}


def _fields(state: SiteState) -> dict[str, Field]:
    alias = {"hosts_alias": Field(string, "Created by parent scan")}
    gateways = {
        "no_gateway_hosts": {},
        "create_in_folder": {"folder": Field(existing_folder(state), REQUIRED), **alias},
        "create_in_host_location": alias,
    }
    performance = {name: Field(integer, default) for name, default in _PERFORMANCE.items()}
    return {
        "host_names": Field(list_of(existing_host(state)), REQUIRED),
        "gateway_hosts": Field(object_by_type(gateways, "option"), REQUIRED),
        # CHECKMK_API_MORE: these objects are required, although all their fields have defaults.
        "configuration": Field(object_with({"force_explicit_parents": Field(boolean, False)}), REQUIRED),
        "performance": Field(object_with(performance), REQUIRED),
    }


@serves("hosts", "scan_parents", body=_fields, permissions=("wato.parentscan",))
def start(context: Context) -> Response:
    jobs = context.state.jobs
    if jobs.is_active(PARENT_SCAN):
        raise Problem(409, "Conflict", "A parent scan job is already running")
    job = jobs.start_parent_scan(context.body["host_names"])
    return job_answer(context, PARENT_SCAN, job, "parent_scan")
