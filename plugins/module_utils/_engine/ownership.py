# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose is it? What we create carries our mark; only marked objects are deleted. Private to the collection."""

from __future__ import annotations

import typing as t

from .fields import find, put

if t.TYPE_CHECKING:
    from .compare import Change
    from .resource import Resource

LABEL = "managed-by"
LABEL_VALUE = "gatewayops-apigee-gke"
SENTENCE = "Managed by gatewayops.apigee_gke"

Document = dict[str, t.Any]


class Mark:
    """Where a kind carries our mark. This base class is for kinds that need none: deleting them is always allowed."""

    #: What the report says about an object that is left alone.
    why_kept = "left alone: it does not carry this collection's mark. force: true deletes it all the same"
    #: Whether an object that somebody else made can be given the mark of its own.
    adoptable = False
    #: Whether the mark is a part of the object, so that an update puts it there.
    inside = False

    def stamp(self, resource: Resource, body: Document) -> None:
        """Put the mark into the body of a create."""

    def owned(self, resource: Resource, found: Document) -> bool:
        """Whether the object found is ours. Asked only before a delete; may read."""
        return True

    def claims(self, resource: Resource) -> bool:
        """Whether an object may be ours at all, as far as that is known without the object."""
        return True

    def deletable(self, resource: Resource, found: Document) -> bool:
        """Whether the object found may be deleted: it is ours, and so is what would go with it. May read."""
        return self.owned(resource, found)

    def before_create(self, resource: Resource) -> None:
        """Called before the object is created: a record must exist before the object does."""

    def after_create(self, resource: Resource, found: Document) -> None:
        """Called once Google has made the object for us, with what it made."""

    def after_refusal(self, resource: Resource) -> None:
        """Called once Google has refused to make the object, or somebody else was quicker."""

    def adopt(self, resource: Resource, found: Document) -> None:
        """Make an object ours that somebody else made, where the mark has a place of its own."""

    def after_delete(self, resource: Resource) -> None:
        """Called after the object is gone."""

    def settle(self, resource: Resource, found: Document | None, changes: list[Change], present: bool) -> None:
        """Called before anything is done: bring what a killed run left of the mark into accord with what is there."""

    def remember(self, probe: Resource) -> None:
        """Called before all objects of the kind are listed."""

    def orphans(self, probe: Resource, there: t.Iterable[Resource]) -> t.Callable[[], None] | None:
        """What removes the marks of objects of the kind that are gone, given those that are there; None if there are none."""
        return None


class LabelMark(Mark):
    """A label. ``place`` is the dotted path of the label map."""

    adoptable = inside = True

    def __init__(self, place: str = "labels") -> None:
        self.place = tuple(place.split("."))

    def stamp(self, resource: Resource, body: Document) -> None:
        put(body, self.place, {**(find(body, self.place) or {}), LABEL: LABEL_VALUE})

    def owned(self, resource: Resource, found: Document) -> bool:
        return (find(found, self.place) or {}).get(LABEL) == LABEL_VALUE


class DescriptionMark(Mark):
    """A sentence at the end of the description. Use :func:`without_sentence` as the field's ``decode``."""

    adoptable = inside = True

    def __init__(self, place: str = "description") -> None:
        self.place = tuple(place.split("."))

    def stamp(self, resource: Resource, body: Document) -> None:
        text = str(find(body, self.place) or "")
        if SENTENCE not in text:
            put(body, self.place, f"{text} {SENTENCE}".strip())

    def owned(self, resource: Resource, found: Document) -> bool:
        return SENTENCE in str(find(found, self.place) or "")


class ParentMark(Mark):
    """Ours if the object it lives in is ours. ``parent`` makes the parent resource from the child."""

    def __init__(self, parent: t.Callable[[Resource], Resource]) -> None:
        self.parent = parent

    def owned(self, resource: Resource, found: Document) -> bool:
        parent = self.parent(resource)
        there = parent.read()
        return there is not None and parent.mark.owned(parent, there)


class NeverOurs(Mark):
    """Cannot carry a mark and has no place that could name it: never deleted unless forced."""

    def owned(self, resource: Resource, found: Document) -> bool:
        return False


def without_sentence(value: t.Any, resource: t.Any) -> t.Any:
    """A description as the user wrote it. (A ``decode`` function.)"""
    if not isinstance(value, str):
        return value
    return value.replace(SENTENCE, "").strip()
