"""The commands of users and roles that are not those of all plain nouns."""

from __future__ import annotations

from ..catalogue.nouns import NOUNS
from .command import Argument, Command, LazyModule
from .plain_nouns import key_argument, noun_fields

_handlers = LazyModule(".handlers.users", __package__)
_USERS, _ROLES = NOUNS["users"], NOUNS["roles"]

USER_COMMANDS = (
    Command(
        "roles rename",
        "Give a role another ID, also in the roles of users.",
        _handlers.rename_role,
        (
            key_argument(_ROLES),
            Argument("new_name", "New ID of the role.", required=True, check=_ROLES.key.check, example="night"),
        ),
        writes=True,
        example=f"{_ROLES.key.example} night",
        fields=noun_fields(_ROLES),
        check_with="checkmk-sync roles get {new_name}",
        own_tools=False,
    ),
    Command(
        "users remove-login",
        "Remove the password or secret of a user, who stays a contact for notifications.",
        _handlers.remove_login,
        (key_argument(_USERS),),
        writes=True,
        idempotent=True,
        example=_USERS.key.example,
        fields=noun_fields(_USERS),
        own_tools=False,
    ),
)
