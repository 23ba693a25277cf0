"""/version."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..context import Context, endpoint
from ..http import json_response

__all__: list[str] = []


@endpoint("GET", "/version")
def version(context: Context) -> Response:
    profile = context.profile
    return json_response(
        {
            "site": context.setup.site,
            "group": "",
            "rest_api": {"revision": "0"},
            "versions": {
                "apache": [2, 4, 62],
                "checkmk": profile.version_text,
                "python": "3.12.7",
                "mod_wsgi": [5, 0],
                "wsgi": [1, 0],
            },
            "edition": profile.edition,
            "demo": False,
        }
    )
