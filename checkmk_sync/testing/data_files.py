"""The data of a new simulated site, which is in CSV and JSON files in this directory."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by column. Empty cells are empty strings."""
    with Path(__file__).with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def document(name: str) -> Any:
    """Return the content of a JSON file."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text("utf-8"))
