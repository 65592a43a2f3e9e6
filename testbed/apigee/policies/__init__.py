# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies that the runtime executes, and the names of all those that Apigee has."""
from __future__ import annotations

from testbed.apigee.policies.assign_message import AssignMessage
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.decode_jwt import DecodeJWT
from testbed.apigee.policies.flow_callout import FlowCallout
from testbed.apigee.policies.key_value_map_operations import KeyValueMapOperations
from testbed.apigee.policies.quota import Quota
from testbed.apigee.policies.raise_fault import RaiseFault
from testbed.apigee.policies.spike_arrest import SpikeArrest
from testbed.apigee.policies.verify_api_key import VerifyAPIKey
from testbed.apigee.policies.verify_jwt import VerifyJWT

POLICIES: dict[str, type[Policy]] = {
    policy.element: policy
    for policy in (AssignMessage, DecodeJWT, FlowCallout, KeyValueMapOperations, Quota, RaiseFault, SpikeArrest,
                   VerifyAPIKey, VerifyJWT)
}

# Root elements of all policy types of Apigee X. Source: Apigee "Policy reference overview".
TYPES_OF_APIGEE = frozenset((
    "AccessControl", "AccessEntity", "AssertCondition", "AssignMessage", "BasicAuthentication", "CORS",
    "ConcurrentRatelimit", "CorsPolicy", "DataCapture", "DecodeJWS", "DecodeJWT", "DeleteOAuthV2Info",
    "ExternalCallout", "ExtractVariables", "FlowCallout", "GenerateJWS", "GenerateJWT", "GenerateSAMLAssertion",
    "GetOAuthV2Info", "GraphQL", "HMAC", "HTTPModifier", "IntegrationCallout", "InvalidateCache",
    "JSONThreatProtection", "JSONToXML", "JavaCallout", "Javascript", "KeyValueMapOperations", "LLMTokenQuota",
    "LookupCache", "MessageLogging", "MessageValidation", "MonetizationLimitsCheck", "OASValidation", "OAuthV1",
    "OAuthV2", "ParseDialogflowRequest", "PopulateCache", "PromptTokenLimit", "PublishMessage", "PythonScript",
    "Quota", "RaiseFault", "ReadPropertySet", "RegularExpressionProtection", "ResetQuota", "ResponseCache",
    "RevokeOAuthV2", "SAMLAssertion", "SanitizeModelResponse", "SanitizeUserPrompt", "Script",
    "SemanticCacheLookup", "SemanticCachePopulate", "ServiceCallout", "SetDialogflowResponse",
    "SetIntegrationRequest", "SetOAuthV2Info", "SpikeArrest", "TraceCapture", "ValidateSAMLAssertion",
    "VerifyAPIKey", "VerifyIAM", "VerifyJWS", "VerifyJWT", "XMLThreatProtection", "XMLToJSON", "XSL",
))
