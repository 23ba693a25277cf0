"""The rulesets of the simulated site, a small part of those that sites of 2.4 and 2.5 have."""

from __future__ import annotations

from typing import Any, Mapping

from .tables import rows

RULESETS: Mapping[str, Mapping[str, Any]] = {
    row["name"]: {
        "title": row["name"].rpartition(":")[2].replace("_", " ").capitalize(),
        "item_type": row["item_type"] or None,
        "match_type": row["match_type"],
    }
    for row in rows("rulesets")
}
