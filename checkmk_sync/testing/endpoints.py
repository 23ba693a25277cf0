"""The table of endpoints, and the context of one request to a simulated site."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Callable, Mapping, Optional, Sequence, Union
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from ..catalogue.operations import operations_named
from .configuration import Configuration, HostConfig, User
from .faults import FaultScript
from .jobs import Activations, BackgroundJobs
from .monitoring_core import MonitoringCore
from .permissions import PERMISSION_TITLES
from .replies import Links, Problem
from .validation import Check, Field, checked_body, checked_query
from .version_profile import VersionProfile


@dataclass
class SiteState:
    """The complete state of a site."""

    profile: VersionProfile
    configuration: Configuration
    monitoring: MonitoringCore
    activations: Activations
    jobs: BackgroundJobs
    faults: FaultScript
    etag_locking: bool = True

    def finish_due_jobs(self) -> None:
        """Apply the jobs that have ended by now."""
        with self.configuration.mutex:
            self.jobs.finish_due_jobs()
            self.activations.finish_due_jobs()
            self.monitoring.commands.execute_due()


EDIT = ("wato.edit",)  # the permission to change the configuration

# The fields of an endpoint, which may depend on the site.
Fields = Union[Mapping[str, Field], Callable[[SiteState], Mapping[str, Field]]]
Handler = Callable[["Context"], Response]


def _resolved(fields: Fields, state: SiteState) -> Mapping[str, Field]:
    return fields(state) if callable(fields) else fields


@dataclass(eq=False)
class Endpoint:
    """A row of the table of endpoints, and the decorator that registers its handler.

    ``query`` and ``body`` are fields, or functions that return the fields for a site. ``schema_check`` checks the
    complete body if none of its fields has errors. ``since`` is the first version with the endpoint, and ``until`` the
    first version without it. ``editions`` are the short names of the editions that have it; None means all. The user
    must have the ``permissions``. ``unknown`` replaces the usual error for unknown fields.
    """

    method: str
    path: str
    query: Fields = field(default_factory=dict)
    body: Optional[Fields] = None
    schema_check: Optional[Callable[[SiteState], Check]] = None
    since: Optional[str] = None
    until: Optional[str] = None
    editions: Optional[frozenset[str]] = None
    permissions: tuple[str, ...] = ()
    takes_lock: bool = True  # Checkmk: all methods except GET take the configuration lock, even status queries by POST
    needs_etag: bool = False
    unknown: str = ""
    handler: Handler = field(init=False)

    def __call__(self, handler: Handler) -> Handler:
        self.handler = handler
        ENDPOINTS.append(self)
        return handler

    def exists(self, profile: VersionProfile) -> bool:
        is_in_edition = self.editions is None or profile.edition in self.editions
        return is_in_edition and profile.version.is_between(self.since, self.until)


def _listed(fields: Fields, names: Sequence[str], state: SiteState) -> Mapping[str, Field]:
    known = _resolved(fields, state)
    return {name: known[name] for name in names}


def serves(noun: str, verb: str, query: Fields = MappingProxyType({}), **facts: Any) -> Callable[[Handler], Handler]:
    """Register the handler of an operation of the catalogue, in all versions and editions that have it.

    The endpoint has those fields of ``query`` that the row of its version lists.
    """

    def register(handler: Handler) -> Handler:
        for row in operations_named(noun, verb):
            path, known = row.path.replace("{", "<").replace("}", ">"), functools.partial(_listed, query, row.query)
            exists: dict[str, Any] = {"since": row.since, "until": row.until, "editions": row.editions}
            Endpoint(row.method, path, known, **exists, needs_etag=row.if_match, **facts)(handler)
        return handler

    return register


ENDPOINTS: list[Endpoint] = []
# Checks by path prefix. Each raises a Problem if the object that the path names does not exist.
PATH_CHECKS: dict[str, Callable[[Context], object]] = {}


@dataclass
class Context:
    """A request and its site, for a handler. ``query`` and ``body`` are validated, and ``params`` are decoded."""

    state: SiteState
    request: Request
    endpoint: Endpoint
    user: User
    params: dict[str, str]
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def configuration(self) -> Configuration:
        return self.state.configuration

    @property
    def profile(self) -> VersionProfile:
        return self.state.profile

    @functools.cached_property
    def links(self) -> Links:
        base = f"{self.request.scheme}://{self.request.host}/{self.configuration.site}/check_mk/api/1.0"
        return Links(base)

    def redirect(self, status: int, path: str) -> Response:
        """Return a redirect to a path of the API."""
        # Checkmk: up to 2.3, Location is an absolute URL. Later versions send a path without the host.
        host = self.request.host_url.rstrip("/") if self.profile.sends_absolute_locations else ""
        location = host + quote(f"/{self.configuration.site}/check_mk/api/1.0{path}", safe="/~%")
        return Response(status=status, headers={"Location": location})

    def check_path(self) -> None:
        """Raise a Problem if the object in the path does not exist. Checkmk checks this first."""
        for prefix, check in PATH_CHECKS.items():
            if self.endpoint.path.startswith(prefix):
                check(self)

    def check_query(self) -> None:
        """Check the query parameters and fill in their defaults."""
        # Checkmk: an endpoint without parameters ignores all of them, and other endpoints refuse unknown ones.
        fields = _resolved(self.endpoint.query, self.state)
        if fields:
            arguments = {name: self.request.args.getlist(name) for name in self.request.args}
            self.query = checked_query(fields, arguments)

    def check_body(self) -> None:
        if self.endpoint.body is None:
            return
        try:
            data = json.loads(self.request.get_data() or b"{}")
        except (ValueError, RecursionError):
            raise Problem(400, "Bad Request", "The request body is not valid JSON.") from None
        check = self.endpoint.schema_check and self.endpoint.schema_check(self.state)
        self.body = checked_body(_resolved(self.endpoint.body, self.state), data, check, self.endpoint.unknown)

    def check_etag(self, current: str, ext: Optional[Mapping[str, Any]] = None) -> None:
        """Raise Problem 428 without If-Match, and 412 if the state has changed.

        The check is skipped if the site has disabled ETag locking.
        """
        if not self.state.etag_locking:
            return
        # Like Checkmk, this accepts * and values without quotes.
        if_match, tag = self.request.if_match, current.strip('"')
        if not self.request.headers.get("If-Match", "").strip():
            detail = "If-Match header required for this operation. See documentation."
            raise Problem(428, "Precondition required", detail, ext=ext)
        if not if_match.contains(tag):
            detail = f"ETag didn't match. Expected {tag}. Probable cause: Object changed by another user."
            raise Problem(412, "Precondition failed", detail, ext=ext)

    def require(self, permission: str, *, status: int = 401) -> None:
        """Raise a Problem if the user lacks a permission."""
        # Checkmk answers 401, not 403, for most permissions that are checked inside an endpoint.
        if permission not in self.user.permissions:
            detail = (
                "We are sorry, but you lack the permission for this operation. If you do not like this then please ask "
                "your administrator to provide you with the following permission: "
                f"'<b>{PERMISSION_TITLES[permission]}</b>'."
            )
            raise Problem(status, "Unauthorized" if status == 401 else "Forbidden", detail)

    def require_seen(self, host: HostConfig) -> None:
        """Raise Problem 403 if the user must not see the host. Lists omit hidden hosts silently, as in Checkmk."""
        if not self.user.may_see(host.folder):
            raise Problem(403, "Forbidden", f"You do not have permission to access the host {host.name!r}.")

    def require_folder(self, path: str) -> None:
        """Raise Problem 401 if the user must not change the folder."""
        # Checkmk: a bulk call checks a folder only when it reaches it, after it has changed earlier ones.
        if not self.user.may_change(path):
            raise Problem(401, "Unauthorized", f"Sorry, you have no permission to change the folder {path!r}.")
