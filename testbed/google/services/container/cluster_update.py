# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a living cluster: one desired field at a time, and labels."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.operations import Run
from testbed.google.rules import Forbidden, Required, Said
from testbed.google.service import Call, handles, on_failure, work
from testbed.google.services.container import dns_rules
from testbed.google.services.container.common import VERSIONS, ContainerService, etag, picture, token
from testbed.google.services.container.defaults import merged
from testbed.google.services.dns.managed import drop_zone, ensure_zone

_SEEN = "google-apis.md 4.5"
# Where each desired field lies in a cluster; what is not here is not emulated (501).
_PLACES = {
    "desiredAddonsConfig": "addonsConfig",
    "desiredAuthenticatorGroupsConfig": "authenticatorGroupsConfig",
    "desiredBinaryAuthorization": "binaryAuthorization",
    "desiredClusterAutoscaling": "autoscaling",
    "desiredControlPlaneEndpointsConfig": "controlPlaneEndpointsConfig",
    "desiredCostManagementConfig": "costManagementConfig",
    "desiredDefaultEnablePrivateNodes": "networkConfig.defaultEnablePrivateNodes",
    "desiredDefaultSnatStatus": "networkConfig.defaultSnatStatus",
    "desiredDnsConfig": "networkConfig.dnsConfig",
    "desiredEnablePrivateEndpoint": "privateClusterConfig.enablePrivateEndpoint",
    "desiredGatewayApiConfig": "networkConfig.gatewayApiConfig",
    "desiredIntraNodeVisibilityConfig": "networkConfig.enableIntraNodeVisibility:enabled",
    "desiredL4ilbSubsettingConfig": "networkConfig.enableL4ilbSubsetting:enabled",
    "desiredLocations": "locations",
    "desiredLoggingConfig": "loggingConfig",
    "desiredLoggingService": "loggingService",
    "desiredMasterAuthorizedNetworksConfig": "masterAuthorizedNetworksConfig",
    "desiredMasterVersion": "currentMasterVersion",
    "desiredMonitoringConfig": "monitoringConfig",
    "desiredMonitoringService": "monitoringService",
    "desiredNodeVersion": "currentNodeVersion",
    "desiredNotificationConfig": "notificationConfig",
    "desiredPrivateClusterConfig": "privateClusterConfig",
    "desiredReleaseChannel": "releaseChannel",
    "desiredSecurityPostureConfig": "securityPostureConfig",
    "desiredServiceExternalIpsConfig": "networkConfig.serviceExternalIpsConfig",
    "desiredShieldedNodes": "shieldedNodes",
    "desiredVerticalPodAutoscaling": "verticalPodAutoscaling",
    "desiredWorkloadIdentityConfig": "workloadIdentityConfig",
}
# Fields that accompany another one and do not count by themselves (gcloud sends them together).
_COMPANIONS = {"desiredNodePoolId", "desiredImageType", "etag"}
_NOTHING = "Must specify a field to update."


class ClusterUpdate(ContainerService):
    """clusters.update and clusters.setResourceLabels."""

    @handles(
        "container.projects.locations.clusters.update",
        rules=[
            Forbidden("projectId", why="is deprecated: the path names it", source=_SEEN),
            Required("update", source=_SEEN),
            Said("one desired field for each update; nothing to change is refused", source=_SEEN),
            Said("DNS scope cannot be toggled; Autopilot keeps its DNS config", source="gke-dns-path.md 1.3"),
            Said("etag must be the current one (409 ABORTED)", source=_SEEN),
        ],
    )
    def update(self, call: Call) -> dict[str, Any]:
        before = self.cluster(call)
        change = call.body.get("update", {})
        fields = [name for name in change if name not in _COMPANIONS]
        if not fields:
            raise GoogleError(400, _NOTHING)
        if len(fields) > 1:
            raise GoogleError(400, f"Only one field may be updated at a time, got {', '.join(sorted(fields))}.")
        if change.get("etag") and change["etag"] != before.get("etag"):
            raise GoogleError(409, "The etag of the cluster does not match the request's.", status="ABORTED")
        field = fields[0]
        if field not in _PLACES:
            raise GoogleError(
                501, f"container.projects.locations.clusters.update: {field} is not emulated by this testbed."
            )
        after = self._applied(before, field, change[field])
        if {**after, "_": 0} == {**before, "_": 0}:
            raise GoogleError(400, f"{_NOTHING} The cluster has this {field} already.")
        self._check(call, before, after, field)
        operation = self.operate(
            call,
            before["_path"],
            "UPGRADE_MASTER" if field == "desiredMasterVersion" else "UPDATE_CLUSTER",
            "container.update",
            duration="container.cluster_update",
            before=before,
        )
        after["status"] = "RECONCILING"
        call.store.put(f"container/{before['_path']}", after)
        return operation

    @handles(
        "container.projects.locations.clusters.setResourceLabels",
        rules=[Said("needs the current labelFingerprint (412 otherwise)", source=_SEEN)],
    )
    def labels(self, call: Call) -> dict[str, Any]:
        before = self.cluster(call)
        if call.body.get("labelFingerprint") != before["labelFingerprint"]:
            raise GoogleError(412, "Labels could not be set due to fingerprint mismatch.", status="FAILED_PRECONDITION")
        labels = call.body.get("resourceLabels", {})
        after = {**before, "resourceLabels": labels, "labelFingerprint": token(labels), "status": "RECONCILING"}
        operation = self.operate(
            call, before["_path"], "UPDATE_CLUSTER", "container.update", duration="container.labels", before=before
        )
        call.store.put(f"container/{before['_path']}", after)
        return operation

    @staticmethod
    def _applied(before: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
        place, _, inner = _PLACES[field].partition(":")
        value = value.get(inner, False) if inner else value
        parent, _, name = place.rpartition(".")
        holder = dict(before[parent]) if parent else dict(before)
        old = holder.get(name)
        holder[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        if field == "desiredDnsConfig":
            # An explicit empty value clears; so does leaving VPC scope for another provider.
            holder[name] = {k: v for k, v in holder[name].items() if v != ""}
        return {**before, parent: holder} if parent else holder

    def _check(self, call: Call, before: dict[str, Any], after: dict[str, Any], field: str) -> None:
        autopilot = bool(before.get("autopilot", {}).get("enabled"))
        if field == "desiredDnsConfig":
            old = before["networkConfig"].get("dnsConfig", {})
            new = after["networkConfig"]["dnsConfig"]
            dns_rules.check_change(old, new, autopilot=autopilot)
            network = before["networkConfig"]["network"]
            dns_rules.check_new(call, new, autopilot=autopilot, network=network, own=before["_path"])
        if field in ("desiredMasterVersion", "desiredNodeVersion"):
            version = after[_PLACES[field]]
            if version not in (*VERSIONS, "latest", "-"):
                raise GoogleError(400, f'Version "{version}" is not supported.')
        if field == "desiredWorkloadIdentityConfig":
            pool = after["workloadIdentityConfig"].get("workloadPool")
            if pool and pool != f"{before['_project']}.svc.id.goog":
                raise GoogleError(400, f"Workload pool '{pool}' is not supported.")

    @work("container.update")
    async def updated(self, run: Run) -> None:
        key = f"container/{run.arguments['path']}"
        document = self.emulator.store.snapshot().get(key)
        if document is None:
            return
        if picture(document) != picture(run.arguments["before"]):
            await run.world.update_cluster(picture(document))
        async with run.transaction() as tx:
            document = tx.get(key) or document
            document["status"] = "RUNNING"
            document["etag"] = etag(document)
            tx.put(key, document)
            if document["networkConfig"] != run.arguments["before"]["networkConfig"]:
                drop_zone(tx, run.arguments["before"])
                ensure_zone(tx, document)
        await self.emulator.apply_network()

    @on_failure("container.update")
    async def failed(self, run: Run, error: dict[str, Any]) -> None:
        async with run.transaction() as tx:
            tx.put(f"container/{run.arguments['path']}", {**run.arguments["before"], "status": "RUNNING"})
