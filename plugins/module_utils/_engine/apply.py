# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do what the plan says. Private to the collection.

Objects go in dependency order, independent ones at once, those with the same lock one after the other. When one
fails, what needs it is skipped, everything else is finished, and then the run fails with every reason.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._google import operations, retries
from .._google.errors import ApiError, Failure, OperationError, RefusedError
from . import graph, plan
from .context import Context
from .fields import Document
from .plan import Item
from .resource import State


@dataclasses.dataclass(eq=False)
class Conclusion:
    """The last step of an item's change: work of its own, as others come between the item and it."""

    item: Item


def run(items: list[Item], context: Context) -> None:
    """Plan all items and, unless this is check mode, carry the plan out. Raises with the items' reports attached."""
    before = plan.make(items, context)
    if context.check:
        return
    for item in items:
        if not item.known and item.action in ("unchanged", "updated", "pending"):
            item.resource.mark.settle(item.resource, item.found, item.changes, item.present)
    # Nothing to do: no threads, no second look.
    todo = [item for item in items if item.changed or item.unsure or item.action == "pending"]
    if todo:
        declared, undeclared = [one for one in items if not one.known], [one for one in items if one.known]
        last = _conclusions(declared)

        def work(node: Item | Conclusion) -> None:
            if isinstance(node, Conclusion):
                _conclude(node.item, last[node], context)
            else:
                _carry_out(node, before, context)

        graph.run([*declared, *last], {**before, **last}, work, _key)
        unready = next((item for item in declared if item.failure or item.pending), None)
        if unready:
            _leave(undeclared, unready)
        else:
            graph.run(undeclared, before, lambda item: _carry_out(item, before, context), _key)
    failures = [item.failure.about(item.subject) for item in items if item.failure]
    if failures:
        sentences = [failure.message for failure in failures]
        facts: dict[str, t.Any] = next((failure.facts for failure in failures if failure.facts), {})
        raise Failure("\n".join(dict.fromkeys(sentences)), **facts)


def _leave(undeclared: list[Item], unready: Item) -> None:
    """What is not declared any more may still be needed by what has not become as declared."""
    for item in undeclared:
        item.action = "kept"
        item.note = f"not removed yet, because {unready.label} {'failed' if unready.failure else 'is not ready'}"


def _conclusions(items: list[Item]) -> dict[Conclusion, set[Item]]:
    """The last steps that there may be to take, each with what comes before it."""
    found = {}
    for item in items:
        kinds = item.resource.concludes_after() if item.present and (item.changed or item.unsure) else ()
        if kinds:
            found[Conclusion(item)] = {item, *(one for one in items if one.present and one.resource.kind in kinds)}
    return found


def _key(node: Item | Conclusion) -> str:
    item = node.item if isinstance(node, Conclusion) else node
    return item.resource.lock_key() if item.changed or item.unsure or item.action == "pending" else ""


def _carry_out(item: Item, before: dict[Item, set[Item]], context: Context) -> None:
    try:
        for other in before[item]:
            if other.failure:
                raise Failure(f"not attempted, because {other.label} failed.")
        if item.unsure:
            item.found = item.resource.read()
            plan.decide(item)
            if item.refused:
                raise RefusedError(" ".join(item.refused), refused=item.refused)
        held = _held_up(item, before, context)
        if held and (item.changed or item.action == "pending"):
            item.action, item.pending = "pending", held
            return
        _ACTIONS[item.action](item, context)
        item.unfinished = item.unfinished or item.resource.unfinished
        if item.pending and (key := item.resource.lock_key()):
            context.started[key] = item.label
    except Failure as error:
        _stopped(item, error, context)


def _stopped(item: Item, error: Failure, context: Context) -> None:
    """What went wrong with an item; when nobody waits, a later run takes up what only had no turn now."""
    if isinstance(error, ApiError) and _leaves(item, context) and retries.busy(error):
        item.action, item.pending, item.unfinished = "pending", f"not started: {error.said}", True
        _follow(item, item.resource.under_way())
    else:
        item.failure, item.action = error, "failed"


def _conclude(item: Item, before: set[Item], context: Context) -> None:
    """Take the last step of an item's change. One that is not ready yet is concluded by a later run."""
    if item.failure or item.pending or not item.changed:
        item.unfinished = bool(item.pending)
        return
    try:
        for other in before - {item}:
            if other.failure:
                raise Failure(f"not finished, because {other.label} failed. Run again.")
        if item.resource.conclude(t.cast(Document, item.found)):
            _settle(item, context)
    except Failure as error:
        _stopped(item, error, context)


def _leaves(item: Item, context: Context) -> bool:
    """Whether the run leaves long work to itself here."""
    return not context.wait and item.resource.long_running


def _follow(item: Item, running: Document | None) -> None:
    """Note where the end of an operation will be told."""
    family = item.resource.family
    if running is not None and family is not None:
        item.operation = {"service": family.service, "path": family.path(running)}


def _held_up(item: Item, before: dict[Item, set[Item]], context: Context) -> str:
    """Why the item cannot be started when nobody waits for long work."""
    if context.wait:
        return ""
    for other in before[item]:
        if other.pending:
            item.unfinished = True
            return f"not started: waits for {other.label}"
    ahead = context.started.get(item.resource.lock_key()) if item.changed else None
    item.unfinished = bool(ahead)
    return f"not started: Google does one thing at a time there, now {ahead}" if ahead else ""


def _create(item: Item, context: Context) -> None:
    resource = item.resource
    if item.found is not None and item.state is State.GOING:
        _until_gone(item)
    resource.mark.before_create(resource)
    try:
        resource.create()
    except (ApiError, OperationError) as error:
        if isinstance(error, ApiError) and not error.exists:
            if error.final:
                resource.mark.after_refusal(resource)
            raise
        _adopt_after(item, error, context)
        return
    _settle(item, context)
    resource.mark.after_create(resource, item.found or {})


def _adopt_after(item: Item, error: ApiError | OperationError, context: Context) -> None:
    """A create was refused although nothing was found: another try, or somebody else, made it. Compare."""
    resource = item.resource
    resource.forget()
    item.found = resource.read()
    if item.found is None:
        raise error
    if isinstance(error, OperationError) and resource.readiness(item.found)[0] is State.FAILED:
        # What our own create left behind: to make it again at once would most likely end the same, over and over.
        raise error
    ours = isinstance(error, ApiError) and error.uncertain
    if ours:
        resource.mark.after_create(resource, item.found)
    else:
        resource.mark.after_refusal(resource)
    plan.decide(item)
    if item.refused:
        raise RefusedError(" ".join(item.refused), refused=item.refused)
    if item.action in ("updated", "recreated"):
        _ACTIONS[item.action](item, context)
    else:
        _settle(item, context)
    if ours:
        item.action = "created"


def _update(item: Item, context: Context) -> None:
    # What makes an object busy now may be its own creation, which takes long. A create waits only for its neighbours.
    item.resource.wire.patient = not _leaves(item, context)
    found, changes = t.cast(Document, item.found), [one for one in item.changes if one is not item.adoption]
    if item.adoption:
        item.resource.adopt(found, changes)
    else:
        item.resource.update(found, changes)
    _settle(item, context)


def _recreate(item: Item, context: Context) -> None:
    item.resource.delete(t.cast(Document, item.found))
    _until_gone(item)
    item.resource.mark.after_delete(item.resource)
    item.found = None
    _create(item, context)
    item.action = "recreated"


def _delete(item: Item, context: Context) -> None:
    item.resource.delete(t.cast(Document, item.found))
    if item.resource.running is not None:
        item.pending = operations.operation_name(item.resource.running)
        _follow(item, item.resource.running)
        return
    if item.resource.state_place:
        _until_gone(item)
    item.resource.mark.after_delete(item.resource)


def _join(item: Item, context: Context) -> None:
    """Something is under way already, from an interrupted run or somebody else: go along with it."""
    if _leaves(item, context):
        item.pending = item.word.lower()
        _follow(item, item.resource.under_way())
        return
    if item.present:
        _settle(item, context)
        item.action = "unchanged"
    else:
        _until_gone(item)
        item.resource.mark.after_delete(item.resource)
        item.action = "unchanged"


def _nothing(item: Item, context: Context) -> None:
    """Unchanged, or not ours."""


def _settle(item: Item, context: Context) -> None:
    """Read the object back until it can be used."""
    resource = item.resource
    if resource.running is not None:
        item.pending = operations.operation_name(resource.running)
        _follow(item, resource.running)
        resource.forget()
        item.found = resource.read()
        return

    def look() -> Document | None:
        resource.forget()
        return resource.read()

    def usable(found: Document | None) -> bool:
        if found is None:
            return False
        state, word = resource.readiness(found)
        if state is State.FAILED:
            trouble = resource.trouble(found)
            said = f" Google says: {trouble}" if trouble else ""
            shown = resource.output(found)
            raise Failure(f"it is in state {word}, and will not become ready by itself.{said}", found=shown)
        return state is State.READY

    item.found = operations.poll(resource.wire, look, usable, "not ready")
    item.state, item.word = resource.readiness(t.cast(Document, item.found))


def _until_gone(item: Item) -> None:
    resource = item.resource

    def look() -> Document | None:
        resource.forget()
        try:
            return resource.read()
        except ApiError as error:
            if resource.absent_when(error):
                return None
            raise

    operations.poll(resource.wire, look, lambda found: found is None, "still being deleted")


_ACTIONS: dict[str, t.Callable[[Item, Context], None]] = {
    "created": _create,
    "updated": _update,
    "recreated": _recreate,
    "deleted": _delete,
    "pending": _join,
    "unchanged": _nothing,
    "kept": _nothing,
}
