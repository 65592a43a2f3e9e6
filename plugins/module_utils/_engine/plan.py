# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would be done to each object, without doing it. Private to the collection.

Everything is read, in dependency order, before the first write: what must be refused is refused while nothing has
changed yet. Check mode ends here; a real run goes on in apply.py with the same items.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._google.errors import ApiError, Failure, InvalidError, RefusedError
from . import contents, graph, normalise
from .compare import Change
from .context import Context
from .fields import Document, Field
from .resource import Reference, Resource, State

#: From how many objects of one collection on its list is read instead of each of them.
TOGETHER = 10
#: What a plan calls the owner of an object that is adopted.
OWNER = "gatewayops.apigee_gke"


@dataclasses.dataclass(eq=False)
class Item:
    """One object of a run: what is asked, what was found, what is to be done.

    ``action`` is created, updated, recreated, deleted, unchanged, kept (not ours, left alone), pending or failed.
    ``unsure``: could not be read yet because its API is only just being enabled; looked at again before it is made.
    ``adopt``: it becomes ours if it is not; ``adoption`` is the change that says so.
    ``origin``: where it is declared (file and line), for messages.
    ``seen``: ``found`` has been read before the plan; ``known``: because the object is there and not declared (prune.py).
    ``operation``: where to look for the end of what is pending; ``unfinished``: there is more to do after it.
    """

    index: int
    resource: Resource
    present: bool = True
    force: bool = False
    allow_recreate: bool = False
    adopt: bool = False
    needs: list[tuple[Item, Reference]] = dataclasses.field(default_factory=list)
    found: Document | None = None
    state: State = State.READY
    word: str = ""
    action: str = "unchanged"
    changes: list[Change] = dataclasses.field(default_factory=list)
    refused: list[str] = dataclasses.field(default_factory=list)
    failure: Failure | None = None
    unsure: bool = False
    seen: bool = False
    known: bool = False
    adoption: Change | None = None
    origin: str = ""
    pending: str = ""
    operation: dict[str, str] | None = None
    unfinished: bool = False
    note: str = ""

    @property
    def label(self) -> str:
        """``compute_network shop-vpc``"""
        return f"{self.resource.kind} {self.resource.name}"

    @property
    def subject(self) -> str:
        """How a message about it begins."""
        return f"{self.origin}: {self.resource.subject}" if self.origin else self.resource.subject

    @property
    def changed(self) -> bool:
        """Whether something is or would be different afterwards."""
        if self.action == "failed":
            return self.resource.wire.counts.writes > 0
        return self.action in ("created", "updated", "recreated", "deleted")


def connect(items: list[Item]) -> dict[Item, set[Item]]:
    """Find who must come before whom, from what the resources refer to. Deletions go the other way round."""
    before: dict[Item, set[Item]] = {item: set() for item in items}
    by_kind: dict[str, list[Item]] = {}
    for item in items:
        by_kind.setdefault(item.resource.kind, []).append(item)
    references = {item: item.resource.references() for item in items}
    named = {item: {one.kind for one in references[item] if one.value is not None} for item in items}
    behind = _behind(items, named)
    for item in items:
        for other in (one for kind in item.resource.outlives for one in by_kind.get(kind, ())):
            if item.present and not other.present:
                before[item].add(other)
        for reference in references[item]:
            for other in by_kind.get(reference.kind, []):
                if other is item or not _means(reference, other.resource):
                    continue
                # "After all of that kind" does not mean those that themselves need what comes after this one.
                if reference.value is None and any(item.resource.kind in behind[kind] for kind in named[other]):
                    continue
                if item.present and other.present:
                    item.needs.append((other, reference))
                    before[item].add(other)
                elif not item.present and not other.present:
                    before[other].add(item)
    graph.order(items, before, lambda item: item.label)
    return before


def _behind(items: list[Item], named: dict[Item, set[str]]) -> dict[str, set[str]]:
    """For each kind: itself and every kind whose objects may have to come before one of it.

    A proxy comes after all key value maps, but for its own, which live in it.
    """
    first: dict[str, set[str]] = {}
    for item in items:
        first.setdefault(item.resource.kind, set(item.resource.after)).update(named[item])
    found: dict[str, set[str]] = {}
    for kind in set(first).union(*first.values()) if first else ():
        seen, left = set(), [kind]
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                left += first.get(one, ())
        found[kind] = seen
    return found


def _means(reference: Reference, resource: Resource) -> bool:
    if reference.value is None:
        return True
    stated = resource.options.get(reference.option)
    return normalise.short_name(str(stated)) == normalise.short_name(reference.value)


def check_declarations(items: list[Item]) -> None:
    """Raise InvalidError with everything that is wrong with the declarations themselves."""
    wrong: list[str] = []
    seen: dict[tuple[str, ...], Item] = {}
    for item in items:
        if item.present:
            wrong.extend(f"{item.subject}: {sentence}" for sentence in item.resource.validate())
        twin = seen.setdefault(item.resource.identity(), item)
        if twin is not item:
            places = [one.origin or str(one.index) for one in (twin, item)]
            where = " and ".join(places)
            wrong.append(f"{item.resource.subject} is declared twice ({where if item.origin else f'entries {where}'}).")
    if wrong:
        raise InvalidError("\n".join(wrong), refused=wrong)


def make(items: list[Item], context: Context) -> dict[Item, set[Item]]:
    """Fill in every item's action. Raises when anything cannot be read or has to be refused; nothing is written."""
    check_declarations(items)
    before = connect(items)
    context.going = frozenset(item.resource.identity() for item in items if not item.present)
    enabling = any(item.resource.kind == "project_services" for item in items)
    _read_lists(items)
    # Reading knows no "first delete the child": deletions are all looked at together.
    reading = {item: {other for other, reference in item.needs} for item in items}
    graph.run(items, reading, lambda item: _look(item, context, enabling))
    for item in items:
        if isinstance(item.failure, ApiError | Failure):
            raise item.failure.about(item.subject)
    refused = [f"{item.subject}: {sentence}" for item in items for sentence in item.refused]
    if refused:
        raise RefusedError("\n".join(refused), refused=refused)
    return before


def _read_lists(items: list[Item]) -> None:
    """Read many objects of one collection by its list, where that holds them whole."""
    together: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.resource.listed_whole and not item.seen:
            together.setdefault((item.resource.kind, item.resource.parent_url()), []).append(item)
    for some in together.values():
        if len(some) < TOGETHER:
            continue
        probe = some[0].resource
        try:
            found = {probe.place_of(probe.describe(one) | {"name": one.get("name")}): one for one in probe.everything()}
        except ApiError:
            continue  # Each is read alone, and says what is wrong with it.
        for item in some:
            item.found, item.seen = found.get(item.resource.place()), True


def _look(item: Item, context: Context, enabling: bool) -> None:
    try:
        if item.present and any(_comes_later(other, reference) for other, reference in item.needs):
            item.action, item.refused = "created", item.resource.examine_ahead()
            return
        try:
            item.found = item.found if item.seen else item.resource.read()
        except ApiError as error:
            if item.resource.absent_when(error):
                item.found = None
            elif error.service_disabled and (enabling or context.check or not item.present):
                item.found = None
                item.unsure = item.present
                if not enabling:
                    item.note = f"the API is not enabled: {error.said}"
            else:
                raise
        decide(item)
    except Failure as error:
        item.failure = error


def _comes_later(other: Item, reference: Reference) -> bool:
    """Whether what is needed does not exist yet, so that what lives in it cannot exist either."""
    return reference.needed and (other.failure is not None or other.action in ("created", "recreated"))


def decide(item: Item) -> None:
    """Choose the action from what was found; may read (who owns it)."""
    resource = item.resource
    item.changes, item.refused = [], []
    if item.found is None:
        item.action = "created" if item.present else "unchanged"
        item.refused = resource.examine_creation() if item.present else []
        return
    item.state, item.word = resource.readiness(item.found)
    if not item.present:
        _decide_absent(item)
        return
    if item.state is State.GOING:
        item.action, item.note = "created", "made again once Google has finished deleting it"
        return
    item.changes = resource.difference(item.found)
    if item.state is State.FAILED:
        _decide_failed(item)
        return
    item.refused = resource.examine(item.found, item.changes)
    fixed = resource.fixed(item.changes)
    if fixed and not item.refused:
        if item.allow_recreate:
            item.action = "recreated"
            return
        item.refused.extend(
            resource.refusal(change)
            or f"{change.field} cannot be changed in place: it is {_said(change, change.before)}, "
            f"wanted {_said(change, change.after)}. "
            "Keep the value, or set allow_recreate: true to delete it and create it again."
            for change in fixed
        )
    if item.adopt and resource.adopts and resource.mark.adoptable and not resource.mark.owned(resource, item.found):
        item.adoption = Change("managed_by", None, OWNER, Field("managed_by", api=None), "managed_by")
        item.changes.append(item.adoption)
    item.action = "updated" if item.changes else "unchanged"
    if item.action == "unchanged" and item.state is State.PENDING:
        item.action = "pending"


def _decide_absent(item: Item) -> None:
    found = t.cast(Document, item.found)
    if item.state is State.GOING:
        item.action = "pending"
        return
    obstacle = "" if item.force else contents.obstacle(item.resource, found)
    if not obstacle:
        item.action = "deleted"
        return
    item.changes = item.resource.withdrawal(found)
    item.action = "updated" if item.changes else "kept"
    item.note = "stays, without what is ours" if item.changes else obstacle


def _decide_failed(item: Item) -> None:
    resource, found = item.resource, t.cast(Document, item.found)
    if item.allow_recreate:
        item.action = "recreated"
        return
    if resource.remade(found, item.changes):
        item.action, item.refused = "recreated", resource.examine_creation()
        item.note = f"made again, because it was in state {item.word} and nothing could use it"
        return
    trouble = resource.trouble(found)
    item.refused.append(
        f"it exists in state {item.word}, which cannot be repaired in place{f' (Google says: {trouble})' if trouble else ''}. "
        f"{resource.remedy()}"
    )


def _said(change: Change, value: t.Any) -> str:
    if change.spec.type == "bool":
        return str(bool(value)).lower()
    if change.spec.secret:
        return "something else"
    return "not set" if value in (None, "", [], {}) else str(value)
