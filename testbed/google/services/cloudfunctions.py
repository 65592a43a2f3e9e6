# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud Functions v2: uploads, functions and their builds. What is built here, the world runs."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zipfile
from typing import Any

from testbed.google import function_picture, policies, serverless_addresses
from testbed.google.errors import GoogleError, field_violation
from testbed.google.operations import Run
from testbed.google.rules import Pattern, Range, Required, Said
from testbed.google.service import Call, Reply, Service, handles, now, on_failure, work
from testbed.google.services.compute.common import ZONES
from testbed.google.services.invokers import service_key
from testbed.google.services.vpcaccess import key as connector_key

_SEEN = "google-apis.md 4.11"
_DOCUMENT = "cloudfunctions.v2 discovery document"
_TYPE = "type.googleapis.com/google.cloud.functions.v2."
_METHODS = "cloudfunctions.projects.locations.functions"
_NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
_OUTPUTS = ("createTime", "updateTime", "state", "stateMessages", "url", "satisfiesPzi", "satisfiesPzs", "upgradeInfo")
_RULES = [
    Range("serviceConfig.timeoutSeconds", 1, 3600, source="Cloud Run functions, quotas"),
    Range("serviceConfig.maxInstanceRequestConcurrency", 1, 1000, source="Cloud Run, concurrency"),
    Said("several requests at a time need one CPU or more", source="gcloud functions deploy, text of --concurrency"),
    Said("a connector is named in full and lies in the function's region", source=_SEEN),
    Said("egress settings need their connector or interface", source=_SEEN),
    Said("a connector and a direct interface exclude each other; one interface", source=f"{_DOCUMENT}, ServiceConfig"),
    Said("the source is an object that was uploaded", source=_SEEN),
]


def key(parent: str, name: str = "") -> str:
    """Return the store key of a function, or of all functions of projects/ID/locations/REGION."""
    return f"cloudfunctions/{parent}/functions/{name}"


class Functions(Service):
    """projects.locations.functions.*, and the signed address to which sources are sent."""

    document = "cloudfunctions.v2"
    prefix = "cloudfunctions"
    api = "cloudfunctions.googleapis.com"
    method_prefix = _METHODS
    extra_routes = (
        {
            "id": "cloudfunctions.uploads.put",
            "httpMethod": "PUT",
            "path": "uploads/{object}",
            "parameters": {"object": {"type": "string", "location": "path", "required": True, "pattern": "^[^/]+$"},
                           "X-Goog-Signature": {"type": "string", "location": "query"}},
            "request": {"$ref": "GoogleApiHttpBody"},
        },
    )  # fmt: skip

    @handles(".generateUploadUrl")
    def generate_upload_url(self, call: Call) -> dict[str, Any]:
        parent = self._parent(call, call.path["parent"])
        name, signature = f"{uuid.uuid4()}.zip", uuid.uuid4().hex
        bucket = f"gcf-v2-uploads-{call.project()['number']}-{parent.split('/')[3]}"
        call.store.put(f"cloudfunctions/uploads/{name}", {"bucket": bucket, "signature": signature, "digest": None})
        address = f"http://{call.headers['Host']}/cloudfunctions/uploads/{name}?X-Goog-Signature={signature}"
        return {"uploadUrl": address, "storageSource": {"bucket": bucket, "object": name}}

    @handles(
        "cloudfunctions.uploads.put",
        public=True,
        rules=[
            Said("content-type is application/zip", source=_SEEN),
            Said("the address is signed; a token beside it is refused", source=_SEEN),
        ],
    )
    def upload(self, call: Call) -> Reply:
        place = f"cloudfunctions/uploads/{call.path['object']}"
        expected = call.store.get(place)
        if expected is None or call.query.get("X-Goog-Signature") != expected["signature"]:
            raise GoogleError(403, "SignatureDoesNotMatch: the request signature does not match.")
        if call.headers.get("Authorization"):
            raise GoogleError(400, "InvalidArgument: only one auth mechanism allowed; a signed URL takes no header.")
        if call.content_type != "application/zip":
            raise GoogleError(403, "SignatureDoesNotMatch: the URL was signed for content-type application/zip.")
        digest = hashlib.sha256(call.raw).hexdigest()
        call.store.put_blob(digest, call.raw)
        call.store.put(place, {**expected, "digest": digest})
        return Reply(None, unchecked=True)

    @handles(
        ".create",
        rules=[
            *_RULES,
            Pattern("functionId", _NAME, query=True, source=f"{_DOCUMENT}, text of functionId"),
            Required("buildConfig.runtime", source=f"{_DOCUMENT}, BuildConfig.runtime"),
            Said("environment is GEN_2", source=_SEEN),
            Said("an existing name ends the operation with ALREADY_EXISTS", source="google-apis.md 4.11 [D]"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        parent, name = self._parent(call, call.path["parent"]), call.query.get("functionId") or ""
        if not name:
            raise field_violation("function_id", "function_id is required")
        if call.body.get("environment") != "GEN_2":
            raise field_violation("environment", "environment must be GEN_2: 1st gen functions are not created here.")
        document = {k: v for k, v in call.body.items() if k not in _OUTPUTS}
        full = f"{parent}/functions/{name}"
        self._checked(call, parent, document)
        if call.store.exists(key(parent, name)):
            return self._operate(call, full, "create", "cloudfunctions.twice", "instant")
        stored = {**document, "name": full, "createTime": now(), "state": "DEPLOYING"}
        call.store.put(key(parent, name), stored)
        return self._operate(call, full, "create", "cloudfunctions.deploy", "cloudfunctions.deploy", build=True)

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        return _shown(self._stored(call)[1])

    @handles(".list", rules=[Said("the location - means all", source=f"{_DOCUMENT}, functions.list, parent")])
    def list(self, call: Call) -> dict[str, Any]:
        if call.path["parent"].endswith("/-"):
            start = f"cloudfunctions/projects/{call.project()['projectId']}/locations/"
            found = [one for where, one in call.store.items(start) if "/functions/" in where]
        else:
            found = [*call.store.children(key(self._parent(call, call.path["parent"])))]
        return {"functions": [_shown(one) for one in found]}

    @handles(".patch", rules=[*_RULES, Said("a missing mask means everything", source=_SEEN)])
    def patch(self, call: Call) -> dict[str, Any]:
        where, before = self._stored(call)
        if before["state"] in ("DEPLOYING", "DELETING"):
            raise GoogleError(409, "An operation on this function is already in progress.", status="ABORTED")
        masked = {path.split(".")[0] for path in call.mask} or {k for k in call.body if k not in _OUTPUTS}
        sent = {name: call.body.get(name) for name in masked if name not in ("name", *_OUTPUTS)}
        document = {**before, **sent}
        document = {name: value for name, value in document.items() if value is not None}
        self._checked(call, where.split("/functions/")[0].removeprefix("cloudfunctions/"), document)
        call.store.put(where, {**document, "state": "DEPLOYING"})
        deploy, build = "cloudfunctions.deploy", "buildConfig" in masked
        return self._operate(call, before["name"], "update", deploy, deploy, build=build)

    @handles(".delete")
    def delete(self, call: Call) -> dict[str, Any]:
        where, before = self._stored(call)
        call.store.put(where, {**before, "state": "DELETING"})
        return self._operate(call, before["name"], "delete", "cloudfunctions.gone", "cloudfunctions.delete")

    @handles("cloudfunctions.projects.locations.operations.get")
    async def operation(self, call: Call) -> dict[str, Any]:
        name = re.sub(r"^projects/[^/]+", f"projects/{call.project()['projectId']}", call.path["name"])
        return await call.operations.poll(call, name)

    # -- work ---------------------------------------------------------------------------------------------------------

    @work("cloudfunctions.deploy")
    async def deploy(self, run: Run) -> dict[str, Any] | None:
        async with run.transaction() as tx:
            document = tx.get(run.arguments["key"])
            if document is None:
                return None
            if run.arguments.get("build"):
                document["_built"] = _build(tx, document)
            _served(document)
            tx.put(run.arguments["key"], document)
            serverless_addresses.keep(tx, document["name"], serverless_addresses.used(document))
        await function_picture.push(run.emulator, document["name"])
        return {"@type": f"{_TYPE}Function", **_shown(document)}

    @on_failure("cloudfunctions.deploy")
    async def broken(self, run: Run, error: dict[str, Any]) -> None:
        async with run.transaction() as tx:
            document = tx.get(run.arguments["key"])
            if document is not None:
                said = {"severity": "ERROR", "type": "CloudRunServiceNotFound", "message": error["message"]}
                tx.put(run.arguments["key"], {**document, "state": "FAILED", "stateMessages": [said]})

    @work("cloudfunctions.twice")
    async def twice(self, run: Run) -> None:
        raise GoogleError(409, "Could not create Cloud Run service: a function of this name already exists.")

    @work("cloudfunctions.gone")
    async def gone(self, run: Run) -> dict[str, Any]:
        async with run.transaction() as tx:
            stored = tx.get(run.arguments["key"])
            tx.delete(run.arguments["key"])
            serverless_addresses.keep(tx, stored["name"], set())
            for owner in (run.arguments["key"], service_key((stored.get("serviceConfig") or {}).get("service", ""))):
                policies.forget(tx, owner)
        await function_picture.push(run.emulator)
        return {"@type": "type.googleapis.com/google.protobuf.Empty"}

    async def restore(self) -> None:
        """Start the functions again, after a restart."""
        await function_picture.push(self.emulator)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _parent(self, call: Call, text: str) -> str:
        location = text.split("/")[3].split(":")[0]
        if location not in ZONES:
            raise GoogleError(403, f"Permission denied on 'locations/{location}' (or it may not exist).")
        return f"projects/{call.project()['projectId']}/locations/{location}"

    def _stored(self, call: Call) -> tuple[str, dict[str, Any]]:
        parent, name = self._parent(call, call.path["name"]), call.path["name"].rsplit("/", 1)[-1]
        document = call.store.get(key(parent, name))
        if document is None:
            raise GoogleError(404, f"Resource '{parent}/functions/{name}' was not found")
        return key(parent, name), document

    def _operate(
        self, call: Call, target: str, verb: str, work_name: str, duration: str, **arguments: Any
    ) -> dict[str, Any]:
        parent, name = target.rsplit("/functions/", 1)
        metadata = {"@type": f"{_TYPE}OperationMetadata", "createTime": now(), "target": target, "verb": verb}
        return call.operations.start(
            call,
            "longrunning",
            scope=parent,
            duration=duration,
            work=work_name,
            arguments={"key": key(parent, name), **arguments},
            metadata={**metadata, "apiVersion": "v2"},
        )

    def _checked(self, call: Call, parent: str, document: dict[str, Any]) -> None:
        """Raise GoogleError 400 for a function that cannot be."""
        service = document.get("serviceConfig") or {}
        concurrency = int(service.get("maxInstanceRequestConcurrency") or 1)
        if concurrency > 1 and _processors(service.get("availableCpu") or "0") < 1:
            raise field_violation(
                "service_config.max_instance_request_concurrency",
                f"Max instance request concurrency {concurrency} requires at least 1 CPU.",
            )
        _check_egress(call, parent, service)
        source = ((document.get("buildConfig") or {}).get("source") or {}).get("storageSource") or {}
        uploaded = call.store.get(f"cloudfunctions/uploads/{source.get('object')}")
        if uploaded is None or uploaded["bucket"] != source.get("bucket") or not uploaded["digest"]:
            raise field_violation("build_config.source", "The source object does not exist; upload it first.")


def _check_egress(call: Call, parent: str, service: dict[str, Any]) -> None:
    connector, interfaces = service.get("vpcConnector") or "", service.get("directVpcNetworkInterface") or []
    if connector and interfaces:
        raise field_violation("service_config", "A VPC connector and direct VPC cannot both be specified.")
    if service.get("vpcConnectorEgressSettings") and not connector:
        raise field_violation("service_config.vpc_connector_egress_settings", "They require a VPC connector.")
    if service.get("directVpcEgress") and not interfaces:
        raise field_violation("service_config.direct_vpc_egress", "It requires a direct VPC network interface.")
    if len(interfaces) > 1:
        raise field_violation("service_config.direct_vpc_network_interface", "Only one interface is supported.")
    if connector:
        found = re.fullmatch(r"projects/([^/]+)/locations/([^/]+)/connectors/([^/]+)", connector)
        if not found:
            raise field_violation("service_config.vpc_connector", f"Invalid VPC connector name '{connector}'.")
        if found[2] != parent.split("/")[3]:
            raise field_violation("service_config.vpc_connector", "The VPC connector must be in the function's region.")
        where = connector_key(f"projects/{found[1]}/locations/{found[2]}", found[3])
        if (call.store.get(where) or {}).get("state") != "READY":
            raise field_violation("service_config.vpc_connector", f"{connector} does not exist or is not ready.")
    for one in interfaces:
        project, region = parent.split("/")[1], parent.split("/")[3]
        short = (one.get("subnetwork") or one.get("network") or "").rsplit("/", 1)[-1]
        if not call.store.exists(f"compute/projects/{project}/regions/{region}/subnetworks/{short}"):
            raise field_violation("service_config.direct_vpc_network_interface", f"Subnetwork {short} was not found.")


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("_")}


def _build(tx: Any, document: dict[str, Any]) -> str:
    """Look into the uploaded zip as a build would. Returns its digest. Raises GoogleError as a failed build ends."""
    build = document["buildConfig"]
    source = build["source"]["storageSource"]
    digest = (tx.get(f"cloudfunctions/uploads/{source['object']}") or {})["digest"]
    content = tx.get_blob(digest)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            main = archive.read("main.py").decode() if "main.py" in names else None
    except zipfile.BadZipFile as error:
        raise GoogleError(400, "Build failed: the source is not a zip archive.") from error
    entry = build.get("entryPoint") or document["name"].rsplit("/", 1)[-1]
    if build["runtime"].startswith("python"):
        if main is None:
            raise GoogleError(400, "Build failed: missing main.py and GOOGLE_FUNCTION_SOURCE not specified.")
        if not re.search(rf"^(?:(?:async )?def {re.escape(entry)}\b|{re.escape(entry)}\s*=)", main, re.M):
            raise GoogleError(400, f"Build failed: main.py does not define function '{entry}'.")
    build["build"] = f"projects/-/builds/{uuid.uuid4()}"
    build["sourceProvenance"] = {"resolvedStorageSource": {**source, "generation": "1"}}
    return digest


def _served(document: dict[str, Any]) -> None:
    """Fill in what Google says of a function that serves."""
    _, project, _, region, _, name = document["name"].split("/")
    service = document.setdefault("serviceConfig", {})
    number = int((service.get("revision") or f"{name}-00000").rsplit("-", 1)[-1]) + 1
    defaults = {"availableMemory": "256M", "timeoutSeconds": 60, "maxInstanceRequestConcurrency": 1,
                "ingressSettings": "ALLOW_ALL", "allTrafficOnLatestRevision": True, "availableCpu": "0.1666",
                "serviceAccountEmail": f"{project}-compute@developer.gserviceaccount.com"}  # fmt: skip
    for field, value in defaults.items():
        service.setdefault(field, value)
    # Source: Terraform's google_cloudfunctions2_function, which passes over this one: Google adds it by itself.
    service["environmentVariables"] = {"LOG_EXECUTION_ID": "true", **(service.get("environmentVariables") or {})}
    mark = hashlib.sha256(document["name"].encode()).hexdigest()[:10]
    service |= {
        "service": f"projects/{project}/locations/{region}/services/{name}",
        "uri": f"https://{name}-{mark}-ew.a.run.app",
        "revision": f"{name}-{number:05d}",
    }
    document.pop("stateMessages", None)
    document |= {
        "state": "ACTIVE",
        "updateTime": now(),
        "url": f"https://{region}-{project}.cloudfunctions.net/{name}",
    }


def _processors(text: str) -> float:
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
