"""The behaviour of auxiliary tags."""

from __future__ import annotations

from typing import Any

from ..endpoints import Context, SiteState
from ..host_attributes import TAG_GROUPS
from ..replies import Problem, bad_fields
from ..validation import Check, refined, string
from .behaviour import Behaviour, Values

__all__ = ["AUX_TAGS"]

_KEY = "aux_tag_id"
_NOT_CUSTOM = "The aux_tag {!r} should be an existing custom aux tag but it's not."


def _missing(context: Context, key: str) -> Problem:
    text = _NOT_CUSTOM if context.endpoint.method == "PUT" else "The aux_tag {!r} should exist but it doesn't."
    return bad_fields({_KEY: [text.format(key)]}, 404)


def _protected(_context: Context, key: str) -> Problem:
    return bad_fields({_KEY: [_NOT_CUSTOM.format(key)]}, 404)


def _checks(_state: SiteState) -> dict[str, Check]:
    text = "The id {!r} is already in use by a tag group."
    return {_KEY: refined(string, lambda key: text.format(key) if key in TAG_GROUPS else None)}


def _update_check(body: Values) -> Any:
    if body:
        return None
    return {"_schema": ["At least one of the following parameters should be provided: {'help', 'title', 'topic'}"]}


AUX_TAGS = Behaviour(
    "wato.hosttags",
    parameter=_KEY,
    taken="The aux_tag {!r} should not exist but it does.",
    missing=_missing,
    found_first=True,
    protected=_protected,
    checks=_checks,
    update_check=_update_check,
    complete=lambda _context, values: {"help": "", **values},
)
