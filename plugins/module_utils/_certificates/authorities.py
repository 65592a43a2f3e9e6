# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities that a cluster's Secrets name. Private to this collection."""

from __future__ import annotations

import typing as t

from .._apigee import certificates
from .._kubernetes.reader import Reader


def read(reader: Reader, secrets: list[dict[str, str]]) -> dict[str, str]:
    """PEM text by NAMESPACE/NAME, "" where there is none. Raises ReadError."""
    return {
        f"{secret['namespace']}/{secret['name']}": reader.authority(secret["namespace"], secret["name"])
        for secret in secrets
    }


def collect(found: dict[str, str]) -> list[dict[str, t.Any]]:
    """Each authority once, with the Secrets that name it. Raises ValueError for what is no certificate."""
    named: dict[str, tuple[t.Any, list[str]]] = {}
    for place, text in sorted(found.items()):
        for one in certificates.read(text) if text else []:
            named.setdefault(one.fingerprint, (one, []))[1].append(place)
    return [
        {
            "certificate": one.pem,
            "subject": one.subject,
            "expires": one.expires.isoformat(),
            "fingerprint": fingerprint,
            "secrets": places,
        }
        for fingerprint, (one, places) in sorted(named.items())
    ]
