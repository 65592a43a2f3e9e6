# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small table of IAM roles, and the permission that each method needs.

Sources: google-apis.md section 6; Google's role pages for the predefined roles named there. Permissions are globs.
"""

from __future__ import annotations

_READ = ("*.get", "*.list", "*.getIamPolicy", "*.batchGet", "*.getProjectMapping")

ROLES: dict[str, tuple[str, ...]] = {
    "roles/owner": ("*",),
    "roles/editor": (
        "apigateway.*", "apigee.*", "compute.*", "container.*", "dns.*", "serviceusage.*",
        "servicenetworking.services.get*", "servicenetworking.services.list*",
        "servicenetworking.services.createPeeredDnsDomain", "servicenetworking.services.deletePeeredDnsDomain",
        "iam.serviceAccounts.*", "servicemanagement.services.update", *_READ,
    ),
    "roles/viewer": _READ,
    "roles/apigateway.admin": ("apigateway.*", "servicemanagement.services.get", "serviceusage.services.list"),
    "roles/compute.networkAdmin": ("compute.*", "servicenetworking.*"),
    "roles/compute.viewer": ("compute.*.get", "compute.*.list"),
    "roles/container.admin": ("container.*",),
    "roles/container.viewer": ("container.*.get", "container.*.list"),
    "roles/apigee.admin": ("apigee.*",),
    "roles/dns.admin": ("dns.*",),
    "roles/dns.peer": ("dns.networks.targetWithPeeringZone",),
    "roles/serviceusage.serviceUsageAdmin": ("serviceusage.*",),
    "roles/servicenetworking.networksAdmin": ("servicenetworking.*",),
    "roles/iam.serviceAccountTokenCreator": ("iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signBlob"),
    "roles/serviceusage.apiKeysAdmin": ("apikeys.*", "serviceusage.services.get", "serviceusage.services.list"),
    "roles/iam.serviceAccountAdmin": ("iam.serviceAccounts.*",),
    "roles/resourcemanager.projectIamAdmin": ("resourcemanager.projects.*IamPolicy", "resourcemanager.projects.get"),
    "roles/iam.serviceAccountUser": ("iam.serviceAccounts.actAs",),
    "roles/browser": ("resourcemanager.projects.get",),
}  # fmt: skip

_VERBS = {
    "insert": "create", "patch": "update", "get": "get", "list": "list", "delete": "delete", "create": "create",
    "update": "update", "aggregatedList": "list", "setLabels": "setLabels", "wait": "get",
    "modifyEnvironment": "update", "updateApiProxyRevision": "update", "updateSharedFlowRevision": "update",
    "setResourceLabels": "update", "enable": "enable", "batchEnable": "enable", "batchGet": "get",
}  # fmt: skip
_EXPLICIT = {
    "servicenetworking.services.connections.create": "servicenetworking.services.addPeering",
    "servicenetworking.services.connections.patch": "servicenetworking.services.addPeering",
    "servicenetworking.services.connections.deleteConnection": "servicenetworking.services.deleteConnection",
    "servicenetworking.services.connections.list": "servicenetworking.services.get",
    "servicenetworking.services.projects.global.networks.peeredDnsDomains.create":
        "servicenetworking.services.createPeeredDnsDomain",
    "servicenetworking.services.projects.global.networks.peeredDnsDomains.delete":
        "servicenetworking.services.deletePeeredDnsDomain",
    "servicenetworking.services.projects.global.networks.peeredDnsDomains.list":
        "servicenetworking.services.list",
    "compute.networks.removePeering": "compute.networks.removePeering",
    "compute.subnetworks.expandIpCidrRange": "compute.subnetworks.expandIpCidrRange",
    **{f"apigee.organizations.environments.{kind}.revisions.{name}": f"apigee.deployments.{verb}"
       for kind in ("apis", "sharedflows")
       for name, verb in (("deploy", "create"), ("undeploy", "delete"), ("getDeployments", "get"))},
    "cloudresourcemanager.projects.testIamPermissions": "",
    "iamcredentials.projects.serviceAccounts.generateAccessToken": "iam.serviceAccounts.getAccessToken",
}  # fmt: skip


def permission(method: str) -> str:
    """Return the IAM permission that a discovery method needs; empty when it needs none."""
    if method in _EXPLICIT:
        return _EXPLICIT[method]
    parts = method.split(".")
    api, name = parts[0], parts[-1]
    kind = parts[-2] if len(parts) > 2 else api
    if "operations" in kind.lower():
        kind = kind if api != "servicenetworking" else "operations"
    # Apigee's permissions call these resources otherwise than its paths do (discovery document, texts of deploy).
    if kind == "revisions":
        kind = {"apis": "proxyrevisions", "sharedflows": "sharedflowrevisions"}[parts[-3]]
    kind = {("apigee", "apis"): "proxies", ("apigateway", "configs"): "apiconfigs"}.get((api, kind), kind)
    api = {"cloudresourcemanager": "resourcemanager"}.get(api, api)
    return f"{api}.{kind}.{_VERBS.get(name, name)}"
