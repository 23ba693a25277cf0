"""The code of the commands of users and roles."""

from __future__ import annotations

from ...client.checkmk import Checkmk
from ..command import Row
from .plain_nouns import row_of


def rename_role(client: Checkmk, name: str, new_name: str) -> Row:
    return row_of(client.roles.rename(name, new_name))


def remove_login(client: Checkmk, name: str) -> Row:
    return row_of(client.users.remove_login(name))
