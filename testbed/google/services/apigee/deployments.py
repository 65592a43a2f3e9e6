# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Deployments: what is to run where, and what the runtime says about it.

A deployment is accepted at once and is PROGRESSING; it becomes READY or ERROR by the runtime's report. Replacing a
revision (override) leaves the old one serving until the new one is ready. When the new one fails, the old one goes on
serving (``keeps_old``); a fault ``{"kind": "operation", "match": "*.revisions.deploy", "old": "drops_old"}`` makes it
go away, as a note in Google's deployment overview says it may. With ``"message"`` the same fault makes the deployment
itself fail. A fault of kind ``rollout`` makes instances take it up late, or never (see rollouts.py).
"""
from __future__ import annotations

import asyncio
from typing import Any

from testbed.google.errors import precondition
from testbed.google.rules import Pattern, Said
from testbed.google.service import Call, handles, work
from testbed.google.services.apigee import picture, rollouts, routing
from testbed.google.services.apigee.base import ApigeeService
from testbed.google.services.apigee.names import ids, key, missing, now_ms, request_info, require, require_organization
from testbed.google.services.apigee.push import FAILED_PRECONDITION, push
from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document"
BELOW = ("organizations", "environments", "apis", "revisions")
ACCOUNT = r"[a-z](?:[-a-z0-9]*[a-z0-9])?@[a-z](?:[-a-z0-9.]*[a-z0-9])?\.iam\.gserviceaccount\.com"


def deployment_key(organization: str, environment: str, proxy: str) -> str:
    return key("organizations", organization, "environments", environment, "deployments", proxy)


class Deployments(ApigeeService):
    """organizations.environments.apis.revisions: deploy, undeploy, state and dry runs."""

    # Not what two equal runs have in common: how a deployment came about, and what the runtime refused meanwhile.
    volatile = ("claims", "generation", "previous", "rejected", "reasons")

    @handles("apigee.organizations.environments.apis.revisions.deploy", rules=[
        Pattern("serviceAccount", ACCOUNT, query=True, source=f"{DOCUMENT}: deploy, serviceAccount"),
        Said("another revision of the proxy needs override", source="scastria/terraform-provider-apigee #15"),
        Said("a base path of another proxy in the environment is refused", source="apigee-deploy-maven-plugin #153"),
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
        organization, environment, proxy, number = self._target(call)
        document, violations = self._wanted(call.store, organization, environment, proxy, number,
                                            bool(call.query.get("override")))
        if violations:
            refusal = precondition("deployment validations failed", *violations)
            refusal.details.append(request_info())
            raise refusal
        store_key = deployment_key(organization, environment, proxy)
        live = call.store.get(store_key)
        account = call.query.get("serviceAccount") or ""
        if account:
            document["deployment"]["serviceAccount"] = f"projects/-/serviceAccounts/{account}"
        if live and live["phase"] == "active" and live["status"]["state"] == picture.READY and all(
                live["deployment"].get(name) == document["deployment"].get(name)
                for name in ("revision", "serviceAccount")):
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
        revision = picture.revision(call.store, organization, proxy, number) or {}
        call.store.put(key("organizations", organization, "apis", proxy, "revisions", number),
                       revision | {"was_deployed": True})
        call.operations.later(call, duration="apigee.deployment", work="apigee.deploy", arguments={
            "name": call.path["name"], "generation": document["generation"]})
        return document["deployment"]

    @staticmethod
    def _target(call: Call) -> list[str]:
        path = ids(call.path["name"], *BELOW)
        organization, environment, proxy, number = path
        found = require(call.store, "environment", "organizations", organization, "environments", environment)
        if found["deploymentType"] != "PROXY":
            raise precondition(f"environment {environment} is of deployment type {found['deploymentType']}: API "
                               "proxies cannot be deployed to it")
        require(call.store, "API proxy", "organizations", organization, "apis", proxy)
        if picture.revision(call.store, organization, proxy, number) is None:
            raise missing("API proxy revision", f"organizations/{organization}/apis/{proxy}/revisions/{number}")
        return path

    @staticmethod
    def _wanted(store: Transaction, organization: str, environment: str, proxy: str, number: str,
                override: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The document of a new deployment, and why it would be refused."""
        found = picture.revision(store, organization, proxy, number) or {}
        existing = [item for item in picture.deployments(store, organization, environment)
                    if item["phase"] != "removing"]
        live = next((item for item in existing if item["deployment"]["apiProxy"] == proxy), None)
        since = {routing.normal(path): time for path, time in (live or {"claims": {}})["claims"].items()}
        now = now_ms()
        document = {
            "deployment": {"environment": environment, "apiProxy": proxy, "revision": number,
                           "deployStartTime": str(now), "proxyDeploymentType": "EXTENSIBLE"},
            "claims": {path: since.get(routing.normal(path), now) for path in found["revision"]["basepaths"]},
            "phase": "pending", "status": {"state": picture.PROGRESSING},
            "previous": (live.get("serving") or live.get("previous")) if live else None,
            "serving": live.get("serving") if live else None,
        }
        old = [claim for item in existing for claim in picture.claims_of(item)]
        return document, routing.environment_conflicts(organization, picture.claims_of(document), old, override)

    @work("apigee.deploy")
    async def deployed(self, run: Any) -> None:
        organization, environment, proxy, _number = ids(run.arguments["name"], *BELOW)
        async with run.transaction() as tx:
            document = tx.get(deployment_key(organization, environment, proxy))
            if not document or document["generation"] != run.arguments["generation"]:
                return
            tx.put(deployment_key(organization, environment, proxy), document | {"phase": "active"})
        await push(self.emulator, organization)
        if not rollouts.under_way(document) or rollouts.seconds(document) is None:
            return
        await asyncio.sleep(rollouts.seconds(document) or 0)
        async with run.transaction() as tx:
            document = tx.get(deployment_key(organization, environment, proxy))
            if not document or document["generation"] != run.arguments["generation"] or document["phase"] != "active":
                return
            tx.put(deployment_key(organization, environment, proxy), rollouts.ended(document))
        await push(self.emulator, organization)

    @handles("apigee.organizations.environments.apis.revisions.undeploy")
    def undeploy(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = ids(call.path["name"], *BELOW)
        document = self._live(call, organization, environment, proxy, number)
        if document["phase"] != "removing":
            generation = call.store.next_number("apigee/deployment")
            document |= {"phase": "removing", "status": {"state": picture.PROGRESSING}, "generation": generation}
            call.store.put(deployment_key(organization, environment, proxy), document)
            call.operations.later(call, duration="apigee.undeployment", work="apigee.undeploy", arguments={
                "name": call.path["name"], "generation": generation})
        return {}

    @work("apigee.undeploy")
    async def undeployed(self, run: Any) -> None:
        organization, environment, proxy, _number = ids(run.arguments["name"], *BELOW)
        await push(self.emulator, organization)
        async with run.transaction() as tx:
            document = tx.get(deployment_key(organization, environment, proxy))
            if document and document["generation"] == run.arguments["generation"]:
                tx.delete(deployment_key(organization, environment, proxy))

    @staticmethod
    def _live(call: Call, organization: str, environment: str, proxy: str, number: str | None) -> dict[str, Any]:
        require(call.store, "environment", "organizations", organization, "environments", environment)
        document = call.store.get(deployment_key(organization, environment, proxy))
        if document is None or number not in (None, document["deployment"]["revision"]):
            what = f"apis/{proxy}" + (f"/revisions/{number}" if number else "")
            raise missing("deployment of", f"{what} in environment {environment}")
        return document

    @handles("apigee.organizations.environments.apis.revisions.getDeployments")
    def get_deployments(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = ids(call.path["name"], *BELOW)
        return with_status(call.store, organization, self._live(call, organization, environment, proxy, number))

    @handles("apigee.organizations.environments.deployments.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy = ids(call.path["name"], "organizations", "environments", "deployments")
        return with_status(call.store, organization, self._live(call, organization, environment, proxy, None))

    @handles("apigee.organizations.environments.apis.revisions.deployments.generateDeployChangeReport",
             permission="apigee.deployments.create")
    def deploy_report(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = self._target(call)
        document, violations = self._wanted(call.store, organization, environment, proxy, number,
                                            bool(call.query.get("override")))
        before = picture.tables(call.store, organization)
        others = [item for item in picture.deployments(call.store, organization)
                  if (item["deployment"]["environment"], item["deployment"]["apiProxy"]) != (environment, proxy)]
        after = picture.tables(call.store, organization, [*others, document])
        return _report(before, after, violations, routing.conflicts_of(environment, proxy, after))

    @handles("apigee.organizations.environments.apis.revisions.deployments.generateUndeployChangeReport",
             permission="apigee.deployments.delete")
    def undeploy_report(self, call: Call) -> dict[str, Any]:
        organization, environment, proxy, number = ids(call.path["name"], *BELOW)
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
             "apigee.organizations.environments.apis.deployments.list", permission="apigee.deployments.list")
    def list(self, call: Call) -> dict[str, Any]:
        parts = call.path["parent"].split("/")
        wanted = dict(zip(parts[::2], parts[1::2], strict=True))
        organization = wanted["organizations"]
        require_organization(call.store, organization)
        if "environments" in wanted:
            require(call.store, "environment", "organizations", organization, "environments", wanted["environments"])
        if "apis" in wanted:
            require(call.store, "API proxy", "organizations", organization, "apis", wanted["apis"])
        if call.query.get("sharedFlows"):
            return {"deployments": []}
        fields = {"environments": "environment", "apis": "apiProxy", "revisions": "revision"}
        return {"deployments": [
            item["deployment"] for item in picture.deployments(call.store, organization)
            if all(item["deployment"][fields[name]] == value for name, value in wanted.items() if name in fields)]}


def with_status(store: Transaction, organization: str, document: dict[str, Any]) -> dict[str, Any]:
    """A deployment with what the runtime reports and the conflicts of the routing that is wanted."""
    deployment = document["deployment"]
    environment, proxy = deployment["environment"], deployment["apiProxy"]
    shown = {**deployment, **document["status"]}
    tables = picture.tables(store, organization)
    conflicts = routing.conflicts_of(environment, proxy, tables)
    if conflicts:
        shown["routeConflicts"] = conflicts
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


