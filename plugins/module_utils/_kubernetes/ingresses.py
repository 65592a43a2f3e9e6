# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands behind a GKE Ingress or Gateway: its address, its backend services, and the policy of each. Private.

GKE notes on the object what it made for it. The URL map is read as well: it names backend services that the note may
leave out, above all the default one.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import urlencode

from .._declaration import manifests
from .reader import Reader

#: By form: path of the kind, kind, and the notes that name backend services and URL maps.
FORMS = {
    "ingress": (
        "/apis/networking.k8s.io/v1/namespaces/{}/ingresses/{}",
        "Ingress",
        "ingress.kubernetes.io/backends",
        "ingress.kubernetes.io/url-map",
    ),
    "gateway": (
        "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways/{}",
        "Gateway",
        "networking.gke.io/backend-services",
        "networking.gke.io/url-maps",
    ),
}
#: Names the certificates that Google manages.
MANAGED = "networking.gke.io/managed-certificates"
_INTERNAL = ("gce-internal", "gke-l7-rilb")
_SERVICE_KEYS = ("kubernetes.io/service-name", "serviceName")


def look(reader: Reader, wire: t.Any, where: dict[str, t.Any]) -> dict[str, t.Any]:
    """What there is now.

    Args:
        reader: of the cluster.
        wire: to Google.
        where: ``form``, ``name``, ``namespace``, ``project``, ``region`` (empty for a global load balancer), and
            ``backends``, names of backend services that were seen before.

    Returns:
        ``exists``, ``ours``, ``exposure`` (``external`` or ``internal``, by its class), ``address``, ``url_maps``,
        ``certificates`` (those that Google manages: ``name``, ``status``, ``domains`` with the status of each), and
        ``backends`` (``name``, ``service`` as NAMESPACE/NAME where GKE says it, ``policy``, ``health``); those seen before
        are among them as long as they exist.

    Raises:
        ReadError: the API server gives no answer.
        Failure: Google gives none.
    """
    path, _kind, backends_note, maps_note = FORMS[where["form"]]
    found = reader.get(path.format(where["namespace"], where["name"])) or {}
    metadata = found.get("metadata") or {}
    notes = metadata.get("annotations") or {}
    health = _noted_backends(notes.get(backends_note) or "")
    maps = [text.strip().rsplit("/", 1)[-1] for text in (notes.get(maps_note) or "").split(",") if text.strip()]
    mapped, idle = _mapped(wire, where, maps)
    names = dict.fromkeys([*(name for name in health if name not in idle), *mapped, *where["backends"]])
    backends = []
    for name in names:
        document = wire.find("compute", _compute(where, "backendServices", name))
        if document is None:
            if name in health:
                backends.append({"name": name, "service": "", "policy": "", "health": health[name]})
            continue
        backends.append(
            {
                "name": name,
                "service": _service(document),
                "policy": str(document.get("securityPolicy") or "").rsplit("/", 1)[-1],
                "health": health.get(name, ""),
            }
        )
    return {
        "exists": bool(found),
        "ours": (metadata.get("labels") or {}).get(manifests.OWNER_LABEL) == manifests.MANAGED_BY,
        "exposure": "internal" if _class(found) in _INTERNAL else "external",
        "address": _address(found, where["form"]),
        "url_maps": maps,
        "certificates": _certificates(reader, where["namespace"], notes.get(MANAGED) or ""),
        "backends": backends,
    }


def _class(found: dict[str, t.Any]) -> str:
    notes = (found.get("metadata") or {}).get("annotations") or {}
    return str((found.get("spec") or {}).get("gatewayClassName") or notes.get("kubernetes.io/ingress.class") or "")


def _certificates(reader: Reader, namespace: str, text: str) -> list[dict[str, t.Any]]:
    """What Google says of the certificates that it manages; of one that is not there nothing."""
    result = []
    for name in (part.strip() for part in text.split(",") if part.strip()):
        found = reader.get(f"/apis/networking.gke.io/v1/namespaces/{namespace}/managedcertificates/{name}") or {}
        status = found.get("status") or {}
        result.append(
            {
                "name": name,
                "status": status.get("certificateStatus") or "",
                "domains": {one.get("domain"): one.get("status") for one in status.get("domainStatus") or []},
            }
        )
    return result


def warnings(reader: Reader, where: dict[str, t.Any]) -> list[str]:
    """What GKE complained of, the latest last and each once. Raises ReadError."""
    kind = FORMS[where["form"]][1]
    query = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={where['name']}"}
    listed = reader.get(f"/api/v1/namespaces/{where['namespace']}/events?{urlencode(query)}") or {}
    said = sorted(listed.get("items") or [], key=lambda one: one.get("lastTimestamp") or "")
    return list(dict.fromkeys(one.get("message") or "" for one in said if one.get("type") == "Warning"))


def _noted_backends(text: str) -> dict[str, str]:
    """Names of backend services, each with its health where the note says it."""
    if not text.strip():
        return {}
    try:
        noted = json.loads(text)
    except ValueError:
        return {part.strip().rsplit("/", 1)[-1]: "" for part in text.split(",") if part.strip()}
    return {str(name): str(value).upper() for name, value in noted.items()} if isinstance(noted, dict) else {}


def _mapped(wire: t.Any, where: dict[str, t.Any], maps: list[str]) -> tuple[list[str], set[str]]:
    """Backend services that the URL maps lead to, and those that they name and never lead to.

    A rule for every host leaves nothing to a map's own default: of a Gateway that is Google's page for 404.
    """
    found: list[str] = []
    defaults: set[str] = set()
    for name in maps:
        document = wire.find("compute", _compute(where, "urlMaps", name)) or {}
        if any("*" in rule.get("hosts", ()) for rule in document.get("hostRules") or []):
            defaults.update(_named(document.pop("defaultService", "")))
        found += _named(document)
    return found, defaults - set(found)


def _named(part: t.Any) -> list[str]:
    """Every backend service that a URL map leads to, at whatever depth."""
    if isinstance(part, dict):
        return [name for value in part.values() for name in _named(value)]
    if isinstance(part, list):
        return [name for value in part for name in _named(value)]
    text = str(part)
    return [text.rsplit("/", 1)[-1]] if "/backendServices/" in text else []


def _compute(where: dict[str, t.Any], collection: str, name: str) -> str:
    place = f"regions/{where['region']}" if where["region"] else "global"
    return f"compute/v1/projects/{where['project']}/{place}/{collection}/{name}"


def _service(document: dict[str, t.Any]) -> str:
    """The Service that a backend service stands for, as GKE describes it; empty where it does not say."""
    try:
        said = json.loads(document.get("description") or "{}")
    except ValueError:
        return ""
    found = [said[key] for key in _SERVICE_KEYS if said.get(key)] if isinstance(said, dict) else []
    return str(found[0]) if found else ""


def _address(found: dict[str, t.Any], form: str) -> str:
    status = found.get("status") or {}
    if form == "gateway":
        return str(((status.get("addresses") or [{}])[0]).get("value") or "")
    return str((((status.get("loadBalancer") or {}).get("ingress") or [{}])[0]).get("ip") or "")
