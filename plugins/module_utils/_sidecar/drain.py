# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How long a terminating pod must go on serving so that no request is lost. Private to the collection.

The window W covers the time in which the gateway may still open connections (it ends when no cache holds the pod's
address any more) and the time in which a connection that is already open may stay idle, whichever is longer. For all
of W the sidecar accepts connections and marks every response with "Connection: close" (HTTP/2: GOAWAY), so that none
is left to be cut when W ends. A window that is too short loses more requests than none at all, because closed
connections come back through stale DNS.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Timing:
    """What the window is computed from, all in seconds. The values given are for planning, not measured on Google's."""

    propagation: int = 15
    """From the deletion of the pod until the resolver no longer gives its address."""

    record_ttl: int = 10
    """TTL of the record; GKE writes 10."""

    gateway_cache: int = 60
    """Longest time a message processor keeps an answer beyond that."""

    connect: int = 3
    """Apigee's connect.timeout.millis: a connection begun at the last moment is still being opened."""

    idle: int = 60
    """Apigee's keepalive.timeout.millis: an idle connection is closed by Apigee itself after this."""

    request: int = 55
    """Apigee's io.timeout.millis: the longest request."""

    margin: int = 5
    """Added to each result."""

    @property
    def window(self) -> int:
        """Seconds for which the sidecar goes on accepting, politely closing; 93 with the planning values."""
        reached = self.propagation + self.record_ttl + self.gateway_cache + self.connect
        return max(reached, self.idle) + self.margin

    @property
    def finish(self) -> int:
        """Seconds that running requests get after the window."""
        return self.request + self.margin

    @property
    def server_idle(self) -> int:
        """Seconds for which the sidecar keeps idle connections: never shorter than the gateway does."""
        return self.idle + 3 * self.margin


def grace(before: int, window: int, timing: Timing) -> int:
    """Termination grace period of a pod that had ``before`` seconds: what it had now starts when the window is over."""
    return max(before, timing.finish) + window


def least_grace(window: int, timing: Timing) -> int:
    """Shortest grace period in which a pod with this window loses nothing."""
    return timing.finish + window
