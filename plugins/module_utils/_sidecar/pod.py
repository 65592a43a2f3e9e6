# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is added to a pod: the sidecar, its volumes, the waits of the applications. Private to the collection."""

from __future__ import annotations

import functools
import json
import typing as t

from . import microgateway
from .engines.contract import CERTIFICATE_FOLDER, CLIENT_CA_FOLDER, WORK_FOLDER, Probe
from .engines.registry import ENGINES
from .settings import Settings

SIDECAR = "tls-sidecar"
"""Name of the container and of its port; the volumes' names begin with it and a hyphen."""

SIDECARS = (SIDECAR, microgateway.NAME)
"""Names of the containers that are added, as ``fields.OPT_INS`` ask for them."""

METRICS = "tls-metrics"
"""Name of the port with metrics."""

VERSION = "1"
"""Of the shape of what is added. The engine's digest covers the engine's own part."""

READ_ALL = 0o444
"""The files are seen by the containers that mount them alone, and the sidecar's user is neither owner nor group."""

STARTUP_SECONDS = 120
"""Longest start of an engine; the kubelet restarts it after that."""

UNPRIVILEGED_PORTS = "net.ipv4.ip_unprivileged_port_start"

CSI_DRIVER = "csi.cert-manager.io"


def words(settings: Settings, application_port: int, drain_seconds: int) -> Texts:
    """What the engine says for these settings."""
    selected, values = settings.selected(), settings.values(application_port, drain_seconds)
    return texts(settings.engine.name, tuple(selected.items()), tuple(values.items()))


def sidecar(settings: Settings, said: Texts, drain_seconds: int, native: bool) -> dict[str, t.Any]:
    """The container. ``native`` makes it an init container that goes on running."""
    engine = settings.engine
    asked = probe(said, settings.port)
    container: dict[str, t.Any] = {
        "name": SIDECAR,
        "image": settings.image,
        "command": list(said.command),
        "env": [{"name": name, "value": text} for name, text in said.environment],
        "ports": ports(settings),
        "resources": {
            "requests": {name: settings.resource(name) for name in ("cpu", "memory")},
            "limits": {name: settings.resource(name + "-limit") for name in ("cpu", "memory")},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": engine.user,
            "runAsNonRoot": True,
            "runAsUser": engine.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": volume["name"], "mountPath": FOLDERS[volume["name"]], "readOnly": FOLDERS[volume["name"]] != WORK_FOLDER}
            for volume in volumes(settings)
        ],
        "startupProbe": {**asked, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": STARTUP_SECONDS},
        "readinessProbe": {**asked, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 3},
    }
    if drain_seconds:
        container["lifecycle"] = {"preStop": {"exec": {"command": list(said.drain)}}}
    if native:
        container["restartPolicy"] = "Always"
    return container


def beside(settings: Settings, application_port: int, drain_seconds: int, native: bool) -> dict[str, t.Any]:
    """The gateway's container. It cannot close politely, so it goes on as before until the window has passed."""
    container = microgateway.container(settings.beside(application_port, drain_seconds))
    if drain_seconds:
        container["lifecycle"] = {"preStop": wait(drain_seconds, settings.defaults.sleep_action)}
    if native:
        container["restartPolicy"] = "Always"
    return container


def ports(settings: Settings) -> list[dict[str, t.Any]]:
    """The ports that others may call."""
    numbers = {SIDECAR: settings.port, METRICS: settings.metrics_port}
    return [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in numbers.items() if number]


class Texts(t.NamedTuple):
    """What an engine says for one choice of settings, with nothing left to fill."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    drain: tuple[str, ...]
    probe: Probe


@functools.lru_cache(maxsize=256)
def texts(engine: str, selected: tuple[tuple[str, str], ...], values: tuple[tuple[str, str], ...]) -> Texts:
    """The engine's texts. The replicas of a workload share one answer: filling them is most of an injection's work."""
    whole, chosen, given = ENGINES[engine], dict(selected), dict(values)

    def fill(pieces: t.Iterable[str]) -> tuple[str, ...]:
        return tuple(whole.render(piece, chosen, given) for piece in pieces)

    names = sorted(whole.environment)
    asked = whole.probes[chosen["protocol"], chosen["client"]]
    return Texts(
        fill(whole.command),
        tuple((name, fill([whole.environment[name]])[0]) for name in names),
        fill(whole.drain),
        Probe(asked.kind, *fill([asked.path]), fill(asked.command)),
    )


def probe(said: Texts, port: int) -> dict[str, t.Any]:
    """The action of a probe."""
    if said.probe.kind == "https":
        return {"httpGet": {"path": said.probe.path, "port": port, "scheme": "HTTPS"}}
    if said.probe.kind == "exec":
        return {"exec": {"command": list(said.probe.command)}}
    return {"tcpSocket": {"port": port}}


FOLDERS = {
    SIDECAR + "-certificate": CERTIFICATE_FOLDER,
    SIDECAR + "-client-ca": CLIENT_CA_FOLDER,
    SIDECAR + "-work": WORK_FOLDER,
}
"""Mount point by volume. Each is mounted whole: the kubelet never refreshes a subPath."""


def volumes(settings: Settings) -> list[dict[str, t.Any]]:
    """The sidecar's volumes."""
    work = {"medium": "Memory", "sizeLimit": settings.engine.work_size}
    found = [{"name": SIDECAR + "-certificate", **certificate(settings)}]
    if settings.client != "off":
        found.append({"name": SIDECAR + "-client-ca", **client_ca(settings)})
    return [*found, {"name": SIDECAR + "-work", "emptyDir": work}]


def certificate(settings: Settings) -> dict[str, t.Any]:
    """Source of the certificate: a Secret, or cert-manager's CSI driver, which issues one for this pod alone."""
    if settings.text("certificate-source") == "secret":
        return {"secret": {"secretName": settings.certificate_secret, "defaultMode": READ_ALL}}
    names = [form for name in settings.dns_names for form in (name, "${POD_NAME}." + name)]
    return {
        "csi": {
            "driver": CSI_DRIVER,
            "readOnly": True,
            "volumeAttributes": {
                CSI_DRIVER + "/issuer-name": settings.text("issuer-name"),
                CSI_DRIVER + "/issuer-kind": settings.text("issuer-kind"),
                CSI_DRIVER + "/issuer-group": settings.text("issuer-group"),
                CSI_DRIVER + "/dns-names": ",".join(names),
                CSI_DRIVER + "/key-usages": "digital signature,key encipherment,server auth",
                CSI_DRIVER + "/fs-group": str(settings.engine.user),
            },
        }
    }


def client_ca(settings: Settings) -> dict[str, t.Any]:
    """Source of the callers' authority. Only the one key: a CA's Secret holds its private key as well."""
    only = {"items": [{"key": "ca.crt", "path": "ca.crt"}], "defaultMode": READ_ALL}
    secret = settings.text("client-ca-secret")
    if secret:
        return {"secret": {"secretName": secret, **only}}
    return {"configMap": {"name": settings.text("client-ca-config-map"), **only}}


def wait(seconds: int, sleep_action: bool) -> dict[str, t.Any]:
    """The preStop hook of an application: it must outlive the drain window, and is stopped at once without a hook."""
    if sleep_action:
        return {"sleep": {"seconds": seconds}}
    return {"exec": {"command": ["sleep", str(seconds)]}}


def status(settings: Settings, application_port: int, drain_seconds: int, grace_seconds: int) -> str:
    """Value of the status annotation: what was done, and what is needed to take it back. ``grace_seconds`` is the
    grace period that the pod had before."""
    engine = settings.engine
    told: dict[str, t.Any] = {"version": VERSION}
    if settings.tls:
        told.update(engine=engine.name, port=settings.port)
    told.update(application=application_port, drain=drain_seconds, grace=grace_seconds)
    if settings.tls:
        told["hash"] = engine.digest
    if settings.gateway:
        told["gateway"] = settings.gateway_port
    return json.dumps(told, separators=(",", ":"))
