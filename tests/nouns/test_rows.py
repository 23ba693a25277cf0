"""The engine handles rows with features that no noun of Checkmk has."""

from __future__ import annotations

import ast
from typing import Any, Optional

import pytest

from checkmk_sync.catalogue.noun import CRUD, Record, attr, key, noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.client.ensured import Ensured
from checkmk_sync.client.object_format import NounFormat
from checkmk_sync.errors import UnexpectedReplyError

VERSION = CheckmkVersion.parse("2.4.0p18")


@noun("boats", "boat", "boat", CRUD, rank=1)
class Boat(Record):
    """A boat."""

    name: str = key("ID.")
    masts: Optional[int] = attr("Masts.", default=None)
    load: Any = attr("Load, as a Python literal.", default=None, wire="load_raw", encode=repr, decode=ast.literal_eval)


del NOUNS["boats"]  # so that the tests of all nouns do not see it


def _read(**extensions: Any) -> Boat:
    return NounFormat(Boat.noun, VERSION, "cre").parse(Boat, {"id": "a", "extensions": extensions})


def test_a_value_of_a_wrong_type_is_an_unexpected_reply() -> None:
    assert _read(masts=3).masts == 3
    for masts in ("3", True, 3.5, [3]):
        with pytest.raises(UnexpectedReplyError, match="'extensions.masts' in the answer must be a whole number"):
            _read(masts=masts)


def test_a_value_that_cannot_be_decoded_is_an_unexpected_reply() -> None:
    assert _read(load_raw="{'a': (1,)}").load == {"a": (1,)}
    for load in ("1 +", "{[]: 1}", 5, ["a"]):
        with pytest.raises(UnexpectedReplyError, match="'extensions.load_raw' in the answer cannot be read"):
            _read(load_raw=load)


def test_the_values_of_a_body_are_decoded() -> None:
    boats = NounFormat(Boat.noun, VERSION, "cre")
    body = boats.body({"name": "a", "load": {"a": (1,)}})
    assert body == {"name": "a", "load_raw": "{'a': (1,)}"}
    assert boats.values(body) == {"load": {"a": (1,)}}


def test_a_secret_field_needs_a_name_that_is_recognized_as_secret() -> None:
    """Errors, logs and differences hide values by the names of their fields."""
    with pytest.raises(
        ValueError, match="the secret field 'bridge_code' must have a name such as 'bridge_code_secret'"
    ):

        @noun("tugs", "tug", "tug", CRUD, rank=1)
        class Tug(Record):
            """A tug."""

            name: str = key("ID.")
            bridge_code: Optional[str] = attr("Code.", default=None, secret=True)


def test_a_difference_hides_secrets() -> None:
    done = Ensured(None, "after", ("create",), {"key_secret": (None, "hidden"), "alias": (None, "shown")})
    assert done.diff() == {"key_secret": (None, "***"), "alias": (None, "shown")}
    assert "hidden" not in repr(done)


def test_a_row_needs_exactly_one_key() -> None:
    for fields in ({"name": attr("ID.")}, {"name": key("Id."), "number": key("Number.")}):
        body = {"__annotations__": dict.fromkeys(fields, str), "__module__": __name__, **fields}
        with pytest.raises(ValueError, match="'tugs' must have exactly one key"):
            noun("tugs", "tug", "tug", CRUD, rank=1)(type("Tug", (Record,), body))


@pytest.mark.parametrize("name", ["etag", "values", "noun", "key_value", "check", "key", "update_secrets", "wanted"])
def test_names_of_arguments_and_of_records_cannot_be_fields(name: str) -> None:
    body = {"__annotations__": {"id": str, name: str}, "__module__": __name__, "id": key("ID."), name: attr("Text.")}
    with pytest.raises(ValueError, match=f"a field of 'tugs' must not be called '{name}'"):
        noun("tugs", "tug", "tug", CRUD, rank=1)(type("Tug", (Record,), body))
