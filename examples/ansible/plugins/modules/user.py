#!/usr/bin/python
"""Creates, changes and deletes a user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage a user in Checkmk
version_added: 0.1.0
author: The authors of checkmk_sync (@example)
description:
  - Creates a user, or changes it if it differs, or deletes it.
  - Options that are not given stay as they are on the site.
extends_documentation_fragment: example.checkmk.common
options:
  name:
    description: ID of the user.
    type: str
    required: true
  fullname:
    description: Full name of the user. A new user needs one.
    type: str
  auth_type:
    description: C(automation) for a program with a secret, or C(password), which is the default for a new user.
    type: str
    choices: [password, automation]
  password:
    description: The password of the user, or the secret of an automation user.
    type: str
  update_password:
    description:
      - When O(password) is sent. The site never returns it, so that it cannot be compared.
      - With V(always), the task reports a change each time.
    type: str
    choices: [on_create, always]
    default: on_create
  roles:
    description: Roles of the user.
    type: list
    elements: str
  contactgroups:
    description: Contact groups of the user.
    type: list
    elements: str
  contact_options:
    description: Mail address of the user.
    type: dict
    suboptions:
      email:
        description: Mail address.
        type: str
        required: true
      fallback_contact:
        description: Whether the user receives notifications that match no rule.
        type: bool
        default: false
  pager_address:
    description: Pager address.
    type: str
  language:
    description: Language of the web interface.
    type: str
    choices: [de, en, ro]
  disable_login:
    description: Whether the user cannot log in.
    type: bool
  customer:
    description: Customer of the user, in editions for managed services.
    type: str
  state:
    description: Whether the user exists.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Jane is on call
  example.checkmk.user:
    name: jdoe
    fullname: Jane Doe
    password: "{{ vault_password_of_jane }}"
    roles: [user]
    contact_options: {email: jane@example.com}
  notify: Activate changes

- name: The secret of the robot is rotated
  example.checkmk.user:
    name: robot
    fullname: Robot
    auth_type: automation
    password: "{{ vault_secret_of_the_robot }}"
    update_password: always
"""

RETURN = r"""
actions:
  description: What was done, or would be done without check mode (create, update, delete).
  returned: success
  type: list
  elements: str
  sample: [create]
outcome:
  description: C(unknown) if the answer to a write was lost, and C(not applied) after any other failure.
  returned: failure
  type: str
error:
  description: The class, the message and the attributes of the library's error.
  returned: failure of the library
  type: dict
"""

from typing import TYPE_CHECKING, Any, Mapping

from ..module_utils.checkmk import STATE, Arguments, deleted, ensured, run

if TYPE_CHECKING:
    from checkmk_sync import Checkmk

# The options that are fields of a user in the library.
FIELDS: Arguments = {
    "fullname": {},
    "auth_type": {"choices": ["password", "automation"]},
    "roles": {"type": "list", "elements": "str"},
    "contactgroups": {"type": "list", "elements": "str"},
    "contact_options": {
        "type": "dict",
        "options": {"email": {"required": True}, "fallback_contact": {"type": "bool", "default": False}},
    },
    "pager_address": {},
    "language": {"choices": ["de", "en", "ro"]},
    "disable_login": {"type": "bool"},
    "customer": {},
}
ARGUMENTS: Arguments = {
    **FIELDS,
    "name": {"required": True},
    "password": {"no_log": True},
    "update_password": {"choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "state": STATE,
}


def work(cmk: Checkmk, module: Any) -> Mapping[str, Any]:
    params, name, check = module.params, module.params["name"], module.check_mode
    title = f"user {name}"
    if params["state"] == "absent":
        return deleted(cmk.users, name, lambda user: user.values(), title, check=check)
    result = cmk.users.ensure(
        name,
        password=params["password"],
        update_secrets=params["update_password"] == "always",
        check=check,
        **{field: params[field] for field in FIELDS},
    )
    return ensured(result, title)


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
