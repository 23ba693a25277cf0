#!/usr/bin/python
"""Creates, changes, moves and deletes a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host
short_description: Manage a host in Checkmk
version_added: 0.1.0
author: The authors of checkmk_sync (@example)
description:
  - Creates a host, or changes and moves it if it differs, or deletes it.
  - The change takes effect in the monitoring with the next activation.
extends_documentation_fragment:
  - example.checkmk.common
  - example.checkmk.common.secrets
options:
  name:
    description: Name of the host.
    type: str
    required: true
  folder:
    description:
      - Path of the folder, which must exist.
      - If it is omitted, an existing host stays in its folder, and a new one is created in C(/).
    type: str
  attributes:
    description:
      - Attributes of the host, by their names in the Checkmk API. Other attributes stay as they are.
      - Each one is replaced completely, so new labels replace all labels.
    type: dict
    default: {}
  state:
    description: Whether the host exists.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: The web server is monitored
  example.checkmk.host:
    name: web01
    folder: /linux/web
    attributes:
      ipaddress: 192.0.2.11
      labels: {env: prod}
  notify: Activate changes

- name: The switch is monitored over SNMP
  example.checkmk.host:
    name: switch01
    attributes:
      tag_snmp_ds: snmp-v2
      snmp_community: {type: v1_v2_community, community: "secret:SNMP"}
    secrets:
      SNMP: "{{ vault_snmp_community }}"

- name: The old server is gone
  example.checkmk.host:
    name: old01
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done without check mode (create, move, update, delete).
  returned: success
  type: list
  elements: str
  sample: [move, update]
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

from ..module_utils.checkmk import SECRETS, STATE, Arguments, deleted, ensured, run, with_secrets

if TYPE_CHECKING:
    from checkmk_sync import Checkmk

ARGUMENTS: Arguments = {
    "name": {"required": True},
    "folder": {},
    "attributes": {"type": "dict", "default": {}},
    "secrets": SECRETS,
    "state": STATE,
}


def work(cmk: Checkmk, module: Any) -> Mapping[str, Any]:
    params, name, check = module.params, module.params["name"], module.check_mode
    title = f"host {name}"
    if params["state"] == "absent":
        return deleted(cmk.hosts, name, lambda host: {"folder": host.folder, **host.attributes}, title, check=check)
    attributes = with_secrets(params["attributes"], params["secrets"])
    return ensured(cmk.hosts.ensure(name, params["folder"], attributes, check=check), title)


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
