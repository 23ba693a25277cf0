"""Service discovery, of one host and of many, and the jobs it runs in."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from werkzeug.wrappers import Response

from .. import services
from ..context import Context, endpoint
from ..http import Problem, bad_fields, json_response, missing
from ..jobs import Job
from ..profile import Profile
from ..schema import REQUIRED, Field, choice, flag, listed, record, text, whole
from ..state import HostConfig
from .hosts import HOST_NAME

__all__: list[str] = []

PHASES = (
    "active",
    "changed",
    "clustered_ignored",
    "clustered_monitored",
    "clustered_undecided",
    "clustered_vanished",
    "custom",
    "ignored",
    "ignored_active",
    "ignored_custom",
    "legacy",
    "legacy_ignored",
    "manual",
    "monitored",
    "removed",
    "undecided",
    "vanished",
)
_LABELS = {"update_host_labels": True, "update_service_labels": True}
_NEW = {"monitor_undecided_services": True}
_GONE = {"remove_vanished_services": True}
_OPTIONS: Mapping[str, Mapping[str, bool]] = {
    "new": _NEW,
    "remove": _GONE,
    "fix_all": {**_NEW, **_GONE, **_LABELS},
    "only_host_labels": {"update_host_labels": True},
    "only_service_labels": {"update_service_labels": True},
    "refresh": {},
    "tabula_rasa": {**_NEW, **_GONE, **_LABELS},
}


def _existing(context: Context, name: str, *, in_path: bool) -> HostConfig:
    host = context.setup.hosts.get(name)
    if host is None:
        if in_path:
            raise missing("host_name", "Host", name)
        raise bad_fields({"host_name": [f"Host not found: {name!r}"]})
    return host


def _start_fields(profile: Profile) -> dict[str, Field]:
    return {
        "host_name": Field(HOST_NAME, REQUIRED),
        "mode": Field(choice(*profile.discovery_modes), "fix_all"),
    }


@endpoint("POST", "/domain-types/service_discovery_run/actions/start/invoke", body=_start_fields)
def start(context: Context) -> Response:
    host, mode = _existing(context, context.body["host_name"], in_path=False), context.body["mode"]
    context.require("wato.services")
    jobs = context.world.discovery
    job = jobs.scans.get(host.name)
    if job is not None and job.active:
        raise Problem(409, "Conflict", "A service discovery background job is currently running")
    if mode in ("refresh", "tabula_rasa"):
        if mode == "tabula_rasa":
            jobs.decide(host, {}, context.user.name)
        jobs.start_scan(host, _OPTIONS[mode], context.user.name)
        path = f"/objects/service_discovery_run/{host.name}/actions/wait-for-completion/invoke"
        response = Response(status=context.profile.redirect_status)
        response.headers["Location"] = context.location(path)
        return response
    jobs.accept(host, _OPTIONS[mode], context.user.name)
    return _result(context, host)


def _scan(context: Context) -> Job:
    host = _existing(context, context.params["host_name"], in_path=True)
    jobs = context.world.discovery
    job = jobs.scans.get(host.name)
    if job is None or not jobs.visible(job):
        raise Problem(404, "Not Found", "There is no running service discovery background job for this host")
    return job


@endpoint("GET", "/objects/service_discovery_run/<host_name>/actions/wait-for-completion/invoke")
def wait(context: Context) -> Response:
    """Checkmk does not block here: it redirects to itself at once while the job runs."""
    if not _scan(context).active:
        return Response(status=204)
    response = Response(status=302)
    path = f"/objects/service_discovery_run/{context.params['host_name']}/actions/wait-for-completion/invoke"
    response.headers["Location"] = context.location(path)
    return response


@endpoint("GET", "/objects/service_discovery_run/<host_name>")
def run_status(context: Context) -> Response:
    job = _scan(context)
    return json_response(_old_job(context, job, "service_discovery_run", job.id))


def _old_job(context: Context, job: Job, kind: str, ident: str) -> dict[str, Any]:
    running = "running" if job.active else job.state
    return {
        "domainType": kind,
        "id": ident,
        "title": f"Service discovery background job {ident} is {running}",
        "links": [context.links.self_(f"/objects/{kind}/{context.links.quoted(ident)}")],
        "members": {},
        "extensions": {
            "active": job.active,
            "state": job.state,
            "logs": {"result": list(job.log) if not job.active else [], "progress": ["Starting job..."]},
        },
    }


@endpoint("GET", "/objects/service_discovery/<host_name>")
def result(context: Context) -> Response:
    return _result(context, _existing(context, context.params["host_name"], in_path=True))


def _result(context: Context, host: HostConfig) -> Response:
    jobs = context.world.discovery
    found = services.templates(jobs.services_per_host)
    table = {}
    for index, phase in jobs.all_phases(host).items():
        template = found[index]
        table[f"{template.check}-{template.item}"] = _service(context, host, template, phase)
    links = [context.links.self_(f"/objects/service_discovery/{host.name}")]
    extensions = {
        "check_table": table,
        "host_labels": {"cmk/os_family": {"value": "linux", "plugin_name": "check_mk"}} if table else {},
        "vanished_labels": {},
        "changed_labels": {},
    }
    return json_response(
        {
            "domainType": "service_discovery",
            "id": f"service_discovery-{host.name}",
            "title": f"Service discovery result of host {host.name}",
            "links": links,
            "members": {},
            "extensions": extensions,
        }
    )


def _service(context: Context, host: HostConfig, template: services.Template, phase: str) -> dict[str, Any]:
    path = f"/objects/host/{host.name}/actions/update_discovery_phase/invoke"
    moves = [
        context.links.link(
            f"urn:com.checkmk:rels/service.move-{target}",
            path,
            method="PUT",
            title=f"Move the service to {target}",
            body_params={"target_phase": target, "check_type": template.check, "service_item": template.item},
        )
        for target in ("monitored", "undecided", "ignored")
        if target != phase
    ]
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
    "check_type": Field(text, REQUIRED),
    "service_item": Field(lambda value: None if value is None else text(value), REQUIRED),
    "target_phase": Field(choice(*PHASES), REQUIRED),
}


@endpoint("PUT", "/objects/host/<host_name>/actions/update_discovery_phase/invoke", body=_PHASE)
def set_phase(context: Context) -> Response:
    host, body = _existing(context, context.params["host_name"], in_path=True), context.body
    jobs = context.world.discovery
    wanted = (body["check_type"], body["service_item"])
    found = enumerate(services.templates(jobs.services_per_host))
    index: Optional[int] = next((i for i, t in found if (t.check, t.item) == wanted), None)
    if index is None or index not in jobs.all_phases(host):
        raise Problem(404, "The requested service was not found", f"No such service: {wanted[0]}, {wanted[1]!r}")
    context.require("wato.services")
    phases = {**context.setup.phases.get(host.name, {}), index: body["target_phase"]}
    jobs.decide(host, {i: phase for i, phase in phases.items() if phase != "undecided"}, context.user.name)
    return Response(status=204)


def _bulk_fields(profile: Profile) -> dict[str, Field]:
    options = record({name: Field(flag) for name in profile.discovery_options})
    fields = {
        "hostnames": Field(listed(HOST_NAME), REQUIRED),
        "do_full_scan": Field(flag, True),
        "bulk_size": Field(whole, 10),
        "ignore_errors": Field(flag, True),
    }
    if "mode" in profile.bulk_discovery_fields:
        fields["mode"] = Field(choice(*profile.discovery_modes), "new")
    if "options" in profile.bulk_discovery_fields:
        fields["options"] = Field(options, None if "mode" in profile.bulk_discovery_fields else REQUIRED)
    return fields


@endpoint("POST", "/domain-types/discovery_run/actions/bulk-discovery-start/invoke", body=_bulk_fields)
def start_bulk(context: Context) -> Response:
    body, jobs, profile = context.body, context.world.discovery, context.profile
    unknown = {
        str(i): [f"Host not found: {n!r}"] for i, n in enumerate(body["hostnames"]) if n not in context.setup.hosts
    }
    if unknown:
        raise bad_fields({"hostnames": unknown})
    context.require("wato.services")
    single = not profile.has_background_jobs
    if single and any(job.active for job in jobs.bulk.values()):
        raise Problem(
            409, "Conflict", "A bulk discovery job is already running. Please use the 'discovery_run' endpoint"
        )
    options = body["options"] if "options" in body else _OPTIONS[body["mode"]]
    job = jobs.start_bulk(body["hostnames"], options, context.user.name, single=single)
    if single:
        return json_response(_old_job(context, job, "discovery_run", job.id))
    response = Response(status=303)
    response.headers["Location"] = context.location(f"/objects/background_job/{job.id}")
    return response


@endpoint("GET", "/objects/discovery_run/<job_id>", exists=lambda profile: not profile.has_background_jobs)
def old_bulk_status(context: Context) -> Response:
    job = context.world.discovery.bulk.get(context.params["job_id"])
    if job is None or not context.world.discovery.visible(job):
        raise Problem(404, "Not Found", "There is no running bulk discovery job")
    return json_response(_old_job(context, job, "discovery_run", job.id))


@endpoint(
    "GET",
    "/objects/background_job/<job_id>",
    query={"site_id": Field(text)},
    exists=lambda profile: profile.has_background_jobs,
)
def background_job(context: Context) -> Response:
    ident, jobs = context.params["job_id"], context.world.discovery
    known = {**jobs.bulk, **{job.id: job for job in jobs.scans.values()}}
    job = known.get(ident)
    if job is None or not jobs.visible(job):
        raise missing("job_id", "Background job", ident)
    state = "running" if job.active else job.state
    return json_response(
        {
            "domainType": "background_job",
            "id": ident,
            "title": f"Background job {ident} is {state}",
            "links": [context.links.self_(f"/objects/background_job/{context.links.quoted(ident)}")],
            "members": {},
            "extensions": {
                "site_id": context.setup.site,
                "active": job.active,
                "status": {
                    "state": job.state,
                    "log_info": {
                        "JobProgressUpdate": ["Starting job..."],
                        "JobResult": list(job.log) if job.state == "finished" else [],
                        "JobException": list(job.log) if job.state == "exception" else [],
                    },
                },
            },
        }
    )
