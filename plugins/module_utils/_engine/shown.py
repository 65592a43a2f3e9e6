# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What results, differences and exports show of an object, as most kinds show it. Private to the collection.

A kind that shows something else overrides one of these methods; what it says about itself stands in resource.py.
"""

from __future__ import annotations

import typing as t

from . import fields as f
from .compare import HIDDEN, Change
from .fields import Document, Field, Options


class Shown:
    """The telling part of :class:`.resource.Resource`, which states and explains all that is used here."""

    if t.TYPE_CHECKING:
        kind: t.ClassVar[str]
        fields: t.ClassVar[tuple[Field, ...]]
        options: Options

        # Of the class that has all parts; its body is never run.
        @property
        def name(self) -> str:
            raise NotImplementedError

    def declaration(self, found: Document) -> Options:
        """The options that would make an object like this one: identity, and what is not empty and not the default."""
        stated = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        return {**stated, **f.stated(self.fields, self.describe(found))}

    def withheld(self, found: Document) -> list[str]:
        """Options that the object may have been made with, and that its declaration cannot show."""
        return [field.name for field in self.fields if field.secret or field.write_only]

    def holds(self, found: Document) -> t.Any:
        """The files of an object that is one or more files (a ``Bundle``); None for all others."""
        return None

    def untold(self, found: Document) -> list[str]:
        """What of the object its declaration cannot say, beside secrets: sentences."""
        return []

    def describe(self, found: Document) -> Options:
        """Google's object in option form."""
        return f.describe(self.fields, found, self)

    def output(self, found: Document) -> Options:
        """What the result shows: identity as given, everything else as found, secrets left out."""
        shown = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        described = self.describe(found)
        for field in self.fields:
            if field.place and not field.secret and not field.identity:
                shown[field.name] = described.get(field.name)
        return shown

    def predicted(self) -> Options:
        """What the result would show once created: the same keys, null where only Google can tell."""
        full = f.with_initial(self.fields, self.options)
        shown = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        for field in self.fields:
            if field.place and not field.secret and not field.identity:
                shown[field.name] = full.get(field.name)
        return shown

    def _shown_identity(self) -> set[str]:
        return {"project"} | {field.name for field in self.fields if field.identity}

    def diff(
        self, action: str, found: Document | None, changes: list[Change]
    ) -> dict[str, t.Any] | list[dict[str, t.Any]] | None:
        """Before and after as data (several, where one object holds files); None when nothing differs.

        Secrets are hidden; only what the user states is shown.
        """
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        if action == "created":
            after = {
                field.name: HIDDEN if field.secret else self.options[field.name]
                for field in self.fields
                if field.name in self.options
            }
        elif action == "deleted":
            before = f.prune(self.output(found)) if found else {}
        elif changes:
            before = {change.field: change.shown()["before"] for change in changes}
            after = {change.field: change.shown()["after"] for change in changes}
        else:
            return None
        label = f"{self.kind} {self.name}"
        return {"before_header": label, "after_header": label, "before": before, "after": after}
