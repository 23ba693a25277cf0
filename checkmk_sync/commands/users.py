"""The commands of users and roles that are not those of all plain nouns."""

from __future__ import annotations

from ..catalogue.nouns import NOUNS
from .command import Argument
from .plain_nouns import key_argument, noun_command

_USER, _ROLE = key_argument(NOUNS["users"]), key_argument(NOUNS["roles"])

COMMANDS = (
    noun_command(
        NOUNS["roles"],
        "rename",
        "Give a role another ID, also in the roles of users.",
        _ROLE,
        Argument("new_name", "New ID of the role.", required=True, check=_ROLE.check, example="night"),
        example=f"{_ROLE.example} night",
        check_with="checkmk-sync roles get {new_name}",
    ),
    noun_command(
        NOUNS["users"],
        "remove-login",
        "Remove the password or secret of a user, who stays a contact for notifications.",
        _USER,
        example=_USER.example,
    ),
)
