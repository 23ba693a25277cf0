"""Attributes as arguments: texts, as in a CSV inventory, or values as they are."""

from __future__ import annotations

from typing import Any, Mapping

from ..sync.sources import attribute_value
from .verb import Argument

__all__ = ["ATTRIBUTE", "attribute_values"]

ATTRIBUTE = Argument(
    "attribute",
    "Set an attribute, such as ipaddress=192.0.2.10; as in a CSV inventory parents=gw01|gw02 is a list, "
    "and what starts with [ or { is JSON.",
    "pairs",
    many=True,
    example={"ipaddress": "192.0.2.10"},
)


def attribute_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that texts mean; what is no text is a value already. ValueError for broken JSON."""
    return {name: attribute_value(name, text) if isinstance(text, str) else text for name, text in given.items()}
