"""The objects of plain nouns that exist on a new site, by noun and key, in the form in which they are stored."""

from __future__ import annotations

from typing import Any, Mapping

from .data_files import document, rows

# The tag groups "criticality" and "networking" are part of a new site's sample configuration. The others are built in.
# Checkmk: the built-in time period has no exclude in answers.
BUILTIN_OBJECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "rulesets": {  # a small part of the rulesets of 2.4 and 2.5
        row["name"]: {
            **row,
            "help": "",
            "title": row["name"].rpartition(":")[2].replace("_", " ").capitalize(),
            "item_type": row["item_type"] or None,
        }
        for row in rows("rulesets")
    },
    **document("builtin_objects"),
}
