# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations, server configuration, usable subnetworks."""

from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.paging import page
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE
from testbed.google.services.container.common import VERSION, VERSIONS, ContainerService


class Operations(ContainerService):
    """projects.locations.operations."""

    @handles("container.projects.locations.operations.get")
    async def get(self, call: Call) -> dict[str, Any]:
        name = call.path["name"].rsplit("/", 1)[-1]
        path = f"{self.location(call)}/operations/{name}"
        try:
            return await call.operations.poll(call, path)
        except GoogleError as exc:
            raise GoogleError(404, f"Not found: {path}.") from exc

    @handles("container.projects.locations.operations.list")
    def list(self, call: Call) -> dict[str, Any]:
        location = self.location(call)
        if not location.endswith("/-"):
            return {"operations": call.operations.list(call.store, "container", location)}
        prefix = call.operations.key("container", location.removesuffix("-"))
        found = [d for _, d in call.store.items(prefix)]
        return {"operations": [call.operations.render(d) for d in sorted(found, key=lambda d: d["started"])]}

    @handles("container.projects.locations.operations.cancel")
    def cancel(self, call: Call) -> dict[str, Any]:
        raise GoogleError(400, "Operation cannot be cancelled.", status="FAILED_PRECONDITION")


class ServerConfig(ContainerService):
    """What versions and images there are."""

    @handles("container.projects.locations.getServerConfig", permission="container.clusters.list")
    def get(self, call: Call) -> dict[str, Any]:
        self.location(call)
        versions = list(VERSIONS)
        return {
            "defaultClusterVersion": VERSION,
            "validMasterVersions": versions,
            "validNodeVersions": versions,
            "defaultImageType": "COS_CONTAINERD",
            "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
            "channels": [
                {"channel": channel, "defaultVersion": VERSION, "validVersions": versions}
                for channel in ("RAPID", "REGULAR", "STABLE", "EXTENDED")
            ],
        }


class UsableSubnetworks(ContainerService):
    """Subnetworks in which clusters may be made."""

    @handles("container.projects.aggregated.usableSubnetworks.list", permission="container.clusters.list")
    def list(self, call: Call) -> dict[str, Any]:
        project = call.project()["projectId"]
        wanted = re.search(r"networkProjectId\s*=\s*(\S+)", call.query.get("filter") or "")
        project = wanted[1] if wanted else project
        items = []
        for key, subnet in call.store.items(f"compute/projects/{project}/regions/"):
            if key.split("/")[-2] == "subnetworks":
                ranges = [
                    {"rangeName": r["rangeName"], "ipCidrRange": r["ipCidrRange"], "status": "UNUSED"}
                    for r in subnet.get("secondaryIpRanges", [])
                ]
                items.append(
                    {
                        "subnetwork": subnet["selfLink"].removeprefix(BASE),
                        "network": subnet["network"].removeprefix(BASE),
                        "ipCidrRange": subnet["ipCidrRange"],
                        "secondaryIpRanges": ranges,
                    }
                )
        shown, following = page(items, call.query.get("pageSize"), call.query.get("pageToken"))
        return {"subnetworks": shown, "nextPageToken": following}
