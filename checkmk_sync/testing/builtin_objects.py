"""The objects of plain nouns that exist on a new site, by noun and key, in the form in which they are stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .rulesets import RULESETS

# The tag groups "criticality" and "networking" are part of a new site's sample configuration. The others are built in.
# Checkmk: the built-in time period has no exclude in answers.
BUILTIN_OBJECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "rulesets": {name: {"name": name, "help": "", **facts} for name, facts in RULESETS.items()},
    **json.loads(Path(__file__).with_suffix(".json").read_text("utf-8")),
}
