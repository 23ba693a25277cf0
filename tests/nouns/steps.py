"""The steps of the life of an object. Each checks the answers of the client against the state of the site."""

from __future__ import annotations

from typing import Callable

import pytest

from checkmk_sync.client.outcomes import Outcomes
from checkmk_sync.errors import BadRequestError, NotFoundError, PreconditionError
from tests.nouns.life import Life

__all__ = [
    "bulk_with_a_bad_entry",
    "create_and_read",
    "delete",
    "ensure",
    "ensure_an_absent_object",
    "live",
    "lose_every_answer",
    "refuse_a_second_creation",
    "refuse_a_stale_etag",
    "update",
]


def create_and_read(life: Life) -> None:
    made = life.create()
    assert (made.etag is not None) is life.needs_etag("update")
    for field in life.visible():
        assert field.same(getattr(made, field.name), life.values()[field.name]), field.name
    assert life.objects.get(life.key, fresh=True) == made
    assert life.objects.find(life.key) == made
    listed = [record for record in life.objects.each(**life.filters) if record.key_value == life.key]
    assert listed == [made]
    pages = [page.items for page in life.objects.pages(batch_size=1, **life.filters)]
    assert [made] in pages
    assert all(len(page) == 1 for page in pages)


def refuse_a_second_creation(life: Life) -> None:
    before = life.stored()
    with pytest.raises(BadRequestError, match="exist|already in use"):
        life.create()
    assert life.stored() == before


def ensure(life: Life) -> None:
    before = life.stored()
    again = life.objects.ensure(*life.given_key, **life.values())
    assert (again.changed, again.actions, again.diff()) == (False, (), {})
    new = f"{life.values()[life.title]} again"
    checked = life.objects.ensure(life.key, check=True, **{life.title: new})
    assert life.stored() == before
    done = life.objects.ensure(life.key, **{life.title: new})
    assert checked.actions == done.actions == ("update",)
    assert checked.diff() == done.diff() == {life.title: (life.values()[life.title], new)}
    assert not life.objects.ensure(done.after).changed


def ensure_an_absent_object(life: Life) -> None:
    checked = life.objects.ensure(*life.given_key, check=True, **life.values())
    assert life.objects.find(life.key, fresh=True) is None
    done = life.objects.ensure(*life.given_key, **life.values())
    assert checked.actions == done.actions == ("create",)
    life.objects.delete(life.key)


def update(life: Life) -> None:
    old = life.objects.get(life.key, fresh=True)
    changed = life.objects.update(life.key, **{life.title: "New title"})
    assert getattr(changed, life.title) == "New title"
    assert life.objects.get(life.key, fresh=True) == changed
    for field in life.visible():
        if field.name != life.title:
            assert field.same(getattr(changed, field.name), getattr(old, field.name)), field.name


def refuse_a_stale_etag(life: Life) -> None:
    old = life.objects.update(life.key, **{life.title: "Old title"})
    life.objects.update(life.key, **{life.title: "Newer title"})
    if life.needs_etag("update"):
        with pytest.raises(PreconditionError):
            life.objects.update(life.key, etag=old.etag, **{life.title: "Lost update"})
        assert getattr(life.objects.get(life.key, fresh=True), life.title) == "Newer title"


def delete(life: Life) -> None:
    key = life.key
    life.objects.delete(key)
    assert key not in life.stored()
    assert life.objects.find(key, fresh=True) is None
    with pytest.raises(NotFoundError):
        life.objects.delete(key)
    life.objects.delete(key, missing_ok=True)


def bulk_with_a_bad_entry(life: Life) -> None:
    key = life.noun.key.name
    created = life.objects.bulk_create(life.items("one", "two"))
    assert created.ok
    created = life.objects.bulk_create(life.items("three", "one"))
    assert [outcome.key for outcome in created.applied] == ["three"]
    assert [outcome.key for outcome in created.not_applied] == ["one"]
    changes = [{key: name, life.title: f"New {name}"} for name in ("one", "absent", "two")]
    updated = life.objects.bulk_update(changes)
    assert [outcome.key for outcome in updated.not_applied] == ["absent"]
    assert {outcome.key for outcome in updated.applied} == {"one", "two"}
    assert getattr(life.objects.get("two", fresh=True), life.title) == "New two"
    deleted = life.objects.bulk_delete(["one", "absent", "two", "three"])
    assert [outcome.key for outcome in deleted.not_applied] == ["absent"]
    assert not {"one", "two", "three"} & set(life.stored())


def live(life: Life) -> None:
    """Create, read, change and delete an object, and others with bulk calls if the API has them."""
    ensure_an_absent_object(life)
    create_and_read(life)
    if not life.noun.key.assigned:
        refuse_a_second_creation(life)
    ensure(life)
    update(life)
    refuse_a_stale_etag(life)
    delete(life)
    if life.noun.supports("bulk_create"):
        bulk_with_a_bad_entry(life)


def lose_every_answer(life: Life) -> None:
    """Lose the answer of each kind of write once."""
    life.lose_the_next_answer()
    made = life.create()
    assert life.objects.get(life.key, fresh=True) == made
    life.lose_the_next_answer()
    changed = life.objects.update(life.key, **{life.title: "New title"})
    assert getattr(changed, life.title) == "New title"
    life.lose_the_next_answer()
    assert life.objects.ensure(life.key, **{life.title: "Newer title"}).changed
    life.lose_the_next_answer()
    key = life.key
    life.objects.delete(key)
    assert key not in life.stored()
    life.lose_the_next_answer()
    assert life.objects.ensure(*life.given_key, **life.values()).actions == ("create",)
    assert life.site.counts()["struck"] == {"reset_after": 5}
    life.objects.delete(life.key)
    if life.noun.supports("bulk_create"):
        _lose_every_answer_to_a_bulk_call(life)


def _lose_every_answer_to_a_bulk_call(life: Life) -> None:
    key = life.noun.key.name
    calls: list[Callable[[], Outcomes]] = [
        lambda: life.objects.bulk_create(life.items("one", "two")),
        lambda: life.objects.bulk_update([{key: name, life.title: f"New {name}"} for name in ("one", "two")]),
        lambda: life.objects.bulk_delete(["one", "two"]),
    ]
    for call in calls:
        life.lose_the_next_answer()
        outcomes = call()
        assert outcomes.ok
        assert len(outcomes) == 2
    assert not {"one", "two"} & set(life.stored())
