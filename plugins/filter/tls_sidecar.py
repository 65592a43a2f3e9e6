# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that give manifests the TLS sidecar, or say what would become of them, without a cluster."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

manifests = Late("_sidecar.manifests")


def _results(
    given: typing.Any, defaults: dict | None, namespace: str | None, work: typing.Callable = manifests.inject_all
) -> list[typing.Any]:
    """What becomes of one manifest or of a list of them."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.manifests import DEFAULT_NAMESPACE
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults, DefaultsError

    try:
        read = Defaults.read(defaults or {})
    except DefaultsError as error:
        raise AnsibleFilterError(f"defaults of the TLS sidecar: {error}") from error
    return work(given if isinstance(given, list) else [given], namespace or DEFAULT_NAMESPACE, read)


def _manifests(results: list[typing.Any], what: str) -> list[typing.Any]:
    """The manifests, where nothing was refused."""
    refused = [f"{result.name}: {result.outcome.refusal}" for result in results if result.refused]
    if refused:
        raise AnsibleFilterError(f"The TLS sidecar cannot be {what}. " + " ".join(refused))
    return [result.manifest for result in results]


def inject_tls_sidecar(
    given: typing.Any, defaults: dict | None = None, namespace: str | None = None
) -> list[typing.Any]:
    """The manifests with the sidecar where it is asked for."""
    return _manifests(_results(given, defaults, namespace), "injected")


def remove_tls_sidecar(
    given: typing.Any, defaults: dict | None = None, namespace: str | None = None
) -> list[typing.Any]:
    """The manifests without the sidecar that they were given."""
    return _manifests(_results(given, defaults, namespace, manifests.remove_from_all), "removed")


def explain_tls_sidecar(given: typing.Any, defaults: dict | None = None, namespace: str | None = None) -> list[str]:
    """What becomes of the manifests, in words."""
    return [line for result in _results(given, defaults, namespace) for line in result.explanation]


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "inject_tls_sidecar": inject_tls_sidecar,
            "remove_tls_sidecar": remove_tls_sidecar,
            "explain_tls_sidecar": explain_tls_sidecar,
        }
