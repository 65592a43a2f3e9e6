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

from testbed import front_doors
from testbed.state import (
    API_SERVER_PORT,
    EMULATOR_PORT,
    NORTHBOUND_PORT,
    PROJECT,
    PROJECT_NUMBER,
    SERVICES,
    State,
)

#: What gcloud's own base URL has behind the host (generated clients of Cloud SDK 528): an override replaces all of it.
GCLOUD_PATHS = {"compute": "compute/v1/", "dns": "dns/v1/"}


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
    """``CLOUDSDK_*`` without the token. OAuth is no service of gcloud's overrides."""
    overrides = {
        f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}":
            f"{state.emulator_url}/{service}/{GCLOUD_PATHS.get(service, '')}"
        for service in SERVICES if service != "oauth2"
    }
    overrides["CLOUDSDK_API_ENDPOINT_OVERRIDES_APIGEE"] = (
        f"http://{state.address(front_doors.APIGEE_AT_ROOT)}:{EMULATOR_PORT}/")
    return {
        **overrides,
        "CLOUDSDK_CONFIG": str(state.gcloud),
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        # For what has no override: the proxy knows Google's names and refuses everything else.
        "CLOUDSDK_PROXY_TYPE": "socks5",
        "CLOUDSDK_PROXY_ADDRESS": state.address(front_doors.GOOGLE_HOSTS),
        "CLOUDSDK_PROXY_PORT": str(front_doors.SOCKS_PORT),
        "CLOUDSDK_PROXY_RDNS": "true",
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(ca_cert),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }


def connection(state: State, ca_cert: Path) -> dict[str, Any]:
    """The content of connection.json; it names files that hold secrets and holds none itself."""
    return {
        "emulator": state.emulator_url,
        "endpoints": state.endpoints(),
        "token_file": str(state.token_file),
        "service_account_file": str(state.service_account_file),
        "project": PROJECT,
        "project_number": PROJECT_NUMBER,
        "northbound": {"address": state.northbound_address, "port": NORTHBOUND_PORT, "ca_cert": str(ca_cert)},
        "kubeconfig": str(state.kubeconfig),
        "gcloud": gcloud_environment(state, ca_cert),
    }


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
