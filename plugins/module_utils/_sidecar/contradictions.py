# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong with settings each of which is right. Private to the collection."""

from __future__ import annotations

import typing as t

from .engines.registry import ENGINES
from .fields import OF_ONE, PREFIX, amount

if t.TYPE_CHECKING:
    from .settings import Settings


def contradictions(settings: Settings, wishes: t.Collection[str] = ()) -> list[str]:
    """What is wrong with settings each of which is right. ``wishes`` are the names of those that the pod says itself."""
    tls = _tls_contradictions(settings) if settings.tls else []
    return [*_alone(settings, wishes), *tls, *(_gateway_contradictions(settings) if settings.gateway else [])]


def _alone(settings: Settings, wishes: t.Collection[str]) -> list[str]:
    """Settings of a sidecar that is not asked for, beside another that is."""
    found = []
    for opt_in, names in OF_ONE.items():
        told = [name for name in names if name in wishes]
        if told and not (settings.gateway if opt_in == "gateway" else settings.tls):
            found.append(
                f"{PREFIX}{told[0]} is set, which has no effect without {PREFIX}{opt_in}. Set that as well, or remove it."
            )
    return found


def _gateway_contradictions(settings: Settings) -> list[str]:
    found = []
    if settings.tls and settings.text("protocol") != "http":
        found.append(
            f"{PREFIX}protocol is {settings.text('protocol')}, but the gateway behind TLS speaks http alone. "
            f"Leave {PREFIX}protocol out, or {PREFIX}gateway."
        )
    if settings.rewrites_probes:
        found.append(
            f"{PREFIX}probes is rewrite, but the gateway would ask the kubelet for a key. "
            f"Leave {PREFIX}probes out and give the application exec probes: the gateway's own looks at the port as well."
        )
    found += _amounts(settings, "gateway-")
    prefixes = settings.defaults.image_prefixes
    if prefixes and not settings.gateway_image.startswith(prefixes):
        found.append(_image_elsewhere("gateway-image", settings.gateway_image, prefixes))
    return found


def _amounts(settings: Settings, kind: str = "") -> list[str]:
    """Requests above their limits. ``kind`` is what the names of the settings begin with."""
    found = []
    for name in (kind + "cpu", kind + "memory"):
        if amount(settings.resource(name)) > amount(settings.resource(name + "-limit")):
            found.append(
                f"{PREFIX}{name} is {settings.resource(name)}, more than {PREFIX}{name}-limit, "
                f"{settings.resource(name + '-limit')}. Raise the limit or lower the request."
            )
    return found


def _image_elsewhere(name: str, image: str, prefixes: tuple[str, ...]) -> str:
    return (
        f"{PREFIX}{name} is {image}, but images must begin with {' or '.join(prefixes)}. "
        "Leave it out, or ask whoever runs the cluster to admit it."
    )


def _tls_contradictions(settings: Settings) -> list[str]:
    engine, protocol, client = settings.engine, settings.text("protocol"), settings.client
    found = []
    if settings.text("client-ca-secret") and settings.text("client-ca-config-map"):
        found.append(
            f"{PREFIX}client-ca-secret and {PREFIX}client-ca-config-map are both set. Keep the one that holds the authority."
        )
    if client == "names" and not (settings.text("client-ca-secret") or settings.text("client-ca-config-map")):
        found.append(
            f"{PREFIX}client-names is set, but no authority to check callers' certificates with. "
            f"Set {PREFIX}client-ca-secret or {PREFIX}client-ca-config-map as well."
        )
    if settings.rewrites_probes and client != "off":
        found.append(
            f"{PREFIX}probes is rewrite, but callers must show a certificate, and the kubelet has none. "
            f"Leave {PREFIX}probes out and give the application exec probes, or ask for no client certificates."
        )
    if not engine.serves(protocol, client):
        able = [other.name for other in ENGINES.values() if other.serves(protocol, client)]
        remedy = f"Set {PREFIX}engine to {' or '.join(able)}." if able else "No engine can: change the protocol."
        wish = {"off": "", "ca": " with client certificates", "names": " with names of client certificates"}[client]
        found.append(f"{PREFIX}protocol is {protocol}{wish}, which engine {engine.name} cannot serve. {remedy}")
    found += _amounts(settings)
    prefixes = settings.defaults.image_prefixes
    if prefixes and not settings.image.startswith(prefixes):
        found.append(_image_elsewhere("image", settings.image, prefixes))
    return found
