"""The columns of the monitoring tables, with their values for an object without problems."""

from __future__ import annotations

import ast
import base64
from typing import Any, Callable, Mapping, Sequence

_EMPTY: Mapping[str, Any] = {"blob": b"", "dict": {}, "float": 0.0, "int": 0, "list": [], "string": "", "time": 0}
# The names and types are the same in the official documentation of 2.2 to 2.5.
_SHARED: Mapping[str, str] = {
    "dict": "custom_variables label_sources labels performance_data tags",
    "float": (
        "check_interval execution_time first_notification_delay flappiness high_flap_threshold latency "
        "low_flap_threshold notification_interval percent_state_change retry_interval staleness"
    ),
    "int": (
        "accept_passive_checks acknowledged acknowledgement_type active_checks_enabled "
        "check_flapping_recovery_notification check_freshness check_options check_type checks_enabled current_attempt "
        "current_notification_number event_handler_enabled flap_detection_enabled hard_state has_been_checked "
        "in_check_period in_notification_period in_service_period initial_state is_executing is_flapping "
        "last_hard_state last_state max_check_attempts modified_attributes no_more_notifications "
        "notifications_enabled pending_flex_downtime pnpgraph_present previous_hard_state process_performance_data "
        "scheduled_downtime_depth state state_type"
    ),
    "list": (
        "comments comments_with_extra_info comments_with_info contact_groups contacts custom_variable_names "
        "custom_variable_values downtimes downtimes_with_extra_info downtimes_with_info groups label_names "
        "label_source_names label_source_values label_values metrics modified_attributes_list tag_names tag_values"
    ),
    "string": (
        "action_url action_url_expanded check_command check_command_expanded check_period display_name event_handler "
        "icon_image icon_image_alt icon_image_expanded long_plugin_output notes notes_expanded notes_url "
        "notes_url_expanded notification_period notification_postponement_reason perf_data plugin_output service_period"
    ),
    "time": "last_check last_hard_state_change last_notification last_state_change next_check next_notification",
}
_HOSTS: Mapping[str, str] = {
    "blob": "mk_inventory mk_inventory_gz structured_status",
    "float": "x_3d y_3d z_3d",
    "int": (
        "num_services num_services_crit num_services_handled_problems num_services_hard_crit num_services_hard_ok "
        "num_services_hard_unknown num_services_hard_warn num_services_ok num_services_pending "
        "num_services_unhandled_problems num_services_unknown num_services_warn obsess_over_host smartping_timeout "
        "total_services worst_service_hard_state worst_service_state"
    ),
    "list": "childs mk_logwatch_files parents services services_with_fullstate services_with_info services_with_state",
    "string": "address alias filename name statusmap_image",
    "time": "last_time_down last_time_unreachable last_time_up mk_inventory_last",
}
_SERVICES: Mapping[str, str] = {
    "blob": "robotmk_last_error_log robotmk_last_error_log_gz robotmk_last_log robotmk_last_log_gz",
    "int": "cache_interval in_passive_check_period obsess_over_service",
    "list": "prediction_files",
    "string": "description host_name passive_check_period",
    "time": "cached_at last_time_critical last_time_ok last_time_unknown last_time_warning",
}
_ONES = (
    "accept_passive_checks active_checks_enabled checks_enabled current_attempt flap_detection_enabled "
    "has_been_checked in_check_period in_notification_period in_service_period max_check_attempts "
    "notifications_enabled process_performance_data state_type"
)
_DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(_ONES.split(), 1),
    "check_command": "check-mk-host-smart",
    "check_interval": 1.0,
    "check_period": "24X7",
    "notification_period": "24X7",
    "retry_interval": 1.0,
    "service_period": "24X7",
}


def _empty(*tables: Mapping[str, str]) -> dict[str, Any]:
    return {name: _EMPTY[kind] for table in tables for kind, names in table.items() for name in names.split()}


HOST_DEFAULTS: Mapping[str, Any] = {
    **_empty(_SHARED, _HOSTS),
    **_DEFAULTS,
    "address": "0.0.0.0",
    "filename": "/wato/hosts.mk",
    "mk_inventory": {},
}
SERVICE_OWN_DEFAULTS: Mapping[str, Any] = {
    **_empty(_SHARED, _SERVICES),
    **_DEFAULTS,
    "passive_check_period": "24X7",
}
# Each row of a service also has the columns of its host.
SERVICE_DEFAULTS: Mapping[str, Any] = {
    **{f"host_{name}": value for name, value in HOST_DEFAULTS.items()},
    **SERVICE_OWN_DEFAULTS,
}
# The rows of downtimes and comments have the columns of their host, and those of their service if they have one.
_OF_OBJECT: Mapping[str, Any] = {
    **{name: value for name, value in SERVICE_DEFAULTS.items() if name.startswith("host_")},
    **{f"service_{name}": value for name, value in SERVICE_OWN_DEFAULTS.items()},
}
_SHARED_BY_COMMANDS: Mapping[str, Any] = {
    **dict.fromkeys(("author", "comment", "host_name", "service_description"), ""),
    **dict.fromkeys(("entry_time", "id", "is_service", "type"), 0),
}
DOWNTIME_OWN_DEFAULTS: Mapping[str, Any] = {
    **_SHARED_BY_COMMANDS,
    **dict.fromkeys(("duration", "end_time", "is_pending", "origin", "recurring", "start_time", "triggered_by"), 0),
    "fixed": 1,
}
COMMENT_OWN_DEFAULTS: Mapping[str, Any] = {
    **_SHARED_BY_COMMANDS,
    **dict.fromkeys(("expire_time", "expires", "persistent"), 0),
    "entry_type": 1,
    "source": 1,
}
TABLES: Mapping[str, Mapping[str, Any]] = {
    "hosts": HOST_DEFAULTS,
    "services": SERVICE_DEFAULTS,
    "downtimes": {**_OF_OBJECT, **DOWNTIME_OWN_DEFAULTS},
    "comments": {**_OF_OBJECT, **COMMENT_OWN_DEFAULTS},
}


def _inventory(value: Any) -> Any:
    # Checkmk: the core stores the text of a Python literal, and the API returns the object.
    if not isinstance(value, (bytes, str)):
        return value
    return ast.literal_eval(value.decode("utf-8") if isinstance(value, bytes) else value) if value else {}


def _binary(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return {"value_type": "binary_base64", "value": base64.encodebytes(value).decode("ascii")}


_BLOBS = f"{_HOSTS['blob']} {_SERVICES['blob']}".split()
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    **{f"{prefix}{name}": _binary for name in _BLOBS for prefix in ("", "host_")},
    **dict.fromkeys(("mk_inventory", "host_mk_inventory"), _inventory),
}


def selected_columns(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return the selected columns of a row in the form that the API returns."""
    converted = {column: _CONVERTERS[column](row[column]) for column in columns if column in _CONVERTERS}
    return {**{column: row[column] for column in columns}, **converted}
