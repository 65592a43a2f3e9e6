# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that make, change and remove an object, as most kinds make them. Private to the collection.

A kind whose calls differ overrides one of these methods; what it says about itself stands in resource.py.
"""

from __future__ import annotations

import copy
import re
import typing as t
from urllib.parse import quote

from .._google import clock, operations
from .._google.errors import ApiError, OperationError
from . import fields as f
from .fields import Document, Options
from .states import request_id

if t.TYPE_CHECKING:
    from .._google.session import Wire
    from .compare import Change
    from .context import Context
    from .fields import Field
    from .ownership import DescriptionMark, LabelMark, Mark


class Calls:
    """The writing half of :class:`.resource.Resource`, which states and explains all that is used here."""

    if t.TYPE_CHECKING:
        service: str
        fields: tuple[Field, ...]
        create_query: dict[str, str]
        create_wrapper: str
        update_method: str
        update_mask: bool
        update_carries: tuple[str, ...]
        request_ids: bool
        family: operations.Family | None
        list_items: str
        mark: Mark
        long_running: bool
        delete_patience: float
        options: Options
        context: Context
        wire: Wire
        remote_id: str
        running: Document | None
        adopting: bool
        project: str

        # Of the class that has both parts; each body is never run.
        def url(self) -> str:
            raise NotImplementedError

        def parent_url(self) -> str:
            raise NotImplementedError

        def variables(self) -> dict[str, t.Any]:
            raise NotImplementedError

    def body(self) -> Document:
        """What a create sends, without the mark."""
        return f.write(self.fields, f.with_initial(self.fields, self.options), {}, self)

    def create(self) -> None:
        """Make it and wait. The engine has written the ownership record; it compares when Google says "exists"."""
        body = self.body()
        self.mark.stamp(self, body)
        query: dict[str, t.Any] = {key: _unquoted(self, value) for key, value in self.create_query.items()}
        if self.request_ids:
            query["requestId"] = request_id()
        reply = self.wire.send(
            self.service,
            "POST",
            self.parent_url(),
            query=query,
            body={self.create_wrapper: body} if self.create_wrapper else body,
            repeatable=True,
        )
        self.finish(reply.json())

    def update(self, found: Document, changes: list[Change]) -> None:
        """Change it in place and wait. What the user did not state is sent back as it was, or not at all."""
        new = f.write(self.fields, self.changed_options(changes), copy.deepcopy(found), self)
        if self.stamps(found):
            self.mark.stamp(self, new)
        query: dict[str, t.Any] = {}
        if self.update_method == "PATCH":
            places = self.changed_places(changes)
            if self.adopting:
                places = sorted({*places, ".".join(t.cast("LabelMark | DescriptionMark", self.mark).place)})
            if self.update_mask:
                query["updateMask"] = ",".join(places)
            keys = {place.split(".")[0] for place in places} | set(self.update_carries)
            new = {key: value for key, value in new.items() if key in keys}
        if self.request_ids:
            query["requestId"] = request_id()
        self.finish(self.wire.send(self.service, self.update_method, self.url(), query=query, body=new).json())

    def adopt(self, found: Document, changes: list[Change]) -> None:
        """Make an object ours that somebody else made, and change it with the same call where the mark is inside."""
        self.adopting = self.mark.inside
        if not self.mark.inside:
            self.mark.adopt(self, found)
        if changes or self.adopting:
            self.update(found, changes)
        # What is in it may be ours with it.
        self.context.forget(("around", self.service, self.url()))

    def concludes_after(self) -> tuple[str, ...]:
        """Kinds whose objects are as declared before the last step of this one's change; none: it has no such step."""
        return ()

    def conclude(self, found: Document) -> bool:
        """Take the last step of a change; whether there was one to take."""
        return False

    def stamps(self, found: Document) -> bool:
        """Whether an update writes our mark into the object: it is ours, or is to become so."""
        return self.mark.inside and (self.adopting or self.mark.owned(self, found))

    def changed_options(self, changes: list[Change]) -> Options:
        """The stated options that differ (outermost fields), plus those Google never shows."""
        tops = {change.top for change in changes}
        hidden = {field.name for field in self.fields if field.write_only}
        return {name: value for name, value in self.options.items() if name in tops | hidden}

    def changed_places(self, changes: list[Change]) -> list[str]:
        """Places in Google's object of the outermost fields that differ, sorted."""
        top = {field.name: field for field in self.fields}
        return sorted({".".join(top[change.top].place) for change in changes})

    def delete(self, found: Document) -> None:
        """Remove it and wait until Google is done. Already gone is fine, still in use is tried again for a while."""
        patience = clock.Deadline(self.delete_patience)
        while True:
            try:
                self.finish(self.send_delete())
                return
            except (ApiError, OperationError) as error:
                if isinstance(error, ApiError) and error.missing:
                    return
                if patience.over() or not self.in_use(error):
                    raise
            clock.sleep(min(10.0, patience.left()))

    def send_delete(self) -> t.Any:
        """The call that removes it; returns the reply."""
        query = {"requestId": request_id()} if self.request_ids else {}
        path = self.url() if not self.list_items else f"{self.parent_url()}/{quote(self.remote_id)}"
        return self.wire.send(self.service, "DELETE", path, query=query).json()

    def in_use(self, error: ApiError | OperationError) -> bool:
        """Whether a delete was refused only because something that is just going away still uses the object."""
        return re.search("resource_?in_?use", f"{getattr(error, 'reason', '')} {error.said}", re.I) is not None

    def finish(self, reply: t.Any) -> Document:
        """Wait for the operation a write answered with, unless it is long and nobody waits.

        Returns the finished operation, the running one, or ``reply`` itself when it is none.
        """
        self.forget()
        if self.family is None or not self.family.started(reply):
            return reply if isinstance(reply, dict) else {}
        if self.long_running and not self.context.wait:
            failed = self.family.failure(reply)
            if failed:
                raise failed
            if not self.family.done(reply):
                self.running = reply
            return reply
        try:
            return operations.wait(self.wire, self.family, reply)
        finally:
            self.forget()

    def forget(self) -> None:
        """What others read of this collection is stale now."""
        if self.list_items:
            self.context.forget(("list", self.service, self.parent_url()))


def _unquoted(resource: Calls, template: str) -> str:
    """Fill a template for a query, which is quoted later."""
    values = {"project": resource.options.get("project") or "", **resource.variables()}
    if "{project}" in template and not values["project"]:
        values["project"] = resource.project
    return template.format(**values)
