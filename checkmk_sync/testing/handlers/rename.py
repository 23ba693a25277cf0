"""Renaming a host: refused while anything is pending, done at once in 2.2, in the background later."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..endpoints import Context, SiteState, endpoint
from ..references import unused_host_name
from ..replies import Problem, json_response
from ..validation import REQUIRED, Field
from ..version_profile import VersionProfile
from .hosts import existing_host, host_etag, host_object

__all__: list[str] = []

_WAIT = "/domain-types/host_config/actions/wait-for-completion/invoke"


def _fields(state: SiteState) -> dict[str, Field]:
    return {"new_name": Field(unused_host_name(state), REQUIRED)}


@endpoint("PUT", "/objects/host_config/<host_name>/actions/rename/invoke", body=_fields)
def rename(context: Context) -> Response:
    """Checkmk: the documents demand If-Match, but nothing looks at it."""
    host, new = existing_host(context), context.body["new_name"]
    context.require("wato.edit")
    renames = context.state.renames
    if context.configuration.changes:
        detail = "Please activate all pending changes before executing a host rename process"
        raise Problem(409, "Pending changes are present", detail)
    if renames.active:
        raise Problem(409, "Conflict", "A host rename process is already running")
    renames.start(host, new, context.user.name)
    if not context.profile.renames_in_background:
        renames.finish()
        renamed = context.configuration.hosts[new]
        return json_response(host_object(context, renamed), etag=host_etag(renamed))
    response = Response(status=context.profile.redirect_status)
    response.headers["Location"] = context.location(_WAIT)
    return response


def _wait(context: Context) -> Response:
    """Checkmk does not block here either: it redirects to itself at once."""
    renames = context.state.renames
    if not renames.jobs:
        said = "No running renaming job was found"
        raise Problem(404, said) if context.profile.missing_jobs_have_no_detail else Problem(404, "Not found", said)
    if not renames.active:
        return Response(status=204)
    response = Response(status=302)
    response.headers["Location"] = context.location(_WAIT)
    return response


def _by_post(profile: VersionProfile) -> bool:
    return profile.renames_in_background and not profile.has_background_jobs


@endpoint("POST", _WAIT, exists=_by_post, takes_lock=False)
def wait_by_post(context: Context) -> Response:
    return _wait(context)


@endpoint("GET", _WAIT, exists=lambda profile: profile.has_background_jobs)
def wait_by_get(context: Context) -> Response:
    return _wait(context)
