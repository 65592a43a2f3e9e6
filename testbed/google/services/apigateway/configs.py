# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API configs: a document that never changes, and the account that gateways use. Judged while the operation runs."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from testbed.api_gateway import document
from testbed.google.errors import GoogleError, field_violation, precondition
from testbed.google.operations import Run
from testbed.google.rules import Immutable, OneOf, Pattern, Required, Said
from testbed.google.service import Call, handles, now, on_failure, work
from testbed.google.services.apigateway.base import (
    DOCUMENT,
    IDENTIFIER,
    LIMITS,
    MASK,
    ONLY,
    SEEN,
    ApiGatewayService,
    code,
    key,
)

if TYPE_CHECKING:
    from testbed.google.store import Transaction

MOST_CONFIGS = 100
_HIDDEN = ("openapiDocuments", "grpcServices", "managedServiceConfigs")


class Configs(ApiGatewayService):
    """projects.locations.apis.configs.*"""

    kind, title, listed = "ApiConfig", "API config", "apiConfigs"

    @handles(
        "apigateway.projects.locations.apis.configs.create",
        rules=[
            Required("apiConfigId", query=True, source=f"{DOCUMENT}: configs.create, apiConfigId"),
            Pattern("apiConfigId", IDENTIFIER, query=True, source="API Gateway documentation, Creating an API config"),
            OneOf(("openapiDocuments", "grpcServices"), source=f"{DOCUMENT}: ApiConfig.openapiDocuments"),
            Said(f"at most {MOST_CONFIGS} of an API", source=LIMITS),
            Said("the gateway's service account exists", source="assumed: iam.serviceAccounts.actAs is needed on it"),
            Said("a document that is not accepted ends the operation, with diagnostics in its metadata", source=SEEN),
            Said("a second one while another is being made fails", source=f"{LIMITS}: one or both may be unusable"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        parent = self.full(call, call.path["parent"])
        self.require(call.store, parent)
        files = _files(call.body)
        account = _account(call)
        name = self.fresh(call, parent, "configs", call.query["apiConfigId"])
        self.count(call, parent, "configs", MOST_CONFIGS)
        siblings = call.store.children(key(f"{parent}/configs"))
        crowded = any(one["state"] == "CREATING" for one in siblings)
        stamp = now()
        fields = {
            field: call.body[field] for field in ("displayName", "labels", "openapiDocuments") if field in call.body
        }
        stored = {"name": name, **fields, "gatewayServiceAccount": account, "createTime": stamp, "updateTime": stamp}
        call.store.put(key(name), stored)
        return self.start(
            call,
            name,
            "create",
            "apigateway.config",
            "apigateway.config.create",
            "CREATING",
            files=files,
            crowded=crowded,
        )

    @work("apigateway.config.create")
    async def created(self, run: Run) -> dict[str, Any]:
        if run.arguments["crowded"]:
            raise GoogleError(409, "Another API config of this API was being created.", status="ABORTED")
        for path, contents in run.arguments["files"]:
            try:
                document.read(path, base64.b64decode(contents))
            except document.Refused as exc:
                await self._diagnose(run, exc.diagnostics)
                raise GoogleError(400, f"Cannot convert to service config. {exc}") from exc
        return await self.finished(
            run, serviceConfigId=f"{run.arguments['target'].rsplit('/', 1)[-1]}-{code(run.key, 13)}"
        )

    async def _diagnose(self, run: Run, diagnostics: list[tuple[str, str]]) -> None:
        async with run.transaction() as tx:
            operation = tx.get(run.key) or run.document
            told = [{"location": place, "message": message} for place, message in diagnostics]
            tx.put(run.key, {**operation, "metadata": {**operation["metadata"], "diagnostics": told}})

    @on_failure("apigateway.config.create")
    async def failed(self, run: Run, error: dict[str, Any]) -> None:
        async with run.transaction() as tx:
            name = run.arguments["target"]
            tx.put(key(name), {**self.require(tx, name), "state": "FAILED"})

    @handles(
        "apigateway.projects.locations.apis.configs.patch",
        rules=[
            MASK,
            ONLY,
            Immutable(("gatewayServiceAccount",), source=f"{DOCUMENT}: ApiConfig.gatewayServiceAccount"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        name, changes = self.patched(call)
        return self.start(
            call, name, "update", "apigateway.api", "apigateway.config.patch", "UPDATING", changes=changes
        )

    @work("apigateway.config.patch")
    async def changed(self, run: Run) -> dict[str, Any]:
        return await self.finished(run, **run.arguments["changes"])

    @handles(
        "apigateway.projects.locations.apis.configs.get",
        rules=[Said("documents are shown with view=FULL only", source=f"{DOCUMENT}: configs.get, view")],
    )
    def get(self, call: Call) -> dict[str, Any]:
        stored = self.require(call.store, self.full(call, call.path["name"]))
        return stored if call.query.get("view") == "FULL" else self.shown(call.store, stored)

    def shown(self, tx: Transaction, stored: dict[str, Any]) -> dict[str, Any]:
        return {field: value for field, value in stored.items() if field not in _HIDDEN}

    @handles(
        "apigateway.projects.locations.apis.configs.list",
        rules=[Said("the API exists", source="AIP-132: a missing parent is NOT_FOUND")],
    )
    def list(self, call: Call) -> dict[str, Any]:
        parent = self.full(call, call.path["parent"])
        self.require(call.store, parent)
        return self.page(call, parent, "configs")

    @handles(
        "apigateway.projects.locations.apis.configs.delete",
        rules=[Said("not while a gateway uses it", source=f"{SEEN}, memory")],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        name = self.full(call, call.path["name"])
        self.require(call.store, name)
        users = [one["name"] for one in gateways(call.store, call.project()["projectId"]) if one["apiConfig"] == name]
        if users:
            raise precondition(f"{name} is used by {', '.join(users)}.")
        return self.start(call, name, "delete", "apigateway.api", "apigateway.config.delete", "DELETING")

    @work("apigateway.config.delete")
    async def deleted(self, run: Run) -> dict[str, Any]:
        return await self.gone(run)


def gateways(tx: Transaction, project: str) -> list[dict[str, Any]]:
    """Return every gateway of a project, of all regions."""
    start = key(f"projects/{project}/locations/")
    return [one for name, one in tx.items(start) if name.split("/")[-2] == "gateways"]


def _files(body: dict[str, Any]) -> list[list[str]]:
    """Return [path, contents in base64] of the documents. Raises GoogleError 400."""
    found = []
    for index, one in enumerate(body.get("openapiDocuments") or []):
        file = one.get("document") or {}
        place = f"apiConfig.openapiDocuments[{index}].document"
        try:
            content = base64.b64decode(file.get("contents") or "", validate=True)
        except binascii.Error as exc:
            raise field_violation(f"{place}.contents", "not base64") from exc
        if not file.get("path") or not content:
            raise field_violation(place, "path and contents are required")
        found.append([file["path"], file["contents"]])
    return found


def _account(call: Call) -> str:
    """Return projects/-/serviceAccounts/EMAIL of an account that exists: given, or Compute Engine's own."""
    project = call.project()
    stated = call.body.get("gatewayServiceAccount")
    if not stated:
        return f"projects/-/serviceAccounts/{project['number']}-compute@developer.gserviceaccount.com"
    email = stated.rsplit("/", 1)[-1]
    if call.emulator.identity.account(email) is None:
        raise GoogleError(400, f"Service account {email} does not exist.")
    return f"projects/-/serviceAccounts/{email}"
