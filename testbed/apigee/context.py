# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a flow knows about one request: its messages, its variables, and the runtime around it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testbed.apigee.faults import Fault
from testbed.apigee.key_value_maps import KeyValueMaps
from testbed.apigee.messages import Message
from testbed.apigee.tls import Keystores
from testbed.apigee.trace import Trace
from testbed.apigee.variables import Variables

if TYPE_CHECKING:
    from testbed.apigee.configuration import Deployment, FlowHook, SharedFlow
    from testbed.apigee.counters import Counters
    from testbed.apigee.identities import Identities, ProductQuota
    from testbed.apigee.property_sets import Sets


@dataclass
class Context:
    """State of one request. ``phase`` is request, response or error, and decides what ``message`` means."""

    deployment: Deployment
    identities: Identities
    counters: Counters
    request: Message
    trace: Trace
    variables: Variables = field(init=False)
    response: Message | None = None
    error: Message | None = None
    fault: Fault | None = None
    phase: str = "request"
    proxy_endpoint: str = ""
    base_path: str = ""
    path_suffix: str = ""
    # Messages made by AssignMessage with AssignTo createNew.
    messages: dict[str, Message] = field(default_factory=dict)
    # What names of keystores and references lead to in the configuration that the request began with.
    keystores: Keystores = field(default_factory=Keystores)
    # What the environment had deployed and attached when the request began.
    shared_flows: Mapping[str, SharedFlow] = field(default_factory=dict)
    flow_hooks: Mapping[str, FlowHook] = field(default_factory=dict)
    property_sets: Sets = field(default_factory=dict)
    # Names of the shared flows that are being executed, outermost first.
    calling: list[str] = field(default_factory=list)
    key_value_maps: KeyValueMaps = field(default_factory=KeyValueMaps)
    # What the product of a verified key allows, by the name of the policy that verified it.
    product_quotas: dict[str, ProductQuota] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.variables = Variables(self)

    @property
    def message(self) -> Message:
        """The message of the flow that runs now."""
        if self.phase == "error" and self.error is not None:
            return self.error
        if self.phase == "response" and self.response is not None:
            return self.response
        return self.request

    def named(self, name: str) -> Message | None:
        """A message by the name that bundles use for it."""
        match name:
            case "message":
                return self.message
            case "request":
                return self.request
            case "response":
                return self.response
            case "error":
                return self.error
        return self.messages.get(name)

    def get(self, name: str) -> Any:
        return self.variables.get(name)

    def set(self, name: str, value: Any) -> None:
        self.variables.set(name, value)
