# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The container of Edge Microgateway, the same in a Deployment of its own and beside an application. Private.

It stands here because the webhook that injects it runs in users' clusters. What is told to it follows the entry point
of the vendor's image.
"""

from __future__ import annotations

import dataclasses
import typing as t

NAME = "edge-microgateway"
"""Of the container; the volumes' names begin with it and a hyphen."""

PORT_NAME = "gateway"
"""Of its port beside an application; names of ports are shorter than that of the container."""

IMAGE = "gcr.io/apigee-microgateway/edgemicro:3.3.12"
"""The vendor's."""

PORT = 8000
USER = 101
"""The vendor's image has its files for this user and group."""

ROOT = "/opt/apigee"
CONFIG_FOLDER = ROOT + "/.edgemicro"
PLUGIN_FOLDER = ROOT + "/plugins"
WORK_FOLDER = ROOT + "/run"
"""Where the process runs: it writes a socket and a file with its process id there."""

HEALTH_PATH = "/healthcheck"
TRUST_FOLDER = "/etc/edge-microgateway-trust"
AUTHORITIES = "ca.crt"
"""Key of the authorities in the ConfigMap that holds them."""

GUARD = "gatewayops-guard"
"""The plugin of ours that runs first, and its folder below that of all plugins."""

FROM_SECRET = {
    "EDGEMICRO_ORG": "mgw-org",
    "EDGEMICRO_ENV": "mgw-env",
    "EDGEMICRO_KEY": "mgw-key",
    "EDGEMICRO_SECRET": "mgw-secret",
    "EDGEMICRO_CONFIG": "mgw-config",
}
"""Variable -> key of the Secret, named as the vendor's installer names them. The value of the last is base64 itself."""

VOLUMES = tuple(NAME + "-" + kind for kind in ("work", "guard", "trust"))
FROM_POD = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "INSTANCE_IP": "status.podIP"}
STARTUP_SECONDS = 120
READ_ALL = 0o444
WORK = {
    CONFIG_FOLDER: "config",
    ROOT + "/logs": "logs",
    WORK_FOLDER: "run",
    "/tmp": "tmp",  # a path inside the container, which has it for itself
}
"""Folders that are written, by their names below the one volume for all of them."""


@dataclasses.dataclass(frozen=True)
class Microgateway:
    """What the container depends on. ``secret`` and ``plugins`` are names of a Secret and a ConfigMap of its namespace,
    ``trust`` of a ConfigMap with the authorities of an Edge that has no publicly known certificate.

    ``application_port``: of the application in the same pod, 0 for a gateway that has proxies of its own. ``health``: path
    of the plugin healthcheck, empty without it. ``drain_seconds``: for how long it goes on serving after its end was
    announced, while others still learn of it.
    """

    image: str
    secret: str
    plugins: str
    port: int = PORT
    processes: int = 1
    application_port: int = 0
    health: str = HEALTH_PATH
    drain_seconds: int = 20
    trust: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    cpu: str = "100m"
    memory: str = "256Mi"
    cpu_limit: str = ""
    memory_limit: str = "512Mi"


def variables(port: int, processes: int, application_port: int = 0) -> dict[str, str]:
    """What the process is told beside what comes from the Secret."""
    told = {
        "EDGEMICRO_CONFIG_DIR": CONFIG_FOLDER,
        "EDGEMICRO_PLUGIN_DIR": PLUGIN_FOLDER,
        # Without it, one process for each core of the node. With it, the entry point no longer sets the port, which
        # therefore also stands in the configuration.
        "EDGEMICRO_PROCESSES": str(processes),
        "EDGEMICRO_PORT": str(port),
        "SERVICE_NAME": "default",
    }
    if application_port:
        # The entry point otherwise guesses the application's port from the name of the pod.
        told.update(EDGEMICRO_DECORATOR="1", EDGEMICRO_LOCAL_PROXY="1", CONTAINER_PORT=str(application_port))
    return told


def container(wanted: Microgateway) -> dict[str, t.Any]:
    """The container. What it mounts is in ``volumes``."""
    alive = {"tcpSocket": {"port": wanted.port}}
    ready = {"httpGet": {"path": wanted.health, "port": wanted.port, "scheme": "HTTP"}} if wanted.health else alive
    made: dict[str, t.Any] = {
        "name": NAME,
        "image": wanted.image,
        "workingDir": WORK_FOLDER,
        "env": environment(wanted),
        "ports": [{"name": PORT_NAME if wanted.application_port else "http", "containerPort": wanted.port, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": wanted.cpu, "memory": wanted.memory},
            "limits": {**({"cpu": wanted.cpu_limit} if wanted.cpu_limit else {}), "memory": wanted.memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": USER,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": _mounts(wanted),
        # A gateway that Edge does not answer ends by itself; one that listens is alive, whatever its targets do.
        "startupProbe": {**alive, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": STARTUP_SECONDS},
        "livenessProbe": {**alive, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 3},
    }
    if wanted.drain_seconds:
        made["lifecycle"] = {"preStop": {"sleep": {"seconds": wanted.drain_seconds}}}
    return made


def environment(wanted: Microgateway) -> list[dict[str, t.Any]]:
    """Its variables. Key and secret are in no argument, and stand in the Secret alone."""
    told = {**variables(wanted.port, wanted.processes, wanted.application_port), **dict(wanted.variables)}
    if wanted.trust:
        told["NODE_EXTRA_CA_CERTS"] = TRUST_FOLDER + "/" + AUTHORITIES
    return [
        *({"name": name, "valueFrom": {"secretKeyRef": {"name": wanted.secret, "key": key}}}
          for name, key in FROM_SECRET.items()),
        *({"name": name, "value": value} for name, value in told.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
          for name, path in FROM_POD.items()),
    ]


def volumes(wanted: Microgateway) -> list[dict[str, t.Any]]:
    """The volumes that the container mounts."""
    made: list[dict[str, t.Any]] = [
        {"name": NAME + "-work", "emptyDir": {"sizeLimit": "64Mi"}},
        {"name": NAME + "-guard", "configMap": {"name": wanted.plugins, "defaultMode": READ_ALL}},
    ]
    if wanted.trust:
        only = [{"key": AUTHORITIES, "path": AUTHORITIES}]
        source = {"name": wanted.trust, "items": only, "defaultMode": READ_ALL}
        made.append({"name": NAME + "-trust", "configMap": source})
    return made


def _mounts(wanted: Microgateway) -> list[dict[str, t.Any]]:
    # The folder of plugins itself stays the image's, which may bring others.
    made: list[dict[str, t.Any]] = [
        *({"name": NAME + "-work", "mountPath": folder, "subPath": part} for folder, part in WORK.items()),
        {"name": NAME + "-guard", "mountPath": PLUGIN_FOLDER + "/" + GUARD, "readOnly": True},
    ]
    if wanted.trust:
        made.append({"name": NAME + "-trust", "mountPath": TRUST_FOLDER, "readOnly": True})
    return made
