"""The rulesets of the simulated site, a small part of those that sites of 2.4 and 2.5 have."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping

# By item type and match type. A group has its name and, after a colon, the names in it.
_NAMES: Mapping[tuple[str, str], str] = {
    ("", "all"): """
        active_checks:cert,cmk_inv,disk_smb,dns,ftp,http,httpv2,icmp,ldap,mail,smtp,sql,ssh,tcp,traceroute
        custom_checks discovery_systemd_units_services host_contactgroups host_groups host_icons_and_actions
        host_recurring_downtimes inv_retention_intervals inventory_if_rules inventory_processes_rules
        inventory_services_rules logwatch_groups static_checks:cisco_qos static_checks:filesystem
    """,
    ("", "dict"): """
        check_mk_exit_status cmc_smartping_settings host_label_rules host_state_translation inventory_df_rules
        ntp_discovery piggyback_translation ping_levels snmp_timing checkgroup_parameters:cpu_iowait,
        cpu_utilization_os,memory_linux,memory_pagefile_win,memory_percentage_used,ntp_time,tcp_conn_stats,threads,
        uptime
    """,
    ("", "first"): """
        automatic_host_removal bulkwalk_hosts cmc_host_flap_settings cmc_host_rrd_config datasource_programs
        dyndns_hosts encryption_handling host_check_commands ignored_checks management_board_config
        management_bulkwalk_hosts only_hosts periodic_discovery piggybacked_host_files primary_address_family
        service_description_translation snmp_backend_hosts snmp_bulk_size snmp_character_encodings snmp_check_interval
        snmp_communities snmp_exclude_sections snmp_limit_oid_range snmp_ports snmp_without_sys_descr snmpv2c_hosts
        snmpv3_contexts tcp_connect_timeouts usewalk_hosts checkgroup_parameters:cpu_load
        extra_host_conf:_ESCAPE_PLUGIN_OUTPUT,_ec_contact,_ec_event_limit,_ec_sl,check_interval,check_period,
        first_notification_delay,flap_detection_enabled,icon_image,max_check_attempts,notes_url,notification_interval,
        notification_options,notification_period,notifications_enabled,retry_interval,service_period
        special_agents:activemq,aws,azure,couchbase,datadog,elasticsearch,gcp,jira,kube,netapp_ontap,prometheus,
        proxmox_ve,random,vsphere
    """,
    ("", "varies"): """
        diskstat_inventory
    """,
    ("item", "all"): """
        logwatch_rules
    """,
    ("item", "dict"): """
        checkgroup_parameters:cisco_qos,diskstat,fileinfo,filesystem,interfaces,mssql_databases,mysql_connections,
        oracle_tablespaces,ps,services,temperature
    """,
    ("service", "all"): """
        custom_service_attributes service_contactgroups service_groups service_icons_and_actions
        service_recurring_downtimes service_tag_rules
    """,
    ("service", "dict"): """
        service_label_rules service_state_translation
    """,
    ("service", "first"): """
        check_periods clustered_services clustered_services_configuration clustered_services_mapping
        cmc_service_check_timeout cmc_service_flap_settings cmc_service_rrd_config ignored_services
        extra_service_conf:_ESCAPE_PLUGIN_OUTPUT,_ec_contact,_ec_sl,_sla_config,active_checks_enabled,check_interval,
        check_period,display_name,first_notification_delay,flap_detection_enabled,icon_image,max_check_attempts,
        notes_url,notification_interval,notification_options,notification_period,notifications_enabled,
        passive_checks_enabled,process_perf_data,retry_interval,service_period
    """,
}


def _expanded(names: str) -> Iterator[str]:
    for word in re.sub(r",\s+", ",", names).split():
        group, colon, members = word.rpartition(":")
        yield from (f"{group}{colon}{member}" for member in members.split(","))


RULESETS: Mapping[str, Mapping[str, Any]] = {
    name: {
        "title": name.rpartition(":")[2].replace("_", " ").capitalize(),
        "item_type": item or None,
        "match_type": match,
    }
    for (item, match), names in _NAMES.items()
    for name in _expanded(names)
}
