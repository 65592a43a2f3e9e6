# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee organisation: adopted where it exists, otherwise created. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine import normalise
from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.ownership import DescriptionMark, without_sentence
from .._engine.resource import Resource
from .._google import operations
from .._google.errors import RefusedError
from .apigee_common import properties_from_google, properties_to_google, writable
from .apigee_model import declare, organization_key, read_organization

#: Google refuses or ignores a change of these (google-apis.md section 5); re-creation is never the answer.
_FIXED = (
    "runtime_type",
    "billing_type",
    "analytics_region",
    "authorized_network",
    "disable_vpc_peering",
    "api_consumer_data_location",
    "runtime_database_encryption_key_name",
    "api_consumer_data_encryption_key_name",
    "control_plane_encryption_key_name",
)


class OrganizationMark(DescriptionMark):
    """Ours if we created it; even then a paid one is deleted only when the user names it."""

    why_kept = (
        "left alone: only an organisation that this collection created is ever deleted, and only one of billing type "
        "EVALUATION, or when confirm_deletion names it"
    )

    def owned(self, resource: Resource, found: Document) -> bool:
        if not super().owned(resource, found):
            return False
        trial = found.get("billingType") == "EVALUATION" or found.get("subscriptionType") == "TRIAL"
        return trial or resource.options.get("confirm_deletion") == resource.name


class ApigeeOrganization(Resource):
    """``organizations``: named after its project, created for good, changed by a synchronous PUT."""

    kind = "apigee_organization"
    title = "Apigee organisation"
    service = "apigee"
    family = operations.APIGEE
    path = "v1/organizations/{name}"
    parent_path = "v1/organizations"
    create_query = {"parent": "projects/{project}"}
    update_method = "PUT"
    state_place = "state"
    mark = OrganizationMark()
    lock = "apigee/{name}"
    timeout = 3600.0
    long_running = True
    after = ("project_services", "service_networking_connection")
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("display_name"),
        Field("description", decode=without_sentence),
        Field("runtime_type", choices=("CLOUD", "HYBRID"), initial="CLOUD"),
        Field("billing_type", choices=("EVALUATION", "PAYG", "SUBSCRIPTION")),
        Field("analytics_region"),
        Field("authorized_network", same=normalise.short_name, reference="compute_network"),
        Field("disable_vpc_peering", type="bool"),
        Field("api_consumer_data_location"),
        Field("runtime_database_encryption_key_name"),
        Field("api_consumer_data_encryption_key_name"),
        Field("control_plane_encryption_key_name"),
        Field("properties", type="dict", keep_extra=True, encode=properties_to_google, decode=properties_from_google),
        Field("confirm_deletion", api=None),
        Field("state", output=True),
        Field("project_id", output=True),
        Field("apigee_project_id", output=True),
        Field("environments", type="list", elements="str", output=True),
        Field("ca_certificates", type="list", elements="str", output=True),
    )

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        settles = ("runtime_type", "disable_vpc_peering", "authorized_network")
        if any(self.options.get(name) for name in settles):
            declare(self, self.name, self.body())

    def read(self) -> Document | None:
        """The organisation, shared with the objects in it."""
        return read_organization(self, self.name)

    def everything(self) -> list[Document]:
        """All organisations that the credentials may see."""
        listed = self.wire.get(self.service, "v1/organizations").get("organizations") or []
        found = [read_organization(self, str(one.get("organization"))) for one in listed]
        return [one for one in found if one is not None]

    def forget(self) -> None:
        """What others know of the organisation is stale."""
        self.context.forget(organization_key(self.name))

    def validate(self) -> list[str]:
        """The two network models exclude each other."""
        if self.options.get("authorized_network") and self.options.get("disable_vpc_peering"):
            return ["authorized_network and disable_vpc_peering exclude each other. Keep one: it decides for good."]
        return []

    def examine_creation(self) -> list[str]:
        """What a new organisation needs, seen before anything is written."""
        problems = []
        if self.options.get("runtime_type", "CLOUD") == "CLOUD":
            if not self.options.get("authorized_network") and not self.options.get("disable_vpc_peering"):
                problems.append(
                    "it does not exist, and to create it the network model must be stated: authorized_network "
                    "(headless services are reached directly) or disable_vpc_peering: true (Private Service Connect)."
                )
            if not self.options.get("analytics_region") and not self.options.get("api_consumer_data_location"):
                problems.append("it does not exist, and to create it analytics_region must be stated.")
        project = str(self.project)
        if project != self.name and not project.isdigit():
            problems.append(f"it cannot be created in project {project}: an organisation is named after its project.")
        return problems

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """Nothing about an organisation's foundation changes in place, and it is never re-created."""
        return [
            f"{change.field} is {change.before!r} and cannot be changed to {change.after!r}: an organisation keeps it "
            "for life, and is never re-created. Keep the value, or leave it out to adopt what is there."
            for change in changes
            if change.top in _FIXED
        ]

    def update(self, found: Document, changes: list[Change]) -> None:
        """PUT the whole, without what only Google may write, and without losing properties the user does not name."""
        base = writable(found)
        base.pop("name", None)
        super().update(base, changes)

    def changed_options(self, changes: list[Change]) -> dict[str, t.Any]:
        """Properties that the user does not name stay."""
        options = super().changed_options(changes)
        if "properties" in options and self._found_properties:
            options["properties"] = {**self._found_properties, **options["properties"]}
        return options

    def difference(self, found: Document) -> list[Change]:
        """What would change; remembers the properties found, since a PUT replaces all of them."""
        self._found_properties = properties_from_google(found.get("properties"), self) or {}
        return super().difference(found)

    _found_properties: t.ClassVar[dict[str, str]] | dict[str, str] = {}

    def delete(self, found: Document) -> None:
        """Delete it, if it is ours to delete: not even force removes another's, or a paid one that nobody named."""
        if not self.mark.owned(self, found):
            raise RefusedError(self.mark.why_kept)
        super().delete(found)
