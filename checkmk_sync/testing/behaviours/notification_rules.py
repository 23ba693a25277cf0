"""The behaviour of notification rules (source: cmk/gui/openapi/endpoints/notification_rules)."""

from __future__ import annotations

from typing import Any, Mapping

from werkzeug.wrappers import Response

from ...catalogue.request_shapes import resolved
from ..endpoints import Context, Fields, SiteState
from ..references import existing_folder, existing_host
from ..replies import Problem, bad_fields
from ..shapes import check_at
from ..validation import REQUIRED, Check, Field, list_of, member_of
from .hooks import Values
from .standard import Behaviour

_BULK_SCRIPTS = ("asciimail", "mail")  # the scripts with "# Bulk: yes" in their head
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "contact_groups": ("match_contact_groups", "members_of_contact_groups", "restrict_by_contact_groups"),
    "service_groups": ("match_service_groups", "match_exclude_service_groups"),
    "host_groups": ("match_host_groups",),
}


def _body(state: SiteState) -> dict[str, Field]:
    return {"rule_config": Field(check_at(state.profile.version, "notification_rules", "rule_config"), REQUIRED)}


def _references(state: SiteState) -> dict[str, Check]:
    """Return the checks of the options that name other objects (source: request_schemas.py, "should_exist")."""
    objects, hosts = state.configuration.objects, list_of(existing_host(state))
    is_aux_tag = member_of(objects["aux_tags"], "The aux_tag {!r} should exist but it doesn't.")
    is_group = member_of(objects["tag_groups"], "The host tag group id {!r} should exist but it doesn't")

    def tag(value: Values) -> Any:
        is_aux = value["tag_type"] == "aux_tag"
        name, check = ("tag_id", is_aux_tag) if is_aux else ("tag_group_id", is_group)
        errors = check(value[name])
        return {name: errors} if errors else None

    groups = {noun: list_of(member_of(objects[noun], "Group missing: {!r}")) for noun in _GROUPS}
    return {
        **{option: groups[noun] for noun, options in _GROUPS.items() for option in options},
        "match_host_tags": list_of(tag),
        "match_hosts": hosts,
        "match_exclude_hosts": hosts,
        "match_folder": existing_folder(state),
        "match_only_during_time_period": member_of(objects["time_periods"], "Name missing: {!r}"),
    }


class NotificationRules(Behaviour):
    """The behaviour of notification rules."""

    permission = "general.edit_notifications"

    def bodies(self) -> dict[str, Fields]:
        return {**super().bodies(), "create": _body, "update": _body}

    def refuse(self, context: Context, key: str, values: Values) -> None:
        config = values["rule_config"]
        for option, check in _references(context.state).items():
            for part in ("conditions", "contact_selection"):
                found = config.get(part, {}).get(option, {})
                errors = check(found["value"]) if "value" in found else None
                if errors:
                    raise bad_fields({"rule_config": {part: {option: {"value": errors}}}})
        method = config["notification_method"]
        script = method["notify_plugin"]["plugin_params"]["plugin_name"]
        # A new site has no scripts of its own.
        is_own = script not in resolved("#PluginSelector")["kinds"]
        if method["notify_plugin"]["option"] == "create_notification_with_custom_parameters" and is_own:
            errors = {"_schema": [f"{script} does not exist"]}
            raise bad_fields({"rule_config": {"notification_method": {"notify_plugin": {"plugin_params": errors}}}})
        if method.get("notification_bulking", {}).get("state") == "enabled" and script not in _BULK_SCRIPTS:
            detail = f"The notification script {script} does not allow building bulks."
            raise Problem(400, "Building bulks is not allowed", detail)

    def missing(self, context: Context, key: str) -> Problem:
        title = "Not found" if context.endpoint.method == "PUT" else "The requested notification rule was not found"
        return Problem(404, title, f"The rule_id {key} does not exist.")

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        return {**values, "title": values["rule_config"]["rule_properties"]["description"]}

    def delete(self, context: Context) -> Response:
        # Checkmk: the deletion of a rule that does not exist succeeds.
        if context.params["key"] not in self._objects(context):
            return Response(status=204)
        return super().delete(context)
