"""Notification rules: options in all versions, defaults of the site, and secrets in the parameters of scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk, NotificationRule
from checkmk_sync.errors import BadRequestError, NotFoundError
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.raw_requests import Raw

ALL, ONE = "/domain-types/notification_rule/collections/all", "/objects/notification_rule"
SECRET = "geheim-geheim"
OPTION = "create_notification_with_the_following_parameters"
MAIL = {"option": OPTION, "plugin_params": {"plugin_name": "mail"}}
SLACK = {
    "option": OPTION,
    "plugin_params": {
        "plugin_name": "slack",
        "webhook_url": {"option": "explicit", "url": f"https://a.example/{SECRET}"},
    },
}


def _smtp(password: str) -> dict[str, Any]:
    auth = {"state": "enabled", "value": {"method": "plaintext", "user": "mailer", "password": password}}
    smtp = {"auth": auth, "encryption": "ssl_tls", "port": 25, "smarthosts": ["a"]}
    return {
        "option": OPTION,
        "plugin_params": {"plugin_name": "mail", "enable_sync_smtp": {"state": "enabled", "value": smtp}},
    }


def _enabled(value: Any) -> dict[str, Any]:
    return {"state": "enabled", "value": value}


def _config(site: SimulatedSite) -> Any:
    (stored,) = site.state.configuration.objects["notification_rules"].values()
    return stored["rule_config"]


# Options


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.4.0p25", "2.5.0p9"])
def test_options_that_are_not_given_are_disabled_in_all_versions(version: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        users = {"the_following_users": _enabled(["carol"])}
        made = cmk.notification_rules.create(description="Mail", method=MAIL, contact_selection=users)
        assert (made.contact_selection, made.conditions, made.method) == (users, {}, MAIL)
        config = _config(site)
        assert config["contact_selection"]["all_contacts_of_the_notified_object"] == {"state": "disabled"}
        assert config["conditions"]["match_host_event_type"] == {"state": "disabled"}
        assert "notification_bulking" not in config["notification_method"]
        changed = cmk.notification_rules.update(str(made.id), disabled=True)
        assert (changed.disabled, changed.contact_selection) == (True, users)


def test_defaults_of_the_site_are_no_difference(cmk: Checkmk, site: SimulatedSite) -> None:
    events = {"match_host_event_type": _enabled({"up_down": True})}
    rule = NotificationRule(description="Mail", method=MAIL, conditions=events)
    with pytest.raises(BadRequestError, match="any_down"):  # required up to 2.4.0p21
        cmk.notification_rules.create(rule)
    cmk.notification_rules.create(description="Mail", method=MAIL)
    condition = _config(site)["conditions"]["match_host_event_type"]
    condition.update(_enabled({"up_down": True, "any_down": False}))
    assert not cmk.notification_rules.ensure(rule).changed
    _config(site)["conditions"]["match_sites"].update(_enabled(["s"]))
    assert cmk.notification_rules.ensure(rule, check=True).actions == ("create",)


def test_bulks_are_set_and_removed(cmk: Checkmk, site: SimulatedSite) -> None:
    bulking = NotificationRule.noun.by_name["bulking"].example
    made = cmk.notification_rules.create(description="Mail", method=MAIL, bulking=bulking)
    assert made.bulking == bulking
    assert cmk.notification_rules.update(str(made.id), bulking={}).bulking is None
    assert _config(site)["notification_method"]["notification_bulking"] == {"state": "disabled"}
    sent = len(site.requests)
    cmk.notification_rules.update(str(made.id), bulking={})
    assert [request.method for request in site.requests[sent:]] == ["GET"]


def test_the_deletion_of_an_absent_rule_is_an_error(cmk: Checkmk) -> None:
    with pytest.raises(NotFoundError):
        cmk.notification_rules.delete("absent")
    cmk.notification_rules.delete("absent", missing_ok=True)


# Secrets


def test_secrets_are_not_shown(cmk: Checkmk) -> None:
    made = cmk.notification_rules.create(description="Mail", method=_smtp(SECRET))
    assert made.method == _smtp(SECRET), "programs can read them"
    checked = cmk.notification_rules.ensure(str(made.id), check=True, method=_smtp("another-secret"))
    shown = f"{made!r} {checked!r} {checked.diff()}"
    assert checked.changed
    assert SECRET not in shown and "another-secret" not in shown


@pytest.mark.parametrize("method", [_smtp(SECRET), SLACK], ids=["smtp", "slack"])
def test_commands_hide_secrets(site_for_cli: SimulatedSite, sync: Run, method: Any) -> None:
    with site_for_cli.client() as cmk:
        key = cmk.notification_rules.create(description="Mail", method=method).id
    for words in (
        ("list", "--json"),
        ("get", key, "--json"),
        ("get", key),
        ("update", key, "--comment", "x", "--json"),
    ):
        result = sync("notification-rules", *words)
        assert result.code == 0
        assert SECRET not in result.out + result.err
    assert '"***"' in sync("notification-rules", "get", key, "--json").out


def test_commands_write_secrets_from_the_configuration(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("secrets:\n  smtp:\n    env: SMTP_SECRET\n")
    config.chmod(0o600)
    monkeypatch.setenv("SMTP_SECRET", SECRET)
    method = _smtp("secret:smtp")
    words = ("--config", str(config), "notification-rules", "create", "--description", "Mail", "--json", "--method")
    result = sync(*words, json.dumps(method))
    assert (result.code, SECRET in result.out) == (0, False), result.err
    params = _config(site_for_cli)["notification_method"]["notify_plugin"]["plugin_params"]
    assert params["enable_sync_smtp"]["value"]["auth"]["value"]["password"] == SECRET
    # Other members are shown, so a secret must not get there.
    method["plugin_params"]["insert_html_section_between_body_and_table"] = _enabled("secret:smtp")
    misplaced = sync(*words, json.dumps(method))
    assert (misplaced.code, "method contains 'secret:smtp', which is not in a part" in misplaced.err) == (2, True)
    unknown = json.dumps(_smtp("secret:nope"))
    assert (
        "unknown secret 'nope'" in sync("notification-rules", "create", "--description", "x", "--method", unknown).err
    )


def test_a_masked_value_is_never_written(cmk: Checkmk, site: SimulatedSite) -> None:
    key = cmk.notification_rules.create(description="Mail", method=_smtp(SECRET)).id
    field = r"method\.plugin_params\.enable_sync_smtp\.value\.auth\.value\.password is masked"
    for mask in ("***", "******"):
        with pytest.raises(ValueError, match=field):
            cmk.notification_rules.update(str(key), method=_smtp(mask))
        with pytest.raises(ValueError, match=field):
            cmk.notification_rules.create(description="Other", method=_smtp(mask))
    assert SECRET in str(_config(site))


def test_answers_with_secrets_are_cached_only_in_memory(site: SimulatedSite, tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    for caching, reads in (
        ({"backend": "sqlite", "path": str(path), "default_ttl": 300}, 2),
        ({"backend": "memory", "default_ttl": 300}, 1),
    ):
        with site.client(caching=caching) as cmk:
            cmk.host_groups.find("linux")
            key = str(cmk.notification_rules.create(description="Mail", method=_smtp(SECRET)).id)
            sent = len(site.requests)
            assert cmk.notification_rules.get(key) == cmk.notification_rules.get(key)
            assert len(site.requests) - sent == reads
            list(cmk.notification_rules.each())
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert stored and SECRET.encode() not in stored


def test_a_refusal_does_not_quote_a_secret(cmk: Checkmk) -> None:
    keys = dict.fromkeys(("api_key", "user_group_key"), f"{SECRET}!")
    method = {"option": OPTION, "plugin_params": {"plugin_name": "pushover", **keys}}
    with pytest.raises(BadRequestError) as caught:
        cmk.notification_rules.create(description="Phone", method=method)
    assert "user_group_key" in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.fields}"


# The simulated site


@pytest.fixture
def raw(site: SimulatedSite) -> Raw:
    return Raw(site)


def test_only_scripts_for_mails_send_bulks(cmk: Checkmk) -> None:
    bulking = NotificationRule.noun.by_name["bulking"].example
    with pytest.raises(BadRequestError, match="The notification script slack does not allow building bulks"):
        cmk.notification_rules.create(description="Slack", method=SLACK, bulking=bulking)


def test_a_new_site_has_no_scripts_of_its_own(cmk: Checkmk) -> None:
    option, params = "create_notification_with_custom_parameters", {"plugin_name": "sms", "params": ["1"]}
    made = cmk.notification_rules.create(description="SMS", method={"option": option, "plugin_params": params})
    assert made.method["plugin_params"] == params
    with pytest.raises(BadRequestError, match="own does not exist"):
        cmk.notification_rules.update(
            str(made.id), method={"option": option, "plugin_params": {**params, "plugin_name": "own"}}
        )


@pytest.mark.parametrize(
    ("part", "option", "value"),
    [
        ("conditions", "match_contact_groups", ["nope"]),
        ("conditions", "match_service_groups", ["nope"]),
        ("conditions", "match_hosts", ["nope"]),
        ("conditions", "match_folder", "/nope"),
        ("conditions", "match_host_tags", [{"tag_type": "aux_tag", "operator": "is_set", "tag_id": "nope"}]),
        (
            "conditions",
            "match_host_tags",
            [{"tag_type": "tag_group", "tag_group_id": "nope", "operator": "is", "tag_id": "x"}],
        ),
        ("conditions", "match_only_during_time_period", "nope"),
        ("contact_selection", "members_of_contact_groups", ["nope"]),
        ("contact_selection", "explicit_email_addresses", ["carol"]),
    ],
)
def test_the_simulated_site_checks_references(cmk: Checkmk, part: str, option: str, value: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        cmk.notification_rules.create(description="Mail", method=MAIL, **{part: {option: _enabled(value)}})
    assert any(path.startswith(f"rule_config.{part}.{option}.value") for path in caught.value.fields)


def test_the_texts_for_absent_rules(raw: Raw, cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.notification_rules.create(description="Mail", method=MAIL)
    assert raw("GET", f"{ONE}/absent").json()["title"] == "The requested notification rule was not found"
    answer = raw("PUT", f"{ONE}/absent", json={"rule_config": _config(site)})
    assert (answer.status_code, answer.json()["title"]) == (404, "Not found")
    assert answer.json()["detail"] == "The rule_id absent does not exist."
    assert raw("POST", f"{ONE}/absent/actions/delete/invoke").status_code == 204
    (listed,) = raw("GET", ALL).json()["value"]
    assert (listed["title"], listed["domainType"]) == ("Mail", "rule_notifications")
