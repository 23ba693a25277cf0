"""Handlers for pending changes and their activation."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from ..configuration import etag
from ..endpoints import Context, Endpoint, serves
from ..jobs import ActivationJob
from ..replies import Problem, collection, domain_object, json_response
from ..validation import Field, boolean, list_of, string

_RUNS = "/domain-types/activation_run"
_FAILED = "The operation has failed."
BLOCKS_S = 0.2  # seconds; Checkmk blocks for up to 100 s, then redirects to itself


def _pending_etag(context: Context) -> str:
    return etag([change["id"] for change in context.configuration.changes])


@serves("activation", "pending")
def pending(context: Context) -> Response:
    path = f"{_RUNS}/actions/activate-changes/invoke"
    links = [context.links.link("urn:com.checkmk:rels/activate", path, method="POST")]
    changes = list(context.configuration.changes)
    ident = {"id": "activation_run"} if context.profile.names_pending_changes else {}
    answer = {"domainType": "activation_run", "value": changes, "links": links, **ident}
    return json_response(answer, etag=_pending_etag(context))


def _run_object(context: Context, run: ActivationJob, *, with_sites: bool = True) -> dict[str, Any]:
    path = f"/objects/activation_run/{run.id}"
    wait = context.links.link("urn:com.checkmk:rels/wait-for-completion", f"{path}/actions/wait-for-completion/invoke")
    extensions: dict[str, Any] = {
        "sites": [context.configuration.site],
        "is_running": run.is_running,
        "force_foreign_changes": run.forced,
        "time_started": run.started,
        "changes": run.changes,
    }
    if with_sites and context.profile.status_per_site:
        extensions["status_per_site"] = [_site_status(context, run)]
    title = "Activation status: " + ("In progress." if run.is_running else "Complete.")
    links = [context.links.self_(path), *([wait] if run.is_running else [])]
    return domain_object("activation_run", run.id, title, links, extensions)


def _site_status(context: Context, run: ActivationJob) -> dict[str, Any]:
    failed = run.fails and not run.is_running
    return {
        "site": context.configuration.site,
        "phase": "activate" if run.is_running else "done",
        "state": None if run.is_running else "error" if failed else "success",
        "status_text": "Activating" if run.is_running else "Failed" if failed else "Success",
        "status_details": "Configuration error: no such service" if failed else f"Started at: {run.started}.",
        "start_time": run.started,
        "end_time": run.ended,
    }


_START = {
    "redirect": Field(boolean, False),
    "sites": Field(list_of(string), []),
    "force_foreign_changes": Field(boolean, False),
}


@Endpoint("POST", f"{_RUNS}/actions/activate-changes/invoke", body=_START, permissions=("wato.activate",))
def activate(context: Context) -> Response:
    body, configuration = context.body, context.configuration
    if context.profile.activates_with_etag:
        context.check_etag(_pending_etag(context))
    unknown = [site for site in body["sites"] if site != configuration.site]
    if unknown:
        raise Problem(400, _FAILED, f"Unknown site {unknown[0]}")
    if context.state.activations.running() is not None:
        raise Problem(423, _FAILED, "There is already an activation running.")
    if not configuration.changes:
        raise Problem(422, _FAILED, "Currently there are no changes to activate.")
    # Checkmk: changes by the site itself have no user and do not count as foreign.
    if any(change["user_id"] not in (None, context.user.name) for change in configuration.changes):
        if not body["force_foreign_changes"]:
            detail = "There are changes from other users and foreign changes are not allowed in this API call."
            raise Problem(401, _FAILED, detail)
        context.require("wato.activateforeign")
    run = context.state.activations.start(forced=body["force_foreign_changes"])
    if body["redirect"]:
        return _redirect_to_wait(context, run, context.profile.redirect_status)
    return json_response(_run_object(context, run, with_sites=False))


def _run(context: Context) -> ActivationJob:
    ident = context.params["run"]
    run = context.state.activations.runs.get(ident)
    if run is None:
        if context.profile.missing_jobs_have_no_detail:
            raise Problem(404, f"Activation {ident!r} not found.")
        detail = f"Could not find an activation with id {ident!r}."
        raise Problem(404, "The requested activation was not found", detail)
    return run


@serves("activation", "get")
def get_run(context: Context) -> Response:
    return json_response(_run_object(context, _run(context)))


@Endpoint("GET", "/objects/activation_run/<run>/actions/wait-for-completion/invoke")
def wait(context: Context) -> Response:
    run = _run(context)
    if run.is_running:
        context.configuration.clock.sleep(BLOCKS_S)
        context.state.finish_due_jobs()
    return _redirect_to_wait(context, run, 302) if run.is_running else Response(status=204)


def _redirect_to_wait(context: Context, run: ActivationJob, status: int) -> Response:
    return context.redirect(status, f"/objects/activation_run/{run.id}/actions/wait-for-completion/invoke")


@serves("activation", "running")
def running(context: Context) -> Response:
    run = context.state.activations.running()
    runs = [] if run is None else [_run_object(context, run)]
    return collection("activation_run", context.links.self_(f"{_RUNS}/collections/all"), runs)
