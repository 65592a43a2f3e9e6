# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""API proxies and their revisions: what they have in common with shared flows, and their labels."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee.base import check_name, name_list
from testbed.google.services.apigee.kinds import PROXY
from testbed.google.services.apigee.names import key, now_ms
from testbed.google.services.apigee.revisions import DOCUMENT, UPDATE_RULES, Imported, Revisions


class Proxies(Imported):
    """organizations.apis.*"""

    kind = PROXY
    method_prefix = "apigee.organizations.apis"

    @handles(".patch", rules=[
        Required("updateMask", query=True, source=f"{DOCUMENT}: apis.patch, updateMask: Required"),
        Said("only labels change", source=f"{DOCUMENT}: every other field of ApiProxy is output only")])
    def patch(self, call: Call) -> dict[str, Any]:
        organization, name, proxy = self._require(call)
        wrong = [path for path in call.mask if path.split(".")[0] != "labels"]
        if wrong:
            raise GoogleError(400, f"update_mask may only name labels, got {', '.join(wrong)}")
        for label, value in (call.body.get("labels") or {}).items():
            check_name(label, r"[a-z][a-z0-9_-]{0,62}", "label key")
            check_name(value, r"[a-z0-9_-]{0,63}", "label value")
        proxy["labels"] = call.body.get("labels") or {}
        proxy["metaData"]["lastModifiedAt"] = str(now_ms())
        call.store.put(key("organizations", organization, "apis", name), proxy)
        return self._shown(call.store, organization, proxy)


class ProxyRevisions(Revisions):
    """organizations.apis.revisions.*"""

    kind = PROXY
    method_prefix = "apigee.organizations.apis.revisions"
    extra_routes = (name_list(f"{method_prefix}.list", "organizations/[^/]+/apis/[^/]+", "revisions"),)

    @handles(".updateApiProxyRevision", rules=UPDATE_RULES)
    def update(self, call: Call) -> dict[str, Any]:
        return super().update(call)
