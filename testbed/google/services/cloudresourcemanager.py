# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager: v3, which the collection uses, and v1, which gcloud still calls."""

from __future__ import annotations

from typing import Any

from testbed.google import policies
from testbed.google.paging import matching, page
from testbed.google.rules import Said
from testbed.google.service import Call, Service, handles


class ResourceManager(Service):
    """Base of both versions: the IAM policy of a project and the caller's own permissions are the same in each."""

    prefix = "cloudresourcemanager"
    # How often a policy was written.
    volatile = ("changes",)

    @handles("cloudresourcemanager.projects.getIamPolicy", permission="resourcemanager.projects.getIamPolicy")
    def get_policy(self, call: Call) -> dict[str, Any]:
        """Return the project's IAM policy with its etag."""
        return policies.read(call, f"projects/{call.project()['projectId']}")

    @handles(
        "cloudresourcemanager.projects.setIamPolicy",
        rules=[*policies.RULES, Said("everybody cannot be a member", source="text of projects.setIamPolicy")],
        permission="resourcemanager.projects.setIamPolicy",
    )
    def set_policy(self, call: Call) -> dict[str, Any]:
        """Replace the policy."""
        return policies.write(call, f"projects/{call.project()['projectId']}", public=False)

    @handles("cloudresourcemanager.projects.testIamPermissions")
    def test_permissions(self, call: Call) -> dict[str, Any]:
        """Return those of the asked permissions that the caller has."""
        project = call.project()["projectId"]
        asked = call.body.get("permissions", [])
        allowed = call.emulator.identity.allowed
        return {"permissions": [p for p in asked if allowed(call.store, call.principal, p, project)]}


class ResourceManagerV3(ResourceManager):
    """projects.get in the present shape."""

    document = "cloudresourcemanager.v3"

    @handles("cloudresourcemanager.projects.get")
    def get(self, call: Call) -> dict[str, Any]:
        project = call.project()
        return {
            "name": f"projects/{project['number']}",
            "projectId": project["projectId"],
            "displayName": project["displayName"],
            "state": "ACTIVE",
            "createTime": project["createTime"],
            "updateTime": project["createTime"],
            "parent": project["parent"],
            "labels": project["labels"],
            "etag": 'W/"6d0fb1a7e5f3c2a1"',
        }


class ResourceManagerV1(ResourceManager):
    """The same projects in the older shape."""

    document = "cloudresourcemanager.v1"

    def project_name(self, call: Call) -> str | None:
        return call.path.get("projectId") or call.path.get("resource")

    @handles("cloudresourcemanager.projects.get")
    def get(self, call: Call) -> dict[str, Any]:
        return _v1(call.project())

    @handles("cloudresourcemanager.projects.list", permission="")
    def list(self, call: Call) -> dict[str, Any]:
        projects = [p for _, p in call.store.items("projects/")]
        allowed = call.emulator.identity.allowed
        permission = "resourcemanager.projects.get"
        seen = [_v1(p) for p in projects if allowed(call.store, call.principal, permission, p["projectId"])]
        items, following = page(
            matching(seen, call.query.get("filter")), call.query.get("pageSize"), call.query.get("pageToken")
        )
        return {"projects": items, "nextPageToken": following}


def _v1(project: dict[str, Any]) -> dict[str, Any]:
    kind, number = project["parent"].split("/")
    return {
        "projectNumber": project["number"],
        "projectId": project["projectId"],
        "lifecycleState": "ACTIVE",
        "name": project["displayName"],
        "createTime": project["createTime"],
        "parent": {"type": kind.removesuffix("s"), "id": number},
        "labels": project["labels"],
    }
