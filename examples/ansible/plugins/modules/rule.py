#!/usr/bin/python
"""Creates, changes and deletes a rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rule
short_description: Manage a rule in Checkmk
version_added: 0.1.0
author: The authors of checkmk_sync (@example)
description:
  - Creates a rule, or changes it if it differs, or deletes it.
  - Rules have no names. The module finds a rule by its O(description), in one ruleset and folder, so that a
    different value changes the rule and does not add another one.
  - A new rule is the last one of its folder. An existing rule keeps its place.
extends_documentation_fragment:
  - example.checkmk.common
  - example.checkmk.common.secrets
options:
  ruleset:
    description: Name of the ruleset, such as C(checkgroup_parameters:filesystem).
    type: str
    required: true
  folder:
    description: Path of the folder with the hosts to which the rule applies, such as C(/linux).
    type: str
    default: /
  description:
    description: Description of the rule, which must be unique in its ruleset and folder.
    type: str
    required: true
  value:
    description: Value of the rule as data. A new rule needs O(value) or O(value_raw).
    type: raw
  value_raw:
    description:
      - Value of the rule as a Python literal, as "Export rule for API" in Checkmk shows it.
      - Use it for values with tuples, because many rulesets do not accept lists in their place.
    type: str
  conditions:
    description: Conditions as in the Checkmk API. An empty dictionary removes all conditions.
    type: dict
  comment:
    description: Comment of the rule.
    type: str
  documentation_url:
    description: URL of the documentation.
    type: str
  disabled:
    description: Whether the rule is ignored.
    type: bool
  state:
    description: Whether the rule exists.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Filesystems of web servers warn late
  example.checkmk.rule:
    ruleset: checkgroup_parameters:filesystem
    folder: /linux/web
    description: Levels of web servers
    value_raw: "{'levels': (90.0, 95.0)}"
    conditions:
      service_description: {match_on: ["/var$"], operator: one_of}
  notify: Activate changes

- name: The special agent logs in
  example.checkmk.rule:
    ruleset: special_agents:proxmox_ve
    description: Proxmox
    value: {username: monitoring@pve, password: [password, "secret:PROXMOX"]}
    secrets:
      PROXMOX: "{{ vault_proxmox_password }}"
"""

RETURN = r"""
id:
  description: ID of the rule. In check mode, a new rule has none.
  returned: success
  type: str
  sample: 0a168697-14a2-48d0-9c3c-ca65569a39e2
actions:
  description: What was done, or would be done without check mode (create, update, delete).
  returned: success
  type: list
  elements: str
  sample: [update]
outcome:
  description: C(unknown) if the answer to a write was lost, and C(not applied) after any other failure.
  returned: failure
  type: str
error:
  description: The class, the message and the attributes of the library's error.
  returned: failure of the library
  type: dict
"""

import ast
from typing import TYPE_CHECKING, Any, Mapping, Optional

from ..module_utils.checkmk import SECRETS, STATE, Arguments, deleted, ensured, run, with_secrets

if TYPE_CHECKING:
    from checkmk_sync import Checkmk

ARGUMENTS: Arguments = {
    "ruleset": {"required": True},
    "folder": {"default": "/"},
    "description": {"required": True},
    "value": {"type": "raw"},
    "value_raw": {},
    "conditions": {"type": "dict"},
    "comment": {},
    "documentation_url": {},
    "disabled": {"type": "bool"},
    "secrets": SECRETS,
    "state": STATE,
}


def work(cmk: Checkmk, module: Any) -> Mapping[str, Any]:
    params, check = module.params, module.check_mode
    title = f"rule {params['description']!r} of {params['ruleset']} in {params['folder']}"
    rule_id = _find(cmk, params, title)
    if params["state"] == "absent":
        result = deleted(cmk.rules, rule_id, lambda rule: rule.values(), title, check=check) if rule_id else {}
        return {"changed": False, "actions": [], **result, "id": rule_id}
    values = {name: params[name] for name in ("conditions", "comment", "documentation_url", "disabled")}
    if params["value"] is not None or params["value_raw"] is not None:  # None is a value, too
        values["value"] = with_secrets(_value(params), params["secrets"])
    if rule_id is None:
        values.update((name, params[name]) for name in ("ruleset", "folder", "description"))
    found = cmk.rules.ensure(rule_id, check=check, **values)
    return {**ensured(found, title), "id": found.after.id}


def _find(cmk: Checkmk, params: Mapping[str, Any], title: str) -> Optional[str]:
    """Return the ID of the rule, or None if it does not exist."""
    if not params["folder"].startswith("/"):
        raise ValueError(f"folder must be a path such as /linux, not {params['folder']!r}")
    place = (params["folder"].rstrip("/") or "/", params["description"])
    rules = cmk.rules.each(ruleset=params["ruleset"])
    ids = [rule.key_value for rule in rules if (rule.folder, rule.description) == place]
    if len(ids) > 1:
        raise ValueError(f"the {title} occurs {len(ids)} times, as {' and '.join(ids)}; change their descriptions")
    return ids[0] if ids else None


def _value(params: Mapping[str, Any]) -> Any:
    if params["value_raw"] is None:
        return params["value"]
    try:
        return ast.literal_eval(params["value_raw"])
    except (ValueError, SyntaxError):
        # The text is left out, because it may contain secrets.
        raise ValueError("value_raw must be a Python literal, such as {'levels': (80.0, 90.0)}") from None


def main() -> None:
    run(ARGUMENTS, work, mutually_exclusive=[("value", "value_raw")])


if __name__ == "__main__":
    main()
