# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Management, as far as API Gateway's managed services need it: reading them, and judging a new document."""

from __future__ import annotations

import base64
from typing import Any

from testbed.api_gateway import document
from testbed.google.errors import GoogleError, field_violation
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Service, handles

_DOCUMENT = "servicemanagement.v1 discovery document"


def managed_key(name: str) -> str:
    """Return the store key of a managed service."""
    return f"servicemanagement/services/{name}"


class ServiceManagement(Service):
    """services.*"""

    document = "servicemanagement.v1"
    prefix = "servicemanagement"
    api = "servicemanagement.googleapis.com"

    def project_name(self, call: Call) -> str | None:
        """The project that produces the service of the path."""
        found = call.store.get(managed_key(call.path.get("serviceName", "")))
        return found["producerProjectId"] if found else None

    @handles("servicemanagement.services.get", permission="servicemanagement.services.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._service(call)

    @handles(
        "servicemanagement.services.configs.submit",
        permission="servicemanagement.services.update",
        rules=[
            Required("configSource", source=_DOCUMENT),
            Said("only with validateOnly: API Gateway submits by itself", source="a limit of this emulator"),
            Said("the document's host is the service's name", source="Endpoints documentation, host"),
        ],
    )
    def submit(self, call: Call) -> dict[str, Any]:
        service = self._service(call)["serviceName"]
        if not call.body.get("validateOnly"):
            raise GoogleError(501, "Only validateOnly is emulated.")
        files = call.body["configSource"].get("files") or []
        if not files:
            raise field_violation("configSource.files", "Required field 'files' not specified")
        for file in files:
            try:
                content = base64.b64decode(file.get("fileContents") or "")
                document.read(file.get("filePath") or "", content)
            except document.Refused as exc:
                raise GoogleError(400, f"Cannot convert to service config. {exc}") from exc
            host = document.load(content).get("host")
            if host != service:
                raise GoogleError(400, f"Cannot convert to service config. host is {host}, not {service}")
        return call.operations.start(
            call,
            "longrunning",
            scope="",
            duration="instant",
            response={
                "@type": "type.googleapis.com/google.api.servicemanagement.v1.SubmitConfigSourceResponse",
                "serviceConfig": {"name": service},
            },
        )

    @handles("servicemanagement.operations.get", permission="")
    async def operation(self, call: Call) -> dict[str, Any]:
        return await call.operations.poll(call, call.path["name"])

    @staticmethod
    def _service(call: Call) -> dict[str, Any]:
        found = call.store.get(managed_key(call.path["serviceName"]))
        if found is None:
            raise GoogleError(403, f"Service {call.path['serviceName']} not found or permission denied.")
        return found
