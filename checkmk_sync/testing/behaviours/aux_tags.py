"""The behaviour of auxiliary tags."""

from __future__ import annotations

from typing import Any

from ..endpoints import Context, SiteState
from ..host_attributes import TAG_GROUPS
from ..replies import Problem, bad_fields
from ..validation import Check, refined, string
from .standard import Behaviour, Values

__all__ = ["AuxTags"]

_KEY = "aux_tag_id"
_NOT_CUSTOM = "The aux_tag {!r} should be an existing custom aux tag but it's not."


class AuxTags(Behaviour):
    """The behaviour of auxiliary tags."""

    permission = "wato.hosttags"
    parameter = _KEY
    taken = "The aux_tag {!r} should not exist but it does."
    found_first = True

    def missing(self, context: Context, key: str) -> Problem:
        text = _NOT_CUSTOM if context.endpoint.method == "PUT" else "The aux_tag {!r} should exist but it doesn't."
        return bad_fields({_KEY: [text.format(key)]}, 404)

    def protect(self, context: Context, key: str) -> None:
        raise bad_fields({_KEY: [_NOT_CUSTOM.format(key)]}, 404)

    def checks(self, state: SiteState) -> dict[str, Check]:
        text = "The id {!r} is already in use by a tag group."
        return {_KEY: refined(string, lambda key: text.format(key) if key in TAG_GROUPS else None)}

    def update_check(self, body: Values) -> Any:
        text = "At least one of the following parameters should be provided: {'help', 'title', 'topic'}"
        return None if body else {"_schema": [text]}

    def complete(self, context: Context, values: Values) -> Values:
        return {"help": "", **values}
