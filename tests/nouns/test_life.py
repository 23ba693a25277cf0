"""The objects of each plain noun live from their creation to their deletion, on each version of Checkmk."""

from __future__ import annotations

import subprocess
import sys
from typing import Callable

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault
from tests.conftest import ROOT
from tests.nouns.life import SECRET, Life
from tests.nouns.steps import live, lose_every_answer
from tests.official_documents import EDITIONS, watch


def _lives(is_meant: Callable[[Noun], bool] = lambda _noun: True, *, every: int = 1) -> pytest.MarkDecorator:
    """Run a test on each version, for the nouns that it is about.

    With ``every=2`` or ``every=4``, the core suite runs each noun on two versions or one, which differ between nouns.
    """
    nouns = [noun.name for noun in NOUNS.values() if noun.supports("create") and is_meant(noun)]
    cases = [
        pytest.param((version, noun), id=f"{version}:{noun}", marks=[pytest.mark.slow] * (turn % every != 0))
        for first, version in enumerate(EDITIONS)
        for turn, noun in enumerate(nouns, start=first)
    ]
    return pytest.mark.parametrize("life", cases, indirect=True)


def _has_secrets(noun: Noun) -> bool:
    return any(field.secret for field in noun.fields)


@pytest.mark.every_case
@_lives(every=2)
def test_an_object_lives_from_creation_to_deletion(life: Life) -> None:
    live(life)


@pytest.mark.every_case
@_lives(every=4)
def test_a_lost_answer_is_settled_by_reading(life: Life) -> None:
    lose_every_answer(life)


@_lives(_has_secrets)
def test_a_change_of_a_secret_cannot_be_proven_by_reading(life: Life) -> None:
    for name in life.secrets():
        life.create()
        life.lose_the_next_answer()
        with pytest.raises(CheckmkError) as caught:
            life.objects.update(life.key, **{name: "another-secret"})
        assert caught.value.attempted is not None
        assert caught.value.attempted.is_uncertain
        assert "another-secret" not in f"{caught.value!r} {caught.value} {caught.value.to_dict()}"


@_lives(_has_secrets)
def test_records_and_errors_never_contain_secrets(life: Life) -> None:
    unset = dict.fromkeys(field.name for field in life.noun.fields)
    record = life.noun.record(**{**unset, life.noun.key.name: life.key, **life.values()})
    made = life.create()
    ensured = life.objects.ensure(record, update_secrets=True)
    errors: list[object] = []
    for fault in (Fault("crash", writes=True, times=1), Fault("html", writes=True, times=1), None):
        life.site.set_faults([fault] if fault else [])
        with pytest.raises(CheckmkError) as caught:
            life.objects.create(life.key if fault is None else "other", **life.values())
        errors += [caught.value, caught.value.to_dict(), *caught.value.args]
    for name in life.secrets():
        with pytest.raises(ValueError, match=name) as refused:
            life.objects.create("other", **{**life.values(), name: [SECRET]})
        errors.append(refused.value)
    shown = [record, made, ensured, ensured.diff(), list(life.objects.each()), *errors]
    assert SECRET not in " ".join(f"{entry!r} {entry}" for entry in shown)
    assert SECRET in str(life.stored())


@_lives()
@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
def test_every_exchange_fits_the_official_document(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = watch(monkeypatch, life.site, str(life.version))
    live(life)
    assert not checker.deviations, "\n".join(checker.deviations)
    assert checker.checked > 10


@pytest.mark.parametrize(
    "version", [pytest.param(each, marks=[pytest.mark.slow] * (each < "2.5")) for each in EDITIONS]
)
def test_a_made_up_noun_needs_only_its_row(version: str) -> None:
    """The row must exist before the client and the simulated site are imported, so a new process runs them."""
    command = [sys.executable, "-m", "tests.nouns.made_up_noun", version, EDITIONS[version]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ship: lived\n"), done.stderr
