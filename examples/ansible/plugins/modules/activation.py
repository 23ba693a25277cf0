#!/usr/bin/python
"""Activates the pending changes of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
module: activation
short_description: Activate pending changes in Checkmk
version_added: 0.1.0
author: The authors of checkmk_sync (@example)
description:
  - Activates the pending changes, waits for the end, and verifies that they are active.
  - If no changes are pending, nothing is done. Call it once, as a handler.
  - The site refuses the activation if changes of other users are pending, unless these are forced. The result names
    them in RV(foreign).
  - In check mode, the earlier tasks of the play have not written anything. So their changes are not pending, and only
    the changes of earlier runs and of other users are reported.
extends_documentation_fragment: example.checkmk.common
options:
  sites:
    description: IDs of the sites to activate. The default is all sites.
    type: list
    elements: str
    default: []
  force_foreign_changes:
    description: Whether changes of other users are activated, too.
    type: bool
    default: false
  timeout:
    description: Time limit of the activation, in seconds.
    type: float
    default: 900
"""

EXAMPLES = r"""
handlers:
  - name: Activate changes
    example.checkmk.activation:
"""

RETURN = r"""
activated:
  description: The activated changes. In check mode, the changes that are pending.
  returned: success
  type: list
  elements: str
  sample: ["automation: create-host: Created new host web01."]
foreign:
  description: The pending changes of other users before the activation.
  returned: success
  type: list
  elements: str
outcome:
  description: C(unknown) if the result of the activation is not known, and C(not applied) after any other failure.
  returned: failure
  type: str
error:
  description: The class, the message and the attributes of the library's error.
  returned: failure of the library
  type: dict
"""

from typing import TYPE_CHECKING, Any, Mapping

from ..module_utils.checkmk import Arguments, run

if TYPE_CHECKING:
    from checkmk_sync import Checkmk

ARGUMENTS: Arguments = {
    "sites": {"type": "list", "elements": "str", "default": []},
    "force_foreign_changes": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 900.0},
}


def work(cmk: Checkmk, module: Any) -> Mapping[str, Any]:
    params = module.params
    pending = cmk.activation.pending()
    foreign = [str(change) for change in pending if change.is_foreign_to(cmk.settings.username)]
    if foreign and not params["force_foreign_changes"]:
        module.warn(f"{len(foreign)} of {len(pending)} pending changes are from other users: {'; '.join(foreign[:5])}")
    if module.check_mode or not pending:
        return {"changed": bool(pending), "activated": list(map(str, pending)), "foreign": foreign}
    result = cmk.activation.activate(
        sites=params["sites"],
        force_foreign_changes=params["force_foreign_changes"],
        timeout_s=params["timeout"],
    )
    return {
        "changed": result.run is not None,
        "activated": list(map(str, result.activated)),
        "foreign": foreign,
    }


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
