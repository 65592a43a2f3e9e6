# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Why a pod is skipped or refused, or how it will look, in words. Private to the collection."""

from __future__ import annotations

import typing as t

from . import microgateway
from .fields import FIELDS, PREFIX
from .inject import GATEWAY, SERVICE, Outcome, annotations, asked, completes, inject
from .patch import apply
from .pod import SIDECAR
from .remove import Removal
from .settings import Defaults, Settings


def explain(pod: t.Any, namespace: str, defaults: Defaults, name: str = "") -> list[str]:
    """Lines for people, the first of which says it all."""
    return told(pod, inject(pod, namespace, defaults), name)


def told(pod: t.Any, outcome: Outcome, name: str = "") -> list[str]:
    """The lines for an outcome that is known."""
    title = name or _title(pod)
    if outcome.refusal:
        return [f"{title}: refused", f"  because  {outcome.refusal}"]
    if outcome.skipped:
        lines = [f"{title}: skipped, left as it is", f"  because  {outcome.skipped}"]
        return [*lines, f"  remedy   {remedy}"] if (remedy := _near(pod)) else lines
    heads = {
        "injected": "gets the sidecar",
        "completed": "has the sidecar and gets what a container added since then lacks",
        "unchanged": "has the sidecar, left as it is",
    }
    lines = [f"{title}: {heads[outcome.verdict]}"]
    if outcome.settings and not outcome.present:
        lines += _look(pod, outcome, outcome.settings)
    return lines + [f"  warning  {warning}" for warning in outcome.warnings]


def told_of_removal(removal: Removal, title: str) -> list[str]:
    """The same for a pod that was to lose its sidecar."""
    if removal.refusal:
        return [f"{title}: its sidecar cannot be removed", f"  because  {removal.refusal}"]
    if removal.skipped:
        return [f"{title}: left as it is", f"  because  {removal.skipped}"]
    wishes = " and ".join(name for name in (SERVICE, GATEWAY) if name in annotations(removal.pod)) or SERVICE
    return [f"{title}: its sidecar is removed", f"  note     a cluster that injects gives it another unless {wishes} goes too"]


def _title(pod: t.Any) -> str:
    metadata = pod.get("metadata") if isinstance(pod, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    return f"pod {metadata.get('name') or metadata.get('generateName') or '(without a name)'}"


def _near(pod: t.Any) -> str:
    """What to do where other annotations of ours stand without the one that opts in."""
    ours = sorted(str(key) for key in annotations(pod) if str(key).startswith(PREFIX))
    if not ours or asked(annotations(pod)):
        return ""
    return f"{', '.join(ours)} has no effect alone: set {SERVICE} to the name of the headless Service"


def _look(pod: t.Mapping[str, t.Any], outcome: Outcome, settings: Settings) -> list[str]:
    """The settings in force, and the pod after the patch."""
    spec = apply(pod, outcome.patch)["spec"]
    window = settings.drain_seconds(completes(pod))
    waiting = sum(1 for operation in outcome.patch if operation["path"].endswith("/lifecycle/preStop"))
    lines = [
        *(_tls(spec, settings) if settings.tls else []),
        *(_gateway(spec, settings) if settings.gateway else []),
        f"  drain    {window} s, then a graceful stop; containers made to wait for it: {waiting}",
        f"  grace    {spec.get('terminationGracePeriodSeconds', 30)} s",
    ]
    if settings.tls and settings.metrics_port:
        lines.append(f"  metrics  in clear on port {settings.metrics_port}")
    if settings.rewrites_probes:
        sent = sum(1 for operation in outcome.patch if operation["path"].endswith("/httpGet/port"))
        lines.append(f"  probes   of the application sent through the sidecar: {sent}")
    said = [field.name for field in FIELDS if PREFIX + field.name in annotations(pod)]
    told_by_defaults = sorted(set(settings.given) - set(said))
    lines.append(f"  said by  the pod: {', '.join(said)}; defaults: {', '.join(told_by_defaults) or 'none'}")
    return lines


def _added(spec: t.Mapping[str, t.Any], name: str) -> tuple[t.Mapping[str, t.Any], bool, str]:
    """A container that was added, whether it is a native sidecar, and what it needs in words."""
    native = not any(item["name"] == name for item in spec["containers"])
    added = next(item for item in [*spec["containers"], *(spec.get("initContainers") or [])] if item["name"] == name)
    limits = ", ".join(f"{key} {value}" for key, value in added["resources"]["limits"].items())
    asks = ", ".join(f"{key} {value}" for key, value in added["resources"]["requests"].items())
    return added, native, f"{asks} (at most {limits})"


def _tls(spec: t.Mapping[str, t.Any], settings: Settings) -> list[str]:
    """The sidecar that ends TLS."""
    added, native, needs = _added(spec, SIDECAR)
    source = "a Secret" if settings.text("certificate-source") == "secret" else "cert-manager's CSI driver"
    where = f"Secret {settings.certificate_secret}" if source == "a Secret" else f"{source}, {settings.text('issuer-name')}"
    asked_of = {
        "off": "no certificate asked for",
        "ca": "certificate of the client CA required",
        "names": f"certificate with one of {settings.text('client-names')} required",
    }
    place = "second" if settings.gateway else "first"
    kind = f"native sidecar, {place} init container" if native else "container, last of its kind"
    return [
        f"  sidecar  {settings.engine.name}, {added['image']} ({kind})",
        f"  called   TLS {settings.text('tls-minimum')} or newer on port {settings.port}",
        f"  speaks   {settings.text('protocol')} to the {'gateway' if settings.gateway else 'application'}",
        f"  shows    the certificate of {where}",
        f"  callers  {asked_of[settings.client]}",
        f"  needs    {needs}",
    ]


def _gateway(spec: t.Mapping[str, t.Any], settings: Settings) -> list[str]:
    """The gateway. What it asks of callers is in its own configuration."""
    added, native, needs = _added(spec, microgateway.NAME)
    port = next(each["value"] for each in added["env"] if each["name"] == "CONTAINER_PORT")
    return [
        f"  gateway  {added['image']} ({'native sidecar, first init container' if native else 'container'})",
        f"  called   in clear on port {settings.gateway_port}{', by the TLS sidecar' if settings.tls else ''}",
        f"  asks     callers for what Secret {settings.gateway} says, and sends them on to port {port}",
        f"  needs    {needs}",
    ]
