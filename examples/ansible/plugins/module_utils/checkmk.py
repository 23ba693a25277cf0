"""The part that all modules share: their arguments, the client of the site, and the results for Ansible.

A module passes its work to :func:`run`, as a function of the client and the AnsibleModule that returns the result.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from typing import Any, Callable, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

try:
    from checkmk_sync import Checkmk, CheckmkError, Ensured, SecretSource
except ImportError:
    MISSING = traceback.format_exc()
else:
    MISSING = ""

Arguments = Mapping[str, Mapping[str, Any]]
Work = Callable[["Checkmk", Any], Mapping[str, Any]]

CONNECTION: Arguments = {
    "server_url": {"required": True, "fallback": (env_fallback, ["CHECKMK_SERVER_URL"])},
    "site": {"required": True, "fallback": (env_fallback, ["CHECKMK_SITE"])},
    "automation_user": {"required": True, "fallback": (env_fallback, ["CHECKMK_USERNAME"])},
    "automation_secret": {"no_log": True, "fallback": (env_fallback, ["CHECKMK_PASSWORD"])},
    # Ansible warns about names with "secret" or "password" unless no_log is given.
    "automation_secret_file": {"type": "path", "no_log": False, "fallback": (env_fallback, ["CHECKMK_PASSWORD_FILE"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "settings": {"type": "dict", "default": {}},
}
STATE: Mapping[str, Any] = {"choices": ["present", "absent"], "default": "present"}
SECRETS: Mapping[str, Any] = {"type": "dict", "no_log": True, "default": {}}


def run(arguments: Arguments, work: Work, **constraints: Any) -> None:
    """Run a module: create the client, do the work, and exit with its result or with the reason of a failure.

    ``constraints`` are further arguments of AnsibleModule, such as ``mutually_exclusive``.
    """
    specification = {**CONNECTION, **arguments}
    module = AnsibleModule(argument_spec=specification, supports_check_mode=True, **constraints)
    if MISSING:
        module.fail_json(msg=missing_required_lib("checkmk_sync"), exception=MISSING)
    # Ansible reads the output of the module, so that warnings must not be printed.
    logging.getLogger("checkmk_sync").addHandler(logging.NullHandler())
    failure: Optional[Exception] = None
    result: Mapping[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        try:
            with _client(module.params) as cmk:
                result = work(cmk, module)
        except (CheckmkError, ValueError, TypeError) as error:  # the last two reject arguments
            failure = error
    for warning in caught:
        if issubclass(warning.category, UserWarning):  # others are meant for developers
            module.warn(str(warning.message))
    if failure is not None:
        module.fail_json(**_describe(failure))
    module.exit_json(**result)


def _client(params: Mapping[str, Any]) -> Checkmk:
    secret, file = params["automation_secret"], params["automation_secret_file"]
    if bool(secret) == bool(file):
        raise ValueError("give either automation_secret or automation_secret_file")
    source = SecretSource(value=secret) if secret else SecretSource(file=file)
    settings = {**params["settings"], "verify": params["validate_certs"], "ca_bundle": params["ca_path"]}
    return Checkmk(params["server_url"], params["site"], params["automation_user"], source, **settings)


def _describe(error: Exception) -> dict[str, Any]:
    """Return the arguments of fail_json, which say whether the site may have applied the change nevertheless."""
    if not isinstance(error, CheckmkError):
        return {"msg": str(error), "outcome": "not applied"}
    if error.attempted is None or not error.attempted.is_uncertain:
        return {"msg": str(error), "outcome": "not applied", "error": error.to_dict()}
    message = f"the site may or may not have applied the change: {error}. Run the task again; it changes what differs"
    return {"msg": message, "outcome": "unknown", "error": error.to_dict()}


def ensured(result: Ensured[Any], title: str) -> dict[str, Any]:
    """Return the result of a module for the result of ``ensure``. ``title`` names the object."""
    differences = result.diff()  # without secrets
    return {
        "changed": result.changed,
        "actions": list(result.actions),
        "diff": {
            "before_header": title,
            "after_header": title,
            "before": {name: old for name, (old, _) in differences.items() if old is not None},
            "after": {name: new for name, (_, new) in differences.items() if new is not None},
        },
    }


def deleted(
    noun: Any, key: str, values: Callable[[Any], Mapping[str, Any]], title: str, *, check: bool, **options: Any
) -> dict[str, Any]:
    """Delete an object, if it exists, and return the result of the module. With ``check``, nothing is deleted.

    ``noun`` is an attribute of the client, such as ``cmk.hosts``, and ``options`` are further arguments of its
    ``delete``. ``values`` returns the values of an object, for the diff.
    """
    found = noun.find(key, fresh=True)
    if found is None:
        return ensured(Ensured(None, None), title)
    if not check:
        noun.delete(key, missing_ok=True, **options)
    before = {name: (value, None) for name, value in values(found).items()}
    return ensured(Ensured(found, None, ("delete",), before), title)


def with_secrets(value: Any, secrets: Mapping[str, Any]) -> Any:
    """Return a copy of the value in which the entry NAME of ``secrets`` replaces each string ``secret:NAME``."""
    if isinstance(value, dict):
        return {name: with_secrets(inner, secrets) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(with_secrets(inner, secrets) for inner in value)
    if not (isinstance(value, str) and value.startswith("secret:")):
        return value
    name = value.partition(":")[2]
    if name not in secrets:
        raise ValueError(f"unknown secret {name!r}; add it to the option secrets")
    return secrets[name]
