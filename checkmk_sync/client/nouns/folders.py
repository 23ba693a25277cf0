"""Reads, creates, changes, moves and deletes folders of the configuration."""

from __future__ import annotations

from typing import Optional, Sequence

from ...catalogue.paths import folder_id, folder_path, is_folder_hash, parent_folder
from ...core.arguments import require_string
from ...errors import BadRequestError, CheckmkError, NotFoundError
from ...streaming import Stream
from ..attributed import Attributed
from ..editable import Values
from ..ensured import Ensured
from ..records import Folder
from ..resource import writes
from ..updates import Attributes, ChangeFunction, birth, json_mapping, update_function


class Folders(Attributed[Folder]):
    """The folders of the configuration, as ``client.folders``.

    A folder is given as ``/a/b``, ``~a~b``, ``\\a\\b`` or by its ID of 32 hexadecimal digits. The root is ``/``.

    Changes take effect in the monitoring with the next activation. If the answer to a write is lost, the client finds
    out whether the write was applied, as for :class:`Hosts`.
    """

    noun, record = "folders", Folder
    _key, _wire_key, _member = "path", "name", "title"
    _parse = staticmethod(Folder.parse)

    def _path(self, name: str) -> dict[str, str]:
        return {"folder": folder_id(name)}

    def get(self, folder: str, *, fresh: bool = False) -> Folder:
        """Return one folder with its ETag. Raises NotFoundError if it does not exist.

        With ``fresh=True``, the cache is not used.
        """
        return super().get(folder, fresh=fresh)

    def each(self, parent: str = "/", *, recursive: bool = True) -> Stream[Folder]:
        """Return a stream of ``parent`` and all folders below it.

        With ``recursive=False``, the stream contains only the direct children, without ``parent`` itself. The request
        is sent when you iterate. BadRequestError is raised then if ``parent`` does not exist.
        """
        query = {"parent": folder_id(parent), "recursive": recursive, "show_hosts": False}
        return Stream(lambda received: self._list(received, query=query))

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
        Raises ValueError for the root and for an ID. The client reads the folder first, which costs one request.
        """
        wanted = _folder(folder, title, attributes)
        if exist_ok and (found := self.find(wanted.path, fresh=True)):
            return found
        parent = parent_folder(wanted.path)
        if parents and parent not in (None, "/"):
            self.create(str(parent), parents=True, exist_ok=True)
        try:
            return self._create(wanted, was_absent=exist_ok)
        except BadRequestError:  # another user may have created it since it was read
            if exist_ok and (found := self.find(wanted.path, fresh=True)):
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
        return self._create(_folder(folder, title, attributes), was_absent=True)

    def _creation_body(self, record: Folder, /) -> Values:
        parent = parent_folder(record.path)
        if parent is None or is_folder_hash(record.path):
            raise ValueError(f"{record.path!r} cannot be created; give a path below '/'")
        return {"name": _name(record), "title": record.title, "parent": parent, "attributes": record.attributes}

    @writes
    def ensure(
        self, folder: str, *, title: Optional[str] = None, attributes: Optional[Attributes] = None, check: bool = False
    ) -> Ensured[Folder]:
        """Create a folder with its missing parents, or change it if its title or attributes differ.

        >>> cmk.folders.ensure("/linux/web", attributes={"tag_criticality": "prod"}).changed

        Attributes that are not given stay as they are. Parents are created if they are missing, and never changed. With
        ``check=True``, nothing is written, and the result shows what a call without it would do.
        """
        wanted = _folder(folder, title, attributes)
        given = self._given(wanted, with_member=bool(title))
        return self._ensure(wanted.path, given, check, lambda: wanted)

    def _create_missing(self, wanted: Folder, /) -> Folder:
        return self.create(wanted.path, title=wanted.title, attributes=wanted.attributes, parents=True, exist_ok=True)

    def _set_values(self, key: str, values: Values, /) -> Folder:
        attributes = dict(values)
        title = attributes.pop("title", None)
        return self.update(key, title=title, update_attributes=attributes or None)

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
        kinds = (attributes, update_attributes, remove_attributes)
        more = {} if title is None else {"title": require_string(title, "title")}
        return self.update_with(folder, update_function(folder, change, kinds, more), etag)

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
                birth(found.meta) == birth(before.meta) is not None and there.find(before.path, fresh=True) is None
            ),
            refusals=lambda _body: (BadRequestError, NotFoundError),
            name_after=lambda before: f"{target.rstrip('/')}/{_name(before)}",
        )

    def can_delete_empty(self) -> bool:
        """Return True if the site can refuse to delete a folder with contents (Checkmk 2.2.0p26 and later)."""
        return self._supports("delete", "delete_mode")

    @writes
    def delete(self, folder: str, *, recursive: bool = False, missing_ok: bool = False) -> None:
        """Delete an empty folder. With ``recursive=True``, also delete **all hosts, folders and rules in it**.

        Raises ConflictError if the folder is not empty, and ForbiddenError for the root. Raises NotFoundError if the
        folder does not exist, unless ``missing_ok`` is True.

        Checkmk before 2.2.0p26 always deletes the contents as well. For these versions, a call without
        ``recursive=True`` raises CheckmkError and deletes nothing.
        """
        if not (recursive or self.can_delete_empty()):
            # Reading the folder first would not help: it does not show hosts that the user cannot see, or hosts that
            # another user is adding.
            raise CheckmkError(
                f"Checkmk {self._site.version()} can delete {folder} only together with its contents; "
                f"delete it recursively, or update to 2.2.0p26 or later"
            )
        mode = "recursive" if recursive else "abort_on_nonempty"  # Checkmk's default is recursive
        self._delete(folder_path(folder), missing_ok, {"delete_mode": mode if self.can_delete_empty() else None})


def _folder(folder: str, title: Optional[str], attributes: Optional[Attributes]) -> Folder:
    path = folder_path(folder)
    name = path.rpartition("/")[2]
    if title is not None:
        require_string(title, "title")
    return Folder(path, title or name, json_mapping(attributes or {}, path))


def _name(folder: Folder) -> str:
    return folder.path.rpartition("/")[2]
