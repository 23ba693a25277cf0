"""Valid bodies for the endpoints that no row of a plain noun describes."""

from __future__ import annotations

from typing import Any

UUID = "c0ffee00-1111-4222-8333-444455556666"
QUERY = {
    "op": "and",
    "expr": [
        {"op": "=", "left": "state", "right": "0"},
        {"op": "not", "expr": {"op": "~", "left": "hosts.name", "right": "^x"}},
    ],
}
SERVICE_QUERY = {"op": "or", "expr": [{"op": "!=", "left": "services.state", "right": "0"}]}
SCAN = {
    "addresses": [
        {"type": "address_range", "from_address": "192.0.2.1", "to_address": "192.0.2.9"},
        {"type": "network_range", "network": "192.0.2.0/24"},
        {"type": "explicit_addresses", "addresses": ["192.0.2.1"]},
    ],
    "exclude_addresses": [{"type": "exclude_by_regexp", "regexp_list": ["^x"]}],
    "scan_interval": 7200,
    "time_allowed": [{"start": "12:00", "end": "13:00:00"}],
    "set_ip_address": True,
    "max_parallel_pings": 5,
    "run_as": "cmkadmin",
    "tag_criticality": "prod",
    "translate_names": {
        "convert_case": "upper",
        "drop_domain": True,
        "regexp_rewrites": [{"search": "^(x)", "replace_with": "\\1"}],
        "hostname_replacement": [{"hostname": "a", "replace_with": "b"}],
    },
}
SNMP = {
    "type": "v3_auth_privacy",
    "security_name": "n",
    "auth_protocol": "MD5-96",
    "auth_password": "x" * 8,
    "privacy_protocol": "AES-128",
    "privacy_password": "y" * 8,
}
SHARED = {
    "tag_agent": "cmk-agent",
    "labels": {"a": "b"},
    "contactgroups": {"groups": ["all"], "use": True},
    "snmp_community": SNMP,
    "management_snmp_community": {"type": "v1_v2_community", "community": "c"},
    "management_ipmi_credentials": {"username": "u", "password": "p"},
    "network_scan": SCAN,
    "parents": ["old"],
}
HOST = {
    **SHARED,
    "alias": "A",
    "ipaddress": "192.0.2.1",
    "ipv6address": "2001:db8::1",
    "additional_ipv4addresses": ["192.0.2.2"],
    "management_address": "bmc",
    "locked_by": {"site_id": "s", "program_id": "dcd", "instance_id": "x"},
    "locked_attributes": ["ipaddress"],
    "inventory_failed": False,
}
COMMAND, ACTION = "/domain-types/{}/collections", "/domain-types/{}/actions"
WHEN = {
    "start_time": "2040-01-01T00:00:00Z",
    "end_time": "2040-01-02T00:00:00+00:00",
    "recur": "day",
    "duration": 30,
    "comment": "c",
}
CONFIG, FOLDERS, STATUS = "/domain-types/host_config", "/domain-types/folder_config", "/domain-types/{}/collections/all"
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/domain-types/activation_run/actions/activate-changes/invoke"): {
        "redirect": False,
        "sites": ["s"],
        "force_foreign_changes": True,
    },
    ("POST", f"{CONFIG}/collections/all"): {"host_name": "new", "folder": "/", "attributes": HOST},
    ("POST", f"{CONFIG}/collections/clusters"): {
        "host_name": "new",
        "folder": "/",
        "nodes": ["web"],
        "attributes": HOST,
    },
    ("PUT", "/objects/host_config/web"): {"attributes": HOST},
    ("POST", "/objects/host_config/web/actions/move/invoke"): {"target_folder": "/a"},
    ("PUT", "/objects/host_config/web/actions/rename/invoke"): {"new_name": "new"},
    ("PUT", "/objects/host_config/clu/properties/nodes"): {"nodes": ["web", "old"]},
    ("POST", f"{CONFIG}/actions/bulk-create/invoke"): {
        "entries": [{"host_name": "new", "folder": "/", "attributes": HOST}, {"host_name": "n2", "folder": "~a"}]
    },
    ("PUT", f"{CONFIG}/actions/bulk-update/invoke"): {
        "entries": [
            {"host_name": "web", "update_attributes": HOST},
            {"host_name": "old", "attributes": HOST},
            {"host_name": "old", "remove_attributes": ["alias"]},
        ]
    },
    ("POST", f"{CONFIG}/actions/bulk-delete/invoke"): {"entries": ["web", "clu"]},
    ("POST", f"{FOLDERS}/collections/all"): {"name": "b", "title": "B", "parent": "/", "attributes": SHARED},
    ("PUT", "/objects/folder_config/~a"): {"title": "B", "update_attributes": SHARED},
    ("PUT", f"{FOLDERS}/actions/bulk-update/invoke"): {
        "entries": [
            {"folder": "~a", "title": "B", "attributes": SHARED},
            {"folder": "/", "remove_attributes": ["labels"]},
        ]
    },
    ("POST", "/objects/folder_config/~a/actions/move/invoke"): {"destination": "/c"},
    ("POST", "/domain-types/service_discovery_run/actions/start/invoke"): {"host_name": "web", "mode": "refresh"},
    ("PUT", "/objects/host/web/actions/update_discovery_phase/invoke"): {
        "check_type": "df",
        "service_item": "/",
        "target_phase": "ignored",
    },
    ("POST", "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"): {
        "hostnames": ["web", "old"],
        "options": {"monitor_undecided_services": True},
        "do_full_scan": True,
        "bulk_size": 3,
        "ignore_errors": False,
    },
    ("POST", "/domain-types/parent_scan/actions/start/invoke"): {
        "host_names": ["web", "old"],
        "gateway_hosts": {"option": "create_in_folder", "folder": "/a", "hosts_alias": "Gateway"},
        "configuration": {"force_explicit_parents": True},
        "performance": {"hop_probes": 2, "max_gateway_distance": 10, "ping_probes": 5, "responses_timeout": 8},
    },
    ("POST", "/domain-types/user_config/actions/dismiss-warning/invoke"): {"warning": "immediate_slideout_change"},
    ("POST", "/objects/rule/old/actions/move/invoke"): {"position": "top_of_folder", "folder": "/a"},
    ("PUT", "/objects/host_config_internal/web/actions/register/invoke"): {"uuid": UUID},
    ("PUT", "/objects/host_config_internal/web/actions/link_uuid/invoke"): {"uuid": UUID},
    ("POST", STATUS.format("host")): {"query": QUERY, "columns": ["name", "state"], "sites": ["s"]},
    ("POST", STATUS.format("service")): {"query": SERVICE_QUERY, "columns": ["state"], "host_name": "web"},
    ("POST", "/objects/host/web/collections/services"): {"query": SERVICE_QUERY, "columns": ["state"]},
    ("POST", f"{COMMAND.format('downtime')}/host"): {"downtime_type": "host", "host_name": "web", **WHEN},
    ("POST", f"{COMMAND.format('downtime')}/service"): {
        "downtime_type": "service",
        "host_name": "web",
        "service_descriptions": ["PING", "Check_MK"],
        **WHEN,
    },
    ("PUT", f"{ACTION.format('downtime')}/modify/invoke"): {
        "modify_type": "query",
        "query": {"op": "=", "left": "downtimes.host_name", "right": "web"},
        "end_time": {"modify_type": "relative", "value": 5},
        "comment": "c",
    },
    ("POST", f"{ACTION.format('downtime')}/delete/invoke"): {"delete_type": "params", "host_name": "web"},
    ("POST", f"{COMMAND.format('acknowledge')}/host"): {
        "acknowledge_type": "host_by_query",
        "query": {"op": "=", "left": "name", "right": "web"},
        "comment": "c",
        "sticky": True,
        "expire_on": "2040-01-01T00:00:00Z",
    },
    ("POST", f"{COMMAND.format('acknowledge')}/service"): {
        "acknowledge_type": "service_by_query",
        "query": SERVICE_QUERY,
        "comment": "c",
    },
    ("POST", f"{ACTION.format('acknowledge')}/delete/invoke"): {"acknowledge_type": "host", "host_name": "web"},
    ("POST", f"{COMMAND.format('comment')}/host"): {"comment_type": "host", "host_name": "web", "comment": "c"},
    ("POST", f"{COMMAND.format('comment')}/service"): {
        "comment_type": "service",
        "host_name": "web",
        "service_description": "PING",
        "comment": "c",
        "persistent": True,
    },
    ("POST", f"{ACTION.format('comment')}/delete/invoke"): {"delete_type": "by_id", "comment_id": 1, "site_id": "s"},
}
