# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Service's port asks of Google as a backend: its annotations, its BackendConfig and its pods.

Read as ingress-gce reads it (``pkg/annotations``, ``pkg/backendconfig``, ``pkg/healthchecks``).
"""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from testbed.http_balancing.asked import AskedBackend
from testbed.http_balancing.model import CHECK_FIELDS, Check

NEG, NEG_STATUS = "cloud.google.com/neg", "cloud.google.com/neg-status"
BACKEND_CONFIGS = ("cloud.google.com/backend-config", "beta.cloud.google.com/backend-config")
PROTOCOLS = ("cloud.google.com/app-protocols", "service.alpha.kubernetes.io/app-protocols")

Item = Mapping[str, Any]


class Untranslatable(Exception):
    """GKE could not make anything of it; the message is that of its event."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the controller sees of a cluster. ``annotations_of``: of a Service, as they were when the Ingress was last
    synchronised."""

    services: Mapping[tuple[str, str], Item]
    slices: Iterable[Item]
    configs: Mapping[tuple[str, str], Item]
    annotations_of: Callable[[Item], Mapping[str, str]]
    probe_of: Callable[[Item, Mapping[str, Any]], Mapping[str, Any] | None]


def port_of(service: Item, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The port of a Service that is named or numbered. Raises Untranslatable."""
    for port in service["spec"].get("ports", []):
        if port["port"] == wanted.get("number") or (wanted.get("name") and port.get("name") == wanted["name"]):
            return port
    name = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
    raise Untranslatable(f"could not find port \"{wanted.get('number') or wanted.get('name')}\" in service \"{name}\"")


def backend(seen: Seen, namespace: str, name: str, wanted: Mapping[str, Any]) -> AskedBackend:
    """A Service's port as a backend. Raises Untranslatable."""
    service = seen.services.get((namespace, name))
    if service is None:
        raise Untranslatable(f"could not find service \"{namespace}/{name}\"")
    port = port_of(service, wanted)
    annotations = seen.annotations_of(service)
    if not has_groups(annotations):
        raise Untranslatable(f"service \"{namespace}/{name}\" has no network endpoint groups for Ingress (annotation "
                             f"{NEG}), and the testbed has no instance groups")
    found = AskedBackend(
        namespace=namespace, service=name, port=port["port"], protocol=_protocol(annotations, port),
        endpoints=endpoints(seen.slices, service, port))
    config = _config(seen, annotations, service, port)
    if config is None or not config.get("healthCheck"):
        inferred = seen.probe_of(service, port)
        found = dataclasses.replace(found, check=_inferred(inferred, found.protocol))
    return found if config is None else configured(found, config)


def has_groups(annotations: Mapping[str, str]) -> bool:
    """Whether a Service is to be container-native: on a VPC-native cluster that is so unless it says otherwise."""
    try:
        return NEG not in annotations or bool(json.loads(annotations[NEG]).get("ingress"))
    except (ValueError, AttributeError) as error:
        raise Untranslatable(f"the annotation {NEG} is no JSON object: {annotations[NEG]}") from error


def endpoints(slices: Iterable[Item], service: Item, port: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Addresses of the ready pods behind a port."""
    metadata = service["metadata"]
    found = set()
    for each in slices:
        labels = each["metadata"].get("labels") or {}
        own = each["metadata"]["namespace"] == metadata["namespace"]
        if not own or labels.get("kubernetes.io/service-name") != metadata["name"] or each["addressType"] != "IPv4":
            continue
        numbers = [one["port"] for one in each.get("ports") or [] if (one.get("name") or "") == port.get("name", "")]
        for endpoint in each.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                found |= {(address, number) for address in endpoint["addresses"] for number in numbers}
    return tuple(sorted(found))


def configured(backend_: AskedBackend, config: Mapping[str, Any]) -> AskedBackend:
    """A backend with what a BackendConfig's spec says of it."""
    changes: dict[str, Any] = {}
    if "securityPolicy" in config:
        changes["policy"] = config["securityPolicy"].get("name", "")
    if config.get("timeoutSec"):
        changes["timeout"] = config["timeoutSec"]
    if config.get("connectionDraining"):
        changes["draining"] = config["connectionDraining"].get("drainingTimeoutSec", 0)
    if config.get("customRequestHeaders"):
        texts = (text.partition(":") for text in config["customRequestHeaders"].get("headers") or [])
        changes["headers"] = tuple((name.strip(), value.strip()) for name, _colon, value in texts)
    if config.get("logging"):
        said = config["logging"]
        changes["logging"] = (bool(said.get("enable")), float(said.get("sampleRate", 1.0)))
    if check := config.get("healthCheck"):
        changes["check"] = _check(check, backend_.protocol)
    return dataclasses.replace(backend_, **changes)


def _check(said: Mapping[str, Any], protocol: str) -> Check:
    kind = said.get("type") or protocol
    if kind not in CHECK_FIELDS:
        raise Untranslatable(f"BackendConfig healthCheck.type {kind} is none of HTTP, HTTPS, HTTP2")
    return Check(
        type=kind, path=said.get("requestPath") or "/", port=said.get("port") or 0,
        interval=said.get("checkIntervalSec") or 15, timeout=said.get("timeoutSec") or 15,
        healthy=said.get("healthyThreshold") or 1, unhealthy=said.get("unhealthyThreshold") or 2)


def _inferred(probe: Mapping[str, Any] | None, protocol: str) -> Check:
    """A health check from a readiness probe, else the default: GET / must be 200."""
    if probe is None:
        return Check(type=protocol)
    get = probe["httpGet"]
    host = next((each["value"] for each in get.get("httpHeaders") or [] if each["name"] == "Host"), "")
    # The interval is the probe's with a minute added (ingress-gce, pkg/healthchecks, ApplyProbeSettingsToHC).
    return Check(type=protocol, path=get.get("path") or "/", host=host,
                 interval=probe.get("periodSeconds", 10) + 60, timeout=probe.get("timeoutSeconds", 1))


def _config(seen: Seen, annotations: Mapping[str, str], service: Item, port: Mapping[str, Any]
            ) -> Mapping[str, Any] | None:
    """The spec of the BackendConfig of a port, or None. Raises Untranslatable where it is named and does not exist."""
    text = next((annotations[each] for each in BACKEND_CONFIGS if each in annotations), "")
    if not text:
        return None
    where = f"service \"{service['metadata']['namespace']}/{service['metadata']['name']}\""
    try:
        said = json.loads(text)
        ports, default = said.get("ports") or {}, said.get("default")
    except (ValueError, AttributeError) as error:
        raise Untranslatable(f"the annotation {BACKEND_CONFIGS[0]} of {where} is no JSON object: {text}") from error
    name = ports.get(port.get("name", "")) or ports.get(str(port["port"])) or default
    if not name:
        return None
    config = seen.configs.get((service["metadata"]["namespace"], name))
    if config is None:
        raise Untranslatable(f"error getting BackendConfig for port \"{port['port']}\" on {where}, err: no "
                             f"BackendConfig for service port exists: {name}")
    return config.get("spec") or {}


def _protocol(annotations: Mapping[str, str], port: Mapping[str, Any]) -> str:
    text = next((annotations[each] for each in PROTOCOLS if each in annotations), "{}")
    try:
        found = json.loads(text).get(port.get("name", ""), "HTTP")
    except (ValueError, AttributeError) as error:
        raise Untranslatable(f"the annotation {PROTOCOLS[0]} is no JSON object: {text}") from error
    if found not in ("HTTP", "HTTPS", "HTTP2"):
        raise Untranslatable(f"invalid port protocol {found}: it is none of HTTP, HTTPS, HTTP2")
    return found
