# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The annotations a user may write, each with what it admits. Private to the collection.

A field is data, so that the generator of the admission policy can say the same in CEL: the patterns mean the same in
Python's ``re`` and in RE2, and match the whole value.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .engines.contract import PROTOCOLS, SELECTORS
from .engines.registry import ENGINES

PREFIX = "tls-sidecar.gatewayops.io/"
STATUS = "status"
OPT_IN_LABEL, OPT_IN = PREFIX + "inject", "true"
"""What pods bear besides the annotation where the API server cannot look at annotations before it asks the webhook."""

FIRST_UNPRIVILEGED_PORT = 1024

LABEL = "[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
OBJECT_NAME = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
DOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
CERTIFICATE_NAME = r"(\*\.)?" + DOMAIN
NUMBER = "0|[1-9][0-9]{0,4}"
CPU = r"[1-9][0-9]{0,6}m|[1-9][0-9]{0,2}(\.[0-9]{1,3})?|0\.[0-9]{0,2}[1-9]"
MEMORY = "[1-9][0-9]{0,14}|[1-9][0-9]{0,8}(k|M|G|Ki|Mi|Gi)"
IMAGE = "[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,510}"

SCALES = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


LONGEST = 2048
"""Characters of any value. Patterns do not bound lists: RE2 has a limit for bounds within bounds."""

SHOWN = 80
"""Characters that are repeated of a value that is not right."""


def listed(piece: str) -> str:
    """Pattern of pieces separated by commas."""
    return f"{piece}(,{piece})*"


@dataclasses.dataclass(frozen=True)
class Field:
    """One annotation. A value is right when it is among ``choices`` (if any), matches ``pattern`` (if any) and lies
    between ``lowest`` and ``highest`` (if the field is a number). ``default`` is ``""`` where it is worked out."""

    name: str
    wanted: str
    remedy: str
    default: str = ""
    pattern: str = ""
    choices: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 0

    @property
    def annotation(self) -> str:
        """The annotation's full name."""
        return PREFIX + self.name

    @property
    def numeric(self) -> bool:
        """Whether it is a number."""
        return self.highest > 0

    def admits(self, value: str) -> bool:
        """Whether the value is right."""
        if self.choices:
            return value in self.choices
        if len(value) > LONGEST or not re.fullmatch(self.pattern, value):
            return False
        return not self.numeric or self.lowest <= int(value) <= self.highest

    def problem(self, value: str) -> str:
        """What to tell the user about a value that is not right."""
        return f'{self.annotation} is "{value[:SHOWN]}", but must be {self.wanted}. {self.remedy}'


def _choice(name: str, choices: t.Iterable[str], default: str, remedy: str) -> Field:
    admitted = tuple(choices)
    return Field(name, "one of " + ", ".join(admitted), remedy, default, choices=admitted)


def _port(name: str, default: str, remedy: str) -> Field:
    return Field(name, "a port from 1 to 65535", remedy, default, NUMBER, lowest=1, highest=65535)


TLS_FIELDS = (
    Field(
        "service",
        "the name of the headless Service by which the gateway calls this pod",
        "Write the Service's name alone, without namespace or domain.",
        pattern=LABEL,
    ),
    _choice("engine", ENGINES, next(iter(ENGINES)), "Leave it out for the default."),
    _port("port", "8443", 'Write the port that the gateway dials, such as "8443", or leave it out.'),
    _port("application-port", "", 'Write the port on which the application listens in clear, such as "8080".'),
    _choice("protocol", PROTOCOLS, "http", "Write what the application speaks in clear, or leave it out for HTTP/1.1."),
    _choice("http2", SELECTORS["http2"], "true", 'Write "false" to offer HTTP/1.1 alone, or leave it out.'),
    _choice("tls-minimum", SELECTORS["tls-minimum"], "1.2", "Leave it out for TLS 1.2 and newer."),
    _choice("access-log", SELECTORS["access-log"], "off", "Leave it out for no access log."),
    _choice("probes", ("keep", "rewrite"), "keep", "Leave it out to keep the application's own probes as they are."),
    Field(
        "metrics-port",
        f"a port from {FIRST_UNPRIVILEGED_PORT} to 65535",
        'Write a free port on which the engine shows its metrics in clear, such as "9145", or leave it out for none.',
        pattern=NUMBER,
        lowest=FIRST_UNPRIVILEGED_PORT,
        highest=65535,
    ),
    _choice("certificate-source", ("secret", "csi"), "secret", "Leave it out for a Secret."),
    Field(
        "certificate-secret",
        "the name of a Secret of type kubernetes.io/tls in the pod's namespace",
        "Leave it out for the Service's name followed by -tls.",
        pattern=OBJECT_NAME,
    ),
    Field("issuer-name", "the name of a cert-manager issuer", "Write the issuer's name.", "apigee-gke-ca", OBJECT_NAME),
    _choice("issuer-kind", ("ClusterIssuer", "Issuer"), "ClusterIssuer", "Leave it out for a ClusterIssuer."),
    Field("issuer-group", "an API group", "Leave it out for cert-manager.io.", "cert-manager.io", DOMAIN),
    Field(
        "dns-domains",
        "domain names separated by commas, without spaces",
        'Write the DNS domains in which the gateway finds the cluster\'s Services, such as "shop.acme.internal".',
        "cluster.local",
        listed(DOMAIN),
    ),
    Field(
        "client-ca-secret",
        "the name of a Secret in the pod's namespace with the key ca.crt",
        "Write the Secret's name, or leave it out to ask callers for no certificate.",
        pattern=OBJECT_NAME,
    ),
    Field(
        "client-ca-config-map",
        "the name of a ConfigMap in the pod's namespace with the key ca.crt",
        "Write the ConfigMap's name, or leave it out to ask callers for no certificate.",
        pattern=OBJECT_NAME,
    ),
    Field(
        "client-names",
        "DNS names separated by commas, without spaces",
        "Write the names of which a caller's certificate must have one, or leave it out to accept all of the authority.",
        pattern=listed(CERTIFICATE_NAME),
    ),
    Field(
        "drain-seconds",
        "a number of seconds from 0 to 3600",
        "Leave it out for the time computed from the gateway's own limits.",
        pattern=NUMBER,
        highest=3600,
    ),
    Field("cpu", "an amount of CPU", 'Write it as "20m" or "0.5".', pattern=CPU),
    Field("memory", "an amount of memory", 'Write it as "64Mi".', pattern=MEMORY),
    Field("cpu-limit", "an amount of CPU", 'Write it as "500m" or "1".', pattern=CPU),
    Field("memory-limit", "an amount of memory", 'Write it as "128Mi".', pattern=MEMORY),
    Field("image", "a container image", "Write it as registry/name:tag or registry/name@digest.", pattern=IMAGE),
)

GATEWAY_FIELDS = (
    Field(
        "gateway",
        "the name of a gateway: of the Secret and of the ConfigMap in the pod's namespace that hold its configuration",
        "Write the name that role edge_microgateway gave them.",
        pattern=LABEL,
    ),
    Field(
        "gateway-port",
        f"a port from {FIRST_UNPRIVILEGED_PORT} to 65535",
        'Write the port for which the gateway is configured, such as "8000", or leave it out.',
        "8000",
        NUMBER,
        lowest=FIRST_UNPRIVILEGED_PORT,
        highest=65535,
    ),
    Field(
        "gateway-processes",
        "a number from 1 to 64",
        "Write how many processes serve, or leave it out for one.",
        "1",
        NUMBER,
        lowest=1,
        highest=64,
    ),
    Field(
        "gateway-trust",
        "the name of a ConfigMap in the pod's namespace with the key ca.crt",
        "Write the ConfigMap with the authority of your Edge, or leave it out where that has a publicly known certificate.",
        pattern=OBJECT_NAME,
    ),
    Field("gateway-cpu", "an amount of CPU", 'Write it as "100m" or "0.5".', "100m", CPU),
    Field("gateway-memory", "an amount of memory", 'Write it as "256Mi".', "256Mi", MEMORY),
    Field("gateway-cpu-limit", "an amount of CPU", 'Write it as "500m" or "1".', "1", CPU),
    Field("gateway-memory-limit", "an amount of memory", 'Write it as "512Mi".', "512Mi", MEMORY),
    Field("gateway-image", "a container image", "Write it as registry/name:tag or registry/name@digest.", pattern=IMAGE),
)

FIELDS = (*TLS_FIELDS, *GATEWAY_FIELDS)
OPT_INS = ("service", "gateway")
"""Each asks for a sidecar: the first for the one that ends TLS, the other for the gateway."""

SHARED = ("application-port", "drain-seconds")
"""Have a meaning for each of both."""

OF_ONE = {
    opt_in: tuple(field.name for field in fields if field.name not in (*OPT_INS, *SHARED))
    for opt_in, fields in (("service", TLS_FIELDS), ("gateway", GATEWAY_FIELDS))
}
"""The names that say something about one of both alone, by what asks for that one."""

BY_NAME = {field.name: field for field in FIELDS}


def amount(quantity: str) -> float:
    """Plain number of a Kubernetes quantity that matched ``CPU`` or ``MEMORY``."""
    for suffix, scale in SCALES.items():
        if quantity.endswith(suffix):
            return float(quantity[: -len(suffix)]) * scale
    return float(quantity)
