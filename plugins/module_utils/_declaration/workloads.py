# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's workloads behind published services: whether they are there, whose pods they are, whether they hold.

Private to this collection. Works on documents as Kubernetes gives them; makes no calls.
"""

from __future__ import annotations

import json

from .._sidecar.fields import PREFIX
from .._sidecar.pod import SIDECAR
from .problems import Problem


def named(service: dict) -> tuple[str, str, str]:
    """Kind, namespace and name of the workload that a service publishes."""
    kind, namespace = service.get("workload_kind") or "Deployment", service.get("namespace") or "default"
    return kind, namespace, service.get("workload") or service["name"]


def absent(service: dict, cluster: str) -> Problem:
    """What is said of a workload that is not there, although nothing else tells which pods are meant."""
    kind, namespace, name = named(service)
    return Problem(
        f"services[{service['name']}]",
        f"cluster {cluster} has no {kind} {name} in namespace {namespace}.",
        because="The pods to publish are those that it selects.",
        fix="Deploy it and run again; or name the right one (workload, workload_kind, namespace); or say which pods"
        " (selector: {app: NAME}).",
    )


def labels(workload: dict) -> dict[str, str]:
    """The labels by which a workload selects its pods; empty when it does not by labels alone."""
    return dict(((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {})


def publishes(service: dict, workload: dict) -> bool:
    """Whether the pods that a service publishes are those of this workload, and not of some other."""
    found = _template(workload).get("labels") or {}
    return all(found.get(key) == value for key, value in (service.get("selector") or {}).items())


def _template(workload: dict) -> dict:
    """Metadata of the pods that a workload makes."""
    return ((workload.get("spec") or {}).get("template") or {}).get("metadata") or {}


def unannotated(service: dict, workload: dict, wanted: dict[str, str], cluster: str) -> Problem | None:
    """What is said of a workload whose pods would start without the TLS sidecar that their service needs, or with another.

    Args:
        service: one that publishes a workload of the user's.
        workload: the object.
        wanted: the annotations of its pods; empty for a service without TLS.
        cluster: name of the cluster.
    """
    if not publishes(service, workload):
        return None
    found = _template(workload).get("annotations") or {}
    wrong = {key: value for key, value in wanted.items() if found.get(key) != value}
    if not wrong:
        return None
    kind, namespace, name = named(service)
    theirs = ", ".join(f"{key}: {found[key]}" for key in wrong if key in found)
    patch = {"spec": {"template": {"metadata": {"annotations": wrong}}}}
    return Problem(
        f"services[{service['name']}]",
        f"the pods of {kind} {name} in namespace {namespace} of cluster {cluster} do not ask for the TLS sidecar that the"
        " service needs.",
        found=theirs or f"no annotation {', '.join(wrong)} in its pod template",
        because=f"Apigee calls https on the sidecar's port, and a pod gets the sidecar by {PREFIX}service only.",
        fix=f"kubectl --namespace {namespace} patch {kind.lower()} {name} --type merge --patch '{json.dumps(patch)}'"
        " (and write the same in its manifest); or tls: false for the service, which leaves it plain HTTP.",
    )


def demanding(service: dict, workload: dict, config_map: str, cluster: str) -> Problem | None:
    """What is said of a workload whose pods ask callers for a certificate of ours, while Apigee is to show none.

    Args:
        service: one with TLS that publishes a workload of the user's.
        workload: the object.
        config_map: name of the ConfigMaps by which this collection says whom sidecars believe.
        cluster: name of the cluster.
    """
    found = _template(workload).get("annotations") or {}
    authority, names = f"{PREFIX}client-ca-config-map", f"{PREFIX}client-names"
    if found.get(authority) != config_map or not publishes(service, workload):
        return None
    kind, namespace, name = named(service)
    # Names mean nothing without an authority, and would be refused.
    patch = {"spec": {"template": {"metadata": {"annotations": {key: None for key in (authority, names) if key in found}}}}}
    return Problem(
        f"services[{service['name']}]",
        f"the pods of {kind} {name} in namespace {namespace} of cluster {cluster} ask callers for a client certificate, and"
        " Apigee would show none any more.",
        found=f"{authority}: {config_map} in its pod template, and no tls.client_certificate in the inventory",
        because="They would answer every request of Apigee with 403.",
        fix="Run with tls: {client_certificate: {required: false}}, with which Apigee goes on showing its certificate; then"
        f" kubectl --namespace {namespace} patch {kind.lower()} {name} --type merge --patch '{json.dumps(patch)}' (and take"
        " the same out of its manifest); and leave client_certificate out once its pods are replaced.",
        docs="docs/tls.md#mutual-tls",
    )


def still_demanding(service: dict, pods: list[dict], config_map: str, cluster: str) -> Problem | None:
    """What is said of pods that were made when callers were asked for a certificate. Arguments as for ``demanding``.

    One that ends is answered by its name until callers have forgotten it, so it counts as well.
    """
    names = [pod["metadata"]["name"] for pod in pods if _believes(pod, config_map)]
    if not names:
        return None
    kind, namespace, name = named(service)
    return Problem(
        f"services[{service['name']}]",
        f"pods of {kind} {name} in namespace {namespace} of cluster {cluster} ask callers for a client certificate, and Apigee"
        " would show none any more.",
        found=f"{len(names)} with a sidecar that believes ConfigMap {config_map}: {', '.join(sorted(names)[:5])}"
        + (", ..." if len(names) > 5 else "")
        + "; and no tls.client_certificate in the inventory",
        because="They would answer every request of Apigee with 403.",
        fix="Run with tls: {client_certificate: {required: false}}, with which Apigee goes on showing its certificate; wait until"
        f" other pods have taken their place: kubectl --namespace {namespace} rollout status {kind.lower()} {name}, and the"
        " drain; then leave client_certificate out.",
        docs="docs/tls.md#mutual-tls",
    )


def _believes(pod: dict, config_map: str) -> bool:
    volumes = (pod.get("spec") or {}).get("volumes") or []
    given = (one.get("configMap") or {} for one in volumes if one.get("name") == f"{SIDECAR}-client-ca")
    return any(one.get("name") == config_map for one in given)


def asked(workload: dict) -> dict[str, str]:
    """Annotations by which the pods of a workload ask for a TLS sidecar; empty when they do not."""
    found = {key: text for key, text in (_template(workload).get("annotations") or {}).items() if key.startswith(PREFIX)}
    return found if f"{PREFIX}service" in found else {}


def annotated(workload: dict, wanted: dict[str, str]) -> dict:
    """The pod that a workload makes once its template carries these annotations too."""
    template, metadata = (workload.get("spec") or {}).get("template") or {}, _template(workload)
    return {**template, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **wanted}}}


def refused(service: dict, refusal: str, cluster: str) -> Problem:
    """What is said of a workload whose pods could not be made any more once sidecars are added to them."""
    kind, namespace, name = named(service)
    return Problem(
        f"services[{service['name']}]",
        f"the pods of {kind} {name} in namespace {namespace} of cluster {cluster} would be refused: their TLS sidecar cannot"
        " be added.",
        found=refusal,
        because="Pods that ask for the sidecar never start without it, so none of them could be replaced any more.",
        fix=f"Correct the pod template of {kind} {name}; or tls: false for the service, which leaves it plain HTTP.",
        docs="docs/tls.md#annotations",
    )


def advice(service: dict, workload: dict, budgets: list[dict] | None) -> list[str]:
    """What will cost requests some day, as sentences. Nothing of it is wrong now.

    Args:
        service: one that publishes a workload of the user's.
        workload: the object.
        budgets: the disruption budgets of its namespace; None when they could not be read.
    """
    kind, namespace, name = named(service)
    subject = f"services[{service['name']}]: {kind} {name} in namespace {namespace}"
    spec = workload.get("spec") or {}
    replicas = spec.get("replicas", 1)
    # The number of a DaemonSet's pods is that of the nodes.
    if kind != "DaemonSet" and replicas < 2:
        count = "one replica" if replicas else "no replicas"
        return [f"{subject} has {count}, so requests fail while its pod is replaced. Run two or more."]
    pod = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if kind == "DaemonSet" or budgets is None or any(_covers(budget, pod) for budget in budgets):
        return []
    chosen = ",".join(f"{key}={value}" for key, value in sorted(labels(workload).items()))
    return [
        f"{subject} has no PodDisruptionBudget, so an upgrade of the nodes may stop all of its pods at once. Add one:"
        f" kubectl --namespace {namespace} create poddisruptionbudget {name} --selector {chosen} --max-unavailable 1"
    ]


def _covers(budget: dict, pod: dict[str, str]) -> bool:
    """Whether a budget's selector matches a pod; one that is empty matches all, one that is missing none."""
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None:
        return False
    if any(pod.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(rule, pod) for rule in selector.get("matchExpressions") or [])


def _meets(rule: dict, pod: dict[str, str]) -> bool:
    there, among = rule["key"] in pod, pod.get(rule["key"]) in (rule.get("values") or [])
    return {"In": among, "NotIn": not among, "Exists": there, "DoesNotExist": not there}[rule["operator"]]
