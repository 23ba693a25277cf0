"""Notification rules."""

from __future__ import annotations

import functools
from typing import Any, Mapping, Optional

from ..field import Former
from ..noun import CRUD, Record, attr, key, noun
from ..request_shapes import SINCE, enabled_options, holds_options, shape_at, with_all_options

_ALL_REQUIRED_UNTIL = "2.4.0p22"  # CHECKMK_API_MORE; later only the description and the method


def _former(until: str, member: str, encode: Any = None) -> Former:
    wire = f"rule_config.{member}"
    return Former(until, wire, ("extensions", *wire.split(".")), required=True, encode=encode)


def _property(description: str, member: str, **facts: Any) -> Any:
    """Declare a field that sites require up to 2.4.0p21."""
    former = (_former(_ALL_REQUIRED_UNTIL, member),)
    return attr(description, default=None, wire=f"rule_config.{member}", former=former, **facts)


def _complete(member: str, value: Any, since: str = SINCE[-1]) -> Any:
    return with_all_options(shape_at(since, "notification_rules", "rule_config", *member.split(".")), value)


def _options(description: str, member: str, **facts: Any) -> Any:
    """Declare a field with options, which have the same names in all versions."""
    encode = functools.partial(_complete, member)
    return _property(description, member, encode=encode, decode=enabled_options, matches=holds_options, **facts)


def _to_switch(value: bool) -> dict[str, Any]:
    return {"state": "enabled" if value else "disabled"}


def _is_enabled(option: Mapping[str, Any]) -> bool:
    return {"enabled": True, "disabled": False}[option["state"]]


def _switch(description: str, name: str, initial: bool) -> Any:
    """Declare a property of the rule that is enabled or disabled."""
    facts = {"encode": _to_switch, "decode": _is_enabled, "initial": initial, "example": initial}
    return _property(description, f"rule_properties.{name}", **facts)


def _to_bulking(value: Mapping[str, Any]) -> Any:
    return _complete(_BULKING, {**_to_switch(bool(value)), **({"value": value} if value else {})})


def _from_bulking(option: Mapping[str, Any]) -> Any:
    return enabled_options(option["value"]) if _is_enabled(option) else None


_BULKING = "notification_method.notification_bulking"
_METHOD = "notification_method.notify_plugin"


@noun(
    "notification_rules",
    "notification rule",
    "notification_rule",
    CRUD,
    rank=80,
    mark="comment",
    if_match={},
    delete=("POST", "/actions/delete/invoke"),
    delete_since="2.2.0p5",
    object_type="rule_notifications",
    replaces=True,
    has_etags=False,
)
class NotificationRule(Record):
    """A rule that sends notifications. The rules apply in the order of their creation.

    Conditions, contacts and parameters have the form of Checkmk's API, without the options that are disabled:
    ``{"state": "enabled", "value": …}``.
    """

    description: str = attr(
        "Description, the title of the rule.", wire="rule_config.rule_properties.description", example="Mail"
    )
    method: dict[str, Any] = attr(
        "How to notify: the option and the parameters of the script.",
        wire=f"rule_config.{_METHOD}",
        holds_secrets=True,
        # The parameters of scripts differ between versions.
        encode=functools.partial(_complete, _METHOD),
        former=tuple(
            _former(until, _METHOD, functools.partial(_complete, _METHOD, since=since))
            for since, until in zip(SINCE, SINCE[1:])
        ),
        decode=enabled_options,
        matches=holds_options,
        example={
            "option": "create_notification_with_the_following_parameters",
            "plugin_params": {"plugin_name": "mail"},
        },
    )
    contact_selection: Optional[dict[str, Any]] = _options(
        "Contacts to notify; by default, all contacts of the host or service.",
        "contact_selection",
        # The default of Checkmk since 2.4.0p22, for all versions.
        initial={"all_contacts_of_the_notified_object": {"state": "enabled"}},
        example={"all_users": {"state": "enabled"}},
    )
    conditions: Optional[dict[str, Any]] = _options(
        "Conditions for the notification; by default, none.",
        "conditions",
        initial={},
        example={"match_services": {"state": "enabled", "value": ["CPU load"]}},
    )
    bulking: Optional[dict[str, Any]] = attr(
        "When to send several notifications in one message; never by default. Only scripts for mails can do this.",
        default=None,
        wire=f"rule_config.{_BULKING}",
        encode=_to_bulking,
        decode=_from_bulking,
        matches=lambda found, wanted: bool(found) is bool(wanted) and holds_options(found, wanted),
        example={
            "when_to_bulk": "always",
            "params": {"time_horizon": 60, "max_bulk_size": 9, "notification_bulks_based_on": ["host"]},
        },
    )
    comment: Optional[str] = _property("Comment.", "rule_properties.comment", initial="", example="Ask Carol")
    documentation_url: Optional[str] = _property(
        "URL of the documentation.", "rule_properties.documentation_url", initial="", example="https://wiki.example.com"
    )
    disabled: Optional[bool] = _switch("Whether the rule is ignored.", "do_not_apply_this_rule", initial=False)
    allow_users_to_deactivate: Optional[bool] = _switch(
        "Whether users can deactivate the notifications of the rule; they can by default.",
        "allow_users_to_deactivate",
        initial=True,
    )
    id: Optional[str] = key(
        "ID of the rule.", assigned=True, default=None, example="f2a7b1c0-5d3e-4a6f-8b9c-0d1e2f3a4b5c"
    )
