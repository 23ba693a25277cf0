#!/usr/bin/python
"""Creates, changes and deletes a folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: folder
short_description: Manage a folder in Checkmk
version_added: 0.1.0
author: The authors of checkmk_sync (@example)
description:
  - Creates a folder with its missing parents, or changes it if it differs, or deletes it.
extends_documentation_fragment:
  - example.checkmk.common
  - example.checkmk.common.secrets
options:
  path:
    description: Path of the folder, such as C(/linux/web).
    type: str
    required: true
  title:
    description: Title of the folder. The default for a new folder is its name.
    type: str
  attributes:
    description: Attributes that hosts inherit, by their names in the Checkmk API. Others stay as they are.
    type: dict
    default: {}
  recursive:
    description:
      - Whether O(state=absent) also deletes all hosts and folders in the folder.
      - Otherwise, the module fails if the folder is not empty, but not in check mode.
    type: bool
    default: false
  state:
    description: Whether the folder exists.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: The folder of the web servers exists
  example.checkmk.folder:
    path: /linux/web
    title: Web servers
    attributes: {tag_criticality: prod}
  notify: Activate changes
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

from ..module_utils.checkmk import SECRETS, STATE, Arguments, deleted, ensured, run, with_secrets

if TYPE_CHECKING:
    from checkmk_sync import Checkmk, Folder

ARGUMENTS: Arguments = {
    "path": {"required": True},
    "title": {},
    "attributes": {"type": "dict", "default": {}},
    "recursive": {"type": "bool", "default": False},
    "secrets": SECRETS,
    "state": STATE,
}


def work(cmk: Checkmk, module: Any) -> Mapping[str, Any]:
    params, path, check = module.params, module.params["path"], module.check_mode
    title = f"folder {path}"
    if params["state"] == "absent":
        recursive = params["recursive"]
        return deleted(cmk.folders, path, _values, title, check=check, recursive=recursive)
    attributes = with_secrets(params["attributes"], params["secrets"])
    return ensured(cmk.folders.ensure(path, title=params["title"], attributes=attributes, check=check), title)


def _values(folder: Folder) -> Mapping[str, Any]:
    return {"title": folder.title, **folder.attributes}


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
