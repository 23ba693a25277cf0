"""The handler for the version of the site."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..endpoints import Context, serves
from ..replies import json_response


@serves("site", "version")
def version(context: Context) -> Response:
    profile = context.profile
    if context.request.args.get("fail"):
        raise Exception("This is an intentional failure.")  # Checkmk offers this to test crash reports
    return json_response(
        {
            "site": context.configuration.site,
            "group": "",
            "rest_api": {"revision": "0"},
            "versions": {
                "apache": [2, 4, 62],
                "checkmk": f"{profile.version}.{profile.edition}",
                "python": "3.12.7 (main, Oct  1 2024, 08:52:12) [GCC 13.2.0]",
                "python_branch": "3.12",
                "mod_wsgi": [5, 0],
                "wsgi": [1, 0],
            },
            "edition": profile.edition,
            "demo": False,
        }
    )
