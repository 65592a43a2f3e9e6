# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the collection's own roles: role variables to entries and objects, results to a report."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

balancers = Late("_declaration.balancers")
entries = Late("_declaration.entries")
job = Late("_declaration.job")
manifests = Late("_declaration.manifests")
ownership = Late("_declaration.ownership")
policies = Late("_declaration.policies")
proof = Late("_declaration.proof")
report = Late("_declaration.report")
trust = Late("_declaration.trust")
wanted = Late("_declaration.wanted")


def kubernetes_outcome(
    result: dict,
    definitions: list[dict],
    cluster: str,
    standings: list[dict] | None = None,
    state: str = "present",
    withdrawn: dict | None = None,
) -> list[dict]:
    """What became of each definition, sent to a cluster or not."""
    return ownership.outcome(definitions, result or {}, cluster, standings or [], state, withdrawn)


def function_resources(role: dict) -> list[dict]:
    """Entries of a function, its way into the network and its callers. Raises AnsibleFilterError."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import function_entries

    try:
        return function_entries.function(role)
    except function_entries.FunctionVariablesError as error:
        raise AnsibleFilterError(f"api_gateway_function: {error}") from error


def report_lines(collected: dict, check_mode: bool) -> list[str]:
    """The report for people."""
    return report.lines(collected, check_mode)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "network_resources": entries.network,
            "cluster_subnets": entries.subnets,
            "cluster_resources": entries.clusters,
            "organization_resources": entries.organization,
            "backend_resources": entries.backend,
            "firewall_resources": entries.firewall,
            "function_resources": function_resources,
            "teardown_resources": entries.teardown,
            "load_balancers_declared": balancers.declared,
            "load_balancer_problems": balancers.problems,
            "load_balancer_reservations": balancers.reservations,
            "load_balancer_records": balancers.records,
            "load_balancer_addresses": balancers.addresses,
            "load_balancer_definitions": balancers.definitions,
            "load_balancer_places": balancers.places,
            "load_balancers_disputable": balancers.disputable,
            "load_balancers_removed": balancers.removed,
            "load_balancers_to_probe": balancers.probed,
            "load_balancer_probe": balancers.probe,
            "load_balancer_answered": balancers.answered,
            "trust_places": trust.places,
            "with_authorities": trust.facts,
            "certificates_in_secrets": trust.certificates,
            "cluster_connections": entries.connections,
            "connections_of": entries.connections_of,
            "service_definitions": manifests.services,
            "plain_samples": manifests.plain_samples,
            "service_policies": policies.definitions,
            "withdrawn_policies": policies.withdrawn,
            "services_without_selector": manifests.unselected,
            "unfit_workloads": manifests.unfit_workloads,
            "kubeconfig": manifests.kubeconfig,
            "kubernetes_outcome": kubernetes_outcome,
            "kubernetes_pending": ownership.pending,
            "kubernetes_withdrawals": ownership.withdrawals,
            "kubernetes_identities": ownership.identities,
            "kubernetes_wanted": wanted.clusters,
            "trust_as_seen": wanted.trusted,
            "client_as_seen": wanted.shown,
            "crowded_names": manifests.crowded,
            "service_places": manifests.places,
            "verification_requests": proof.requests,
            "verification_proof": proof.lines,
            "organization_authorities": job.authorities,
            "verification_place": job.place,
            "verification_job": job.definition,
            "verification_answers": job.read,
            "verification_trouble": job.trouble,
            "collect_results": report.collect,
            "report_actions": report.actions,
            "report_lines": report_lines,
        }
