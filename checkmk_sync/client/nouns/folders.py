"""Reads, creates, changes, moves and deletes folders of the configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Optional, Sequence

from ...catalogue.paths import folder_id, folder_path, is_folder_hash, parent_folder
from ...core.arguments import require_string
from ...errors import BadRequestError, CheckmkError, NotFoundError
from ...streaming import Stream
from ..editable import Editable
from ..ensured import Ensured
from ..records import Folder
from ..resource import parsed, writes
from ..updates import (
    Attributes,
    ChangeFunction,
    created_by,
    diff_body,
    differing_values,
    json_mapping,
    matches,
    update_bodies,
)

__all__ = ["Folders"]


class Folders(Editable[Folder]):
    """The folders of the configuration, as ``client.folders``.

    A folder is given as ``/a/b``, ``~a~b``, ``\\a\\b`` or by its id of 32 hexadecimal digits. The root is ``/``.

    Changes take effect in the monitoring with the next activation. If the answer to a write is lost, the client finds
    out whether the write was applied, as for :class:`Hosts`.
    """

    noun = "folders"
    _parse = staticmethod(Folder.parse)

    def _path(self, name: str) -> dict[str, str]:
        return {"folder": folder_id(name)}

    def get(self, folder: str, *, fresh: bool = False) -> Folder:
        """Return one folder with its ETag. Raises NotFoundError if it does not exist.

        With ``fresh=True``, the cache is not used.
        """
        return self._record(Folder.parse, "get", path=self._path(folder), fresh=fresh)

    def each(self, parent: str = "/", *, recursive: bool = True) -> Stream[Folder]:
        """Return a stream of ``parent`` and all folders below it.

        With ``recursive=False``, the stream contains only the direct children, without ``parent`` itself. The request
        is sent when you iterate. BadRequestError is raised then if ``parent`` does not exist.
        """
        query = {"parent": folder_id(parent), "recursive": recursive, "show_hosts": False}
        return Stream(
            lambda received: parsed(self._blocks("list", received, parts=Folder.PARTS, query=query), Folder.parse_all)
        )

    @writes
    def create(
        self,
        folder: str,
        *,
        title: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        parents: bool = False,
        exist_ok: bool = False,
    ) -> Folder:
        """Create a folder and return it with its ETag.

        >>> cmk.folders.create("/linux/web", title="Web servers", parents=True)

        The default title is the name of the folder. ``parents=True`` also creates missing parents. With
        ``exist_ok=True``, an existing folder is returned as it is.

        Raises BadRequestError if the folder exists, if its parent does not exist, or if an attribute is not valid.
        Raises ValueError for the root and for an id. The client reads the folder first, which costs one request.
        """
        path = folder_path(folder)
        if exist_ok and (found := self.find(path, fresh=True)):
            return found
        parent = parent_folder(path)
        if parents and parent not in (None, "/"):
            self.create(str(parent), parents=True, exist_ok=True)
        try:
            return self._create_folder(path, title, attributes, was_absent=exist_ok)
        except BadRequestError:  # another user may have created it since it was read
            if exist_ok and (found := self.find(path, fresh=True)):
                return found
            raise

    @writes
    def create_absent(
        self, folder: str, *, title: Optional[str] = None, attributes: Optional[Attributes] = None
    ) -> Folder:
        """Create a folder like :meth:`create`, without reading it first.

        Call it only if you have just read the folder and it was not found. Otherwise, after a lost answer, the client
        could take an existing folder for the new one.
        """
        return self._create_folder(folder_path(folder), title, attributes, was_absent=True)

    def _create_folder(
        self, path: str, title: Optional[str], attributes: Optional[Attributes], *, was_absent: bool
    ) -> Folder:
        parent = parent_folder(path)
        if parent is None or is_folder_hash(path):
            raise ValueError(f"{path!r} cannot be created; give a path below '/'")
        if title is not None:
            require_string(title, "title")
        name = path.rpartition("/")[2]
        values = json_mapping(attributes or {}, path)
        body = {"name": name, "title": title or name, "parent": parent, "attributes": values}
        user = self._site.settings.username
        return self._create(
            path,
            body,
            lambda _there, found: _is_as_in(body, found) and created_by(user, 0.0, found.meta),
            was_absent=was_absent,
        )

    @writes
    def ensure(
        self,
        folder: str,
        *,
        title: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        check: bool = False,
    ) -> Ensured[Folder]:
        """Create a folder with its missing parents, or change it if its title or attributes differ.

        >>> cmk.folders.ensure("/linux/web", attributes={"tag_criticality": "prod"}).changed

        Attributes that are not given stay as they are. Parents are created if they are missing, and never changed. With
        ``check=True``, nothing is written, and the result is what a call without it would do.
        """
        path, wanted = folder_path(folder), json_mapping(attributes or {}, folder)
        before = self.find(path, fresh=True)
        if before is None:
            name = path.rpartition("/")[2]
            after = Folder(path, title or name, wanted)
            if not check:
                after = self.create(path, title=title, attributes=wanted, parents=True, exist_ok=True)
            return Ensured(None, after, ("create",), differing_values({"title": after.title, **wanted}, {}))
        title = title or before.title
        changes = differing_values({"title": title, **wanted}, {"title": before.title, **before.attributes})
        if not changes:
            return Ensured(before, before)
        values = {name: wanted[name] for name in changes if name != "title"}
        after = replace(before, title=title, attributes={**before.attributes, **values}, etag=None)
        if not check:
            new_title = title if "title" in changes else None
            after = self.update(path, title=new_title, update_attributes=values or None)
        return Ensured(before, after, ("update",), changes)

    @writes
    def update(
        self,
        folder: str,
        change: Optional[ChangeFunction] = None,
        *,
        title: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        update_attributes: Optional[Attributes] = None,
        remove_attributes: Optional[Sequence[str]] = None,
        etag: Optional[str] = None,
    ) -> Folder:
        """Change the title or the attributes of a folder, and return the folder as it is afterwards.

        >>> cmk.folders.update("/linux", title="Linux servers", update_attributes={"tag_criticality": "prod"})

        ``title`` can be combined with one of the other arguments. These, the ``etag`` and the errors are as in
        :meth:`Hosts.update`.
        """
        body = {} if title is None else {"title": require_string(title, "title")}
        body_for = update_bodies(folder, change, attributes, update_attributes, remove_attributes, body)
        return self._update(folder, lambda before: body_for(before.attributes), etag)

    @writes
    def update_read(
        self, folder: str, change: Callable[[Folder], Attributes], *, title: Optional[str] = None
    ) -> Folder:
        """Change a folder like :meth:`update`, but call ``change`` with the :class:`.Folder` instead of its attributes.

        ``change`` gets the folder as just read, and returns all attributes. If another user changes the folder in
        between, the folder is read and ``change`` is called again.
        """
        body = {} if title is None else {"title": require_string(title, "title")}
        return self._update(
            folder, lambda before: {**body, **diff_body(lambda _: change(before), before.attributes, folder)}
        )

    def _update(self, folder: str, body_for: Callable[[Folder], dict[str, Any]], etag: Optional[str] = None) -> Folder:
        return self._change(
            folder,
            "update",
            body_for,
            lambda _there, found, body, _before: _is_as_in(body, found),
            etag=etag,
            name_after=lambda before: before.path,
        )

    @writes
    def move(self, folder: str, destination: str) -> Folder:
        """Move a folder with its contents into the folder ``destination``, and return it with its new path.

        If it is already there, no change is sent. Raises NotFoundError if the folder does not exist. Raises
        BadRequestError if the destination does not exist or is inside the folder.
        """
        target = self._resolve_folder(destination)

        return self._change(
            folder,
            "move",
            lambda before: {} if parent_folder(before.path) == target else {"destination": target},
            # A folder with another creator or creation time is a different folder with the same name.
            lambda there, found, _body, before: (
                _creation(found) == _creation(before) is not None and there.find(before.path, fresh=True) is None
            ),
            refusals=lambda _body: (BadRequestError, NotFoundError),
            name_after=lambda before: _path_in(target, before),
        )

    def can_delete_empty(self) -> bool:
        """Return True if the site can refuse to delete a folder with contents (Checkmk 2.2.0p26 and later)."""
        return self._supports("delete", "delete_mode")

    @writes
    def delete(self, folder: str, *, recursive: bool = False, missing_ok: bool = False) -> None:
        """Delete an empty folder. With ``recursive=True``, also delete **all hosts and folders in it**.

        Raises ConflictError if the folder is not empty, and ForbiddenError for the root. Raises NotFoundError if the
        folder does not exist, unless ``missing_ok`` is True.

        Checkmk before 2.2.0p26 always deletes the contents as well. For these versions, a call without
        ``recursive=True`` raises CheckmkError and deletes nothing.
        """
        query = {}
        if self.can_delete_empty():
            query["delete_mode"] = "recursive" if recursive else "abort_on_nonempty"  # Checkmk's default is recursive
        elif not recursive:
            # Reading the folder first would not help: it does not show hosts that the user cannot see, or hosts that
            # another user is adding.
            raise CheckmkError(
                f"Checkmk {self._site.version()} can delete {folder} only together with its contents; "
                f"delete it recursively, or update to 2.2.0p26 or later"
            )
        self._delete(folder, missing_ok, query=query, key=folder_path(folder))


def _is_as_in(body: Attributes, folder: Folder) -> bool:
    """Return True if the folder has the title and the attributes that the body sets."""
    return folder.title == body.get("title", folder.title) and matches(body, folder.attributes)


def _path_in(target: str, folder: Folder) -> str:
    """Return the path of a folder after a move into ``target``."""
    return f"{target.rstrip('/')}/{folder.path.rpartition('/')[2]}"


def _creation(folder: Folder) -> Optional[tuple[str, str]]:
    """Return the creation time and the creator of a folder, which a move does not change; None if they are unknown."""
    meta = folder.meta
    return (str(meta["created_at"]), str(meta.get("created_by"))) if meta.get("created_at") else None
