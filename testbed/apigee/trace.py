# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to one request at each hop, for ``testbed call``: kept for the newest traced requests only."""
from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from testbed.apigee.tls import describe

HEADER = "X-Testbed-Trace"
_KEPT = 1000


@dataclass
class Attempt:
    """One try to reach a target: ``pooled`` tells a reused connection from a new one."""

    host: str
    port: int
    server: str | None = None
    addresses: list[str] = field(default_factory=list)
    ttl: int | None = None
    from_cache: bool | None = None
    connected: str | None = None
    local: str | None = None
    pooled: bool | None = None
    status: int | None = None
    error: str | None = None
    # The certificate that the target showed (DER), and what was agreed; None without TLS.
    certificate: bytes | None = field(default=None, repr=False)
    tls: dict[str, Any] | None = None
    asked_for_certificate: bool = False
    milliseconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": "target", "name": self.host, "port": self.port, "target_server": self.server,
            "resolution": {"addresses": self.addresses, "ttl": self.ttl, "from_cache": self.from_cache}
            if self.addresses else None,
            "connected": self.connected, "local": self.local, "connection": {None: None, True: "pooled", False: "new"}[
                self.pooled],
            "tls": self._tls(), "status": self.status, "error": self.error,
            "milliseconds": round(self.milliseconds, 1),
        }

    def _tls(self) -> dict[str, Any] | None:
        """Protocol and certificate as far as the handshake came; None without TLS."""
        if self.certificate is None and self.tls is None:
            return None
        shown = dict(self.tls or {"protocol": None, "cipher": None, "verified": False})
        if self.certificate is not None:
            shown |= describe(x509.load_der_x509_certificate(self.certificate))
        return shown


class Trace:
    """Collects hops. Hops are dictionaries with ``kind`` and ``at_ms`` (milliseconds since the request arrived)."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.hops: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {}

    def add(self, kind: str, **facts: Any) -> None:
        self.hops.append({"kind": kind, "at_ms": self.elapsed(), **facts})

    def attempt(self, attempt: Attempt) -> None:
        self.hops.append({"at_ms": self.elapsed(), **attempt.as_json()})

    def finish(self, **facts: Any) -> None:
        self.result = {**facts, "total_ms": self.elapsed()}

    def elapsed(self) -> float:
        return round((time.monotonic() - self._began) * 1000, 1)

    def as_json(self) -> dict[str, Any]:
        return {**self.result, "hops": self.hops}


class Traces:
    """The traces kept, oldest dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Trace] = OrderedDict()

    def keep(self, identity: str, trace: Trace) -> None:
        self._kept[identity] = trace
        self._kept.move_to_end(identity)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def get(self, identity: str) -> Trace | None:
        return self._kept.get(identity)
