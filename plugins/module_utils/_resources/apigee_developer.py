# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Developer: the owner of apps. Private to the collection."""

from __future__ import annotations

from .._engine import normalise
from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .apigee_app_credentials import set_status
from .apigee_attributes import ATTRIBUTES, AttributedResource, AttributeMark, counted
from .apigee_common import ORGANIZATION


class ApigeeDeveloper(AttributedResource):
    """``organizations.developers``: synchronous, replaced as a whole; the status has a call of its own."""

    kind = "apigee_developer"
    title = "developer"
    path = "v1/organizations/{organization}/developers/{email}"
    name_option = "email"
    # Deleting a developer deletes apps and keys, and while a key names a product Google does not delete that.
    after = ("project_services", "apigee_api_product")
    names_only = True
    mark = AttributeMark()
    contents = ("apigee_app",)
    output_only = frozenset(
        ("apps", "companies", "createdAt", "developerId", "lastModifiedAt", "organizationName", "status")
    )
    fields = (
        ORGANIZATION,
        Field("email", required=True, identity=True, same=normalise.lower),
        Field("first_name"),
        Field("last_name"),
        Field("user_name"),
        Field("status", choices=("active", "inactive"), default="active"),
        ATTRIBUTES,
        Field("developer_id", output=True),
        Field("apps", type="list", elements="str", output=True),
    )
    needed = ("first_name", "last_name")
    required_if = (("state", "present", needed),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("email"):
            # Google knows developers by the address in lower case.
            self.options["email"] = str(self.options["email"]).lower()

    def validate(self) -> list[str]:
        """An address that is none."""
        problems = super().validate()
        email = str(self.options.get("email"))
        if email.count("@") != 1 or email != "".join(email.split()) or "/" in email:
            problems.append(f"email is {email!r}, which is no e-mail address.")
        return problems

    def names(self) -> list[str]:
        """E-mail addresses of all developers."""
        return [str(one["email"]) for one in counted(self, self.parent_url(), "developer", "email")]

    def body(self) -> Document:
        """Google wants a user name; the status is not part of it."""
        body = {"userName": self.options["email"], **super().body()}
        body.pop("status", None)
        return body

    def create(self) -> None:
        """Developers begin as active ones."""
        super().create()
        if self.options.get("status") == "inactive":
            set_status(self.wire, self.url(), "inactive")

    def update(self, found: Document, changes: list[Change]) -> None:
        """What is replaced as a whole, then the status."""
        fields = [change for change in changes if change.top != "status"]
        if fields or self.adopting:
            super().update(found, fields)
        if len(fields) < len(changes):
            set_status(self.wire, self.url(), self.options["status"])
