# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""How clients reach a testbed: connection.json, the environment of gcloud and kubectl, the kubeconfig."""
from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.edge import front
from testbed.google import connection as emulator
from testbed.google.proxy import gcloud_proxy_environment
from testbed.images.cert_manager import VERSION, built_cert_manager
from testbed.state import API_SERVER_PORT, NORTHBOUND_PORT, State


@dataclass(frozen=True)
class ClusterAddress:
    """What a kubeconfig needs of a running cluster."""

    project: str
    location: str
    name: str
    server: str
    ca_certificate_pem: str

    @property
    def context(self) -> str:
        """Named as ``gcloud container clusters get-credentials`` names it."""
        return f"gke_{self.project}_{self.location}_{self.name}"


def server_url(state: State, number: int) -> str:
    return f"https://{state.api_server_address(number)}:{API_SERVER_PORT}"


def gcloud_environment(state: State, ca_cert: Path) -> dict[str, str]:
    """``CLOUDSDK_*`` without the token: overrides for most services, the proxy for what has none."""
    return {
        **emulator.gcloud_environment(state.emulator_url),
        **gcloud_proxy_environment(*state.gcloud_proxy, ca_cert),
        "CLOUDSDK_CONFIG": str(state.gcloud),
    }


def connection(state: State, ca_cert: Path) -> dict[str, Any]:
    """The content of connection.json; it names files that hold secrets and holds none itself."""
    return {
        **emulator.describe(state.emulator_url, state.google),
        "token_file": str(state.token_file),
        "northbound": {"address": state.northbound_address, "port": NORTHBOUND_PORT, "ca_cert": str(ca_cert)},
        "api_gateway": {"address": state.api_gateway_address, "port": NORTHBOUND_PORT, "ca_cert": str(ca_cert)},
        "edge": front.connection(state, str(ca_cert)),
        "kubeconfig": str(state.kubeconfig),
        "gcloud": gcloud_environment(state, ca_cert),
        **_cert_manager(),
    }


def _cert_manager() -> dict[str, Any]:
    """Where the chart and the Helm lie that install cert-manager on these clusters; nothing when it is not built."""
    built = built_cert_manager()
    if built is None:
        return {}
    return {"cert_manager": {"chart": str(built.chart), "version": VERSION, "helm": str(built.helm)}}


def kubeconfig(clusters: Sequence[ClusterAddress], token: str) -> str:
    """A kubeconfig (JSON, which is YAML) with a context per cluster, the first being current."""
    return json.dumps({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": clusters[0].context if clusters else "",
        "clusters": [{"name": each.context, "cluster": {
            "server": each.server,
            "certificate-authority-data": base64.b64encode(each.ca_certificate_pem.encode()).decode(),
        }} for each in clusters],
        "contexts": [{"name": each.context, "context": {"cluster": each.context, "user": "google"}}
                     for each in clusters],
        "users": [{"name": "google", "user": {"token": token}}],
    }, indent=2) + "\n"
