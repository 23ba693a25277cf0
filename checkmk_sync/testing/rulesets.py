"""The rulesets of the simulated site, a small part of those that sites of 2.4 and 2.5 have."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Mapping

with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    RULESETS: Mapping[str, Mapping[str, Any]] = {
        row["name"]: {
            "title": row["name"].rpartition(":")[2].replace("_", " ").capitalize(),
            "item_type": row["item_type"] or None,
            "match_type": row["match_type"],
        }
        for row in csv.DictReader(_file)
    }
