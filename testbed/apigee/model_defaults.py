# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that a bundle implies without writing them down."""
from __future__ import annotations

from testbed.apigee.bundle.model import Flow, TargetEndpoint


def url_endpoint(url: str) -> TargetEndpoint:
    """The nameless target of a route rule with a URL: no flows, default connection settings."""
    return TargetEndpoint(name="", pre_flow=Flow("PreFlow"), flows=(), post_flow=Flow("PostFlow"), fault_rules=(),
                          default_fault_rule=None, properties={}, url=url)
