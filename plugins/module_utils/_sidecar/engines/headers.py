# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Request headers that only the TLS server may write. Private to the collection.

Applications believe them, so what a caller sent under these names never reaches an application. Gateways that write
CGI-like variables take ``X_Forwarded_For`` for ``X-Forwarded-For``; therefore each name also stands with underscores.
"""

from __future__ import annotations

FORWARDING = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP")
"""Written by every engine with what it saw itself, whatever came in."""

REMOVED = (
    "Forwarded", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Ssl", "X-Forwarded-Scheme",
    "X-Url-Scheme", "Front-End-Https", "X-Original-Forwarded-For", "X-Envoy-External-Address",
)
"""Forwarding headers that no engine writes."""

CLIENT_CERTIFICATE = (
    "X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info", "X-Client-Cert",
    "X-Client-Certificate", "X-ARR-ClientCert", "X-Amzn-Mtls-Clientcert", "X-Amzn-Mtls-Clientcert-Leaf",
    "X-Amzn-Mtls-Clientcert-Subject", "X-SSL-Cert", "X-SSL-Client-Cert", "X-SSL-Client-Cert-Chain",
    "X-SSL-Client-CN", "X-SSL-Client-DN", "X-SSL-Client-S-DN", "X-SSL-Client-I-DN", "X-SSL-Client-Issuer",
    "X-SSL-Client-SAN", "X-SSL-Client-Serial", "X-SSL-Client-SHA1", "X-SSL-Client-Fingerprint",
    "X-SSL-Client-Subject", "X-SSL-Client-Subject-DN", "X-SSL-Client-Verify", "X-SSL-Client-Verified",
    "SSL-Client-Cert", "SSL-Client-Verify", "SSL-Client-Subject-DN", "SSL-Client-Issuer-DN",
    "Client-Cert", "Client-Cert-Chain",
)
"""Names under which proxies tell applications about a client certificate (RFC 9440 and the habits of products)."""


def spellings(names: tuple[str, ...]) -> list[str]:
    """Each name as it is and with underscores."""
    return [spelling for name in names for spelling in dict.fromkeys((name, name.replace("-", "_")))]


def removed() -> list[str]:
    """Everything that is taken away and not written anew."""
    underscored = [name.replace("-", "_") for name in FORWARDING]
    return [*underscored, *spellings((*REMOVED, *CLIENT_CERTIFICATE))]
