"""Invalid items of bulk calls are reported by name, and do not affect the outcomes of the others."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, Iterator

import pytest
import responses

from checkmk_sync import Checkmk, Status
from checkmk_sync.errors import BatchError
from checkmk_sync.testing import SimulatedSite


def _entries(count: int, bad: int, what: Any) -> Iterator[Any]:
    for number in range(count):
        if number == bad:
            if isinstance(what, BaseException):
                raise what
            yield what
        else:
            yield {"host_name": f"g{number:03d}"}


MISSHAPEN: list[tuple[Any, str, str]] = [
    ({"host_name": "g450", "ipaddress": "x"}, "g450", "unknown key 'ipaddress' in the entry of 'g450'"),
    ({"host_name": "g450", "attributes": {"alias": {1}}}, "g450", "'alias' of 'g450'.*set"),
    ({"host_name": "g450", "attributes": ["x"]}, "g450", "'g450' must be a mapping"),
    ({"host_name": "g450", "folder": " "}, "g450", "is not a folder"),
    ({"name": "g450"}, "item 450", "this one has 'name'"),
    ({"host_name": 5}, "item 450", "a string as host_name"),
    ("g450", "g450", "is a string"),
    (["g450"], "item 450", "is a list"),
    (None, "item 450", "this one is None"),
]


@pytest.mark.parametrize(("what", "key", "said"), MISSHAPEN)
def test_an_invalid_item_of_an_iterator_is_not_applied(
    site: SimulatedSite, cmk: Checkmk, what: Any, key: str, said: str
) -> None:
    outcomes = cmk.hosts.bulk_create(_entries(500, 450, what))
    assert len(outcomes.applied) == 499 == len(site.state.configuration.hosts)
    (bad,) = outcomes.not_applied
    assert bad.key == key
    assert re.search(said, bad.reason)


@pytest.mark.parametrize(("what", "key", "said"), MISSHAPEN)
def test_an_invalid_item_of_a_list_raises_before_anything_is_sent(
    site: SimulatedSite, cmk: Checkmk, what: Any, key: str, said: str
) -> None:
    with pytest.raises(ValueError, match=f"item 450 of the list: .*{said}"):
        cmk.hosts.bulk_create(list(_entries(500, 450, what)))
    assert len(site.requests) == 0


@pytest.mark.parametrize("raised", [ValueError("row 451 is broken"), RuntimeError("row 451 is broken")])
def test_an_iterator_that_raises_keeps_the_outcomes_so_far(
    site: SimulatedSite, cmk: Checkmk, raised: Exception
) -> None:
    seen: list[str] = []
    with pytest.raises(BatchError, match="^the batch was stopped: row 451 is broken") as caught:
        cmk.hosts.bulk_create(_entries(500, 450, raised), progress=lambda outcome: seen.append(outcome.key))
    assert caught.value.__cause__ is raised
    assert {outcome.key for outcome in caught.value.outcomes} == set(site.state.configuration.hosts) == set(seen)
    assert [outcome.status for outcome in caught.value.outcomes] == [Status.APPLIED] * 450


def test_invalid_changes_and_names_are_not_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create([{"host_name": "a"}, {"host_name": "b"}])
    good = {"host_name": "a", "update_attributes": {"alias": "x"}}
    changed = cmk.hosts.bulk_update(iter([good, {"host_name": "b", "alias": "x"}]))
    assert [(o.key, o.status) for o in changed] == [("b", Status.NOT_APPLIED), ("a", Status.APPLIED)]
    deleted = cmk.hosts.bulk_delete(iter(["a", 7, "b"]))  # type: ignore[list-item]
    assert sorted((o.key, o.status.value) for o in deleted) == [
        ("a", "applied"),
        ("b", "applied"),
        ("item 1", "not applied"),
    ]


def test_a_chunk_is_sent_again_without_each_refused_entry(site: SimulatedSite, cmk: Checkmk) -> None:
    """A site may refuse one entry per request. The recursion depth stays constant."""
    base = f"{site.api_url}/domain-types/host_config/actions/bulk-create/invoke"
    depths: list[int] = []

    def refuse_the_first(request: Any) -> Any:
        depths.append(len(inspect.stack(0)))
        name = json.loads(request.body)["entries"][0]["host_name"]
        fields = {"entries": {"0": {"host_name": [f"{name} exists"]}}}
        return 400, {}, json.dumps({"title": "Bad Request", "status": 400, "fields": fields})

    cmk.version()
    with responses.RequestsMock() as mock:
        mock.add_callback("POST", base, refuse_the_first, content_type="application/problem+json")
        mock.get(f"{site.api_url}/domain-types/host_config/collections/all", json={"value": []})
        outcomes = cmk.hosts.bulk_create([{"host_name": f"h{n:02}"} for n in range(30)])
    assert [(outcome.key, outcome.status) for outcome in outcomes] == [
        (f"h{n:02}", Status.NOT_APPLIED) for n in range(30)
    ]
    assert "h07 exists" in outcomes[7].reason
    assert len(depths) == 30
    assert set(depths[1:]) == {depths[1]}


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", True])
def test_chunk_size_must_be_a_positive_whole_number(cmk: Checkmk, size: Any) -> None:
    with pytest.raises(ValueError, match="chunk_size must be a whole number"):
        cmk.hosts.bulk_create([{"host_name": "h"}], chunk_size=size)
