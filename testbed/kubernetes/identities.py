# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of a cluster that authenticate by certificate, and where their files lie.

Apart from certificates.py, so that the supervisor does not load the cryptography library.
"""
from __future__ import annotations

from pathlib import Path

from .spec import ClientFiles

#: file name -> (common name, organisations). Names from "PKI certificates and requirements" and the default RBAC
#: bindings of Kubernetes; ``{node}`` is the node's name.
CLIENTS = {
    "admin": ("kubernetes-admin", ("system:masters",)),
    "apiserver-kubelet": ("kube-apiserver-kubelet-client", ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "kubelet": ("system:node:{node}", ("system:nodes",)),
    "dns": ("testbed:dns", ()),
    "network-policy": ("testbed:network-policy", ()),
    "load-balancer": ("testbed:load-balancer", ()),
    "ingress": ("testbed:ingress", ()),
}


def client_files(folder: Path, name: str, server: str) -> ClientFiles:
    """Where the client's PEM files lie in the folder of certificates. ``name`` is a key of :data:`CLIENTS`."""
    return ClientFiles(server=server, ca=folder / "ca.crt", certificate=folder / f"{name}.crt",
                       key=folder / f"{name}.key")
