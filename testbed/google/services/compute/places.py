# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions, zones, the project, routes: read only."""

from __future__ import annotations

from typing import Any

from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, ZONES, ComputeService, not_found

_BORN = "1969-12-31T16:00:00.000-08:00"


class Regions(ComputeService):
    """Google's regions, as far as the testbed knows them."""

    collection = "regions"
    kind = "compute#region"

    @handles("compute.regions.get")
    def get(self, call: Call) -> dict[str, Any]:
        self.region(call, call.path["region"])
        return self._shown(call, call.path["region"])

    @handles("compute.regions.list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.listed(call, [self._shown(call, name) for name in sorted(ZONES)])

    def _shown(self, call: Call, name: str) -> dict[str, Any]:
        project = call.project()["projectId"]
        path = f"projects/{project}/regions/{name}"
        zones = [f"{BASE}projects/{project}/zones/{name}-{letter}" for letter in ZONES[name]]
        return {
            "kind": self.kind, "id": str(1000 + sorted(ZONES).index(name)), "name": name, "description": name,
            "status": "UP", "creationTimestamp": _BORN, "selfLink": BASE + path, "zones": zones,
        }  # fmt: skip


class Zones(ComputeService):
    """Their zones."""

    collection = "zones"
    kind = "compute#zone"

    @handles("compute.zones.get")
    def get(self, call: Call) -> dict[str, Any]:
        region, _, letter = call.path["zone"].rpartition("-")
        if letter not in tuple(ZONES.get(region, "")):
            raise not_found(f"projects/{call.project()['projectId']}/zones/{call.path['zone']}")
        return self._shown(call, region, letter)

    @handles("compute.zones.list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.listed(call, [self._shown(call, r, letter) for r in sorted(ZONES) for letter in ZONES[r]])

    def _shown(self, call: Call, region: str, letter: str) -> dict[str, Any]:
        project = call.project()["projectId"]
        name = f"{region}-{letter}"
        number = str(2000 + 10 * sorted(ZONES).index(region) + ord(letter) - ord("a"))
        return {
            "kind": self.kind, "id": number, "name": name, "description": name, "status": "UP",
            "creationTimestamp": _BORN, "region": f"{BASE}projects/{project}/regions/{region}",
            "selfLink": f"{BASE}projects/{project}/zones/{name}",
        }  # fmt: skip


class Projects(ComputeService):
    """The project as Compute Engine sees it."""

    collection = "projects"
    kind = "compute#project"

    @handles("compute.projects.get")
    def get(self, call: Call) -> dict[str, Any]:
        project = call.project()
        return {
            "kind": self.kind,
            "id": str(int(project["number"]) + 7),
            "name": project["projectId"],
            "creationTimestamp": project["createTime"],
            "selfLink": f"{BASE}projects/{project['projectId']}",
            "defaultServiceAccount": f"{project['number']}-compute@developer.gserviceaccount.com",
            "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        }


class Routes(ComputeService):
    """The routes that networks and subnetworks have by themselves; own routes are not emulated."""

    collection = "routes"
    kind = "compute#route"

    @handles("compute.routes.list")
    def list(self, call: Call) -> dict[str, Any]:
        project = call.project()["projectId"]
        items = []
        for network in call.store.children(f"compute/projects/{project}/global/networks"):
            gateway = f"{BASE}projects/{project}/global/gateways/default-internet-gateway"
            items.append(self._route(project, network, "0.0.0.0/0", {"nextHopGateway": gateway, "priority": 1000}))
            for key, subnet in call.store.items(f"compute/projects/{project}/regions/"):
                if key.split("/")[5] == "subnetworks" and subnet["network"] == network["selfLink"]:
                    ranges = [subnet["ipCidrRange"], *(r["ipCidrRange"] for r in subnet.get("secondaryIpRanges", []))]
                    hop = {"nextHopNetwork": network["selfLink"], "priority": 0}
                    items += [self._route(project, network, text, hop) for text in ranges]
        return self.listed(call, items)

    def _route(self, project: str, network: dict[str, Any], destination: str, hop: dict[str, Any]) -> dict[str, Any]:
        name = f"default-route-{network['name']}-{destination.replace('.', '-').replace('/', '-')}"
        return {
            "kind": self.kind, "id": network["id"], "name": name, "creationTimestamp": network["creationTimestamp"],
            "network": network["selfLink"], "destRange": destination, **hop,
            "selfLink": f"{BASE}projects/{project}/global/routes/{name}",
        }  # fmt: skip
