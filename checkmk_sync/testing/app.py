"""The WSGI application of a simulated site, which refuses requests in the same order as Checkmk."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Optional
from urllib.parse import unquote

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from . import handlers
from .configuration import User
from .crash import crash_response
from .endpoints import ENDPOINTS, Context, Endpoint, SiteState
from .login import authenticate
from .replies import JSON, PROBLEM, Problem, parsed_json

_REGISTERED = handlers  # importing the package fills ENDPOINTS

KEPT_REQUESTS = 20_000  # the oldest ones are dropped
LONGEST_URI = 8190 - len("OPTIONS  HTTP/1.1")  # Apache's LimitRequestLine
_API = re.compile(r"/(?P<site>[^/]+)/check_mk/api/(?P<version>[^/]+)(?P<path>/.*)", re.DOTALL)


@dataclass(frozen=True)
class Received:
    """An API request as it arrived, with the status of its answer, or 0 if the connection was closed instead."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes
    status: int
    user: Optional[str]

    @functools.cached_property
    def body(self) -> Any:
        """The decoded JSON of the body, its text if it is not JSON, or None if the body is empty."""
        return parsed_json(self.raw) if self.raw else None


@functools.cache
def _routes(known: tuple[Endpoint, ...]) -> Map:
    """Return the routes to these endpoints. Sites of one version share them, because building them is slow."""
    routes = Map([Rule(e.path, methods=[e.method], endpoint=e) for e in known], merge_slashes=False)
    for rule in routes.iter_rules():
        # werkzeug adds HEAD to GET, but Checkmk does not support it.
        rule.methods = {method for method in rule.methods or () if method != "HEAD"}
    routes.update()  # sorts the routes, which must not happen in two sites at the same time
    return routes


class SiteApp:
    """A WSGI application that routes, authenticates, locks, checks and records requests."""

    def __init__(self, state: SiteState, *, lock_hold_s: float, host_cost_s: float) -> None:
        self.state = state
        self._lock_hold_s, self._host_cost_s = lock_hold_s, host_cost_s
        self.requests: deque[Received] = deque(maxlen=KEPT_REQUESTS)
        self.answered = 0
        self.waiting = 0  # writes that currently wait for the configuration lock
        self.most_waiting = 0
        self.on_request: Optional[Callable[[str, str], None]] = None
        self._counting = threading.Lock()
        self._routes = _routes(tuple(entry for entry in ENDPOINTS if entry.exists(state.profile)))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)

    def path_below_api(self, request: Request) -> Optional[str]:
        """Return the part of the URL that names an endpoint, or None for a URL outside of this site's API."""
        # Apache refuses encoded slashes. It also collapses repeated ones, which server.py has done already.
        if "%2f" in request.environ.get("REQUEST_URI", "").partition("?")[0].lower():
            return None
        match = _API.fullmatch(request.path)
        if match is None or match["site"] != self.state.configuration.site:
            return None
        versions = self.state.profile.api_versions
        return match["path"] if not versions or match["version"] in versions else ""

    def respond(self, request: Request) -> Response:
        """Return the answer of the site to a request, without faults."""
        request.get_data(cache=True)
        if len(request.environ.get("REQUEST_URI", "")) > LONGEST_URI:
            return Response("<html><body><h1>Request-URI Too Long</h1></body></html>", 414, content_type="text/html")
        path = self.path_below_api(request)
        if path is None:
            return Response("<html><body><h1>Not Found</h1></body></html>", 404, content_type="text/html")
        if self.on_request is not None:
            self.on_request(self._method(request), path)
        user: Optional[User] = None
        try:
            endpoint, params = self._route(request, path)
            user = authenticate(request.headers.get("Authorization", ""), self.state.configuration.users)
            # Checkmk decodes path parameters again, after the web server has decoded them.
            decoded = {name: unquote(value) for name, value in params.items()}
            response = self._locked(Context(self.state, request, endpoint, user, decoded))
        except Problem as problem:
            response = Response(json.dumps(problem.body), problem.status, content_type=PROBLEM)
            if not problem.has_version or problem.status == 401:  # Checkmk: not every error has the version headers
                return self._recorded(request, path, response, user)
        except Exception as error:  # Checkmk answers an unexpected error with a crash report
            response = crash_response(self.state, request, error)
        response.headers["X-Checkmk-Version"] = str(self.state.profile.version)
        response.headers["X-Checkmk-Edition"] = self.state.profile.edition
        if response.status_code == 204:
            response.headers.pop("Content-Type", None)
        return self._recorded(request, path, response, user)

    def _recorded(self, request: Request, path: str, response: Response, user: Optional[User]) -> Response:
        hidden = {"Authorization": "(hidden)"}
        headers = {name: hidden.get(name, value) for name, value in request.headers.items()}
        name = None if user is None else user.name
        query = request.query_string.decode("latin-1")
        response.headers["Date"] = http_date(self.state.configuration.clock.time())
        with self._counting:
            self.answered += 1
            self.requests.append(
                Received(self._method(request), path, query, headers, request.get_data(), response.status_code, name)
            )
        return response

    def mark_unanswered(self) -> None:
        """Record that the last request got no answer."""
        with self._counting:
            if self.requests:
                self.requests[-1] = dataclasses.replace(self.requests[-1], status=0)

    @staticmethod
    def _method(request: Request) -> str:
        if request.method == "POST":
            return request.headers.get("X-HTTP-Method-Override", "POST").upper()
        return request.method

    def _route(self, request: Request, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        method = self._method(request)
        try:
            endpoint, params = self._routes.bind("localhost").match(path, method=method)
        except (MethodNotAllowed, NotFound) as error:
            raise Problem(error.code, error.name, str(error), has_version=False) from None
        return endpoint, params

    def _locked(self, context: Context) -> Response:
        """Check and execute a request, holding the configuration lock if the endpoint takes it."""
        if context.endpoint.method == "GET" or not context.endpoint.takes_lock:
            self.state.finish_due_jobs()
            return self._checked(context)
        with self._counting:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        with self.state.configuration.lock:
            with self._counting:
                self.waiting -= 1
            self.state.finish_due_jobs()
            time.sleep(self._lock_hold_s)
            response = self._checked(context)
            if self._host_cost_s:
                entries = context.body.get("entries", ())
                time.sleep(self._host_cost_s * max(1, len(entries)))
            return response

    def _checked(self, context: Context) -> Response:
        request, endpoint = context.request, context.endpoint
        has_body = bool(request.get_data())
        # Checkmk: without a body, a missing If-Match is reported first. With a body, the body is validated first.
        if endpoint.needs_etag and self.state.etag_locking and not has_body and "If-Match" not in request.headers:
            detail = "If-Match header required for this operation. See documentation."
            raise Problem(428, "Precondition required", detail)
        if self.state.profile.refuses_body_on_get and has_body and endpoint.body is None and endpoint.method != "POST":
            raise Problem(400, "Bad Request", "This endpoint does not take a request body.")
        self._check_content_type(request, is_required=endpoint.body is not None)
        with self.state.configuration.mutex:
            context.check_path()
            context.check_query()
            self._check_accept(request)
            context.check_body()
            for permission in ("general.use", *endpoint.permissions):
                context.require(permission)
        # Endpoints that wait must not hold the mutex, because they sleep.
        sleeps = "wait-for-completion" in endpoint.path
        with contextlib.nullcontext() if sleeps else self.state.configuration.mutex:
            return endpoint.handler(context)

    @staticmethod
    def _check_content_type(request: Request, *, is_required: bool) -> None:
        # Checkmk checks a Content-Type header even if the endpoint takes no body.
        content_type, charset = request.mimetype, request.mimetype_params.get("charset", "utf-8")
        if not content_type and not is_required:
            return
        if not content_type:
            detail = f"No content-type specified. Possible value is: {JSON}"
        elif content_type != JSON:
            detail = f"Content-Type {content_type!r} not supported for this endpoint."
        elif charset.lower() != "utf-8":
            detail = f"Character set {charset!r} not supported for content-type {JSON!r}."
        else:
            return
        raise Problem(415, "Content type not valid for this endpoint.", detail)

    @staticmethod
    def _check_accept(request: Request) -> None:
        if "Accept" not in request.headers:
            raise Problem(406, "Not Acceptable", "Please specify an Accept Header.")
        if not request.accept_mimetypes.best_match([JSON]):
            detail = (
                "Can not send a response with the content type specified in the 'Accept' Header. "
                f"Accept Header: {request.headers['Accept']}. Supported content types: [{JSON}]"
            )
            raise Problem(406, "Not Acceptable", detail)
