# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which class stands for which kind. Private to the collection.

Classes are imported when first asked for: a task pays only for the kinds it uses. Ansible packs a module by its static
imports, so every kind also stands in an import below that is never executed.
"""

from __future__ import annotations

import importlib
import typing as t

if t.TYPE_CHECKING:
    from .._resources import (  # noqa: F401  (packed with the module, imported by name)
        api_gateway_api,
        api_gateway_config,
        api_gateway_gateway,
        api_key,
        apigee_api_product,
        apigee_app,
        apigee_app_key,
        apigee_client_certificate,
        apigee_debug_mask,
        apigee_developer,
        apigee_dns_peering,
        apigee_endpoint_attachment,
        apigee_environment,
        apigee_environment_group,
        apigee_environment_group_attachment,
        apigee_flow_hook,
        apigee_instance,
        apigee_instance_attachment,
        apigee_key_value_map,
        apigee_keystore,
        apigee_keystore_alias,
        apigee_nat_address,
        apigee_organization,
        apigee_proxy,
        apigee_reference,
        apigee_resource_file,
        apigee_shared_flow,
        apigee_target_server,
        apigee_truststore,
        cloud_function,
        compute_address,
        compute_firewall,
        compute_global_address,
        compute_network,
        compute_security_policy,
        compute_subnetwork,
        dns_managed_zone,
        dns_record_set,
        gke_cluster,
        iam_member,
        iam_service_account,
        project_services,
        service_networking_connection,
        vpc_access_connector,
    )
    from .resource import Resource

#: Kind (= name of the singular module, and of the file in _resources) -> class.
KINDS: dict[str, str] = {
    "api_gateway_api": "ApiGatewayApi",
    "api_gateway_config": "ApiGatewayConfig",
    "api_gateway_gateway": "ApiGatewayGateway",
    "api_key": "ApiKey",
    "apigee_api_product": "ApigeeApiProduct",
    "apigee_app": "ApigeeApp",
    "apigee_app_key": "ApigeeAppKey",
    "apigee_client_certificate": "ApigeeClientCertificate",
    "apigee_debug_mask": "ApigeeDebugMask",
    "apigee_developer": "ApigeeDeveloper",
    "apigee_dns_peering": "ApigeeDnsPeering",
    "apigee_endpoint_attachment": "ApigeeEndpointAttachment",
    "apigee_environment": "ApigeeEnvironment",
    "apigee_environment_group": "ApigeeEnvironmentGroup",
    "apigee_environment_group_attachment": "ApigeeEnvironmentGroupAttachment",
    "apigee_flow_hook": "ApigeeFlowHook",
    "apigee_instance": "ApigeeInstance",
    "apigee_instance_attachment": "ApigeeInstanceAttachment",
    "apigee_key_value_map": "ApigeeKeyValueMap",
    "apigee_keystore": "ApigeeKeystore",
    "apigee_keystore_alias": "ApigeeKeystoreAlias",
    "apigee_nat_address": "ApigeeNatAddress",
    "apigee_organization": "ApigeeOrganization",
    "apigee_proxy": "ApigeeProxy",
    "apigee_reference": "ApigeeReference",
    "apigee_shared_flow": "ApigeeSharedFlow",
    "apigee_resource_file": "ApigeeResourceFile",
    "apigee_target_server": "ApigeeTargetServer",
    "apigee_truststore": "ApigeeTruststore",
    "cloud_function": "CloudFunction",
    "compute_address": "ComputeAddress",
    "compute_firewall": "ComputeFirewall",
    "compute_global_address": "ComputeGlobalAddress",
    "compute_network": "ComputeNetwork",
    "compute_security_policy": "ComputeSecurityPolicy",
    "compute_subnetwork": "ComputeSubnetwork",
    "dns_managed_zone": "DnsManagedZone",
    "dns_record_set": "DnsRecordSet",
    "gke_cluster": "GkeCluster",
    "iam_member": "IamMember",
    "iam_service_account": "IamServiceAccount",
    "project_services": "ProjectServices",
    "service_networking_connection": "ServiceNetworkingConnection",
    "vpc_access_connector": "VpcAccessConnector",
}


def load(kind: str) -> type[Resource]:
    """The class of a kind. Raises KeyError for an unknown one."""
    name = KINDS[kind]
    package = __package__.rsplit(".", 1)[0] + "._resources"
    return getattr(importlib.import_module(f"{package}.{kind}"), name)
