"""Handlers for service discovery on one or many hosts, and for its background jobs."""

from __future__ import annotations

import uuid
from typing import Any, Mapping, Optional

from werkzeug.wrappers import Response

from .. import sample_services as services
from ..configuration import HostConfig
from ..endpoints import PATH_CHECKS, Context, Endpoint, SiteState, serves
from ..jobs import BULK, Job
from ..references import existing_host as exists
from ..replies import Problem, domain_object, json_response
from ..validation import REQUIRED, Field, boolean, choice, integer, list_of, object_with, string
from .hosts import existing_host

_PHASES = (
    "active changed clustered_ignored clustered_monitored clustered_undecided clustered_vanished custom ignored "
    "ignored_active ignored_custom legacy legacy_ignored manual monitored removed undecided vanished"
)
_MONITOR_NEW = {"monitor_undecided_services": True}
_REMOVE_VANISHED = {"remove_vanished_services": True}
# The options of each mode. The simulated services have no labels, so the other modes and options change nothing.
_OPTIONS: Mapping[str, Mapping[str, bool]] = {
    "new": _MONITOR_NEW,
    "remove": _REMOVE_VANISHED,
    "fix_all": {**_MONITOR_NEW, **_REMOVE_VANISHED},
    "tabula_rasa": _MONITOR_NEW,
}

_RUN = "/objects/service_discovery_run/<name>"
_WAIT = f"{_RUN}/actions/wait-for-completion/invoke"
_RESULT = "/objects/service_discovery/<name>"
_SET_PHASE = "/objects/host/<name>/actions/update_discovery_phase/invoke"
PATH_CHECKS.update(dict.fromkeys((_RUN, _RESULT, _SET_PHASE), existing_host))


def _scan(host: HostConfig) -> str:
    """Return the ID of the job that scans a host."""
    return f"service_discovery-{host.name}"


def _start_fields(state: SiteState) -> dict[str, Field]:
    mode = Field(choice(*state.profile.discovery_modes), "fix_all")
    return {"host_name": Field(exists(state), REQUIRED), "mode": mode}


@serves("discovery", "start", body=_start_fields)
def start(context: Context) -> Response:
    host, mode = context.configuration.hosts[context.body["host_name"]], context.body["mode"]
    jobs, options = context.state.jobs, _OPTIONS.get(mode, {})
    if jobs.is_active(_scan(host)):
        raise Problem(409, "Conflict", "A service discovery background job is currently running")
    if "wato.services" not in context.user.permissions:
        detail = "You do not have the necessary permissions to execute this action"
        raise Problem(403, "Permission denied", detail)
    if mode in ("refresh", "tabula_rasa"):
        if mode == "tabula_rasa":
            jobs.decide(host, {}, context.user.name)
        jobs.start_discovery(_scan(host), [host.name], options, context.user.name)
        return context.redirect(context.profile.redirect_status, _WAIT.replace("<name>", host.name))
    jobs.accept(host, options, context.user.name)
    return _result(context, host)


@Endpoint("GET", _WAIT)
def wait(context: Context) -> Response:
    # Checkmk does not block here. It redirects to itself immediately while the job is running.
    host = existing_host(context)
    job = context.state.jobs.visible(_scan(host))
    if job is None:
        detail = f"Could not find a service discovery for host {host.name}"
        raise Problem(404, "The requested service discovery job was not found", detail)
    return context.redirect(302, _WAIT.replace("<name>", host.name)) if job.active else Response(status=204)


@serves("discovery", "run")
def run_status(context: Context) -> Response:
    # Checkmk: a host that was never scanned also has a job, which has not started.
    ident = _scan(existing_host(context))
    return job_answer(context, ident, context.state.jobs.visible(ident), "service_discovery_run")


def job_answer(context: Context, ident: str, job: Optional[Job], domain_type: str) -> Response:
    """Return a job, or a job that has not started for None, in the format of the endpoints with a domain type."""
    state, is_active, log = ("initialized", False, []) if job is None else (job.state, job.active, job.log)
    title = f"Background job {ident} is {state}"
    links = [context.links.self_(f"/objects/{domain_type}/{context.links.quoted(ident)}")]
    logs = {"result": log, "progress": [] if job is None else ["Starting job..."]}
    extensions = {"active": is_active, "state": state, "logs": logs}
    return json_response(domain_object(domain_type, ident, title, links, extensions))


@serves("discovery", "result")
def result(context: Context) -> Response:
    return _result(context, existing_host(context))


def _result(context: Context, host: HostConfig) -> Response:
    jobs = context.state.jobs
    templates = services.templates(jobs.services_per_host)
    phases = [(templates[index], phase) for index, phase in jobs.all_phases(host).items()]
    table = {f"{found.check}-{found.item}": _service(context, host, found, phase) for found, phase in phases}
    extensions = {
        "check_table": table,
        "host_labels": {"cmk/os_family": {"value": "linux", "plugin_name": "check_mk"}} if table else {},
        "vanished_labels": {},
        "changed_labels": {},
    }
    title = f"Service discovery result of host {host.name}"
    links = [context.links.self_(f"/objects/service_discovery/{host.name}")]
    return json_response(domain_object("service_discovery", _scan(host), title, links, extensions))


def _service(context: Context, host: HostConfig, template: services.Template, phase: str) -> dict[str, Any]:
    path = _SET_PHASE.replace("<name>", host.name)
    moves = []
    for target in ("monitored", "undecided", "ignored"):
        if target != phase:
            rel, title = f"urn:com.checkmk:rels/service.move-{target}", f"Move the service to {target}"
            body = {"target_phase": target, "check_type": template.check, "service_item": template.item}
            moves.append({**context.links.link(rel, path, method="PUT", title=title), "body_params": body})
    return {
        "id": template.description,
        "memberType": "property",
        "value": phase,
        "format": "string",
        "title": f"The service is currently {phase!r}",
        "links": moves,
        "extensions": {
            "host_name": host.name,
            "check_plugin_name": template.check,
            "service_name": template.description,
            "service_item": template.item,
            "service_phase": phase,
        },
    }


_PHASE = {
    "check_type": Field(string, REQUIRED),
    "service_item": Field(string, REQUIRED, nullable=True),
    "target_phase": Field(choice(*_PHASES.split()), REQUIRED),
}


@serves("discovery", "set_phase", body=_PHASE, permissions=("wato.services",))
def set_phase(context: Context) -> Response:
    # Checkmk answers 204, without any effect, for a service that the host does not have.
    host, body, jobs = existing_host(context), context.body, context.state.jobs
    templates = services.templates(jobs.services_per_host)
    phases = dict(context.configuration.service_phases.get(host.name, {}))
    for index in jobs.all_phases(host):
        if (templates[index].check, templates[index].item) == (body["check_type"], body["service_item"]):
            phases[index] = body["target_phase"]
    jobs.decide(host, {i: phase for i, phase in phases.items() if phase != "undecided"}, context.user.name)
    return Response(status=204)


def _bulk_fields(state: SiteState) -> dict[str, Field]:
    profile = state.profile
    options = object_with({name: Field(boolean) for name in profile.discovery_options})
    known = {
        "hostnames": Field(list_of(exists(state)), REQUIRED),
        "do_full_scan": Field(boolean, True),
        "bulk_size": Field(integer, 10),
        "ignore_errors": Field(boolean, True),
        "mode": Field(choice(*profile.discovery_modes), "new"),
        "options": Field(options, REQUIRED if profile.has_background_jobs else None),
    }
    return {name: known[name] for name in profile.bulk_discovery_fields}


@serves("discovery", "bulk", body=_bulk_fields, permissions=("wato.services",))
def start_bulk(context: Context) -> Response:
    body, jobs, profile = context.body, context.state.jobs, context.profile
    options = body["options"] if "options" in body else _OPTIONS.get(body["mode"], {})
    ident = f"{BULK}-{uuid.uuid4()}" if profile.has_background_jobs else BULK
    if jobs.is_active(ident):
        detail = "A bulk discovery job is already running. Please use the 'discovery_run' endpoint"
        raise Problem(409, "Conflict", detail)
    job = jobs.start_discovery(ident, body["hostnames"], options, context.user.name)
    if profile.has_background_jobs:
        return context.redirect(303, f"/objects/background_job/{ident}")
    return job_answer(context, ident, job, "discovery_run")


@Endpoint("GET", "/objects/discovery_run/<job_id>", until="2.4.0b1")
def old_bulk_status(context: Context) -> Response:
    # Checkmk: there is one job, which exists even before its first start.
    ident = context.params["job_id"]
    if ident != BULK:
        raise Problem(404, f"Background job {ident!r} not found.")
    return job_answer(context, ident, context.state.jobs.visible(ident), "discovery_run")


@Endpoint("GET", "/objects/background_job/<job_id>", query={"site_id": Field(string)}, since="2.4.0b1")
def background_job(context: Context) -> Response:
    ident, own_site = context.params["job_id"], context.configuration.site
    site, job = context.query.get("site_id", own_site), context.state.jobs.visible(ident)
    if job is None or site != own_site:
        detail = f"Could not find a background job with the ID '{ident}' on site {site}"
        raise Problem(404, "The requested background job does not exist", detail)
    log = {
        "JobProgressUpdate": ["Starting job..."],
        "JobResult": job.log if job.state == "finished" else [],
        "JobException": job.log if job.state == "exception" else [],
    }
    status = {"state": job.state, "log_info": log}
    title = f"Background job {ident} is {'active' if job.active else 'finished'}"
    links = [context.links.self_(f"/objects/background_job/{context.links.quoted(ident)}")]
    extensions = {"site_id": own_site, "active": job.active, "status": status}
    return json_response(domain_object("background_job", ident, title, links, extensions))
