# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Usage: which APIs a project has enabled. Other services answer 403 SERVICE_DISABLED until they are."""

from __future__ import annotations

from typing import Any

from testbed.google import gateway_picture
from testbed.google.errors import GoogleError, precondition
from testbed.google.operations import Run
from testbed.google.paging import page
from testbed.google.rules import MaxItems, Pattern, Required
from testbed.google.service import Call, Service, handles, work
from testbed.google.services.servicemanagement import managed_key

_PROSE = "serviceusage.v1, field text"
# Titles as Google shows them; the list is also what exists: any other name answers as an unknown service.
CATALOGUE = {
    "apigateway.googleapis.com": "API Gateway API",
    "apigee.googleapis.com": "Apigee API",
    "apikeys.googleapis.com": "API Keys API",
    "artifactregistry.googleapis.com": "Artifact Registry API",
    "certificatemanager.googleapis.com": "Certificate Manager API",
    "cloudapis.googleapis.com": "Google Cloud APIs",
    "cloudbuild.googleapis.com": "Cloud Build API",
    "cloudfunctions.googleapis.com": "Cloud Functions API",
    "cloudkms.googleapis.com": "Cloud Key Management Service (KMS) API",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
    "compute.googleapis.com": "Compute Engine API",
    "container.googleapis.com": "Kubernetes Engine API",
    "containerregistry.googleapis.com": "Container Registry API",
    "dns.googleapis.com": "Cloud DNS API",
    "iam.googleapis.com": "Identity and Access Management (IAM) API",
    "iamcredentials.googleapis.com": "IAM Service Account Credentials API",
    "logging.googleapis.com": "Cloud Logging API",
    "monitoring.googleapis.com": "Cloud Monitoring API",
    "networkservices.googleapis.com": "Network Services API",
    "oslogin.googleapis.com": "Cloud OS Login API",
    "pubsub.googleapis.com": "Cloud Pub/Sub API",
    "run.googleapis.com": "Cloud Run Admin API",
    "secretmanager.googleapis.com": "Secret Manager API",
    "servicecontrol.googleapis.com": "Service Control API",
    "servicemanagement.googleapis.com": "Service Management API",
    "servicenetworking.googleapis.com": "Service Networking API",
    "serviceusage.googleapis.com": "Service Usage API",
    "storage-api.googleapis.com": "Google Cloud Storage JSON API",
    "storage-component.googleapis.com": "Cloud Storage",
    "storage.googleapis.com": "Cloud Storage API",
    "sts.googleapis.com": "Security Token Service API",
    "vpcaccess.googleapis.com": "Serverless VPC Access API",
}
# Enabling one enables what it needs; source: Service Usage documentation, "Service dependencies".
NEEDS = {
    "compute.googleapis.com": ("oslogin.googleapis.com",),
    "container.googleapis.com": ("compute.googleapis.com", "oslogin.googleapis.com"),
    "iam.googleapis.com": ("iamcredentials.googleapis.com",),
}
_TYPE = "type.googleapis.com/google.api.serviceusage.v1."


class ServiceUsage(Service):
    """Services of a project: read, enable, disable."""

    document = "serviceusage.v1"
    prefix = "serviceusage"

    @handles("serviceusage.services.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._shown(call, call.path["name"].rsplit("/", 1)[-1])

    @handles(
        "serviceusage.services.batchGet",
        rules=[Required("names", query=True, source=_PROSE), MaxItems("names", 30, query=True, source=_PROSE)],
    )
    def batch_get(self, call: Call) -> dict[str, Any]:
        parent = call.path["parent"]
        for name in call.query["names"]:
            if not name.startswith(f"{parent}/services/"):
                raise GoogleError(400, f"The name '{name}' does not start with the parent '{parent}/services/'.")
        return {"services": [self._shown(call, name.rsplit("/", 1)[-1]) for name in call.query["names"]]}

    @handles(
        "serviceusage.services.list",
        rules=[Pattern("filter", r"state:(ENABLED|DISABLED)", query=True, source=_PROSE)],
    )
    def list(self, call: Call) -> dict[str, Any]:
        shown = [self._shown(call, name) for name in sorted(CATALOGUE)]
        wanted = (call.query.get("filter") or "").removeprefix("state:")
        items = [s for s in shown if not wanted or s["state"] == wanted]
        items, following = page(items, call.query.get("pageSize"), call.query.get("pageToken"), default=50)
        return {"services": items, "nextPageToken": following}

    @handles("serviceusage.services.enable")
    def enable(self, call: Call) -> dict[str, Any]:
        name = call.path["name"].rsplit("/", 1)[-1]
        return self._enable(call, [name], "EnableServiceResponse", single=True)

    @handles(
        "serviceusage.services.batchEnable",
        rules=[Required("serviceIds", source=_PROSE), MaxItems("serviceIds", 20, source=_PROSE)],
    )
    def batch_enable(self, call: Call) -> dict[str, Any]:
        return self._enable(call, call.body["serviceIds"], "BatchEnableServicesResponse", single=False)

    @handles("serviceusage.services.disable")
    def disable(self, call: Call) -> dict[str, Any]:
        name = call.path["name"].rsplit("/", 1)[-1]
        number = call.project()["number"]
        self._known(call, name)
        dependents = [n for n, needs in NEEDS.items() if name in needs and self._enabled(call, number, n)]
        if dependents and not call.body.get("disableDependentServices"):
            raise precondition(
                f"The service {name} is depended on by the following active service(s): {', '.join(dependents)}; "
                "Please specify disable_dependent_services=true if you want to proceed with disabling all services."
            )
        arguments = {"number": number, "names": [name, *dependents], "state": "DISABLED"}
        return call.operations.start(
            call,
            "longrunning",
            scope="",
            duration="serviceusage.enable",
            work="serviceusage.switch",
            arguments=arguments,
            response={
                "@type": _TYPE + "DisableServiceResponse",
                "service": {"name": f"projects/{number}/services/{name}", "state": "DISABLED"},
            },
        )

    @handles("serviceusage.operations.get", permission="")
    async def operation(self, call: Call) -> dict[str, Any]:
        return await call.operations.poll(call, call.path["name"])

    def _enable(self, call: Call, names: list[str], kind: str, *, single: bool) -> dict[str, Any]:
        number = call.project()["number"]
        for name in names:
            self._known(call, name)
        wanted = sorted({*names, *(need for name in names for need in NEEDS.get(name, ()))})
        missing = [name for name in wanted if not self._enabled(call, number, name)]
        services = [
            {"name": f"projects/{number}/services/{n}", "parent": f"projects/{number}", "state": "ENABLED"}
            for n in names
        ]
        response = {"@type": _TYPE + kind, **({"service": services[0]} if single else {"services": services})}
        if not missing:
            # Nothing to do: a finished operation that cannot be polled (google-apis.md section 3).
            return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": response}
        return call.operations.start(
            call,
            "longrunning",
            scope="",
            duration="serviceusage.enable",
            work="serviceusage.switch",
            arguments={"number": number, "names": missing, "state": "ENABLED"},
            metadata={
                "@type": _TYPE + "OperationMetadata",
                "resourceNames": [f"projects/{number}/services/{name}" for name in names],
            },
            response=response,
        )

    @work("serviceusage.switch")
    async def switch(self, run: Run) -> None:
        async with run.transaction() as tx:
            for name in run.arguments["names"]:
                tx.put(
                    f"serviceusage/projects/{run.arguments['number']}/services/{name}",
                    {"state": run.arguments["state"]},
                )
        # A key is good for an API whose managed service is enabled.
        await gateway_picture.push(run.emulator)

    @staticmethod
    def _enabled(call: Call, number: str, name: str) -> bool:
        stored = call.store.get(f"serviceusage/projects/{number}/services/{name}") or {}
        return stored.get("state") == "ENABLED"

    def _known(self, call: Call, name: str) -> None:
        # What a project produces itself (API Gateway's managed services) can be enabled like Google's own.
        if name not in CATALOGUE and not call.store.exists(managed_key(name)):
            # 403, not 404: google-apis.md section 2.
            raise GoogleError(
                403,
                f"Not found or permission denied for service(s): {name}.",
                details=[
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED",
                        "domain": "serviceusage.googleapis.com",
                        "metadata": {"services": name},
                    }
                ],
            )

    def _shown(self, call: Call, name: str) -> dict[str, Any]:
        self._known(call, name)
        number = call.project()["number"]
        return {
            "name": f"projects/{number}/services/{name}",
            "parent": f"projects/{number}",
            "config": {"name": name, "title": CATALOGUE.get(name, name)},
            "state": "ENABLED" if self._enabled(call, number, name) else "DISABLED",
        }
