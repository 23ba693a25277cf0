"""The behaviour of users."""

from __future__ import annotations

import datetime
import re
from typing import Optional

from werkzeug.wrappers import Response

from ..configuration import Configuration, User
from ..data_files import document, rows
from ..endpoints import Context, Fields, SiteState
from ..permissions import role_permissions
from ..replies import Problem, bad_fields
from ..validation import (
    REQUIRED,
    Check,
    Field,
    boolean,
    choice,
    integer,
    list_of,
    member_of,
    object_by_type,
    object_with,
    parsed_by,
    refined,
    string,
    string_with_length,
)
from ..version_profile import VersionProfile
from .hooks import Values
from .standard import Behaviour

_NAME = re.compile(r"[\w$][-@.+\w$]*\Z")
_LONGEST_NAME = 255  # bytes
_SHORTEST_PASSWORD = 12  # the default password policy
_TOO_SHORT = f"The given password is too short. It must have at least {_SHORTEST_PASSWORD} characters."
_LONGEST_SECRET = 72  # bytes that bcrypt hashes
_SECRETS = ("password", "secret")
_ENFORCED, _STORED = "enforce_password_change", "store_automation_secret"
_NEW: Values = document("new_user")
_INTERFACE_OPTIONS = rows("interface_options")


def _parse_time(text: str) -> datetime.datetime:
    # Checkmk ignores the offset.
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=datetime.timezone.utc)


_TIMES = dict.fromkeys(("start_time", "end_time"), Field(parsed_by(_parse_time, "Not a valid datetime."), REQUIRED))


def _options(profile: VersionProfile) -> dict[str, dict[str, Field]]:
    """Return the members of the fields that are objects, with their defaults."""
    choices = {  # the first value is the default
        row["option"]: row["values"].split()
        for row in _INTERFACE_OPTIONS
        if profile.version.is_between(row["since"] or None, row["until"] or None)
    }
    return {
        "contact_options": {"email": Field(string, REQUIRED), "fallback_contact": Field(boolean, False)},
        "idle_timeout": {
            "option": Field(choice("global", "disable", "individual"), REQUIRED),
            "duration": Field(integer, 3600),
        },
        "disable_notifications": {"disable": Field(boolean), "timerange": Field(object_with(_TIMES))},
        "interface_options": {name: Field(choice(*values), values[0]) for name, values in choices.items()},
    }


def _login(state: SiteState, *others: str) -> Check:
    password = {"password": Field(string_with_length(1)), _ENFORCED: Field(boolean)}
    store = {_STORED: Field(boolean)} if state.profile.version.at_least("2.4.0b1") else {}
    kinds = {"password": password, "automation": {"secret": Field(string), **store}}
    return object_by_type({**kinds, **{name: {} for name in others}}, "auth_type")


def _name_problem(name: str) -> Optional[str]:
    if _NAME.match(name) and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME:
        return None
    return f"Username {name!r} is not a valid checkmk username"


def set_login(configuration: Configuration, name: str) -> None:
    """Let a user log in with the password or secret of the API, and with the permissions of its roles."""
    user = configuration.objects["users"].get(name, {})
    login, roles = user.get("auth_option", {}), configuration.objects["roles"]
    secret = login.get("password", login.get("secret"))
    if secret is None:
        configuration.users.pop(name, None)
        return
    permissions = frozenset().union(*(role_permissions(roles[role]) for role in user.get("roles", ()) if role in roles))
    # Checkmk: up to 2.4, only the web interface enforces a new password.
    must_change = configuration.profile.version.at_least("2.5.0b1") and login.get(_ENFORCED, False)
    lock_after = 0 if user.get("disable_login") else None
    configuration.users[name] = User(name, secret, permissions, lock_after, must_change_password=must_change)


def _login_after(before: Values, given: Values, profile: VersionProfile) -> Values:
    """Return the login after a request."""
    if given.get("auth_type") == "remove":
        return {}
    enforced = given.get(_ENFORCED, before.get(_ENFORCED, False))
    # Checkmk: without a new secret, the kind of a login and store_automation_secret do not change.
    if "password" not in given and "secret" not in given:
        return {**before, _ENFORCED: enforced} if before.get("auth_type") == "password" else before
    if given["auth_type"] == "password":
        return {_ENFORCED: enforced, **given}
    return {**({_STORED: False} if profile.version.at_least("2.4.0b1") else {}), **given}


def _warning(state: SiteState) -> dict[str, Field]:
    more = ("agent_slideout", "changes-info") if state.profile.version.at_least("2.5.0b1") else ()
    return {"warning": Field(choice("notification_fallback", "immediate_slideout_change", *more), REQUIRED)}


class Users(Behaviour):
    """The behaviour of users."""

    permission = "wato.users"
    parameter = "username"
    taken = "Username {!r} already exists"
    unknown = "Unknown Attribute: {!r}"
    found_first = permission_first = True
    merges = ("disable_notifications", "interface_options")

    def checks(self, state: SiteState) -> dict[str, Check]:
        objects, options = state.configuration.objects, _options(state.profile)
        options["interface_options"].setdefault("mega_menu_icons", Field(choice("topic", "entry")))  # 2.5 accepts it
        sites = (state.configuration.site, "all")
        return {
            "username": refined(string, _name_problem),
            "roles": list_of(member_of(objects["roles"], "The role should exist but it doesn't: {!r}")),
            "contactgroups": list_of(member_of(objects["contact_groups"], "Group missing: {!r}")),
            "authorized_sites": list_of(member_of(sites, "The site {!r} should exist but it doesn't.")),
            **{name: object_with(fields) for name, fields in options.items()},
        }

    def further(self, state: SiteState) -> dict[str, Field]:
        custom = dict.fromkeys(state.configuration.user_attributes, Field(string))
        return {"auth_option": Field(_login(state, "remove")), **custom}

    def missing(self, context: Context, key: str) -> Problem:
        return bad_fields({"username": [f"Username missing: {key!r}"]}, 404)

    def refuse(self, context: Context, key: str, values: Values) -> None:
        is_new = key not in context.configuration.objects["users"]
        login = context.body.get("auth_option", {})
        password, secret = login.get("password"), login.get("password", login.get("secret"))
        if is_new and login.get("auth_type") == "remove":
            raise bad_fields({"auth_option": {"auth_type": ["Unsupported value: remove"]}})
        for is_wrong, text in (
            (is_new and login and secret is None, "No authentication details provided for new user"),
            (secret == "", "Password must not be empty"),
            ("\0" in (secret or ""), "Password must not contain null bytes"),
            (password is not None and len(password) < _SHORTEST_PASSWORD, _TOO_SHORT),
            (len((secret or "").encode("utf-8", "surrogatepass")) > _LONGEST_SECRET, "Password too long"),
        ):
            if is_wrong:
                raise Problem(400, "A problem occured.", text)
        contact = context.body.get("contact_options", {})
        if contact.get("fallback_contact") and not contact["email"]:
            title = "Fallback contact option requires email"
            raise Problem(400, title, "Fallback contact option requires configuration of a mail for the user")

    def complete(self, context: Context, values: Values) -> Values:
        """Return the values as stored. ``auth_option`` contains the password or the secret."""
        stored = {**_NEW, **values}
        if "auth_option" in context.body:
            before = context.configuration.objects["users"].get(context.params.get("key", ""), {})
            login = _login_after(before.get("auth_option", {}), values["auth_option"], context.profile)
            stored["auth_option"] = login
        for name, fields in _options(context.profile).items():
            defaults = {member: field.default for member, field in fields.items() if field.has_default}
            stored[name] = {**defaults, **stored[name]}
        interface, idle = stored["interface_options"], stored["idle_timeout"]
        if context.profile.version.at_least("2.5.0b1"):
            stored.setdefault("start_url", "default_start_url")
            interface["main_menu_icons"] = interface.pop("mega_menu_icons", interface["main_menu_icons"])
        if "contextual_help_icon" in interface:
            interface["contextual_help_icon"] = "show_icon"  # Checkmk's answers always contain this
        if idle["option"] != "individual":
            del idle["duration"]
        notifications = stored["disable_notifications"]
        if not notifications.get("disable"):
            notifications.pop("disable", None)
        if "timerange" in notifications:
            times = notifications["timerange"].items()
            notifications["timerange"] = {edge: _parse_time(time).isoformat() for edge, time in times}
        return stored

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        shown = {name: value for name, value in values.items() if name != "authorized_sites"}
        login = {name: value for name, value in values.get("auth_option", {}).items() if name not in _SECRETS}
        return {**shown, "auth_option": login}

    def after_write(self, context: Context, key: str, before: Optional[Values], after: Optional[Values]) -> None:
        names = ("auth_option", "roles", "disable_login")
        if [(before or {}).get(name) for name in names] != [(after or {}).get(name) for name in names]:
            set_login(context.configuration, key)

    def is_forced(self, context: Context) -> bool:
        if context.params["key"] == context.user.name:
            raise Problem(400, "A problem occured.", "You cannot delete your own account!")
        return True

    def permissions(self, verb: str) -> tuple[str, ...]:
        return () if verb == "dismiss_warning" else super().permissions(verb)

    def bodies(self) -> dict[str, Fields]:
        return {**super().bodies(), "dismiss_warning": _warning}

    def dismiss_warning(self, _context: Context) -> Response:
        return Response(status=204)
