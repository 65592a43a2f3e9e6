# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Texts and probes by setting, which engines share. Private to the collection."""

from __future__ import annotations

from .contract import CLIENT_MODES, Probe
from .shell import READY, READY_PATH


def by_client(off: str, ca: str, names: str | None = None) -> dict[str, str]:
    """A text for each client mode; that of ``ca`` does for ``names`` unless it has one of its own."""
    return {"off": off, "ca": ca, "names": ca if names is None else names}


def by_protocol(http: str, http2: str, tcp: str) -> dict[str, str]:
    """A text for each protocol; gRPC is HTTP/2 to an engine."""
    return {"http": http, "http2": http2, "grpc": http2, "tcp": tcp}


PROBES = {
    **{
        (protocol, client): Probe("https", path=READY_PATH)
        for protocol in ("http", "http2", "grpc")
        for client in CLIENT_MODES
    },
    **{("tcp", client): Probe("exec", command=("/bin/sh", "-c", f"[ -e {READY} ]")) for client in CLIENT_MODES},
}
"""Of every protocol with every client mode: a request where there is HTTP, else the file that says ready."""
