"""The behaviour of auxiliary tags."""

from __future__ import annotations

from typing import Any

from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..replies import Problem, bad_fields
from ..validation import Check, refined, string
from .hooks import Values
from .standard import Behaviour

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
        groups = state.configuration.objects["tag_groups"]
        text = "The id {!r} is already in use by a tag group."
        return {_KEY: refined(string, lambda key: text.format(key) if key in groups else None)}

    def update_check(self, body: Values) -> Any:
        text = "At least one of the following parameters should be provided: {'help', 'title', 'topic'}"
        return None if body else {"_schema": [text]}

    def complete(self, context: Context, values: Values) -> Values:
        return {"help": "", **values}

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        groups = configuration.objects["tag_groups"].values()
        return [group["title"] for group in groups if any(key in tag["aux_tags"] for tag in group["tags"])]

    def in_use(self, _key: str, usages: list[str]) -> Problem:
        detail = "You cannot delete this auxiliary tag. It is being used by the following tag groups: "
        return Problem(409, "Aux tag in use", f'{detail}"{", ".join(usages)}"')
