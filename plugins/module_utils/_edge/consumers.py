# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products, developers and apps of Edge. Private to the collection.

Apigee X has these from Edge, and their calls are the same but for lists, which on Edge are arrays of names.
"""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import Mark
from .._engine.resource import Resource
from .._microgateway import rules
from .._microgateway.gateway import Product
from .._resources.apigee_app import ApigeeApp
from .._resources.apigee_attributes import ATTRIBUTES, AttributedResource, AttributeMark
from .._resources.apigee_developer import ApigeeDeveloper
from .organization import ORGANIZATION, OnEdge

_QUOTA = ("quota", "quota_interval", "quota_time_unit")


class EdgeApiProduct(OnEdge, AttributedResource):
    """``organizations.apiproducts``: replaced as a whole."""

    kind = "edge_api_product"
    title = "Edge API product"
    path = "v1/organizations/{organization}/apiproducts/{name}"
    names_only = True
    delete_patience = 30.0
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("display_name"),
        Field("description"),
        Field("approval_type", choices=("auto", "manual"), initial="auto"),
        Field("environments", type="list", elements="str", lists="set"),
        Field("proxies", type="list", elements="str", lists="set"),
        Field("api_resources", type="list", elements="str", lists="set"),
        Field("quota", type="int", int64=True),
        Field("quota_interval", type="int", int64=True),
        Field("quota_time_unit", choices=("minute", "hour", "day", "month")),
        Field("oauth_scopes", type="list", api="scopes", elements="str", lists="set"),
        ATTRIBUTES,
    )
    #: Without these a product opens everything, so they are said.
    needed = ("proxies", "environments")
    required_if = (("state", "present", needed),)

    def validate(self) -> list[str]:
        """Half a quota, and what gateways would take otherwise than it is meant."""
        problems = super().validate()
        given = [name for name in _QUOTA if self.options.get(name)]
        if len(given) not in (0, len(_QUOTA)):
            problems.append(f"{', '.join(_QUOTA)} come together, and there is only {', '.join(given)}.")
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


class EdgeDeveloper(OnEdge, ApigeeDeveloper):
    """``organizations.developers``, as in Apigee X."""

    kind = "edge_developer"
    title = "Edge developer"
    mark: t.ClassVar[Mark] = _DeveloperMark()
    contents = ()
    fields = (ORGANIZATION, *ApigeeDeveloper.fields[1:])

    def names(self) -> list[str]:
        """An array of addresses."""
        return [str(name) for name in self.wire.find(self.service, self.parent_url()) or []]


class EdgeApp(OnEdge, ApigeeApp):
    """``organizations.developers.apps``, as in Apigee X."""

    kind = "edge_app"
    title = "Edge app"
    fields = (ORGANIZATION, *ApigeeApp.fields[1:])

    def names(self) -> list[str]:
        """An array of names."""
        return [str(name) for name in self.wire.find(self.service, self.parent_url()) or []]

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """On Edge, keys of names of ours cannot be declared yet."""
        return [sentence.replace("Declare a key with apigee_app_key and leave this out.",
                                 "Delete the app and make it again.") for sentence in super().examine(found, changes)]
