# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of the proof sent from inside the network: a short-lived Kubernetes Job with curl.

The Job is one object that needs nothing beside it: the authority to trust travels as an annotation of its pod. It asks
once; what its answers are worth, and whether to ask again, is decided here.

Private to this collection.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .._gateway import answers, certificates
from . import manifests

IMAGE = "docker.io/curlimages/curl:8.10.1"
_AUTHORITY = "apigee-gke.gatewayops/authority"
_FOLDER = "/etc/apigee-gke"
# Seconds: for one connection, for one request, and for the Job to stay when nobody is left to remove it.
_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 20
_STAY_SECONDS = 60
# Any user but root; numeric, because kubelet refuses a named one where a pod asks for runAsNonRoot.
_USER = 65532
# curl's exit statuses for a certificate that it refuses.
_REFUSED_CERTIFICATE = (51, 60)


def place(services: list[dict], connections: dict[str, dict]) -> dict:
    """Where the Job can run: a namespace with a published service, in the first cluster that has one.

    Returns:
        ``cluster`` and ``namespace``; empty when there is no such place.
    """
    for cluster, connection in connections.items():
        for service in services:
            if service.get("cluster") == cluster and (connection or {}).get("endpoint"):
                return {"cluster": cluster, "namespace": service.get("namespace") or "default"}
    return {}


def authorities(resources: list[dict]) -> str:
    """The certificates (PEM) of the authorities that sign what an organisation's instances show.

    Args:
        resources: entries of the plural module, or of ``resources_info``.
    """
    encoded: list[str] = []
    for entry in resources:
        if entry.get("kind") == "apigee_organization":
            encoded = (entry.get("resource") or {}).get("ca_certificates") or encoded
    return certificates.authorities(encoded)


def definition(
    requests: list[dict],
    name: str,
    namespace: str,
    address: str,
    port: int | str,
    authority: str,
    tls_name: str,
    image: str,
    seconds: int | str,
) -> dict:
    """The Job.

    Args:
        requests: as the ``gateway_request`` module takes them.
        name: of the Job; also marks the end of each answer in the log, so nobody may know it before.
        namespace: where it runs.
        address: what to connect to, a name or an address.
        port: of it.
        authority: certificates to trust, PEM; the image's own when empty.
        tls_name: name that the certificate must carry; the URL's host when empty.
        image: one that has ``curl``; curl's own when empty.
        seconds: after which Kubernetes ends it.
    """
    arguments: list[str] = []
    for request in requests:
        arguments += [
            *(["--next"] if arguments else []),
            *_curl(request, name, f"{address}:{port}", authority, tls_name),
        ]
    labels = {manifests.NAME_LABEL: "apigee-gke-verification", manifests.OWNER_LABEL: manifests.MANAGED_BY}
    container = {
        "name": "curl",
        "image": image or IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["curl"],
        # Kubernetes replaces $(NAME) in arguments; a doubled dollar stands for one.
        "args": [argument.replace("$(", "$$(") for argument in arguments],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    metadata: dict = {"labels": labels}
    if authority:
        metadata["annotations"] = {_AUTHORITY: authority}
        field = {"path": "ca.crt", "fieldRef": {"fieldPath": f"metadata.annotations['{_AUTHORITY}']"}}
        pod["volumes"] = [{"name": "authority", "downwardAPI": {"items": [field]}}]
        container["volumeMounts"] = [{"name": "authority", "mountPath": _FOLDER, "readOnly": True}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": int(seconds),
            # Where the run is interrupted, Kubernetes removes it.
            "ttlSecondsAfterFinished": _STAY_SECONDS,
            "template": {"metadata": metadata, "spec": pod},
        },
    }


def _curl(request: dict, mark: str, place: str, authority: str, tls_name: str) -> list[str]:
    """curl's arguments for one request (curl 7.75 or newer)."""
    parts = urlsplit(request["url"])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    arguments = [
        "--silent",
        "--globoff",
        "--connect-timeout",
        str(_CONNECT_SECONDS),
        "--max-time",
        str(_REQUEST_SECONDS),
    ]
    arguments += ["--connect-to", f"::{place}"]
    if authority:
        arguments += ["--cacert", f"{_FOLDER}/ca.crt"]
    arguments += ["--header", "Accept: application/json", "--header", f"Host: {parts.netloc}"]
    told = "%{http_code} %{time_pretransfer} %{time_total} %{exitcode} %{errormsg}"
    return [*arguments, "--write-out", f"\\n{mark} {told}\\n", f"{parts.scheme}://{tls_name or parts.netloc}{path}"]


def read(log: str, requests: list[dict], mark: str, attempt: int | str, address: str) -> dict:
    """What the Job's log says.

    Args:
        log: the log of its pod.
        requests: what it was to ask, in order.
        mark: the Job's name.
        attempt: number of the Job, from 1.
        address: what it connected to, for messages.

    Returns:
        ``responses`` as the ``gateway_request`` module returns them; ``failures``, a paragraph for each that is not
        good; ``again``, whether another Job may get better answers.
    """
    pattern = re.compile(rf"(.*?)\n?{re.escape(mark)} (\d+) ([\d.]+) ([\d.]+) (\d+)[^\S\n]*([^\n]*)(?:\n|$)", re.DOTALL)
    found = pattern.findall(log)
    responses: list[dict] = []
    failures: list[str] = []
    # An image that does not answer at all does not do better next time.
    again = len(found) >= len(requests)
    for index, request in enumerate(requests):
        response = {**answers.blank(request), "attempts": int(attempt)}
        if index < len(found):
            response.update(_answer(*found[index]))
        else:
            # What curl or the image says instead of answering is the best there is.
            response["error"] = f"the Job ended without an answer: {log.strip()[-300:] or 'its log is empty'}"
        responses.append(response)
        if not answers.good(request, response):
            failures.append(answers.explain(request, response, f"{address}, from a Job in the cluster"))
            again = again and answers.not_yet(response)
    return {"responses": responses, "failures": failures, "again": bool(failures) and again}


def _answer(body: str, status: str, before: str, total: str, code: str, error: str) -> dict:
    if int(code):
        error = error or f"curl ended with {code}"
        return {"error": f"{answers.UNTRUSTED}: {error}" if int(code) in _REFUSED_CERTIFICATE else error}
    milliseconds = round((float(total) - float(before)) * 1000, 1)
    return answers.answered(int(status), milliseconds, body)


def trouble(pods: list[dict]) -> str:
    """Why a Job's pod did not come to its end."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or []:
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason"):
                return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
        for condition in status.get("conditions") or []:
            if condition.get("status") == "False" and condition.get("message"):
                return f"{condition.get('reason', '')}: {condition['message']}"
        return f"its pod is {status.get('phase', 'unknown')}"
    return "no pod was made for it; a quota or an admission policy may forbid it"
