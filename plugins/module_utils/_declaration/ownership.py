# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object in Kubernetes is: settled before anything is applied, so that nobody's object becomes ours.

The mark is the label that every definition of ours carries; it is part of the request that makes the object, so a run
that is killed owns what it made. An object without it is somebody else's: it is used where it serves already, and never
written to. To hand one over is to give it the label.

Private to this collection. Works on documents as Kubernetes gives them; makes no calls.
"""

from __future__ import annotations

import json
import typing

from . import additions, manifests
from .problems import Problem

ABSENT, OURS, THEIRS = "absent", "ours", "theirs"
_HIDDEN = "something that is not shown"
#: Kinds in which something more can make the object do the opposite. What the owner of another adds is the owner's affair.
_TURNED_ROUND = (
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "NetworkPolicy",
    "Deployment",
)


def standing(definition: dict, live: dict | None) -> dict:
    """How a definition stands to the object of its name.

    Args:
        definition: what shall be.
        live: the object of this kind, namespace and name, None when there is none.

    Returns:
        ``owner`` (``absent``, ``ours`` or ``theirs``); ``same``: applying the definition would change nothing, which
        for an object of somebody else means that it serves as it is; ``differences`` (``field``, ``before`` and
        ``after``) of an object that is somebody else's and does not serve, or of one of ours that Kubernetes changes for
        nobody any more; ``withdrawal``: of ours, a merge patch that
        takes out what was added to it, which applying the definition would leave there. None where there is nothing.
    """
    if live is None:
        return _standing(ABSENT, False)
    if not _marked(live):
        serving = _differences(_served(definition), live)
        if definition["kind"] in _TURNED_ROUND:
            serving += [{**entry, "after": None} for entry in additions.added(definition, live)]
        if definition["kind"] == "Secret":
            serving = [{**entry, "before": _HIDDEN, "after": _HIDDEN} for entry in serving]
        return _standing(THEIRS, not serving, serving)
    if live.get("immutable") and not definition.get("immutable") and _content_differs(definition, live):
        return _standing(OURS, False, [{"field": "immutable", "before": True, "after": None}])
    withdrawal = additions.withdrawal(definition, live)
    # What was applied before and is left out now would have to go, so that too has to be the same.
    same = withdrawal is None and _was_applied(definition, live) and not _differences(definition, live)
    return _standing(OURS, same, withdrawal=withdrawal)


def _standing(owner: str, same: bool, differences: list[dict] | None = None, withdrawal: dict | None = None) -> dict:
    return {"owner": owner, "same": same, "differences": differences or [], "withdrawal": withdrawal}


def _content_differs(definition: dict, live: dict) -> bool:
    """Whether an object holds other data than its definition, in which nothing is filled in."""
    return any((definition.get(key) or {}) != (live.get(key) or {}) for key in ("data", "binaryData"))


def _marked(live: dict) -> bool:
    return ((live.get("metadata") or {}).get("labels") or {}).get(manifests.OWNER_LABEL) == manifests.MANAGED_BY


def _was_applied(definition: dict, live: dict) -> bool:
    """Whether this very definition was applied last."""
    stamp = (definition["metadata"].get("annotations") or {}).get(manifests.STAMP)
    if stamp:
        return (live["metadata"].get("annotations") or {}).get(manifests.STAMP) == stamp
    return _applied(live) == definition


def _applied(live: dict) -> typing.Any:
    """The definition that was applied last, as kubernetes.core and kubectl note it in the object."""
    noted = (live["metadata"].get("annotations") or {}).get(manifests.LAST_APPLIED)
    try:
        return json.loads(noted or "null")
    except ValueError:
        return None


def _served(definition: dict) -> dict:
    """The part of a definition that somebody else's object must have to serve in its place.

    A namespace need only be there. The name of a headless Service gives the addresses of the pods that it selects,
    whatever ports it lists: Apigee's target server states the port. Of one with a load balancer the annotations say what it is.
    """
    content = {key: value for key, value in definition.items() if key not in ("apiVersion", "kind", "metadata")}
    # For a removal a name is all there is.
    if definition["kind"] != "Service" or "spec" not in content:
        return content
    notes = definition["metadata"].get("annotations") or {}
    if content["spec"].get("type") == "LoadBalancer" or any(name.startswith("cloud.google.com/") for name in notes):
        content["metadata"] = {"annotations": notes}
    else:
        content["spec"] = {key: value for key, value in content["spec"].items() if key != "ports"}
    return content


def _differences(wanted: typing.Any, found: typing.Any, path: str = "") -> list[dict]:
    """Where *found* is not what *wanted* says; what *wanted* does not mention is no difference."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        # A selector is what it is as a whole: one label more is other pods.
        if path == "spec.selector" and wanted != found:
            return [{"field": path, "before": found, "after": wanted}]
        return [
            entry
            for key, value in wanted.items()
            for entry in _differences(value, found.get(key), f"{path}.{key}" if path else key)
        ]
    if path.endswith("namespaceSelector.matchExpressions") and additions.leaves_out(wanted, found or []):
        return []
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            entry
            for index, pair in enumerate(zip(wanted, found, strict=False))
            for entry in _differences(*pair, f"{path}[{index}]")
        ]
    # Kubernetes leaves out a switch that is off, and a list of nothing.
    if wanted == found or (found is None and (wanted is False or wanted == [])):
        return []
    return [{"field": path, "before": found, "after": wanted}]


def conflicts(definitions: list[dict], standings: list[dict], cluster: str) -> list[Problem]:
    """A problem for each object of somebody else that stands where one of ours is declared and does not serve, and for one
    of ours that was made immutable and is no longer as declared."""
    return [
        (_conflict if found["owner"] == THEIRS else _immutable)(definition, found, _place(definition, cluster))
        for definition, found in zip(definitions, standings, strict=True)
        if not found["same"] and (found["owner"] == THEIRS or found["differences"])
    ]


def _place(definition: dict, cluster: str) -> str:
    namespace = definition["metadata"].get("namespace") or ""
    return f"namespace {namespace} of cluster {cluster}" if namespace else f"cluster {cluster}"


def _immutable(definition: dict, _found: dict, place: str) -> Problem:
    kind, metadata = definition["kind"], definition["metadata"]
    return Problem(
        f"{kind} {metadata['name']}",
        f"in {place} it holds something else than is declared, and cannot be changed.",
        found="immutable is true, and missing is needed",
        because=f"Somebody made it immutable, and of such a {kind} Kubernetes lets nobody change the data, or take that back.",
        fix=f"Delete it, and the next run makes it anew: kubectl --namespace {metadata.get('namespace') or 'default'}"
        f" delete {kind.lower()} {metadata['name']}",
    )


def _conflict(definition: dict, found: dict, place: str) -> Problem:
    kind, metadata = definition["kind"], definition["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace") or ""
    described = "; ".join(
        f"{entry['field']} is {_short(entry['before'])}, and {_short(entry['after'])} is needed"
        for entry in found["differences"]
    )
    label = f"kubectl {f'--namespace {namespace} ' if namespace else ''}label {kind.lower()} {name}"
    hand_over = f"or hand it over: {label} {manifests.OWNER_LABEL}={manifests.MANAGED_BY} --overwrite."
    fields = [entry["field"] for entry in found["differences"]]
    fix = f"Remove it, {hand_over}"
    if kind == "Service" and definition["spec"].get("type") == "LoadBalancer":
        fix = f"Give the load balancer another name, {hand_over}"
    elif kind == "Service":
        fix = (
            f"Publish under another name: services: [{{name: {name}-pods, workload: {name}, ...}}], and"
            f" service: {name}-pods on the proxy"
        )
        # The address of a Service stays for life, so one that has an address cannot be taken over either.
        fix += "." if "spec.clusterIP" in fields else f"; {hand_over}"
    elif kind == "Deployment":
        fix = f"Leave sample out, and the pods of this {kind} are published; {hand_over}"
    return Problem(
        f"{kind} {name}",
        f"an object of this name in {place} was made by somebody else.",
        found=described,
        because=f"It has no label {manifests.OWNER_LABEL}={manifests.MANAGED_BY}, so it is neither changed nor removed.",
        fix=fix,
        docs="docs/architecture.md#ownership",
    )


def _short(value: typing.Any) -> str:
    text = "missing" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 80 else f"{text[:77]}..."


def identities(definitions: typing.Iterable[dict]) -> list[dict]:
    """What names the objects, without their content: enough to remove them."""
    return [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "metadata": {key: one["metadata"][key] for key in ("name", "namespace") if one["metadata"].get(key)},
        }
        for one in definitions
    ]


def pending(definitions: list[dict], standings: list[dict], state: str) -> list[dict]:
    """The definitions that have to be sent: to be applied where they differ, or removed where they are ours.

    Args:
        definitions: all of them.
        standings: one for each; none at all when they were not looked up, and then all are sent.
        state: ``present`` or ``absent``.
    """
    if not standings:
        return definitions
    return [entry for entry, found in zip(definitions, standings, strict=True) if _to_send(entry, found, state)]


def withdrawals(standings: list[dict], state: str) -> list[dict]:
    """Merge patches that take out what was added to objects of ours, before their definitions are applied."""
    return [found["withdrawal"] for found in standings if state == "present" and found.get("withdrawal")]


def _to_send(definition: dict, found: dict, state: str) -> bool:
    if state == "present":
        return not found["same"]
    # A namespace may hold more than ours, and would take it along.
    return found["owner"] == OURS and definition["kind"] != "Namespace"


def outcome(
    definitions: list[dict],
    result: dict,
    cluster: str,
    standings: list[dict],
    state: str,
    withdrawn: dict | None = None,
) -> list[dict]:
    """What became of each definition, whether it was sent or not, in the shape of ``manifests.outcome``.

    Args:
        definitions: all of them.
        result: of the task that sent those that ``pending`` gives; empty or skipped when none was.
        cluster: name of the cluster.
        standings: as for ``pending``.
        state: as for ``pending``.
        withdrawn: result of the task that sent what ``withdrawals`` gives; empty or skipped when there was nothing.
    """
    if not standings:
        return manifests.outcome(definitions, result, cluster)
    sent = iter(manifests.outcome(pending(definitions, standings, state), result, cluster))
    patches = withdrawals(standings, state)
    taken = iter(manifests.outcome(patches, withdrawn or {}, cluster) if patches else [])
    outcomes = []
    for entry, found in zip(definitions, standings, strict=True):
        if not _to_send(entry, found, state):
            outcomes.append(manifests.entry(entry, cluster, _unsent(found, state)))
            continue
        became = next(sent)
        if state == "present" and found.get("withdrawal"):
            became = _together(next(taken), became)
        outcomes.append(became)
    return outcomes


def _together(first: dict, then: dict) -> dict:
    """The outcome of two requests for one object."""
    if first.get("error") or then.get("error"):
        return then if then.get("error") else first
    action = "updated" if "updated" in (first["action"], then["action"]) else then["action"]
    # In a preview the first has changed nothing, so that the second may tell the same.
    further = [change for change in then["changes"] if change not in first["changes"]]
    return {**then, "action": action, "changes": [*first["changes"], *further]}


def _unsent(found: dict, state: str) -> str:
    return "kept" if state == "absent" and found["owner"] != ABSENT else "unchanged"
