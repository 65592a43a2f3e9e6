# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""All engines by name, the default first. Private to the collection. A new engine is one import and one entry here."""

from __future__ import annotations

from . import apache, envoy, haproxy, nginx

ENGINES = {engine.name: engine for engine in (nginx.ENGINE, envoy.ENGINE, haproxy.ENGINE, apache.ENGINE)}
