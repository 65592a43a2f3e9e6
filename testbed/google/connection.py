# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How clients reach the emulator: endpoints, key file, gcloud's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed.google.seed import PROJECT, PROJECT_NUMBER, key_file

# What follows the service's prefix in gcloud's endpoint overrides, where gcloud's base has a path.
_GCLOUD_TAIL = {"compute": "compute/v1/", "dns": "dns/v1/"}
SERVICES = (
    "apigateway", "apigee", "apikeys", "cloudfunctions", "cloudresourcemanager", "compute", "container", "dns", "iam",
    "iamcredentials", "run", "servicemanagement", "servicenetworking", "serviceusage", "sts", "vpcaccess",
)  # fmt: skip


def describe(url: str, state: Path) -> dict[str, Any]:
    """Return the emulator's part of connection.json for a base URL without a final slash."""
    return {
        "emulator": url,
        "endpoints": {**{s: f"{url}/{s}/" for s in SERVICES}, "oauth2": f"{url}/oauth2/"},
        "project": PROJECT,
        "project_number": PROJECT_NUMBER,
        "service_account_file": str(key_file(state)),
        "gcloud": gcloud_environment(url),
    }


def gcloud_environment(url: str) -> dict[str, str]:
    """Return gcloud's variables for the emulator; the token is added by whoever has one."""
    overrides = {
        f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}": f"{url}/{service}/{_GCLOUD_TAIL.get(service, '')}"
        for service in SERVICES
        if service != "sts"
    }
    return {
        **overrides,
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }
