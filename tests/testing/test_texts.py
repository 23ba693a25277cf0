"""The simulated site uses Checkmk's titles and details, because clients display or match them."""

from __future__ import annotations

from checkmk_sync.testing import Fault, SimulatedSite
from tests.raw_requests import Raw
from tests.testing.test_requests import (
    ACTIVATE,
    FOLDERS,
    HOSTS,
    NET,
    RUNS,
    STAR,
    UNKNOWN_URL,
    WEB,
    every,
    problem,
    raw,
)

__all__ = ["every", "raw"]  # fixtures


# Hosts and folders


def test_missing_and_wrong_etags_are_explained(raw: Raw) -> None:
    for path, body in (
        (WEB, {"attributes": {"alias": "x"}}),
        (NET, {"title": "x"}),
    ):
        status, title, detail = problem(raw("PUT", path, json=body))
        assert (status, title) == (428, "Precondition required")
        assert detail == "If-Match header required for this operation. See documentation."
        current = raw("GET", path).headers["ETag"].strip('"')
        answer = raw("PUT", path, {"If-Match": '"old"'}, json=body)
        detail = f"ETag didn't match. Expected {current}. Probable cause: Object changed by another user."
        assert problem(answer) == (412, "Precondition failed", detail)
        for tag in ('"{}"', "{}", '"other", "{}"', "*"):
            current = raw("GET", path).headers["ETag"].strip('"')
            assert raw("PUT", path, {"If-Match": tag.format(current)}, json={"attributes": {}}).status_code == 200
    ext = raw("PUT", WEB, {"If-Match": '"old"'}, json={"attributes": {}}).json()["ext"]
    assert ext == {"name": "web", "attributes": {}, "cluster_nodes": None}


def test_several_kinds_of_change_are_refused(every: Raw) -> None:
    both = {"attributes": {"alias": "x"}, "remove_attributes": ["alias"]}
    said = (
        "This endpoint only allows 1 action (set/update/remove) per call, "
        "you specified 2 actions: attributes, remove_attributes."
    )
    for method, path, body, place in (
        ("PUT", WEB, both, []),
        ("PUT", NET, {**both, "attributes": {}}, []),
        ("PUT", f"{HOSTS}/actions/bulk-update/invoke", {"entries": [{"host_name": "web", **both}]}, ["entries", "0"]),
        ("PUT", f"{FOLDERS}/actions/bulk-update/invoke",
         {"entries": [{"folder": "/net", **both, "attributes": {}}]}, ["entries", "0"]),
    ):  # fmt: skip
        answer = every(method, path, STAR, json=body)
        assert answer.status_code == 400, path
        fields = answer.json()["fields"]
        for key in place:
            fields = fields[key]
        assert fields == {"_schema": [said]}
    # Errors of single fields are reported before the conflict.
    answer = every("PUT", WEB, STAR, json={**both, "attributes": {"alias": 1}})
    assert answer.json()["fields"] == {"attributes": {"alias": ["Not a valid string."]}}


def test_removing_absent_attributes_is_refused(raw: Raw) -> None:
    assert raw("PUT", WEB, STAR, json={"attributes": {"alias": "x"}}).status_code == 200
    answer = raw("PUT", WEB, STAR, json={"remove_attributes": ["alias", "ipaddress", "tag_agent"]})
    detail = "The following attributes were not removed since they didn't exist: ipaddress, tag_agent"
    assert problem(answer) == (400, "Some attributes were not removed", detail)
    assert raw("GET", WEB).json()["extensions"]["attributes"].keys() == {"meta_data"}
    answer = raw("PUT", NET, STAR, json={"remove_attributes": ["tag_agent", "labels"]})
    detail = "The following attributes did not exist and could thereforenot be removed: tag_agent, labels"
    assert problem(answer) == (400, "The folder was not updated", detail)
    entries = [{"folder": "/", "title": "Start"}, {"folder": "/net", "remove_attributes": ["labels"]}]
    answer = raw("PUT", f"{FOLDERS}/actions/bulk-update/invoke", json={"entries": entries})
    assert problem(answer)[:2] == (400, "Some folders were not updated")
    assert problem(answer)[2].endswith("some of the provided remove attributes did not exist: Net")
    assert raw("GET", "/objects/folder_config/~").json()["title"] == "Start"


def test_bulk_calls_list_failed_hosts(raw: Raw) -> None:
    raw.site.set_faults([Fault("fail_host", hosts="bad.*")])
    entries = [{"host_name": name, "folder": "/"} for name in ("bad1", "good", "bad2")]
    answer = raw("POST", f"{HOSTS}/actions/bulk-create/invoke", json={"entries": entries})
    detail = "Some of the actions were performed but the following were faulty and were skipped: bad1 ,bad2."
    assert problem(answer) == (400, "Some actions failed", detail)
    assert set(answer.json()["ext"]) == {"succeeded_hosts", "failed_hosts"}


def test_impossible_folder_changes_are_refused(raw: Raw) -> None:
    again = {"name": "net", "title": "x", "parent": "/"}
    answer = raw("POST", f"{FOLDERS}/collections/all", json=again)
    assert problem(answer)[0] == 400
    assert problem(answer)[2] == "A folder with name 'net' already exists."
    for target in ("/", "/net"):
        answer = raw("POST", "/objects/folder_config/~/actions/move/invoke", STAR, json={"destination": target})
        assert problem(answer) == (400, "Problem moving folder", "You can't move the root folder.")
    answer = raw("POST", f"{NET}/actions/move/invoke", STAR, json={"destination": "/"})
    assert problem(answer)[:2] == (400, "Problem moving folder.")
    answer = raw("POST", f"{NET}/actions/move/invoke", STAR, json={"destination": "/net"})
    assert problem(answer) == (
        400,
        "Problem moving folder.",
        "Cannot move folder: A folder can not be moved into itself.",
    )
    assert (
        raw("POST", f"{FOLDERS}/collections/all", json={"name": "below", "title": "B", "parent": "/net"}).status_code
        == 200
    )
    answer = raw("POST", f"{NET}/actions/move/invoke", STAR, json={"destination": "/net/below"})
    assert problem(answer)[2] == "Cannot move folder: A folder can not be moved to a folder within itself."
    answer = raw("DELETE", "/objects/folder_config/~")
    assert problem(answer) == (401, "Problem deleting folder.", "Deleting the root folder is not permitted.")
    raw("POST", f"{WEB}/actions/move/invoke", STAR, json={"target_folder": "/net"})
    answer = raw("DELETE", f"{NET}?delete_mode=abort_on_nonempty")
    detail = "Folder is not empty or is referenced by another object. Use the force parameter to delete it."
    assert problem(answer) == (409, "Problem deleting folder.", detail)
    answer = raw("POST", f"{WEB}/actions/move/invoke", STAR, json={"target_folder": "~net"})
    detail = "The host is already part of the specified target folder"
    assert problem(answer) == (400, "Invalid move action", detail)


# Activation and jobs


def test_pending_changes_have_no_extensions(every: Raw) -> None:
    data = every("GET", f"{RUNS}/collections/pending_changes").json()
    assert "extensions" not in data
    assert ("id" in data) is not every.site.state.profile.version.at_least("2.5.0")
    assert {"domainType", "links", "value"} <= data.keys()


def test_impossible_activations_are_refused(every: Raw) -> None:
    every.site.add_user("other", "others secret", "user")
    other = {"Authorization": "Bearer other others secret", **STAR}
    detail = "There are changes from other users and foreign changes are not allowed in this API call."
    assert problem(every("POST", ACTIVATE, other, json={})) == (401, "The operation has failed.", detail)
    status, title, detail = problem(every("POST", ACTIVATE, other, json={"force_foreign_changes": True}))
    assert (status, title) == (401, "Unauthorized")
    assert detail.endswith("'<b>Activate foreign changes</b>'.")
    answer = every("POST", ACTIVATE, STAR, json={"sites": ["nope"]})
    assert problem(answer) == (400, "The operation has failed.", "Unknown site nope")
    assert every("POST", ACTIVATE, STAR, json={}).status_code == 200
    detail = "There is already an activation running."
    assert problem(every("POST", ACTIVATE, STAR, json={})) == (423, "The operation has failed.", detail)
    every.site.state.activations.runs.clear()
    every.site.state.configuration.changes.clear()
    detail = "Currently there are no changes to activate."
    assert problem(every("POST", ACTIVATE, STAR, json={})) == (422, "The operation has failed.", detail)


def test_missing_jobs_are_not_found(every: Raw) -> None:
    is_new = every.site.state.profile.version.at_least("2.4.0")
    for path in ("/objects/activation_run/x", "/objects/activation_run/x/actions/wait-for-completion/invoke"):
        if is_new:
            said = (404, "The requested activation was not found", "Could not find an activation with id 'x'.")
        else:
            said = (404, "Activation 'x' not found.", None)
        assert problem(every("GET", path)) == said
    if is_new:
        detail = "Could not find a background job with the ID 'x' on site s"
        said = (404, "The requested background job does not exist", detail)
        assert problem(every("GET", "/objects/background_job/x")) == said
        assert problem(every("GET", "/objects/background_job/x?site_id=far"))[2].endswith("on site far")
        assert problem(every("GET", "/objects/discovery_run/bulk_discovery")) == (404, "Not Found", UNKNOWN_URL)
    else:
        assert problem(every("GET", "/objects/discovery_run/x")) == (404, "Background job 'x' not found.", None)
    answer = every("GET", "/objects/service_discovery_run/web/actions/wait-for-completion/invoke")
    detail = "Could not find a service discovery for host web"
    assert problem(answer) == (404, "The requested service discovery job was not found", detail)
    method = "GET" if is_new else "POST"
    answer = every(method, f"{HOSTS}/actions/wait-for-completion/invoke", {"Content-Type": "application/json"})
    if every.site.state.profile.version.at_least("2.3.0"):
        text = "No running renaming job was found"
        assert problem(answer) == ((404, "Not found", text) if is_new else (404, text, None))


def test_the_bulk_discovery_job_exists_before_its_start() -> None:
    for version in ("2.2.0p44", "2.3.0p41"):
        with SimulatedSite(version) as site:
            raw = Raw(site)
            answer = raw("GET", "/objects/discovery_run/bulk_discovery")
            data = answer.json()
            assert (answer.status_code, data["id"], data["domainType"]) == (200, "bulk_discovery", "discovery_run")
            assert (data["extensions"]["active"], data["extensions"]["state"]) == (False, "initialized")
            assert data["extensions"]["logs"] == {"result": [], "progress": []}
            raw.session.close()


def test_the_scan_job_exists_before_its_start(every: Raw) -> None:
    data = every("GET", "/objects/service_discovery_run/web").json()
    assert (data["extensions"]["active"], data["extensions"]["state"]) == (False, "initialized")
    assert data["extensions"]["logs"] == {"result": [], "progress": []}


def test_impossible_scans_are_refused(every: Raw) -> None:
    start, body = "/domain-types/service_discovery_run/actions/start/invoke", {"host_name": "web", "mode": "refresh"}
    assert every("POST", start, json=body).status_code in (302, 303)
    detail = "A service discovery background job is currently running"
    assert problem(every("POST", start, json=body)) == (409, "Conflict", detail)
    bulk = "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"
    options = {"monitor_undecided_services": True}
    is_old = not every.site.state.profile.has_background_jobs
    hosts = {"hostnames": ["web"], **({} if is_old else {"options": options})}
    assert every("POST", bulk, json=hosts).status_code in (200, 303)
    if is_old:
        detail = "A bulk discovery job is already running. Please use the 'discovery_run' endpoint"
        assert problem(every("POST", bulk, json=hosts))[0] == 409


def test_setting_the_phase_of_an_unknown_service_changes_nothing(raw: Raw) -> None:
    before = raw.site.counts()["pending_changes"]
    body = {"check_type": "df", "service_item": "/boot", "target_phase": "ignored"}
    assert raw("PUT", "/objects/host/web/actions/update_discovery_phase/invoke", json=body).status_code == 204
    assert raw.site.counts()["pending_changes"] == before


def test_renaming_a_host_is_a_background_job(raw: Raw) -> None:
    raw.site.state.configuration.changes.clear()
    assert raw("PUT", f"{WEB}/actions/rename/invoke", json={"new_name": "neu"}).status_code == 303
    data = raw("GET", "/objects/background_job/rename-hosts").json()
    assert (data["extensions"]["active"], data["extensions"]["site_id"]) == (True, "s")
    assert data["title"] == "Background job rename-hosts is active"
    raw.site.state.jobs.by_id["rename-hosts"].finish()
    data = raw("GET", "/objects/background_job/rename-hosts").json()
    assert data["title"] == "Background job rename-hosts is finished"
    assert data["extensions"]["status"]["log_info"].keys() == {"JobProgressUpdate", "JobResult", "JobException"}
    assert raw("GET", "/objects/host_config/neu").status_code == 200


# Monitoring


def test_unmonitored_objects_are_not_found(raw: Raw) -> None:
    said = problem(raw("GET", "/objects/host/web"))
    assert said == (404, "The requested host was not found", "The host name web did not match any host")
    said = problem(raw("GET", "/objects/host/web/actions/show_service/invoke?service_description=CPU"))
    assert said[0] == 404
    answer = raw("GET", "/objects/host/nope/collections/services")
    assert answer.json()["fields"] == {"host_name": ["Host not found: 'nope'"]}
    assert answer.status_code == 404
    answer = raw("GET", "/domain-types/service/collections/all?host_name=nope")
    assert (answer.status_code, answer.json()["fields"]) == (400, {"host_name": ["Host not found: 'nope'"]})
    assert raw("GET", "/objects/host/web/collections/services").json()["value"] == []


def test_invalid_queries_are_explained(raw: Raw) -> None:
    for query, said in (
        ({"op": "x", "left": "name", "right": "y"}, "Unknown operator: x"),
        ({"op": "and", "expr": []}, "Need at least one parameter."),
        ({"op": "=", "left": "nothing", "right": "y"}, "Table 'hosts' has no column 'nothing'."),
        (
            {"op": "=", "left": "services.state", "right": "y"},
            "This field can only query table 'hosts'. (services.state)",
        ),
    ):
        answer = raw("POST", "/domain-types/host/collections/all", json={"query": query})
        assert (answer.status_code, answer.json()["fields"]) == (400, {"query": [said]})
