"""Arguments of a wrong type are refused before a request is sent. The error names the argument, but not its value."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.config.settings import Settings
from checkmk_sync.errors import SettingsError
from checkmk_sync.services import (
    ApiClient,
    BaseService,
    CachedHostService,
    HostService,
    StreamingHostService,
    StreamingServiceService,
)
from checkmk_sync.sync import Options, apply_plan, diff, from_data, load, load_map, make_plan, to_data
from checkmk_sync.testing import SimulatedSite

Misuse = Callable[[Any], Any]
LIST: Any = ["web02"]
ONE_NAME = "must be a string, not a list; call it once per item, or use a bulk call"


@pytest.mark.parametrize(
    ("misuse", "said"),
    [
        (lambda cmk: cmk.hosts.create(5), "the name of a host must be a string, not an int$"),
        (lambda cmk: cmk.hosts.create(None), "the name of a host must be a string, not None$"),
        (lambda cmk: cmk.hosts.create(LIST), f"the name of a host {ONE_NAME}"),
        (lambda cmk: cmk.hosts.get(LIST), f"the name of a host {ONE_NAME}"),
        (lambda cmk: cmk.hosts.find(5), "the name of a host must be a string"),
        (lambda cmk: cmk.hosts.update(LIST, update_attributes={"alias": "x"}), f"the name of a host {ONE_NAME}"),
        (lambda cmk: cmk.hosts.update(5, lambda found: found), "the name of a host must be a string"),
        (lambda cmk: cmk.hosts.update("a", remove_attributes=[5]), r"remove_attributes\[0\] is an int"),
        (lambda cmk: cmk.hosts.delete(LIST), f"the name of a host {ONE_NAME}"),
        (lambda cmk: cmk.hosts.move(5, "/"), "the name of a host must be a string"),
        (lambda cmk: cmk.hosts.each(names=["a", 5]), r"names must be a list of strings, but names\[1\] is an int"),
        (lambda cmk: cmk.hosts.each(names=[["a"]]), r"names\[0\] is a list"),
        (lambda cmk: cmk.hosts.each(search=5), "search must be a string, not an int"),
        (lambda cmk: cmk.hosts.each(site=5), "site must be a string, not an int"),
        (lambda cmk: cmk.hosts.pages("10"), "the page size must be a whole number of items, not a string"),
        (lambda cmk: cmk.hosts.pages(2.0), "a whole number of items, not a float"),
        (lambda cmk: cmk.hosts.pages(True), "a whole number of items, not a bool"),
        (lambda cmk: cmk.hosts.bulk_create(5), "hosts must be a list, not an int"),
        (lambda cmk: cmk.hosts.bulk_delete(None), "names must be a list, not None"),
        (lambda cmk: cmk.folders.create("/x", title=5), "title must be a string, not an int"),
        (lambda cmk: cmk.folders.update("/x", title=5), "title must be a string, not an int"),
        (lambda cmk: cmk.host_status.get(LIST), f"a name {ONE_NAME}"),
        (lambda cmk: cmk.host_status.each(search=5), "search must be a string"),
        (lambda cmk: cmk.host_status.each(columns=[5]), r"columns\[0\] is an int"),
        (lambda cmk: cmk.host_status.each(sites=[None]), r"sites\[0\] is None"),
        (lambda cmk: cmk.host_status.monitored(["a", 5]), r"names\[1\] is an int"),
        (lambda cmk: cmk.host_status.pages("10"), "a whole number"),
        (lambda cmk: cmk.services.get(5, "CPU load"), "a name must be a string"),
        (lambda cmk: cmk.services.get("a", 5), "service must be a string"),
        (lambda cmk: cmk.services.each(host=5), "host must be a string, not an int"),
        (lambda cmk: cmk.services.each(host=LIST), f"host {ONE_NAME}"),
        (lambda cmk: cmk.services.each(search=LIST), "search must be a string"),
        (lambda cmk: cmk.services.few(None), "query must be a Filter .* not None"),
        (lambda cmk: cmk.services.pages("10"), "a whole number"),
        (lambda cmk: cmk.discovery.start(LIST), f"host {ONE_NAME}"),
        (lambda cmk: cmk.discovery.status(5), "host must be a string"),
        (lambda cmk: cmk.discovery.wait(5), "host must be a string"),
        (lambda cmk: cmk.discovery.wait("a", timeout_s="5"), "a time limit must be a number of seconds, not a string"),
        (lambda cmk: cmk.discovery.result(LIST), f"host {ONE_NAME}"),
        (lambda cmk: cmk.discovery.results(["a", 5]), r"hosts\[1\] is an int"),
        (lambda cmk: cmk.discovery.results(["a"], limit_s="5"), "a time limit must be a number"),
        (lambda cmk: cmk.discovery.discover(LIST), f"host {ONE_NAME}"),
        (lambda cmk: cmk.discovery.discover("a", timeout_s="5"), "a time limit must be a number"),
        (lambda cmk: cmk.discovery.set_phase(5, "df", "/", "monitored"), "host must be a string"),
        (lambda cmk: cmk.discovery.bulk(["a", 5]), r"hosts\[1\] is an int"),
        (lambda cmk: cmk.discovery.bulk(["a"], timeout_s="5"), "a time limit must be a number"),
        (lambda cmk: cmk.jobs.get(5), "a name must be a string"),
        (lambda cmk: cmk.jobs.wait("x", timeout_s="5"), "a time limit must be a number"),
        (lambda cmk: cmk.activation.get(5), "a name must be a string"),
        (lambda cmk: cmk.activation.activate(sites=[5]), r"sites\[0\] is an int"),
        (lambda cmk: cmk.activation.activate(wait_for_hosts=[5]), r"wait_for_hosts\[0\] is an int"),
        (lambda cmk: cmk.activation.activate(timeout_s="900"), "a time limit must be a number"),
        (
            lambda cmk: cmk.activation.activate(approved=True),
            "approved must be a function of a pending change, not a bool",
        ),
        (lambda cmk: cmk.activation.wait_until_monitored([5]), r"names\[0\] is an int"),
        (lambda cmk: HostService(cmk).create_host(LIST), f"the name of a host {ONE_NAME}"),
        (lambda cmk: HostService(cmk).delete_host(LIST), f"the name of a host {ONE_NAME}"),
        (lambda cmk: HostService(cmk).get_host(5), "the name of a host must be a string"),
        (lambda cmk: CachedHostService(cmk).get_host(5), "the name of a host must be a string"),
        (lambda cmk: StreamingHostService(cmk).list_hosts_streamed(batch_size="2"), "a whole number"),
        (lambda cmk: StreamingServiceService(cmk).list_all_services_streamed(batch_size="2"), "a whole number"),
        (lambda cmk: StreamingServiceService(cmk).list_all_services_streamed(host_filter=5), "host must be a string"),
        (lambda cmk: StreamingHostService(cmk).process_stream([1], print, max_concurrent="2"), "a whole number"),
        (lambda cmk: make_plan(cmk, "hosts.yaml"), r"the result of load\(PATH\) or from_data\(DATA\), not a string"),
        (lambda cmk: make_plan(cmk, Path("hosts.yaml")), r"the result of load\(PATH\)"),
        (lambda cmk: make_plan(cmk, {"hosts": []}), r"from_data\(DATA\), not a dict"),
        (lambda cmk: make_plan(cmk, None), "not None"),
        (
            lambda cmk: make_plan(from_data({"hosts": [{"name": "a"}]}), cmk),
            "make_plan needs a client .* not a Desired",
        ),
        (
            lambda cmk: make_plan(cmk, from_data({"hosts": [{"name": "a"}]}), owner=5),
            "owner must be a string, not an int",
        ),
        (lambda cmk: diff(cmk, None), "diff needs the result of load"),
        (lambda cmk: apply_plan(cmk, "hosts.yaml"), "apply_plan needs the result of make_plan"),
        (lambda cmk: apply_plan(None, "hosts.yaml"), "apply_plan needs a client .* not None"),
    ],
)
def test_calls_refuse_wrong_types_before_sending(site: SimulatedSite, cmk: Checkmk, misuse: Misuse, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        misuse(cmk)
    assert {request.path for request in site.requests} <= {"/version"}


def test_apply_plan_refuses_options_in_a_mapping(site: SimulatedSite, cmk: Checkmk) -> None:
    plan = make_plan(cmk, from_data({"hosts": [{"name": "a"}]}))
    with pytest.raises(TypeError, match="options must be Options"):
        apply_plan(cmk, plan, {"discover": False})  # type: ignore[arg-type]
    assert not site.state.configuration.hosts
    assert apply_plan(cmk, plan, Options(discover=False)).ok


@pytest.mark.parametrize("kind", [HostService, CachedHostService, StreamingHostService, BaseService, ApiClient])
@pytest.mark.parametrize("client", [None, "http://localhost", {}, Settings])
def test_services_need_a_client(kind: Any, client: Any) -> None:
    with pytest.raises(TypeError, match=r"a service needs a client such as Checkmk.from_env\(\), not "):
        kind(client)


@pytest.mark.parametrize(
    ("misuse", "said"),
    [
        (lambda: load(None), "load needs the paths of files, not None; from_data takes data"),  # type: ignore[arg-type]
        (lambda: load(5), "load needs the paths of files, not an int"),  # type: ignore[arg-type]
        (lambda: load({"hosts": []}), "not a dict; from_data takes data"),
        (lambda: load([{"name": "a"}]), "load needs the path of each file, not a dict"),  # type: ignore[list-item]
        (lambda: load("x.csv", mapping=5), "load_map needs the path of a mapping file, not an int"),  # type: ignore[arg-type]
        (lambda: load_map(None), "load_map needs the path of a mapping file, not None"),  # type: ignore[arg-type]
        (lambda: to_data({"hosts": []}), "to_data needs the result of load"),  # type: ignore[arg-type]
        (lambda: Checkmk.from_config({"checkmk": {}}), "the path of a YAML file, not a dict"),  # type: ignore[arg-type]
        (lambda: Checkmk.from_config(None), "the path of a YAML file, not None"),  # type: ignore[arg-type]
        (lambda: Checkmk.from_settings({}), "from_settings needs Settings, not a dict"),  # type: ignore[arg-type]
        (lambda: Checkmk.from_settings("c.yaml"), "not a string; from_config reads a file"),  # type: ignore[arg-type]
    ],
)
def test_functions_without_a_site_name_the_type_they_need(misuse: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        misuse()


@pytest.mark.parametrize("password", [987654321, b"987654321", ["987654321"], {"value": "987654321"}, True])
def test_a_password_of_another_type_is_not_shown(password: Any) -> None:
    with pytest.raises(SettingsError, match="^password must be a string, not a") as caught:
        Checkmk("http://localhost", "s", "u", password)
    assert caught.value.field == "password"
    assert "987654321" not in "".join(traceback.format_exception(None, caught.value, None))
    with pytest.raises(SettingsError, match="^password_env must be a string"):
        SecretSource(env=password)
    with pytest.raises(SettingsError, match="^password must be a SecretSource such as"):
        Settings("http://localhost", "s", "u", password)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((5, "s", "u", "x"), "server URL"),
        ((None, "s", "u", "x"), "server URL"),
        (("http://localhost", 5, "u", "x"), "^site must be a string, not an int"),
        (("http://localhost", None, "u", "x"), "^site must be a string, not None"),
        (("http://localhost", "s", 5, "x"), "^username must be a string, not an int"),
        (("http://localhost", "s", ["u"], "x"), "^username must be a string, not a list"),
    ],
)
def test_settings_of_another_type_are_named(arguments: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Checkmk(*arguments)


def test_a_ca_bundle_passed_as_verify_is_refused_with_a_hint() -> None:
    with pytest.raises(SettingsError, match=r"^verify must be true or false \(ca_bundle is the path"):
        Checkmk("https://localhost", "s", "u", "x", verify="/etc/ca.pem")
    with pytest.raises(SettingsError, match="^ca_bundle must be the path of a file, not a bool"):
        Checkmk("https://localhost", "s", "u", "x", ca_bundle=True)
