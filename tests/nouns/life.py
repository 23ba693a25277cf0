"""One kind of object on one version of Checkmk, with example values from its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.field import Field
from checkmk_sync.catalogue.noun import Noun, Record
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.client.collection import Collection
from checkmk_sync.testing import Fault, SimulatedSite

__all__ = ["SECRET", "Life"]

SECRET = "only-the-site-knows-this"


@dataclass(frozen=True)
class Life:
    """A noun at a site of a ``version`` and ``edition``."""

    site: SimulatedSite
    cmk: Checkmk
    noun: Noun
    version: CheckmkVersion
    edition: str

    @property
    def objects(self) -> Collection[Any]:
        """The objects of the kind at the site."""
        found: Collection[Any] = getattr(self.cmk, self.noun.name)
        return found

    @property
    def key(self) -> str:
        """The key of the example. If the site chooses the keys, it is that of the only object at the site, if any."""
        example: str = self.noun.key.example
        return next(iter(self.stored()), example) if self.noun.key.assigned else example

    @property
    def given_key(self) -> tuple[str, ...]:
        """The key as the first argument of a creation; empty if the site chooses it."""
        return () if self.noun.key.assigned else (self.key,)

    @property
    def filters(self) -> dict[str, Any]:
        """The values by which the API lists the objects."""
        return {field.name: field.example for field in self.noun.fields if field.filters}

    @property
    def title(self) -> str:
        """The name of a field that can have any text."""
        return next(
            field.name
            for field in self.noun.fields[1:]
            if field.type is str and not (field.secret or field.refers_to or field.fixed)
        )

    def values(self) -> dict[str, Any]:
        """Return the example values, by field, without the key."""
        sent = [field for field in self.noun.fields[1:] if not field.assigned]
        served = [field for field in sent if field.serves(self.version, self.edition)]
        values = {field.name: field.example for field in served if field.example is not None}
        return {**values, **dict.fromkeys(self.secrets(), SECRET)}

    def secrets(self) -> list[str]:
        return [field.name for field in self.noun.fields if field.secret]

    def visible(self) -> Iterator[Field]:
        """Yield the fields of the example that the site returns."""
        for name in self.values():
            field = self.noun.by_name[name].in_version(self.version)
            if field.at:
                yield field

    def items(self, *names: str) -> list[dict[str, Any]]:
        """Return the values of several objects, which have different titles, for a bulk call."""
        # Checkmk: groups must have different aliases.
        return [
            {self.noun.key.name: name, **self.values(), self.title: f"{self.values()[self.title]} of {name}"}
            for name in names
        ]

    def needs_etag(self, verb: str) -> bool:
        return self.noun.has_etags and any(
            row.if_match for row in self.noun.operations if row.verb == verb and row.serves(self.version, self.edition)
        )

    def lose_the_next_answer(self) -> None:
        """Let the site execute the next write without an answer."""
        self.site.set_faults([Fault("reset_after", writes=True, times=1)])

    def stored(self) -> dict[str, Any]:
        """Return the keys and values that the site stores for this kind of object."""
        return dict(self.site.state.configuration.objects[self.noun.name])

    def create(self) -> Record:
        record: Record = self.objects.create(*self.given_key, **self.values())
        return record
