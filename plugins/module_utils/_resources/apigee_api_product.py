# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API product: what a key opens, and how often. Private to the collection.

A product binds proxies in one of two forms that Google does not mix: proxies with paths, or operations. Without any
it opens every proxy of the organisation, without environments every environment; so both have to be said.
"""

from __future__ import annotations

import copy

from .._engine.compare import Change, differences
from .._engine.fields import Document, Field, Options, find
from .._engine.resource import Reference
from .._google.errors import ApiError, OperationError
from . import apigee_product_operations as operations
from .apigee_attributes import ATTRIBUTES, AttributedResource, counted
from .apigee_common import ORGANIZATION

#: A product and what it binds as Edge has it too, from where it is.
BINDING = (
    Field("name", required=True, identity=True),
    Field("display_name"),
    Field("description"),
    Field("approval_type", choices=("auto", "manual"), initial="auto"),
    Field("environments", type="list", elements="str", lists="set"),
    Field("proxies", type="list", elements="str", lists="set"),
    Field("api_resources", type="list", elements="str", lists="set"),
)
#: Come together or not at all.
QUOTA = (
    Field("quota", type="int", int64=True),
    Field("quota_interval", type="int", int64=True),
    Field("quota_time_unit", choices=("minute", "hour", "day", "month")),
)
SCOPES = Field("oauth_scopes", type="list", api="scopes", elements="str", lists="set")
#: Forms in Google's object that have no option here; they are sent back as they are.
_OTHER_GROUPS = ("graphqlOperationGroup", "grpcOperationGroup", "llmOperationGroup", "payloadOperationGroup")


class ApigeeApiProduct(AttributedResource):
    """``organizations.apiproducts``: synchronous, replaced as a whole."""

    kind = "apigee_api_product"
    title = "API product"
    listed_whole = True
    path = "v1/organizations/{organization}/apiproducts/{name}"
    # Google removes the keys of a deleted app or developer some time later.
    delete_patience = 30.0
    fields = (
        ORGANIZATION,
        *BINDING,
        Field(
            "operations",
            type="list",
            elements="dict",
            api="operationGroup.operationConfigs",
            fields=operations.FIELDS,
            encode=operations.encode,
            decode=operations.decode,
        ),
        Field(
            "operation_config_type",
            api="operationGroup.operationConfigType",
            choices=("proxy", "remoteservice"),
            default="proxy",
        ),
        *QUOTA,
        Field("quota_counter_scope", choices=("PROXY", "OPERATION", "PRODUCT")),
        SCOPES,
        ATTRIBUTES,
        Field("space", immutable=True),
    )

    # -- rules -------------------------------------------------------------------------------------------------

    def references(self) -> list[Reference]:
        """Its proxies and environments, which Google looks for."""
        found = super().references()
        proxies = [*self.options.get("proxies", ()), *(one["proxy"] for one in self.options.get("operations", ()))]
        found += [Reference("apigee_proxy", name, needed=False) for name in proxies]
        found += [Reference("apigee_environment", name, needed=False) for name in self.options.get("environments", ())]
        return found

    def validate(self) -> list[str]:
        """Two forms at once, operations twice, and half a quota."""
        problems = super().validate()
        stated = self.options
        simple = [name for name in ("proxies", "api_resources") if stated.get(name)]
        if stated.get("operations") and simple:
            problems.append(
                f"{' and '.join(simple)} and operations exclude each other. Keep operations for methods and quotas of "
                "their own, or proxies and api_resources for paths alone."
            )
        seen: set[str] = set()
        for one in stated.get("operations") or []:
            told = operations.label(one)
            if told in seen:
                problems.append(f"operations: {told} stands there twice.")
            seen.add(told)
            if not str(one["resource"]).startswith("/"):
                problems.append(f"operations: resource {one['resource']!r} does not begin with /.")
            if one.get("quota") and not {"limit", "interval"} <= one["quota"].keys():
                problems.append(f"operations: the quota of {told} needs limit and interval.")
        if stated.get("quota") != 0:
            problems += half_a_quota(stated)
        if (stated.get("quota") or 0) < 0:
            problems.append(f"quota is {stated['quota']}. State a number from 1, or 0 for none.")
        return problems

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """The two forms once more, with what is there and not stated."""
        there = [name for name in ("proxies", "apiResources") if found.get(name)]
        if self.options.get("operations") and (left := [name for name in there if self._keeps(name)]):
            values = ", ".join(f"{_option(name)} {found[name]}" for name in left)
            cleared = " and ".join(f"{_option(name)}: []" for name in left)
            return [f"it binds {values}, which Google does not mix with operations. State {cleared} to replace them."]
        group = find(found, ("operationGroup", "operationConfigs"))
        simple = self.options.get("proxies") or self.options.get("api_resources")
        if group and simple and "operations" not in self.options:
            return ["it binds operations, which Google does not mix with proxies. State operations: [] to replace them."]
        return []

    def _keeps(self, name: str) -> bool:
        return _option(name) not in self.options

    def examine_creation(self) -> list[str]:
        """What is left open opens everything."""
        problems = []
        if not {"proxies", "operations"} & self.options.keys():
            problems.append(
                "neither proxies nor operations are stated, and without them a product opens every proxy of the "
                "organisation. State what it opens, or proxies: [] if it is to be everything."
            )
        if "environments" not in self.options:
            problems.append(
                "environments is not stated, and without it a product opens every environment. State which, or "
                "environments: [] if it is to be all."
            )
        return problems

    def in_use(self, error: ApiError | OperationError) -> bool:
        """While a key names it."""
        return "used in Application" in error.said or super().in_use(error)

    # -- reading -----------------------------------------------------------------------------------------------

    def everything(self) -> list[Document]:
        """All products of the organisation."""
        return counted(self, self.parent_url(), "apiProduct", "name", expand=True)

    def declaration(self, found: Document) -> Options:
        """What is empty opens everything, so it is said."""
        stated = super().declaration(found)
        if "operations" not in stated:
            stated.setdefault("proxies", [])
        return {**stated, "environments": stated.get("environments", [])}

    def withheld(self, found: Document) -> list[str]:
        """Forms that have no option."""
        return [name for name in _OTHER_GROUPS if found.get(name)]

    # -- comparing and writing ---------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """Field by field, and operation by operation."""
        described = self.describe(found)
        plain = tuple(field for field in self.fields if field.name != "operations")
        changes = differences(plain, self.options, described)
        if "operations" in self.options:
            spec = next(field for field in self.fields if field.name == "operations")
            changes += operations.changes(self.options["operations"], described["operations"] or [], spec)
        return changes

    def body(self) -> Document:
        """Google wants a display name."""
        return self._tidy({"displayName": self.options["name"], **super().body()})

    def replacement(self, found: Document, changes: list[Change]) -> Document:
        """The whole; an emptied group of operations goes."""
        return self._tidy(super().replacement(copy.deepcopy(found), changes))

    def _tidy(self, document: Document) -> Document:
        if self.options.get("quota") == 0:
            for name in ("quota", "quotaInterval", "quotaTimeUnit"):
                document.pop(name, None)
        if self.options.get("operations") == []:
            document.pop("operationGroup", None)
        return document


def half_a_quota(stated: Options) -> list[str]:
    """What is wrong with options that say one part of a quota and not the others."""
    parts = [field.name for field in QUOTA]
    given = [name for name in parts if stated.get(name)]
    if len(given) in (0, len(parts)):
        return []
    return [f"{', '.join(parts)} come together, and there is only {', '.join(given)}."]


def _option(name: str) -> str:
    return {"apiResources": "api_resources"}.get(name, name)
