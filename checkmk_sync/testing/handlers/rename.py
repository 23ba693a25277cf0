"""Handlers for renaming a host, which is refused while changes are pending.

A rename is immediate in 2.2, and a background job in later versions.
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..endpoints import EDIT, Context, Endpoint, SiteState
from ..jobs import RENAME
from ..references import unused_host_name
from ..replies import Problem
from ..validation import REQUIRED, Field
from .hosts import existing_host, host_answer

_WAIT = "/domain-types/host_config/actions/wait-for-completion/invoke"


def _fields(state: SiteState) -> dict[str, Field]:
    return {"new_name": Field(unused_host_name(state), REQUIRED)}


@Endpoint("PUT", "/objects/host_config/<name>/actions/rename/invoke", body=_fields, permissions=EDIT)
def rename(context: Context) -> Response:
    # Checkmk: the documentation requires If-Match, but the server ignores it.
    host, new = existing_host(context), context.body["new_name"]
    jobs = context.state.jobs
    if context.configuration.changes:
        detail = "Please activate all pending changes before executing a host rename process"
        raise Problem(409, "Pending changes are present", detail)
    if jobs.is_active(RENAME):
        raise Problem(409, "Conflict", "A host rename process is already running")
    job = jobs.start_rename(host.name, new, context.user.name)
    if not context.profile.renames_in_background:
        job.finish()
        return host_answer(context, context.configuration.hosts[new])
    return context.redirect(context.profile.redirect_status, _WAIT)


@Endpoint("POST", _WAIT, since="2.3.0b1", until="2.4.0b1", takes_lock=False)
@Endpoint("GET", _WAIT, since="2.4.0b1")
def wait(context: Context) -> Response:
    # Checkmk does not block here. It redirects to itself immediately while the job is running.
    job = context.state.jobs.by_id.get(RENAME)
    if job is None:
        message = "No running renaming job was found"
        is_title = context.profile.missing_jobs_have_no_detail
        raise Problem(404, message) if is_title else Problem(404, "Not found", message)
    return context.redirect(302, _WAIT) if job.active else Response(status=204)
