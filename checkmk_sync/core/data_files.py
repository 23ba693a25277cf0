"""The tables and documents of the package, which are CSV and JSON files beside the modules that use them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any


def rows(module: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file beside a module, by column. Empty cells are empty strings.

    ``module`` is the module's ``__file__``.
    """
    with Path(module).with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def document(module: str, name: str) -> Any:
    """Return the content of a JSON file beside a module."""
    import json  # not at the top, because it would delay --help

    return json.loads(Path(module).with_name(f"{name}.json").read_text("utf-8"))
