# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products, developers and apps of Edge. Private to the collection.

Apigee X has these from Edge, and their calls are the same but for lists, which on Edge are arrays of names.
"""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document
from .._engine.ownership import Mark
from .._engine.resource import Resource
from .._microgateway import rules
from .._microgateway.gateway import Product
from .._resources.apigee_api_product import BINDING, QUOTA, SCOPES, half_a_quota
from .._resources.apigee_app import ApigeeApp
from .._resources.apigee_attributes import ATTRIBUTES, AttributedResource, AttributeMark
from .._resources.apigee_common import ApigeeResource
from .._resources.apigee_developer import ApigeeDeveloper
from .organization import ORGANIZATION, OnEdge


class _Consumer(OnEdge):
    """One of a collection whose list is an array of names."""

    names_only = True
    names = ApigeeResource.names


class EdgeApiProduct(_Consumer, AttributedResource):
    """``organizations.apiproducts``: replaced as a whole."""

    kind = "edge_api_product"
    title = "Edge API product"
    path = "v1/organizations/{organization}/apiproducts/{name}"
    delete_patience = 30.0
    fields = (ORGANIZATION, *BINDING, *QUOTA, SCOPES, ATTRIBUTES)
    #: Without these a product opens everything, so they are said.
    needed = ("proxies", "environments")
    required_if = (("state", "present", needed),)

    def validate(self) -> list[str]:
        """Half a quota, and what gateways would take otherwise than it is meant."""
        problems = [*super().validate(), *half_a_quota(self.options)]
        proxies = tuple(self.options.get("proxies") or ())
        if any(name.startswith(rules.AWARE) or name == rules.AUTH_PROXY for name in proxies):
            product = Product(str(self.options["name"]), proxies, tuple(self.options.get("api_resources") or ()))
            problems += [*rules.keys("", product), *rules.resource_paths("api_resources", product)]
        return problems

    def body(self) -> Document:
        """Edge wants a display name."""
        return {"displayName": self.options["name"], **super().body()}

    def in_use(self, error: t.Any) -> bool:
        """While a key names it."""
        return "in_use" in error.reason.lower() or super().in_use(error)


class _DeveloperMark(AttributeMark):
    """Apps go with their developer: only one that has none is deleted without being told to."""

    why_kept = ("left alone: it does not carry this collection's mark, or has apps that would go with it. force: true "
                "deletes it all the same")

    def deletable(self, resource: Resource, found: Document) -> bool:
        return self.owned(resource, found) and not found.get("apps")


class EdgeDeveloper(_Consumer, ApigeeDeveloper):
    """``organizations.developers``, as in Apigee X."""

    kind = "edge_developer"
    title = "Edge developer"
    mark: t.ClassVar[Mark] = _DeveloperMark()
    contents = ()
    fields = (ORGANIZATION, *ApigeeDeveloper.fields[1:])


class EdgeApp(_Consumer, ApigeeApp):
    """``organizations.developers.apps``, as in Apigee X."""

    kind = "edge_app"
    title = "Edge app"
    fields = (ORGANIZATION, *ApigeeApp.fields[1:])

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """On Edge, keys of names of ours cannot be declared yet."""
        return [sentence.replace("Declare a key with apigee_app_key and leave this out.",
                                 "Delete the app and make it again.") for sentence in super().examine(found, changes)]
