"""Users."""

from __future__ import annotations

import datetime
from typing import Any, Mapping, Optional

from ..field import Former
from ..noun import CRUD, MANAGED, Record, attr, key, noun
from ..operation import ANY_FIELD

_HELP_ICON = "contextual_help_icon"  # user_config, _internal_to_api_format: answers always contain show_icon


def _idle_timeout(value: Mapping[str, Any]) -> tuple[Any, ...]:
    option = value["option"]
    return (option, value.get("duration", 3600)) if option == "individual" else (option,)


def _contact(value: Mapping[str, Any]) -> tuple[str, bool]:
    return value["email"], value.get("fallback_contact", False)


def _time(text: str) -> datetime.datetime:
    # Checkmk ignores the offset of times (cmk/gui/openapi/endpoints/user_config, _time_stamp_range).
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


def _notifications(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: value[name] for name in ("disable",) if name in value}
    if "timerange" in value:
        found["timerange"] = (_time(value["timerange"]["start_time"]), _time(value["timerange"]["end_time"]))
    return found


def _with_current_names(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"main_menu_icons" if name == "mega_menu_icons" else name: value for name, value in options.items()}


def _with_former_names(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"mega_menu_icons" if name == "main_menu_icons" else name: value for name, value in options.items()}


def _contains(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # The site keeps the members that a request does not name.
    return all(found.get(name, False) == value for name, value in wanted.items())


def _has_options(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return _contains({**found, _HELP_ICON: wanted.get(_HELP_ICON)}, wanted)


def _texts(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    if not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError("the values of custom attributes are strings")
    return attributes


@noun("users", "user", "user_config", CRUD, rank=30)
class User(Record):
    """A person or a program that logs in, or a contact for notifications."""

    name: str = key("ID of the user.", wire="username", example="jdoe")
    fullname: str = attr("Full name of the user.", example="Jane Doe")
    auth_type: Optional[str] = attr(
        "How the user logs in: 'password', which is the default, or 'automation' with a secret.",
        wire="auth_option.auth_type",
        only_with="password",  # cmk/gui/openapi/endpoints/user_config, _auth_options_to_internal_format
        default=None,
        example="password",
    )
    password: Optional[str] = attr(
        "The password, or the secret of an automation user.",
        wire="auth_option.password",
        at=(),
        default=None,
        secret=True,
        min_length=1,
        example="example-secret",
    )
    enforce_password_change: Optional[bool] = attr(
        "Whether the user must change the password at the next login.",
        wire="auth_option.enforce_password_change",
        default=None,
        example=True,
    )
    store_automation_secret: Optional[bool] = attr(
        "Whether the site keeps the secret of an automation user readable, so that rules can use it.",
        wire="auth_option.store_automation_secret",
        only_with="password",
        default=None,
        since="2.4.0b1",
    )
    disable_login: Optional[bool] = attr("Whether the user cannot log in.", default=None, example=False)
    roles: Optional[list[str]] = attr(
        "Roles of the user.", default=None, canonical=sorted, refers_to="roles", example=["user"]
    )
    contactgroups: Optional[list[str]] = attr(
        "Contact groups of the user.", default=None, canonical=sorted, refers_to="contact_groups", example=["all"]
    )
    authorized_sites: Optional[list[str]] = attr(
        "Sites that the user can log in to, or 'all'.",
        default=None,
        canonical=sorted,
        # The documents contain it in answers, but no known revision of the source returns it.
        shows=lambda found, _wanted: found is not None,
        example=["all"],
    )
    contact_options: Optional[dict[str, Any]] = attr(
        "Mail address, and whether it receives notifications that match no rule.",
        default=None,
        canonical=_contact,
        unset={"email": ""},
        example={"email": "jane@example.com", "fallback_contact": True},
    )
    pager_address: Optional[str] = attr("Pager address.", default=None, example="555-0100")
    idle_timeout: Optional[dict[str, Any]] = attr(
        "Idle timeout of sessions: global, disable, or individual with a duration in seconds.",
        default=None,
        canonical=_idle_timeout,
        unset={"option": "global"},
        example={"option": "individual", "duration": 600},
    )
    disable_notifications: Optional[dict[str, Any]] = attr(
        "Whether notifications are disabled, and during which times.",
        default=None,
        canonical=_notifications,
        matches=_contains,
        example={"disable": True},
    )
    language: Optional[str] = attr(
        "Language of the web interface.", default=None, choices=("de", "en", "ro"), example="de"
    )
    temperature_unit: Optional[str] = attr(
        "Unit of temperatures.",
        default=None,
        unset="default",
        choices=("celsius", "default", "fahrenheit"),
        example="fahrenheit",
    )
    interface_options: Optional[dict[str, Any]] = attr(
        "Options of the web interface, such as interface_theme.",
        former=(
            Former("2.5.0b1", "interface_options", ("extensions", "interface_options"), encode=_with_former_names),
        ),
        default=None,
        encode=_with_current_names,
        canonical=_with_current_names,
        matches=_has_options,
        shows=lambda _found, wanted: _HELP_ICON not in wanted,
        example={"interface_theme": "dark"},
    )
    start_url: Optional[str] = attr(
        "First page after the login.", default=None, since="2.5.0b1", unset="default_start_url", example="welcome_page"
    )
    customer: Optional[str] = attr(
        "Customer of the user: 'global' or the ID of a customer.",
        default=None,
        editions=MANAGED,
        initial="provider",  # required by early versions
        unset="provider",
        example="global",
    )
    custom_attributes: Optional[dict[str, str]] = attr(
        "Values of the attributes that the site defines for users, by name. Others keep their value.",
        wire=ANY_FIELD,
        at=("extensions",),
        holds_secrets=True,
        default=None,
        canonical=_texts,
        matches=_contains,
    )
