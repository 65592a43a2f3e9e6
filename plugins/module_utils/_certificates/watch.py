# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far cert-manager is: its webhook, issuers and certificates, and why something is not ready, in its own words.

Private to this collection.
"""

from __future__ import annotations

import typing as t
import zlib

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import release
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates.definitions import API_VERSION, GROUP
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError

_LONGEST = 300
_PLACE = f"/apis/{API_VERSION}/namespaces"
#: No issuer can be of two types: only cert-manager's own webhook refuses this one, so a refusal proves that it answers.
_PROBE = {
    "apiVersion": API_VERSION,
    "kind": "Issuer",
    "metadata": {"name": "apigee-gke-probe"},
    "spec": {"selfSigned": {}, "ca": {"secretName": "none"}},
}


class Watch:
    """Looks at one cluster."""

    def __init__(self, reader: Reader, namespace: str) -> None:
        self._reader = reader
        self._namespace = namespace
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def release(self) -> dict[str, t.Any] | None:
        """The Helm release, as ``release.newest`` gives it. Raises ReadError."""
        path = f"/api/v1/namespaces/{self._namespace}/secrets"
        found = self._reader.list(path, {"owner": "helm", "name": "cert-manager"})
        try:
            return release.newest(found)
        except (LookupError, TypeError, ValueError, OSError, EOFError, zlib.error) as error:
            raise ReadError(
                f"what Helm keeps of release cert-manager in namespace {self._namespace} cannot be read"
                f" ({type(error).__name__}: {error}); see helm --namespace {self._namespace} history cert-manager",
                again=False,
            ) from error

    def webhook(self) -> str | None:
        """Why the webhook does not answer; None when it does. Stores nothing."""
        try:
            refusal = self._reader.dry_run(f"{_PLACE}/{self._namespace}/issuers", _PROBE)
        except ReadError as error:
            if not error.again and "HTTP 40" in str(error):
                raise
            return short(str(error))
        if refusal is None:
            return "its ValidatingWebhookConfiguration is missing: nothing validates issuers"
        # A refusal by the schema would be no proof; cert-manager's schema leaves this case to the webhook.
        return None if "admission webhook" in refusal else short(refusal)

    def pods(self) -> list[dict[str, t.Any]]:
        """cert-manager's own pods that are not ready. Raises ReadError."""
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        found = self._reader.list(path, {"app.kubernetes.io/instance": "cert-manager"})
        return [pod for pod in found if _condition(pod, "Ready").get("status") != "True"]

    def issuer(self, wanted: dict[str, t.Any]) -> dict[str, t.Any]:
        """``name``, ``kind``, ``ready`` and ``reason`` of an issuer of any group. Raises ReadError."""
        group, kind = wanted.get("group") or GROUP, wanted.get("kind") or "ClusterIssuer"
        summary = {"name": wanted["name"], "kind": kind, "group": group, "ready": False}
        base = self._base(group, kind)
        if base is None:
            return {
                **summary,
                "reason": f"the cluster knows no kind {kind} of {group}: its controller is not installed",
            }
        path, namespaced = base
        place = f"namespaces/{wanted.get('namespace') or 'default'}/" if namespaced else ""
        root, plural = path.rsplit("/", 1)
        found = self._reader.get(f"{root}/{place}{plural}/{wanted['name']}")
        if found is None:
            return {**summary, "reason": "there is no such issuer"}
        return {**summary, **_readiness(found)}

    def _base(self, group: str, kind: str) -> tuple[str, bool] | None:
        """``/apis/GROUP/VERSION/PLURAL`` of a kind and whether it is namespaced; None where it is not known."""
        if (group, kind) not in self._plurals:
            served = self._reader.get(f"/apis/{group}")
            if served is None:
                return None
            version = served["preferredVersion"]["groupVersion"]
            for entry in (self._reader.get(f"/apis/{version}") or {}).get("resources") or []:
                if "/" not in entry["name"]:
                    self._plurals[group, entry["kind"]] = (f"/apis/{version}/{entry['name']}", entry["namespaced"])
        return self._plurals.get((group, kind))

    def certificate(self, wanted: dict[str, t.Any]) -> dict[str, t.Any]:
        """A summary of a Certificate: what it was issued for, and ``ready`` with the ``reason``. Raises ReadError."""
        summary: dict[str, t.Any] = {"name": wanted["name"], "namespace": wanted["namespace"], "ready": False}
        found = self._reader.get(f"{_PLACE}/{wanted['namespace']}/certificates/{wanted['name']}")
        if found is None:
            return {**summary, "reason": "there is no such Certificate"}
        spec, status = found["spec"], found.get("status") or {}
        return {
            **summary,
            **_readiness(found),
            "secret": spec["secretName"],
            "dns_names": spec.get("dnsNames") or [],
            "issuer": spec["issuerRef"],
            "not_before": status.get("notBefore", ""),
            "not_after": status.get("notAfter", ""),
            "renewal_time": status.get("renewalTime", ""),
            "revision": status.get("revision", 0),
        }

    def requests(self, wanted: dict[str, t.Any]) -> list[str]:
        """What cert-manager says about the newest request for a Certificate, a line for each condition."""
        found = [
            entry
            for entry in self._reader.list(f"{_PLACE}/{wanted['namespace']}/certificaterequests", {})
            if (entry["metadata"].get("annotations") or {}).get("cert-manager.io/certificate-name") == wanted["name"]
        ]
        if not found:
            return []
        newest = max(found, key=lambda entry: entry["metadata"]["creationTimestamp"])
        conditions = (newest.get("status") or {}).get("conditions") or []
        return [
            short(f"CertificateRequest {newest['metadata']['name']}: {each.get('reason')}: {each.get('message')}")
            for each in conditions
            if (each["type"], each["status"]) in (("Ready", "False"), ("Denied", "True"), ("InvalidRequest", "True"))
        ]


def _condition(entry: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    conditions = (entry.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == name), {})


def _readiness(entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """Ready only of what is declared now: a condition of an older generation says nothing about it."""
    ready, issuing = _condition(entry, "Ready"), _condition(entry, "Issuing")
    generation = entry["metadata"].get("generation", 0)
    if not ready:
        return {"ready": False, "reason": "cert-manager has not looked at it yet"}
    if ready.get("observedGeneration", generation) < generation:
        return {"ready": False, "reason": "cert-manager has not looked at the last change yet"}
    if ready["status"] == "True" and issuing.get("status") != "True":
        return {"ready": True, "reason": ""}
    said = issuing if issuing.get("message") and ready["status"] == "True" else ready
    return {"ready": False, "reason": short(f"{said.get('reason', '')}: {said.get('message', '')}")}


def short(text: str) -> str:
    """One line, not longer than a message can bear."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
