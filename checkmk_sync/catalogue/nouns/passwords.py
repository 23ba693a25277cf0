"""Passwords of the password store."""

from __future__ import annotations

from typing import Optional

from ..field import Former
from ..noun import ALWAYS, CRUD, MANAGED, Record, attr, key, noun


@noun(
    "passwords", "password", "password", CRUD, rank=20, mark="comment", if_match={"update": ALWAYS, "delete": "2.5.0b1"}
)
class Password(Record):
    """A stored password. Rules refer to it by its ID, and the site never returns the secret."""

    # The official documents have this pattern for the ID in URLs, so a password with another ID could not be read.
    name: str = key("ID of the password.", wire="ident", pattern=r"^[^\d\W][-\w]*$", example="snmp")
    title: str = attr("Title of the password.", at=("title",), example="SNMP")
    password: Optional[str] = attr(
        "The secret.", default=None, required=True, at=(), secret=True, min_length=1, example="example-secret"
    )
    comment: Optional[str] = attr("Comment.", default=None, example="For switches")
    documentation_url: Optional[str] = attr(
        "URL of the documentation.", default=None, example="https://wiki.example.com"
    )
    editable_by: Optional[str] = attr(
        "Contact group that can edit the password, or 'admin'.",
        default=None,
        former=(Former("2.3.0p23", "owner", ("extensions", "owned_by"), required=True),),
        example="admin",
    )
    shared: Optional[list[str]] = attr(
        "Contact groups that can use the password.", default=None, canonical=sorted, example=["all"]
    )
    customer: Optional[str] = attr(
        "Customer of the password: 'global' or the ID of a customer.",
        default=None,
        editions=MANAGED,
        initial="provider",
        example="global",
    )
