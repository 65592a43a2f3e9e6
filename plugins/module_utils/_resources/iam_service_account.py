# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service account: who a function or a gateway is when it calls Google or another service. Private to the collection."""

from __future__ import annotations

import copy
import re
import typing as t

from .._engine import fields as f
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import SENTENCE, DescriptionMark, without_sentence
from .._engine.resource import Resource
from .iam_common import address, short

#: Source: iam.v1, field texts of CreateServiceAccountRequest and ServiceAccount.
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
_TITLE_BYTES = 100
_DESCRIPTION_BYTES = 256


class IamServiceAccount(Resource):
    """``projects.serviceAccounts``: synchronous; keys are never made, tokens come from impersonation or the metadata."""

    kind = "iam_service_account"
    title = "service account"
    service = "iam"
    path = "v1/projects/{project}/serviceAccounts/{email}"
    update_method = "PATCH"
    mark = DescriptionMark()
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("display_name"),
        Field("initial_display_name", api=None),
        Field("description", decode=without_sentence),
        Field("email", output=True),
        Field("unique_id", output=True),
        Field("disabled", type="bool", output=True),
    )

    def variables(self) -> dict[str, t.Any]:
        """Google knows accounts by their address."""
        name = self.options.get("name")
        return {**super().variables(), **({"email": address(self, str(name))} if name else {})}

    def validate(self) -> list[str]:
        """Names and lengths that Google refuses."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.fullmatch(name):
            problems.append(
                f"name is {name!r}. State what stands before the @ of its address: 6 to 30 lower-case letters, digits and "
                "dashes, a letter first and no dash last."
            )
        titles = dict.fromkeys(("display_name", "initial_display_name"), _TITLE_BYTES)
        room = {**titles, "description": _DESCRIPTION_BYTES - len(SENTENCE) - 1}
        for option, most in room.items():
            length = len(str(self.options.get(option) or "").encode())
            if length > most:
                problems.append(f"{option} has {length} bytes. State at most {most}.")
        return problems

    def everything(self) -> list[Document]:
        """All accounts of the project, Google's own among them."""
        return self.wire.pages(self.service, self.parent_url(), "accounts")

    def output(self, found: Document) -> Options:
        """By its name in the project, also where it was asked for by its address."""
        shown = super().output(found)
        return {**shown, "name": short(str(found["email"])), "disabled": bool(shown["disabled"])}

    def _title(self) -> Options:
        """What a new one is called."""
        title = self.options.get("display_name") or self.options.get("initial_display_name")
        return {"display_name": title} if title else {}

    def predicted(self) -> Options:
        """The address follows from the name."""
        return {
            **super().predicted(),
            **self._title(),
            "email": address(self, str(self.options["name"])),
            "disabled": False,
        }

    def create(self) -> None:
        """Google makes the address from the id, which stands beside the account."""
        account = f.write(self.fields, {**self.options, **self._title()}, {}, self)
        self.mark.stamp(self, account)
        body = {"accountId": self.options["name"], "serviceAccount": account}
        self.wire.send(self.service, "POST", self.parent_url(), body=body, repeatable=True)

    def update(self, found: Document, changes: list[Change]) -> None:
        """The mask stands in the body here; what is not in it stays."""
        account = f.write(self.fields, self.changed_options(changes), copy.deepcopy(found), self)
        if self.stamps(found):
            self.mark.stamp(self, account)
        places = self.changed_places(changes)
        body = {"serviceAccount": {place: account[place] for place in places}, "updateMask": ",".join(places)}
        self.wire.send(self.service, "PATCH", self.url(), body=body)
