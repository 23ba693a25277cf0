"""The command that explains the fields of a kind of object, and the attributes that the site defines."""

from __future__ import annotations

from typing import Any, Optional

from .arguments import search
from .command import Argument, Command, Field, LazyModule

_handlers = LazyModule(".handlers.explain", __package__)

COMMANDS = (
    Command(
        "explain",
        "Explain the fields of a kind of object. For hosts and folders, these are the attributes, including the tag "
        "groups and custom attributes of the site.",
        _handlers.explain,
        (
            Argument(
                "what",
                "A kind of object, such as hosts or time_periods, or one of its fields, such as hosts.tag_agent.",
                required=True,
                example="hosts.tag_criticality",
            ),
            Argument(
                "host", "Read the names of custom attributes from this host (default: the first host).", example="web01"
            ),
            search("name or about", "tag_*"),
        ),
        columns=("name", "type", "one_of", "about"),
        fields=(
            Field("name", "The name of the field."),
            Field("type", "The type of its values."),
            Field("one_of", "The values that the site accepts, as text; empty if they are not limited."),
            Field("about", "A description, or the source of an attribute.", untrusted=True),
            Field("example", "A valid value, if one is known.", Any),
            Field("titles", "The titles of the tags of a tag group.", Optional[dict[str, str]], untrusted=True),
        ),
        example="hosts.tag_criticality",
        tool="explain_fields",
        empty_text="no fields",
    ),
)
