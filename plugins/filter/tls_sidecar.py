# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that give manifests the TLS sidecar, or say what would become of them, without a cluster."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import manifests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults, DefaultsError


def _results(given: typing.Any, defaults: dict | None, namespace: str) -> list[manifests.Result]:
    """What becomes of one manifest or of a list of them."""
    try:
        read = Defaults.read(defaults or {})
    except DefaultsError as error:
        raise AnsibleFilterError(f"defaults of the TLS sidecar: {error}") from error
    return manifests.inject_all(given if isinstance(given, list) else [given], namespace, read)


def inject_tls_sidecar(
    given: typing.Any, defaults: dict | None = None, namespace: str = manifests.DEFAULT_NAMESPACE
) -> list[typing.Any]:
    """The manifests with the sidecar where it is asked for."""
    results = _results(given, defaults, namespace)
    refused = [f"{result.name}: {result.outcome.refusal}" for result in results if result.refused]
    if refused:
        raise AnsibleFilterError("The TLS sidecar cannot be injected. " + " ".join(refused))
    return [result.manifest for result in results]


def explain_tls_sidecar(
    given: typing.Any, defaults: dict | None = None, namespace: str = manifests.DEFAULT_NAMESPACE
) -> list[str]:
    """What becomes of the manifests, in words."""
    return [line for result in _results(given, defaults, namespace) for line in result.explanation]


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {"inject_tls_sidecar": inject_tls_sidecar, "explain_tls_sidecar": explain_tls_sidecar}
