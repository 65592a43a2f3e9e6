# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kind of Google object has to say about itself. Private to the collection.

Most kinds are class attributes alone::

    class Network(Resource):
        kind = "compute_network"                    # = the singular module's name
        title = "network"                           # what messages call it
        service = "compute"                         # whose endpoint
        fields = (Field("name", required=True, identity=True), Field("mtu", type="int", immutable=True), ...)
        path = "compute/v1/projects/{project}/global/networks/{name}"
        family = operations.COMPUTE                 # how its writes are waited for; None: synchronous
        update_method = "PATCH"
        mark = DescriptionMark()

Templates (``path``, ``parent_path``, ``create_query``, ``lock``) are filled from :meth:`variables`: the options, plus
``project`` and, if a template names it, ``project_number``.

What a kind can override, from least to most:

* ``validate()``         sentences about a declaration that cannot be right (before anything is read)
* ``examine(found, changes)``  sentences about changes that must be refused, seeing what is there
* ``readiness(found)``   READY, PENDING, FAILED or GOING, with a detail
* ``body()``             what a create sends;  ``output(found)``  what the result shows
* ``read()``             the object or None;  ``find_in_list()`` when there is no get (set ``list_items``)
* ``fixed(changes)``, ``refusal(change)``  which changes mean "delete and create", and why, in a sentence
* ``difference(found)``  the changes, for kinds that compare more than fields (a bundle's content)
* ``create()`` / ``update(found, changes)`` / ``delete(found)``  the calls; each waits (``self.finish(reply)``) itself
* ``conclude(found)``     the last step of a change, after all objects of the kinds that ``concludes_after()`` names
* ``diff(plan)``         what ``--diff`` shows, as data
* ``references()``       what has to exist first, beyond ``Field.reference`` and ``after``

A resource never knows Ansible. It talks through ``self.wire`` and shares reads through ``self.context.once``.
Raise ``Failure`` subclasses (``_google.errors``) with whole sentences; the engine puts the object's name in front.
"""

from __future__ import annotations

import dataclasses
import string
import typing as t
from urllib.parse import quote

from .._google import operations
from .._google.errors import ApiError, Failure
from .._google.session import Wire
from . import fields as f
from .calls import Calls
from .compare import Change, differences
from .context import Context
from .fields import Document, Field, Options
from .ownership import Mark
from .shown import Shown
from .states import Reference, State


class Resource(Calls, Shown):
    """One object as it is wanted. See the module's text for the parts a kind states."""

    kind: t.ClassVar[str]
    title: t.ClassVar[str]
    service: t.ClassVar[str]
    fields: t.ClassVar[tuple[Field, ...]]
    #: Options of the reading module beside those that say which objects are meant.
    reading: t.ClassVar[tuple[Field, ...]] = ()
    #: Further rules of the argument spec, as ansible-core writes them.
    required_if: t.ClassVar[tuple[t.Any, ...]] = ()
    mutually_exclusive: t.ClassVar[tuple[t.Any, ...]] = ()
    required_together: t.ClassVar[tuple[t.Any, ...]] = ()
    required_one_of: t.ClassVar[tuple[t.Any, ...]] = ()

    #: The object's path below the service's endpoint, version included.
    path: t.ClassVar[str] = ""
    #: Where create POSTs and list GETs; default: ``path`` without its last segment.
    parent_path: t.ClassVar[str] = ""
    create_query: t.ClassVar[dict[str, str]] = {}
    #: Key around the create body ("cluster"), where Google wants one.
    create_wrapper: t.ClassVar[str] = ""
    #: "PATCH" (changed fields), "PUT" (whole object: read, modified, written) or "" (nothing can change in place).
    update_method: t.ClassVar[str] = ""
    #: PATCH sends ``updateMask`` with the changed fields' places.
    update_mask: t.ClassVar[bool] = True
    #: Fields of Google's object that every update must carry (fingerprint, etag).
    update_carries: t.ClassVar[tuple[str, ...]] = ()
    #: Compute's idempotency key: a repeated create or patch is carried out once.
    request_ids: t.ClassVar[bool] = False
    family: t.ClassVar[operations.Family | None] = None

    #: No get: name of the array in the list reply, and the options that tell which entry is ours.
    list_items: t.ClassVar[str] = ""
    list_match: t.ClassVar[tuple[str, ...]] = ()

    #: Where Google tells the state, and which words mean what. "" = usable as soon as it exists.
    state_place: t.ClassVar[str] = ""
    states: t.ClassVar[dict[str, State]] = {
        "ACTIVE": State.READY,
        "CREATING": State.PENDING,
        "UPDATING": State.PENDING,
        "DELETING": State.GOING,
        "ERROR": State.FAILED,
        "FAILED": State.FAILED,
    }

    mark: t.ClassVar[Mark] = Mark()
    #: Objects with the same key change one after the other. A template; "" = no lock.
    lock: t.ClassVar[str] = ""
    #: Kinds whose objects come first whenever they are in the same list.
    after: t.ClassVar[tuple[str, ...]] = ("project_services",)
    #: Kinds whose objects go first where they go in the same run: this one still serves them until then.
    outlives: t.ClassVar[tuple[str, ...]] = ()
    #: Google takes minutes: ``wait: false`` does not wait for these.
    long_running: t.ClassVar[bool] = False
    #: Seconds that a change of one object may take, unless ``timeout`` says otherwise.
    timeout: t.ClassVar[float] = 300.0
    #: Seconds for which a delete is repeated while Google says that the object is in use.
    delete_patience: t.ClassVar[float] = 60.0
    #: Which option is the object's name in reports.
    name_option: t.ClassVar[str] = "name"
    #: A list of the kind's collection holds its objects just as a get does: many are read by one call (plan.py).
    listed_whole: t.ClassVar[bool] = False
    #: Why an export leaves the kind out; "": it is part of what an organisation holds.
    left_out: t.ClassVar[str] = ""
    #: Options that Google fills in where nobody states them: no entry of a folder misses them.
    filled: t.ClassVar[frozenset[str]] = frozenset()
    #: Whether pruning looks at the kind without being told to by its name.
    pruned: t.ClassVar[bool] = True
    #: Whether an object that somebody else made can become ours, where the mark has a place of its own.
    adopts: t.ClassVar[bool] = False
    #: One of ours that failed serves nobody, so it is deleted and made again without being asked.
    remade_when_failed: t.ClassVar[bool] = False
    #: Kinds whose objects in this one are deleted with it.
    contents: t.ClassVar[tuple[str, ...]] = ()
    #: Names of objects that are this collection's own or Google's: neither exported nor pruned.
    reserved: t.ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Options, context: Context) -> None:
        """``options`` are validated; nulls mean "not stated" and are dropped."""
        self.options: Options = f.prune(options)
        self.context = context
        self.wire = Wire(context.client, float(self.options.get("timeout") or self.timeout))
        #: Last segment of the name Google gave it, when found in a list.
        self.remote_id = ""
        #: The long operation that was started and not waited for (``wait: false``).
        self.running: Document | None = None
        #: Not all of a change could be started, because Google does one thing at a time and nobody waits.
        self.unfinished = False
        #: An update puts our mark on an object that somebody else made.
        self.adopting = False

    # -- who ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What reports call it."""
        return str(self.options.get(self.name_option) or self.kind)

    @property
    def subject(self) -> str:
        """How a message begins: ``network shop-vpc``."""
        return f"{self.title} {self.name}"

    @property
    def project(self) -> str:
        """The project id or number. Raises Failure when nobody names one."""
        project = self.options.get("project") or self.context.once("project", self.context.client.project)
        if not project:
            raise Failure("no project: set project (or GCP_PROJECT).")
        return str(project)

    def variables(self) -> dict[str, t.Any]:
        """Values for templates."""
        return {**self.options, "remote_id": self.remote_id}

    def fill(self, template: str) -> str:
        """Fill a template; values are quoted as path segments."""
        values = self.variables()
        filled = {}
        for _text, name, _format, _conversion in string.Formatter().parse(template):
            if name is None:
                continue
            if name == "project" and not values.get("project"):
                value = self.project
            elif name == "project_number":
                value = self.context.project_number(self.wire, self.project)
            else:
                value = values[name]
            filled[name] = quote(str(value), safe=":@.-_~")
        return template.format(**filled)

    def url(self) -> str:
        """The object's own path."""
        return self.fill(self.path)

    def parent_url(self) -> str:
        """The path of the collection it is in."""
        return self.fill(self.parent_path or self.path.rsplit("/", 1)[0])

    def identity(self) -> tuple[str, ...]:
        """What makes two declarations mean the same object; no reads."""
        stated = [str(self.options.get(field.name, "")) for field in self.fields if field.identity]
        return (self.kind, str(self.options.get("project") or ""), *stated)

    def lock_key(self) -> str:
        """Objects with equal keys are changed one at a time; "" for none."""
        return self.fill(self.lock) if self.lock else ""

    def references(self) -> list[Reference]:
        """What must exist first."""
        found = [Reference(kind, needed=False) for kind in self.after]
        for field in self.fields:
            value = self.options.get(field.name)
            if not field.reference or value is None:
                continue
            for single in value if isinstance(value, list) else [value]:
                found.append(Reference(field.reference, str(single)))
        return found

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """What is wrong with the declaration itself: sentences with field, value and remedy. Reads nothing."""
        return []

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """What is wrong with the declaration seeing what is there: sentences. Called before any write."""
        return []

    def examine_creation(self) -> list[str]:
        """What forbids making it, seeing what is around it: sentences. Called before any write; may read."""
        return []

    def examine_ahead(self) -> list[str]:
        """What forbids making it, while what it lives in is only declared: sentences. Called before any write."""
        return []

    def remark(self, action: str) -> str:
        """A sentence for the report about this action, or nothing."""
        return ""

    def exceeds(self, found: Document) -> bool:
        """Whether the object holds what its declaration would not have put there."""
        return False

    def absent_when(self, error: ApiError) -> bool:
        """Whether an error on reading only says that the object, or what it lives in, does not exist."""
        return error.missing

    def nothing_when(self, error: ApiError) -> bool:
        """Whether an error on listing only says that what the collection is in does not exist. May read."""
        return self.absent_when(error)

    def refusal(self, change: Change) -> str:
        """Why this change cannot be made in place, if there is more to say than that; else ""."""
        return ""

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """Google's object, None when there is none."""
        if self.list_items:
            return self.find_in_list()
        return self.wire.find(self.service, self.url())

    def find_in_list(self) -> Document | None:
        """The list entry whose ``list_match`` options are ours; the list is read once for all objects of a run."""
        wanted = {name: self.options[name] for name in self.list_match}
        matching = tuple(dataclasses.replace(x, identity=False) for x in self.fields if x.name in wanted)
        for entry in self.list_all():
            if not differences(matching, wanted, f.describe(matching, entry, self)):
                self.remote_id = str(entry.get("name") or "").rsplit("/", 1)[-1]
                return entry
        return None

    def list_all(self) -> list[Document]:
        """Every object of the collection that ours is in, shared within the run. A missing parent has none."""
        parent = self.parent_url()

        def load() -> list[Document]:
            try:
                return self.wire.pages(self.service, parent, self.list_items)
            except ApiError as error:
                if error.missing:
                    return []
                raise

        return self.context.once(("list", self.service, parent), load)

    def everything(self) -> list[Document]:
        """All objects of the collection that ours would be in, for reading modules."""
        if self.list_items:
            return self.list_all()
        return self.wire.pages(self.service, self.parent_url(), "items")

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Every object of the collection: the options that name it, and the object, None where it has to be read."""
        return [(self.identify(document), document) for document in self.everything()]

    def identify(self, document: Document) -> Options:
        """The options that name an object of our collection: ours where they are stated, else what the object says."""
        told = f.describe(self.fields, document, self)
        stated = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        for field in self.fields:
            if not field.identity or field.name in stated:
                continue
            value = told.get(field.name) or (document.get("name") if field.name == self.name_option else None)
            if value is not None:
                stated[field.name] = str(value).rsplit("/", 1)[-1] if field.name == self.name_option else value
        return stated

    def covers(self, other: Resource) -> bool:
        """Whether another object is the same as this one, or a part of it that is never declared beside it."""
        return self.kind == other.kind and self.place() == other.place()

    def place(self) -> tuple[str, ...]:
        """What tells the object from its like in one organisation."""
        return self.place_of(self.options)

    @classmethod
    def place_of(cls, options: Options) -> tuple[str, ...]:
        """The same for options that are not an object yet; spelling normalised, no reads."""
        named = [field for field in cls.fields if field.identity and field.name != "organization"]
        values = [(field.same, options.get(field.name)) for field in named]
        return tuple(str((same(value) if same else value) or "") for same, value in values)

    def readiness(self, found: Document) -> tuple[State, str]:
        """Whether it can be used, and Google's word for it."""
        if not self.state_place:
            return State.READY, ""
        word = str(f.find(found, self.state_place.split(".")) or "")
        return (self.states.get(word, State.READY) if word else State.READY), word

    def trouble(self, found: Document) -> str:
        """What Google says about an object in a state of failure; "" where it says nothing."""
        return ""

    def remade(self, found: Document, changes: list[Change]) -> bool:
        """Whether one that failed is deleted and made again without being asked. May read."""
        return self.remade_when_failed and self.mark.owned(self, found)

    def remedy(self) -> str:
        """What to do about one that failed and is not made again unasked."""
        return "Set allow_recreate: true to delete it and create it again."

    def under_way(self) -> Document | None:
        """The operation that works on the object now, where Google lists operations; None when none is known."""
        return None

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """What would change, field by field."""
        return differences(self.fields, self.options, self.describe(found))

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Those of the changes that Google cannot make in place."""
        if not self.update_method and type(self).update is Resource.update:
            return list(changes)
        top = {field.name: field for field in self.fields}
        return [change for change in changes if change.spec.immutable or top[change.top].immutable]

    def withdrawal(self, found: Document) -> list[Change]:
        """What of ours is to be taken out of an object that stays, because it is somebody else's. May read."""
        return []
