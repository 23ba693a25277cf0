"""Host tag groups."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

from ..field import Former
from ..noun import ALWAYS, CRUD, Option, Record, attr, key, noun


def _in_order(tags: Iterable[Mapping[str, Any]]) -> list[tuple[Optional[str], str, list[str]]]:
    # The order counts, because the first tag is the default of every host.
    found = [(tag.get("id"), tag["title"], sorted(tag.get("aux_tags") or ())) for tag in tags]
    if not all(isinstance(text, str) for name, title, aux_tags in found for text in (name or "", title, *aux_tags)):
        raise ValueError("IDs and titles are strings")  # YAML reads yes and 1 as other values
    return found


def _readable(tags: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    _in_order(tags)
    return tags


def _with_removed(found: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    ids = {tag.get("id") for tag in wanted}
    removed = [tag for tag in found if tag.get("id") not in ids]
    titles = {tag["title"] for tag in removed}
    # Checkmk would rename a removed tag whose title another one has.
    added = [{**tag, "title": f"{tag['title']} ({tag.get('id')})"} if tag["title"] in titles else tag for tag in wanted]
    return [*added, *removed]


def _with_former_ids(tags: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"ident" if name == "id" else name: value for name, value in tag.items()} for tag in tags]


@noun(
    "tag_groups",
    "host tag group",
    "host_tag_group",
    CRUD,
    rank=15,
    touches=("hosts", "folders", "rules", "rulesets"),
    options=(
        Option("repair", {"update": ALWAYS, "delete": ALWAYS}, "Also change the hosts, folders and rules that use it."),
        Option("mode", {"delete": "2.4.0b1"}, "What to do with rules that use it.", str, ("abort", "delete", "remove")),
    ),
)
class TagGroup(Record):
    """A group of tags. Each host has exactly one tag of each group, which is the first one by default."""

    # Werk 16364 renamed ``ident`` to ``id``. The official documents have this pattern for the ID in URLs.
    name: str = key(
        "ID of the group.",
        wire="id",
        former=(Former("2.2.0p22", "ident", ("id",), required=True),),
        pattern=r"^[^\d\W][-\w]*$",
        example="environment",
    )
    title: str = attr("Title of the group.", at=("title",), example="Environment")
    tags: list[Any] = attr(
        "Tags of the group, each with a title, an ID, and aux_tags. One tag can lack an ID.",
        min_length=1,
        former=(Former("2.2.0p22", "tags", ("extensions", "tags"), required=True, encode=_with_former_ids),),
        decode=_readable,
        canonical=_in_order,
        interim=_with_removed,
        example=[{"id": "live", "title": "Live", "aux_tags": ["tcp"]}, {"id": "lab", "title": "Lab", "aux_tags": []}],
    )
    topic: Optional[str] = attr("Topic under which the group is shown.", default=None, example="Operations")
    help: Optional[str] = attr("Help text.", default=None, example="Use of the host")
