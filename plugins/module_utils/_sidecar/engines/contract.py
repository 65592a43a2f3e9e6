# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an engine (a TLS server beside the application) says about itself. Private to the collection.

An engine is data. The text of its configuration, command, environment and hooks comes about in two steps only, because
the same has to be said in CEL by the generator of the admission policy, which knows ``string.replace``, conditions and
map lookups:

1. every choice, in the order in which the engine lists them, replaces ``@{name of the choice}`` by one of its texts,
   selected by a setting with few values (one of ``SELECTORS``);
2. every value (one of ``VALUES``) replaces ``@{name of the value}``.

A choice's text may hold names of later choices and of values; a value's text never holds a placeholder, which its
validation guarantees. There is no escaping: settings admit only characters that mean nothing in any configuration.

Kubernetes itself expands ``$(NAME)`` and turns ``$$`` into ``$`` in commands and in the environment. So no text
may hold ``$(`` or ``$$``: use backquotes for a command's output.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import typing as t

CERTIFICATE_FOLDER = "/var/run/tls-sidecar/certificate"
"""Holds tls.crt, tls.key and ca.crt, swapped as a whole when renewed (the folder's ``..data`` link changes)."""

CLIENT_CA_FOLDER = "/var/run/tls-sidecar/client-ca"
"""Holds ca.crt, the authorities whose client certificates are accepted; only there with client verification."""

WORK_FOLDER = "/tmp"
"""The only writable folder: memory-backed, 16 MiB unless the engine says otherwise."""

PROTOCOLS = ("http", "http2", "grpc", "tcp")
"""What the application speaks in clear: HTTP/1.1 (with WebSocket), HTTP/2, gRPC over HTTP/2, or any bytes."""

CLIENT_MODES = ("off", "ca", "names")
"""No client certificate asked for; one required that chains to the client CA; and that also has one of the names."""

SELECTORS = {
    "protocol": PROTOCOLS,
    "client": CLIENT_MODES,
    "http2": ("true", "false"),
    "tls-minimum": ("1.2", "1.3"),
    "access-log": ("off", "json"),
    "metrics": ("off", "on"),
}
"""Settings by which a choice may select, each with all its values. ``http2`` is whether ALPN offers h2 to callers,
``metrics`` whether there is a port for them."""

VALUES = (
    "service",
    "port",
    "application-address",
    "application-port",
    "client-names",
    "drain-seconds",
    "idle-seconds",
    "request-seconds",
    "application-idle-seconds",
    "metrics-port",
    "administration-port",
    "certificate-folder",
    "client-ca-folder",
    "work-folder",
)
"""Placeholders that settings fill.

``client-names`` is the allow-list of DNS names in client certificates, joined by the engine's ``name_separator``.
``drain-seconds`` is the window, 0 for none. ``idle-seconds`` is how long idle connections of callers are kept,
``request-seconds`` the longest request, ``application-idle-seconds`` how long idle connections to the application are
kept (shorter than any application's own limit). ``metrics-port`` is empty where ``metrics`` is off.
``administration-port`` is on loopback, for engines that are ``administered``.
"""

ADMINISTRATION_FIRST, ADMINISTRATION_SHIFT, ADMINISTRATION_PORTS = 20000, 5000, 10000
"""Half way round ten thousand ports: whatever the TLS port is, the other is never the same."""


def administration_port(port: int) -> int:
    """The port on loopback by which an engine is administered whose TLS port is ``port``; 23443 for 8443."""
    return ADMINISTRATION_FIRST + (port + ADMINISTRATION_SHIFT) % ADMINISTRATION_PORTS


@dataclasses.dataclass(frozen=True)
class Choice:
    """A piece of text with one variant for each value of a setting. ``texts`` must have them all."""

    name: str
    by: str
    texts: t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Probe:
    """How the kubelet asks, each second, whether TLS answers. It must fail where no valid certificate is loaded.

    ``kind`` is ``https`` (GET of ``path`` on the TLS port, certificate not verified, no client certificate sent),
    ``tcp`` (the TLS port accepts a connection) or ``exec`` (``command``, a text in each place, ends with 0).
    """

    kind: str
    path: str = ""
    command: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Resources:
    """Requests and limits as Kubernetes quantities."""

    cpu: str
    memory: str
    cpu_limit: str
    memory_limit: str


@dataclasses.dataclass(frozen=True)
class Engine:
    """One engine. Everything here is text with placeholders unless it says otherwise."""

    name: str
    """Value of the annotation ``engine``. Plain."""

    image: str
    """Image unless the annotation or the defaults name another. Plain."""

    user: int
    """Numeric user and group of the process, never 0."""

    resources: Resources
    command: tuple[str, ...]
    """The container's command: it starts the server in the foreground and stops gracefully on SIGTERM, that is: it
    finishes running requests and then ends. Whatever the server needs to take up renewed certificates is in it."""

    environment: t.Mapping[str, str]
    """Variables of the container, for instance the whole configuration in one. Names start with ``TLS_SIDECAR_``."""

    drain: tuple[str, ...]
    """The preStop command: for ``@{drain-seconds}`` the server accepts connections and closes politely. Then ends; the
    SIGTERM that follows stops gracefully. Left out of the pod where the window is 0."""

    probes: t.Mapping[tuple[str, str], Probe]
    """Probe by protocol and client mode. A combination that is not here is one that the engine cannot serve, and a pod
    that asks for it is refused."""

    choices: tuple[Choice, ...] = ()
    name_separator: str = ","
    """Stands between two names of ``@{client-names}``; what comes before the first and after the last name stands in
    the text around the placeholder. Plain."""

    administered: bool = False
    """Whether it listens on the administration port. Plain."""

    work_size: str = "16Mi"
    """Size limit of the work folder, within the memory limit. Plain."""

    def render(self, text: str, selected: t.Mapping[str, str], values: t.Mapping[str, str]) -> str:
        """Fill ``text``. ``selected`` has a value for every selector, ``values`` a text for every value."""
        for choice in self.choices if "@{" in text else ():
            text = text.replace("@{" + choice.name + "}", choice.texts[selected[choice.by]])
        for name in VALUES:
            text = text.replace("@{" + name + "}", values[name])
        return text

    def serves(self, protocol: str, client: str) -> bool:
        """Whether the engine can serve this combination."""
        return (protocol, client) in self.probes

    @functools.cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that change with anything the engine says."""
        plain = dataclasses.asdict(self)
        plain["probes"] = sorted(["/".join(key), dataclasses.asdict(probe)] for key, probe in self.probes.items())
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]

    def problems(self) -> list[str]:
        """What breaks the contract, for the tests; nothing when it is kept."""
        found = []
        later = {choice.name for choice in self.choices} | set(VALUES)
        if len(later) != len(self.choices) + len(VALUES):
            found.append("two choices, or a choice and a value, have one name")
        texts = [*self.command, *self.drain, *self.environment.values()]
        texts += [text for probe in self.probes.values() for text in (probe.path, *probe.command)]
        found += self._broken(texts, later)
        for choice in self.choices:
            later = later - {choice.name}
            if set(choice.texts) != set(SELECTORS.get(choice.by, ())):
                found.append(f"choice {choice.name} by {choice.by} has texts for {sorted(choice.texts)}")
            found += self._broken(choice.texts.values(), later)
        found += [f"{name}: not named TLS_SIDECAR_…" for name in self.environment if not name.startswith("TLS_SIDECAR_")]
        if self.user <= 0:
            found.append("runs as root")
        return found

    @staticmethod
    def _broken(texts: t.Iterable[str], known: t.Collection[str]) -> list[str]:
        """Texts with what Kubernetes would expand, or with a placeholder that nothing fills by then."""
        found = []
        for text in texts:
            found += [f"{mark} in {text[:60]!r}" for mark in ("$(", "$$") if mark in text]
            names = [piece.split("}")[0] for piece in text.split("@{")[1:]]
            found += [f"@{{{name}}} in {text[:60]!r} is not filled" for name in names if name not in known]
        return found
