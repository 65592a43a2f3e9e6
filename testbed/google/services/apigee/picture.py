# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The full configuration of the Apigee runtime, read from the store; and what its report says about deployments.

Only what an instance serves is in it: environments that are attached to an instance of the organisation.

A deployment document holds ``collection`` (apis or sharedflows: its kind), ``deployment`` (Apigee's JSON; ``apiProxy``
is the name, of a shared flow too: apigee/apigeecli #276 shows one), ``claims`` (base path to the time it was claimed),
``phase`` (``pending`` until its duration is over, ``active``, ``removing``), ``status`` (state and errors),
``previous`` (the revision that serves until this one is ready), ``serving`` (the revision that the runtime runs),
``rejected`` and ``reasons`` (what the runtime refused, and why), ``conflicts`` (what the runtime's routing knows to
be in the way of its base paths), ``fault``, ``drops_old`` and ``rollout`` (fault control).
"""
from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from testbed.google.services.apigee import file_contents, rollouts, routing, tls_material
from testbed.google.services.apigee.kinds import KINDS, PROXY, Kind
from testbed.google.services.apigee.names import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testbed.google.store import Transaction

READY, PROGRESSING, ERROR = "READY", "PROGRESSING", "ERROR"


def deployments(store: Transaction, organization: str, environment: str | None = None, *,
                kind: Kind = PROXY) -> list[dict[str, Any]]:
    """Deployment documents of an organisation or of one environment, those being removed included."""
    if environment is not None:
        return store.children(key("organizations", organization, "environments", environment, kind.deployments))
    return [document for name in environments(store, organization)
            for document in deployments(store, organization, name, kind=kind)]


def all_deployments(store: Transaction, organization: str, environment: str) -> list[dict[str, Any]]:
    """Those of all kinds in an environment."""
    return [document for kind in KINDS.values()
            for document in deployments(store, organization, environment, kind=kind)]


def deployment_key(organization: str, document: dict[str, Any]) -> str:
    """Where a deployment document is kept."""
    deployment = document["deployment"]
    return key("organizations", organization, "environments", deployment["environment"],
               KINDS[document["collection"]].deployments, deployment["apiProxy"])


def environments(store: Transaction, organization: str) -> list[str]:
    return [item["name"] for item in store.children(key("organizations", organization, "environments"))]


def revision(store: Transaction, kind: Kind, organization: str, name: str, number: str) -> dict[str, Any] | None:
    """The revision document: ``{"revision": {...Apigee JSON...}, "bundle": sha256, "target_servers": [...],
    "callouts": [...]}``.
    """
    return store.get(key("organizations", organization, kind.collection, name, "revisions", number))


def claims_of(document: dict[str, Any]) -> list[routing.Claim]:
    deployment = document["deployment"]
    return [routing.Claim(path, deployment["environment"], deployment["apiProxy"], deployment["revision"], since)
            for path, since in document["claims"].items()]


def groups_of(store: Transaction, organization: str, environment: str) -> dict[str, int]:
    """The groups that an environment is attached to, with the time of the attachment."""
    found = {}
    for group in store.children(key("organizations", organization, "envgroups")):
        for attachment in store.children(key("organizations", organization, "envgroups", group["name"], "attachments")):
            if attachment["environment"] == environment:
                found[group["name"]] = int(attachment["createdAt"])
    return found


def tables(store: Transaction, organization: str, documents: Iterable[dict[str, Any]] | None = None,
           only: set[str] | None = None) -> dict[str, dict[str, routing.Rule]]:
    """The routing table of every group.

    ``documents`` replaces the stored deployments (for what-if questions); ``only`` limits to some environments. An
    environment's claims in a group are as old as its attachment at most.
    """
    documents = [document for document in (deployments(store, organization) if documents is None else documents)
                 if document["phase"] != "removing"]
    found = {}
    for group in store.children(key("organizations", organization, "envgroups")):
        attached = {item["environment"]: int(item["createdAt"]) for item in
                    store.children(key("organizations", organization, "envgroups", group["name"], "attachments"))}
        found[group["name"]] = routing.table(
            routing.Claim(claim.basepath, claim.environment, claim.proxy, claim.revision,
                          max(claim.since, attached[claim.environment]))
            for document in documents for claim in claims_of(document)
            if claim.environment in attached and (only is None or claim.environment in only))
    return found


def conflicts(store: Transaction, organization: str) -> dict[str, list[list[str]]]:
    """What is in the way of each proxy's deployment, by its key in the store; those without conflicts are left out."""
    rules = tables(store, organization)
    found = {}
    for document in deployments(store, organization):
        deployment = document["deployment"]
        there = routing.conflicts_of(deployment["environment"], deployment["apiProxy"], rules)
        if there:
            found[deployment_key(organization, document)] = brief(there)
    return found


def brief(conflicts_of_one: list[dict[str, Any]]) -> list[list[str]]:
    """Route conflicts as they are kept and compared: group, environment, proxy and base path of each."""
    return [[item["environmentGroup"], *(item["conflictingDeployment"][name]
                                         for name in ("environment", "apiProxy", "basepath"))]
            for item in conflicts_of_one]


def instances_of(store: Transaction, organization: str, environment: str | None = None) -> list[dict[str, Any]]:
    """The ACTIVE instances, or those of them to which an environment is attached."""
    found = []
    for instance in store.children(key("organizations", organization, "instances")):
        attachments = store.children(key("organizations", organization, "instances", instance["name"], "attachments"))
        if instance["state"] == "ACTIVE" and (
                environment is None or any(item["environment"] == environment for item in attachments)):
            found.append(instance)
    return found


def problems(store: Transaction, organization: str, document: dict[str, Any]) -> list[str]:
    """What is known to keep the revision of a deployment from running before the runtime is asked."""
    deployment = document["deployment"]
    environment, proxy, number = deployment["environment"], deployment["apiProxy"], deployment["revision"]
    found = revision(store, KINDS[document["collection"]], organization, proxy, number)
    if found is None:
        return [f"revision {number} of {proxy} does not exist"]
    return [f'TargetServer "{name}" referenced by proxy "{proxy}" revision {number} does not exist in environment '
            f'"{environment}"'
            for name in found["target_servers"]
            if not store.exists(key("organizations", organization, "environments", environment, "targetservers", name))]


def fingerprint(store: Transaction, organization: str, document: dict[str, Any]) -> str:
    """Changes when a refused deployment is worth another try: bundle or target servers changed."""
    deployment = document["deployment"]
    found = revision(store, KINDS[document["collection"]], organization, deployment["apiProxy"],
                     deployment["revision"]) or {}
    servers = store.children(key("organizations", organization, "environments", deployment["environment"],
                                 "targetservers"))
    return hashlib.sha256(json.dumps([found.get("bundle"), servers], sort_keys=True).encode()).hexdigest()


def configuration(store: Transaction, organization: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the runtime is given, and the blob names of the bundles by digest.

    A deployment that is known to fail is represented by the revision that it was to replace, if that is still to
    serve: a failed deployment does not take away what works (fault ``drops_old`` removes ``previous``).
    """
    served = {name for name in environments(store, organization) if instances_of(store, organization, name)}
    bundles: dict[str, str] = {}
    result: dict[str, Any] = {
        "organization": organization,
        "instance": next((_instance(item) for item in instances_of(store, organization)), {}),
        "environment_groups": [],
        "environments": {},
        "products": store.children(key("organizations", organization, "apiproducts")),
        "developers": store.children(key("organizations", organization, "developers")),
        "apps": apps(store, organization),
        "key_value_maps": key_value_maps(store, organization),
    }
    for name in sorted(served):
        entries: dict[str, list[dict[str, Any]]] = {kind.listed: [] for kind in KINDS.values()}
        for document in all_deployments(store, organization, name):
            for entry in _entries(store, organization, document):
                bundles[entry["bundle"]] = bundle_blob(entry["bundle"])
                entries[KINDS[document["collection"]].listed].append(entry)
        result["environments"][name] = {
            "instances": [item["name"] for item in instances_of(store, organization, name)],
            "target_servers": store.children(key("organizations", organization, "environments", name, "targetservers")),
            **entries,
            "flow_hooks": store.children(key("organizations", organization, "environments", name, "flowhooks")),
            "resource_files": {"properties": file_contents.property_sets(store, organization, name)},
            **tls_material.picture(store, organization, name),
        }
    rules = tables(store, organization, only=served)
    for group in store.children(key("organizations", organization, "envgroups")):
        attached = [item["environment"] for item in
                    store.children(key("organizations", organization, "envgroups", group["name"], "attachments"))]
        result["environment_groups"].append({
            "name": group["name"], "hostnames": group.get("hostnames", []),
            "environments": _in_order([name for name in attached if name in served], rules[group["name"]]),
            "routing_rules": [{"basepath": rule.winner.basepath, "environment": rule.winner.environment}
                              for rule in rules[group["name"]].values()],
        })
    return result, bundles


def _in_order(attached: list[str], rules: dict[str, routing.Rule]) -> list[str]:
    """Environments of a group, those first that win contested base paths."""
    losses = {name: sum(any(loser.environment == name for loser in rule.losers) for rule in rules.values())
              for name in attached}
    return sorted(attached, key=lambda name: (losses[name], name))


def apps(store: Transaction, organization: str) -> list[dict[str, Any]]:
    """The apps of all developers."""
    return [app for developer in store.children(key("organizations", organization, "developers"))
            for app in store.children(key("organizations", organization, "developers", developer["email"], "apps"))]


def key_value_maps(store: Transaction, organization: str) -> list[dict[str, Any]]:
    """The maps of all three levels with their entries; masks are for people only."""
    within = [("organization", "", ()),
              *(("environment", name, ("environments", name)) for name in environments(store, organization)),
              *(("apiproxy", proxy["name"], ("apis", proxy["name"]))
                for proxy in store.children(key("organizations", organization, "apis")))]
    found = []
    for scope, of, parts in within:
        place = key("organizations", organization, *parts, "keyvaluemaps")
        found += [{"scope": scope, "of": of, "name": one["name"],
                   "entries": {entry["name"]: entry["value"]
                               for entry in store.children(f"{place}/{one['name']}/entries")}}
                  for one in store.children(place)]
    return found


def _instance(item: dict[str, Any]) -> dict[str, Any]:
    return {"name": item["name"], "location": item["location"], "host": item.get("host", ""),
            "ip_range": item.get("ipRange", "").split(",")[0]}


def bundle_blob(digest: str) -> str:
    return f"apigee/bundles/{digest}"


def _entries(store: Transaction, organization: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """What the runtime is given of a deployment: one revision, or while it is taken up in parts each with its share."""
    kind, deployment = KINDS[document["collection"]], document["deployment"]
    number = deployment["revision"]
    if document["phase"] == "removing":
        return []
    if document["phase"] == "pending" or is_rejected(store, organization, document):
        number = document.get("previous")
    elif rollouts.under_way(document):
        names = [item["name"] for item in instances_of(store, organization, deployment["environment"])]
        return _with_bundles(store, kind, organization, deployment["apiProxy"], rollouts.entries(document, names))
    return _with_bundles(store, kind, organization, deployment["apiProxy"], [{"revision": number}])


def _with_bundles(store: Transaction, kind: Kind, organization: str, name: str,
                  entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of the runtime's configuration; those whose revision is not there are left out."""
    return [{kind.named: name, **entry, "bundle": found["bundle"]} for entry in entries
            if entry["revision"] and (found := revision(store, kind, organization, name, entry["revision"]))]


def is_rejected(store: Transaction, organization: str, document: dict[str, Any]) -> bool:
    """Whether the deployed revision is known not to run: target servers missing, refused by the runtime, or a fault."""
    if document.get("fault"):
        return True
    # What runs is not stopped from here: the runtime says what becomes of it.
    if document.get("serving") != document["deployment"]["revision"] and problems(store, organization, document):
        return True
    rejected = document.get("rejected")
    return bool(rejected) and rejected == fingerprint(store, organization, document)
