"""The crash report that Checkmk returns if a handler raises an unexpected exception."""

from __future__ import annotations

import json
import sys
import traceback
import uuid
from typing import Any, Optional
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from .endpoints import SiteState
from .replies import PROBLEM, parsed_json


def crash_response(state: SiteState, request: Request, error: Optional[BaseException] = None) -> Response:
    """Return a 500 with a crash report about ``error``, or about an invented KeyError if ``error`` is None."""
    kind, message, frames = "KeyError", "'x'", []
    if error is not None:
        kind, message = type(error).__name__, str(error)
        frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)).split("\n")
    site, ident = state.configuration.site, str(uuid.uuid4())
    raw = request.get_data()
    details = {
        "request_info": {
            "method": request.method,
            "data_received": parsed_json(raw) if raw else {},
            # Checkmk returns all headers. This one is left out, so that no secret gets into the log of a test.
            "headers": {name: value for name, value in request.headers.items() if name != "Authorization"},
        },
        "check_mk_info": {},
        "crash_report_url": {
            "href": f"{request.host_url}{site}/check_mk/crash.py?{urlencode({'crash_id': ident, 'site': site})}",
            "method": "get",
            "rel": "cmk/crash-report",
            "type": "text/html",
        },
    }
    ext: dict[str, Any] = {
        "time": state.configuration.now().partition("+")[0],
        "os": sys.platform,
        "version": str(state.profile.version),
        "edition": state.profile.edition,
        "exc_traceback": frames,
        "core": "cmc" if state.profile.is_commercial else "nagios",
        "python_version": sys.version,
        "python_paths": [],
        "id": ident,
        "crash_type": "rest_api",
        "exc_type": kind,
        "exc_value": message,
        "local_vars": "",
        "details": details,
    }
    detail = f"{kind}: {message}. Crash report generated. Please submit."
    body = {"title": "Internal Server Error", "status": 500, "detail": detail, "ext": ext}
    return Response(json.dumps(body, default=repr), 500, content_type=PROBLEM)
