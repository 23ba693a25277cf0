"""A noun that Checkmk does not have. ``python -m tests.nouns.made_up_noun VERSION EDITION`` runs its life.

The row is all that the client and the simulated site know about it.
"""

from __future__ import annotations

import sys
from typing import Any, Optional

from checkmk_sync.catalogue.field import Former
from checkmk_sync.catalogue.noun import ALWAYS, BULK, CRUD, MANAGED, Record, attr, key, noun

__all__ = ["Ship"]


@noun("ships", "ship", "ship_config", CRUD, BULK, rank=50, if_match={"update": ALWAYS, "delete": "2.4.0b1"})
class Ship(Record):
    """A ship with all kinds of fields."""

    name: str = key("ID of the ship.", wire="ship_id", pattern=r"^[a-z]+\Z", example="titanic")
    title: str = attr("Name of the ship.", at=("title",), min_length=1, example="RMS Titanic")
    kind: str = attr("Kind of the ship.", choices=("freight", "passengers"), example="passengers")
    access_key: Optional[str] = attr("Code of the bridge.", default=None, at=(), secret=True, example="a")
    decks: Optional[int] = attr("Number of decks.", default=None, example=10)
    afloat: Optional[bool] = attr("Whether it floats.", default=None, example=False)
    crew: Optional[list[str]] = attr("Members of the crew.", default=None, canonical=sorted, example=["smith"])
    plan: Optional[dict[str, Any]] = attr("Plan of the ship.", default=None, since="2.3.0b1", example={"deck": "a"})
    port: Optional[str] = attr(
        "Port of the ship.",
        default=None,
        former=(Former("2.4.0b1", "harbour", ("extensions", "harbour")),),
        example="Southampton",
    )
    customer: Optional[str] = attr("Customer.", default=None, editions=MANAGED, example="global")


def _main(version: str, edition: str) -> None:
    from checkmk_sync.catalogue.versions import CheckmkVersion
    from checkmk_sync.testing import ManualClock, SimulatedSite
    from tests.nouns.inventories import live_in_an_inventory
    from tests.nouns.life import Life
    from tests.nouns.steps import live, lose_every_answer

    clock = ManualClock()
    with SimulatedSite(version, edition, clock=clock) as site, site.client(clock=clock) as cmk:
        life = Life(site, cmk, Ship.noun, CheckmkVersion.parse(version), edition)
        live(life)
        lose_every_answer(life)
        live_in_an_inventory(life)
    print(f"{Ship.noun.singular}: lived")


if __name__ == "__main__":
    _main(*sys.argv[1:])
