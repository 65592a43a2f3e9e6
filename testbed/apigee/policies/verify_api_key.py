# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VerifyAPIKey: admits a request when its key's app, developer and products do.

Source: Apigee "VerifyAPIKey policy" and its error reference.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.identities import Credential, Match, ProductQuota, expired, match
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.values import Reference, reference

if TYPE_CHECKING:
    from testbed.apigee.context import Context


@dataclass(frozen=True)
class VerifyAPIKey(Policy):
    element: ClassVar[str] = "VerifyAPIKey"
    # CacheExpiryInSeconds only delays revocation; here it is immediate.
    children: ClassVar[tuple[str, ...]] = ("APIKey", "CacheExpiryInSeconds")

    key: Reference

    @classmethod
    def parse(cls, node: Node) -> dict:
        element = node.child("APIKey")
        key = reference(element)
        if element is not None:
            element.check(attributes=("ref",))
        if key is None or (key.variable is None and key.literal is None):
            node.invalid("SpecifyValueOrRefApiKey: APIKey needs a ref or a value")
            key = Reference(None, "")
        return {"key": key}

    def execute(self, context: Context) -> None:
        try:
            self._verify(context)
        except Fault:
            context.variables.record(f"verifyapikey.{self.name}", failed=True)
            context.variables.record(f"oauthV2.{self.name}", failed=True)
            raise

    def _verify(self, context: Context) -> None:
        key = text_of(self.key.resolve(context))
        if not key:
            raise Fault(401, "steps.oauth.v2.FailedToResolveAPIKey",
                        f"Failed to resolve API Key variable {self.key.variable}")
        identities = context.identities
        credential = identities.credential(key)
        if credential is None:
            raise Fault(401, "oauth.v2.InvalidApiKey", "Invalid ApiKey")
        if expired(credential):
            # The text is not published; proxies in the field match on consumer_key_expired.
            raise Fault(401, "keymanagement.service.consumer_key_expired", "Consumer key is expired")
        if credential.key.get("status", "approved") != "approved":
            raise Fault(401, "oauth.v2.ApiKeyNotApproved", "ApiKey not approved")
        if credential.app.get("status", "approved") != "approved":
            raise Fault(401, "keymanagement.service.invalid_client-app_not_approved",
                        "API Key verify failed: the app is not approved")
        if credential.developer is not None and credential.developer.get("status", "active") != "active":
            raise Fault(401, "keymanagement.service.DeveloperStatusNotActive", "Developer Status is not Active")
        products = identities.approved_products(credential)
        if not products:
            raise Fault(400, "keymanagement.service.consumer_key_missing_api_product_association",
                        "Consumer key is missing API product association")
        found = self._match(context, products)
        if found is None:
            raise Fault(401, "oauth.v2.InvalidApiKeyForGivenResource", "Invalid ApiKey for given resource")
        self._record(context, credential, found)

    @staticmethod
    def _match(context: Context, products: list[Mapping[str, Any]]) -> Match | None:
        deployment = context.deployment
        found = (match(product, deployment.environment, deployment.proxy, context.path_suffix, context.request.verb)
                 for product in products)
        return next((one for one in found if one is not None), None)

    def _record(self, context: Context, credential: Credential, found: Match) -> None:
        """The variables that later policies read (Quota above all)."""
        app, developer, product = credential.app, credential.developer or {}, found.product
        quota = context.product_quotas[self.name] = ProductQuota.of(found, app, context.deployment.proxy)
        prefix = f"verifyapikey.{self.name}"
        facts = {
            "failed": False, "client_id": credential.key["consumerKey"], "client_secret":
            credential.key.get("consumerSecret"), "app.name": app.get("name"), "app.id": app.get("appId"),
            "app.status": app.get("status", "approved"), "developer.app.name": app.get("name"),
            "developer.id": developer.get("developerId"), "developer.email": developer.get("email"),
            "developer.userName": developer.get("userName"), "developer.firstName": developer.get("firstName"),
            "developer.lastName": developer.get("lastName"), "developer.status": developer.get("status", "active"),
            "apiproduct.name": product["name"], "apiproduct.developer.quota.limit": quota.limit or None,
            "apiproduct.developer.quota.interval": quota.interval or None,
            "apiproduct.developer.quota.timeunit": quota.unit or None,
            **{attribute["name"]: attribute.get("value") for attribute in app.get("attributes", ())},
            **{f"apiproduct.{each['name']}": each.get("value") for each in product.get("attributes", ())},
            **{f"developer.{each['name']}": each.get("value") for each in developer.get("attributes", ())},
        }
        context.variables.record(prefix, **{name: value for name, value in facts.items() if value is not None})
        for name, value in (("client_id", facts["client_id"]), ("apiproduct.name", product["name"]),
                            ("developer.app.name", app.get("name")), ("developer.email", developer.get("email")),
                            ("developer.id", developer.get("developerId"))):
            if value is not None:
                context.set(name, value)
        if found.operation:
            # Source: "Flow variables reference", apiproduct.
            context.variables.record(
                "apiproduct", operation=found.label, **{"operation.resource": found.pair.get("resource"),
                                                        "operation.methods": ",".join(found.pair.get("methods", ()))},
                **{f"operation.attributes.{each['name']}": each.get("value")
                   for each in found.operation.get("attributes", ())})
