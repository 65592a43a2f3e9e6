# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Deployments of proxies and shared flows: what is to run where, and what the runtime says about it.

A deployment is accepted at once and is PROGRESSING; it becomes READY or ERROR by the runtime's report. Replacing a
revision (override) leaves the old one serving until the new one is ready. When the new one fails, the old one goes on
serving (``keeps_old``); a fault ``{"kind": "operation", "match": "*.revisions.deploy", "old": "drops_old"}`` makes it
go away, as a note in Google's deployment overview says it may. With ``"message"`` the same fault makes the deployment
itself fail. A fault of kind ``rollout`` makes instances take it up late, or never (see rollouts.py).
"""
from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Pattern, Said
from testbed.google.service import Call, handles, work
from testbed.google.services.apigee import dependents, picture, rollouts, routing
from testbed.google.services.apigee.base import ApigeeService
from testbed.google.services.apigee.kinds import PROXY, SHARED_FLOW, Kind, revision_name
from testbed.google.services.apigee.names import ids, key, missing, now_ms, request_info, require, require_organization
from testbed.google.services.apigee.push import FAILED_PRECONDITION, push
from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document"
ACCOUNT = r"[a-z](?:[-a-z0-9]*[a-z0-9])?@[a-z](?:[-a-z0-9.]*[a-z0-9])?\.iam\.gserviceaccount\.com"


def deployment_key(kind: Kind, organization: str, environment: str, name: str) -> str:
    return key("organizations", organization, "environments", environment, kind.deployments, name)


class Deployments(ApigeeService):
    """organizations.environments.KIND.revisions: deploy, undeploy, state."""

    kind: ClassVar[Kind]
    # Not what two equal runs have in common: how a deployment came about, and what the runtime refused meanwhile.
    volatile = ("claims", "generation", "previous", "rejected", "reasons")

    @handles(".deploy", rules=[
        Pattern("serviceAccount", ACCOUNT, query=True, source=f"{DOCUMENT}: deploy, serviceAccount"),
        Said("another deployed revision needs override", source="scastria/terraform-provider-apigee #15"),
        Said("a base path of another proxy in the environment is refused", source="apigee-deploy-maven-plugin #153"),
        Said("PROGRESSING while route conflicts that changed are rolled out",
             source=f"{DOCUMENT}, Deployment.routeConflicts"),
        Said("base paths of other environments are not checked",
             source=f"{DOCUMENT}: generateDeployChangeReport; apigeecli #201"),
        Said("a missing target server makes the deployment fail", source="assumed: the runtime cannot load it"),
        Said("without an attached instance it stays PROGRESSING",
             source=f"{DOCUMENT}, Deployment.state; apigeecli #591"),
        Said("a revision that fails may leave the one that it replaced undeployed (fault control)",
             source="Google's deployment overview, apigee-peers.md section 0, fact 4"),
        Said("instances take it up each in its time, replicas in parts (fault control)",
             source=f"{DOCUMENT}, InstanceDeploymentStatus: percentages"),
    ])
    def deploy(self, call: Call) -> dict[str, Any]:
        organization, environment, name, number = self._target(call)
        document, violations = self._wanted(call.store, organization, environment, name, number,
                                            bool(call.query.get("override")))
        if violations:
            raise _invalid("deployment validations failed", violations)
        store_key = deployment_key(self.kind, organization, environment, name)
        live = call.store.get(store_key)
        account = call.query.get("serviceAccount") or ""
        if account:
            document["deployment"]["serviceAccount"] = f"projects/-/serviceAccounts/{account}"
        if live and live["phase"] == "active" and live["status"]["state"] == picture.READY and all(
                live["deployment"].get(field) == document["deployment"].get(field)
                for field in ("revision", "serviceAccount")):
            # Deploying what runs already changes nothing (google-apis.md section 9: the real answer is not known).
            return live["deployment"]
        fault = call.faults.pop("operation", {})
        document |= {"drops_old": fault.get("old") == "drops_old", "fault": None if "message" not in fault else {
            "message": fault["message"], "code": int(fault.get("code", FAILED_PRECONDITION))}}
        if document["drops_old"] and document["fault"]:
            document["previous"] = None
        if "rollout" in call.faults:
            document["rollout"] = rollouts.from_fault(call.faults.pop("rollout"))
        document["generation"] = call.store.next_number("apigee/deployment")
        call.store.put(store_key, document)
        revision = picture.revision(call.store, self.kind, organization, name, number) or {}
        call.store.put(key(*revision_name(self.kind, organization, name, number).split("/")),
                       revision | {"was_deployed": True})
        call.operations.later(call, duration="apigee.deployment", work=f"{self.method_prefix}.deploy", arguments={
            "name": call.path["name"], "generation": document["generation"]})
        return document["deployment"]

    def _path(self, name: str) -> list[str]:
        """Organisation, environment, name and revision."""
        return ids(name, "organizations", "environments", self.kind.collection, "revisions")

    def _target(self, call: Call) -> list[str]:
        path = self._path(call.path["name"])
        organization, environment, name, number = path
        found = require(call.store, "environment", "organizations", organization, "environments", environment)
        if found["deploymentType"] != "PROXY":
            raise precondition(f"environment {environment} is of deployment type {found['deploymentType']}: "
                               f"{self.kind.title} revisions cannot be deployed to it")
        require(call.store, self.kind.title, "organizations", organization, self.kind.collection, name)
        if picture.revision(call.store, self.kind, organization, name, number) is None:
            raise missing(f"{self.kind.title} revision", revision_name(self.kind, organization, name, number))
        return path

    def _wanted(self, store: Transaction, organization: str, environment: str, name: str, number: str,
                override: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The document of a new deployment, and why it would be refused."""
        found = picture.revision(store, self.kind, organization, name, number) or {}
        existing = [item for item in picture.deployments(store, organization, environment, kind=self.kind)
                    if item["phase"] != "removing"]
        live = next((item for item in existing if item["deployment"]["apiProxy"] == name), None)
        since = {routing.normal(path): time for path, time in (live or {"claims": {}})["claims"].items()}
        now = now_ms()
        document = {
            "collection": self.kind.collection,
            "deployment": {"environment": environment, "apiProxy": name, "revision": number,
                           "deployStartTime": str(now), "proxyDeploymentType": "EXTENSIBLE"},
            "claims": {path: since.get(routing.normal(path), now) for path in found["revision"].get("basepaths", ())},
            "phase": "pending", "status": {"state": picture.PROGRESSING},
            "previous": (live.get("serving") or live.get("previous")) if live else None,
            "serving": live.get("serving") if live else None,
        }
        violations = []
        if live and live["deployment"]["revision"] != number and not override:
            violations.append(routing.other_revision(self.kind, organization, name, live["deployment"]["revision"]))
        old = [claim for item in existing for claim in picture.claims_of(item)]
        return document, violations + routing.environment_conflicts(organization, picture.claims_of(document), old)

    @work(".deploy")
    async def deployed(self, run: Any) -> None:
        organization, environment, name, _number = self._path(run.arguments["name"])
        async with run.transaction() as tx:
            document = tx.get(deployment_key(self.kind, organization, environment, name))
            if not document or document["generation"] != run.arguments["generation"]:
                return
            tx.put(picture.deployment_key(organization, document), document | {"phase": "active"})
        await push(self.emulator, organization)
        if not rollouts.under_way(document) or rollouts.seconds(document) is None:
            return
        await asyncio.sleep(rollouts.seconds(document) or 0)
        async with run.transaction() as tx:
            document = tx.get(deployment_key(self.kind, organization, environment, name))
            if not document or document["generation"] != run.arguments["generation"] or document["phase"] != "active":
                return
            tx.put(picture.deployment_key(organization, document), rollouts.ended(document))
        await push(self.emulator, organization)

    @handles(".undeploy", rules=[
        Said("refused while a deployed proxy or shared flow calls it, or a flow hook names it (shared flows)",
             source="hashicorp/terraform-provider-google #25852, #14530")])
    def undeploy(self, call: Call) -> dict[str, Any]:
        organization, environment, name, number = self._path(call.path["name"])
        document = self._live(call, organization, environment, name, number)
        if document["phase"] != "removing":
            breaks = [] if self.kind is PROXY else dependents.violations(call.store, organization, environment, name)
            if breaks:
                raise _invalid("undeployment validations failed", breaks)
            generation = call.store.next_number("apigee/deployment")
            document |= {"phase": "removing", "status": {"state": picture.PROGRESSING}, "generation": generation}
            call.store.put(picture.deployment_key(organization, document), document)
            call.operations.later(call, duration="apigee.undeployment", work=f"{self.method_prefix}.undeploy",
                                  arguments={"name": call.path["name"], "generation": generation})
        return {}

    @work(".undeploy")
    async def undeployed(self, run: Any) -> None:
        organization, environment, name, _number = self._path(run.arguments["name"])
        await push(self.emulator, organization)
        async with run.transaction() as tx:
            document = tx.get(deployment_key(self.kind, organization, environment, name))
            if document and document["generation"] == run.arguments["generation"]:
                tx.delete(picture.deployment_key(organization, document))

    def _live(self, call: Call, organization: str, environment: str, name: str, number: str | None) -> dict[str, Any]:
        require(call.store, "environment", "organizations", organization, "environments", environment)
        document = call.store.get(deployment_key(self.kind, organization, environment, name))
        if document is None or number not in (None, document["deployment"]["revision"]):
            what = f"{self.kind.collection}/{name}" + (f"/revisions/{number}" if number else "")
            raise missing("deployment of", f"{what} in environment {environment}")
        return document

    @handles(".getDeployments")
    def get_deployments(self, call: Call) -> dict[str, Any]:
        organization, environment, name, number = self._path(call.path["name"])
        return with_status(call.store, organization, self._live(call, organization, environment, name, number))


class ProxyDeployments(Deployments):
    """organizations.environments.apis.revisions: besides, the dry runs."""

    kind = PROXY
    method_prefix = "apigee.organizations.environments.apis.revisions"

    @handles("apigee.organizations.environments.deployments.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy = ids(call.path["name"], "organizations", "environments", "deployments")
        return with_status(call.store, organization, self._live(call, organization, environment, proxy, None))

    @handles(".deployments.generateDeployChangeReport", permission="apigee.deployments.create")
    def deploy_report(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = self._target(call)
        document, violations = self._wanted(call.store, organization, environment, proxy, number,
                                            bool(call.query.get("override")))
        before = picture.tables(call.store, organization)
        others = [item for item in picture.deployments(call.store, organization)
                  if (item["deployment"]["environment"], item["deployment"]["apiProxy"]) != (environment, proxy)]
        after = picture.tables(call.store, organization, [*others, document])
        return _report(before, after, violations, routing.conflicts_of(environment, proxy, after))

    @handles(".deployments.generateUndeployChangeReport", permission="apigee.deployments.delete")
    def undeploy_report(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = self._path(call.path["name"])
        self._live(call, organization, environment, proxy, number)
        others = [item for item in picture.deployments(call.store, organization)
                  if (item["deployment"]["environment"], item["deployment"]["apiProxy"]) != (environment, proxy)]
        before, after = picture.tables(call.store, organization), picture.tables(call.store, organization, others)
        return _report(before, after, [], [])


class DeploymentLists(ApigeeService):
    """The lists that `gcloud apigee deployments list` reads, by organisation, environment, proxy and revision.

    They show no state: "This field is displayed only when viewing deployment status" (discovery document).
    """

    @handles("apigee.organizations.deployments.list", "apigee.organizations.environments.deployments.list",
             "apigee.organizations.apis.deployments.list", "apigee.organizations.apis.revisions.deployments.list",
             "apigee.organizations.environments.apis.deployments.list",
             "apigee.organizations.sharedflows.deployments.list",
             "apigee.organizations.sharedflows.revisions.deployments.list",
             "apigee.organizations.environments.sharedflows.deployments.list", permission="apigee.deployments.list")
    def list(self, call: Call) -> dict[str, Any]:
        parts = call.path["parent"].split("/")
        wanted = dict(zip(parts[::2], parts[1::2], strict=True))
        organization = wanted["organizations"]
        require_organization(call.store, organization)
        if "environments" in wanted:
            require(call.store, "environment", "organizations", organization, "environments", wanted["environments"])
        kind = SHARED_FLOW if call.query.get("sharedFlows") or "sharedflows" in wanted else PROXY
        if kind.collection in wanted:
            require(call.store, kind.title, "organizations", organization, kind.collection, wanted[kind.collection])
        fields = {"environments": "environment", kind.collection: "apiProxy", "revisions": "revision"}
        return {"deployments": [
            item["deployment"] for item in picture.deployments(call.store, organization, kind=kind)
            if all(item["deployment"][fields[name]] == value for name, value in wanted.items() if name in fields)]}


def _invalid(message: str, violations: list[dict[str, str]]) -> GoogleError:
    """A refusal with every violation, as Apigee words it."""
    refusal = precondition(message, *violations)
    refusal.details.append(request_info())
    return refusal


def with_status(store: Transaction, organization: str, document: dict[str, Any]) -> dict[str, Any]:
    """A deployment with what the runtime reports and the conflicts of the routing that is wanted."""
    deployment = document["deployment"]
    environment, proxy = deployment["environment"], deployment["apiProxy"]
    shown = {**deployment, **document["status"]}
    tables = picture.tables(store, organization)
    # Shared flows are on no route, and may be called as a proxy is.
    conflicts = routing.conflicts_of(environment, proxy, tables) if document["claims"] else []
    if conflicts:
        shown["routeConflicts"] = conflicts
    if shown["state"] == picture.READY and document.get("conflicts", []) != picture.brief(conflicts):
        # "If the conflicts change, the state will transition to PROGRESSING until the latest configuration is rolled
        # out to all instances" (discovery document, Deployment.routeConflicts).
        shown["state"] = picture.PROGRESSING
    groups = picture.groups_of(store, organization, environment)
    routes = [{"envgroup": group, "basepath": path, "environment": rule.winner.environment, "percentage": 100}
              for group in sorted(groups) for path, rule in tables[group].items()
              if any(routing.normal(claim) == path for claim in document["claims"])]
    instances = [(item["name"], rollouts.shares(document, item["name"]))
                 for item in picture.instances_of(store, organization, environment)]
    if any(shares for _name, shares in instances):
        shown["instances"] = [
            {"instance": name,
             "deployedRevisions": [{"revision": number, "percentage": share} for number, share in shares],
             "deployedRoutes": [route | {"percentage": min(100, sum(share for _number, share in shares))}
                                for route in routes]}
            for name, shares in instances]
    return shown


def _report(before: dict, after: dict, violations: list[dict[str, str]], conflicts: list[dict]) -> dict[str, Any]:
    report: dict[str, Any] = {"routingChanges": routing.routing_changes(before, after), "routingConflicts": conflicts}
    if violations:
        report["validationErrors"] = {"violations": violations}
    return report


