"""Handlers for renaming a host, which is refused while changes are pending.

A rename is immediate in 2.2, and a background job in later versions.
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..endpoints import Context, Endpoint
from ..references import unused_host_name
from ..replies import Problem, json_response
from ..validation import REQUIRED, Field
from .hosts import existing_host, host_etag, host_object

__all__: list[str] = []

_WAIT = "/domain-types/host_config/actions/wait-for-completion/invoke"


@Endpoint(
    "PUT",
    "/objects/host_config/<host_name>/actions/rename/invoke",
    body=lambda state: {"new_name": Field(unused_host_name(state), REQUIRED)},
)
def rename(context: Context) -> Response:
    # Checkmk: the documentation requires If-Match, but the server ignores it.
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
    return context.redirect(context.profile.redirect_status, _WAIT)


@Endpoint("POST", _WAIT, exists=lambda p: p.renames_in_background and not p.has_background_jobs, takes_lock=False)
@Endpoint("GET", _WAIT, exists=lambda profile: profile.has_background_jobs)
def wait(context: Context) -> Response:
    # Checkmk does not block here. It redirects to itself immediately while the job is running.
    renames = context.state.renames
    if not renames.jobs:
        message = "No running renaming job was found"
        is_title = context.profile.missing_jobs_have_no_detail
        raise Problem(404, message) if is_title else Problem(404, "Not found", message)
    return context.redirect(302, _WAIT) if renames.active else Response(status=204)
