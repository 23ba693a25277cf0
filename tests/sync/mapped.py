"""A helper for tests that load an inventory through a mapping file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import Desired, load

__all__ = ["EXPORTS", "Mapped", "properties"]

EXPORTS = Path(__file__).parent.parent / "data" / "exports"


def properties(desired: Desired) -> dict[str, dict[str, Any]]:
    found = (each for each in desired.objects.values() if not each.implied)
    return {each.key: {".".join(path): value for path, value in each.properties.items()} for each in found}


class Mapped:
    """Loads an inventory through a mapping file. Both are written to a temporary directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, mapping: str, text: str, name: str = "a.csv") -> Desired:
        (self.folder / "map.yaml").write_text(mapping, "utf-8")
        (self.folder / name).write_text(text, "utf-8")
        return load(self.folder / name, mapping=self.folder / "map.yaml")

    def hosts(self, *given: str) -> dict[str, dict[str, Any]]:
        return properties(self(*given))

    def mistakes(self, *given: str) -> list[str]:
        with pytest.raises(InventoryError) as caught:
            self(*given)
        return [str(problem).replace(f"{self.folder}/", "") for problem in caught.value.problems]
