"""Handlers for users, besides the standard operations."""

from __future__ import annotations

from typing import Mapping

from werkzeug.wrappers import Response

from ..endpoints import Context, Endpoint, SiteState
from ..validation import REQUIRED, Field, choice

__all__: list[str] = []


def _fields(state: SiteState) -> Mapping[str, Field]:
    more = ("agent_slideout", "changes-info") if state.profile.version.at_least("2.5.0b1") else ()
    return {"warning": Field(choice("notification_fallback", "immediate_slideout_change", *more), REQUIRED)}


@Endpoint(
    "POST",
    "/domain-types/user_config/actions/dismiss-warning/invoke",
    body=_fields,
    exists=lambda profile: profile.version.at_least("2.4.0b1"),
)
def dismiss_warning(_context: Context) -> Response:
    return Response(status=204)
