# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities that a cluster's Secrets and ConfigMaps name, and certificates. Private to this collection."""

from __future__ import annotations

import typing as t

from .._apigee import certificates
from .._kubernetes.reader import Reader


def read(reader: Reader, secrets: list[dict[str, str]], own: dict[str, str]) -> dict[str, str]:
    """PEM text by NAMESPACE/NAME, "" where there is none. The certificates beside them go into ``own``. Raises ReadError."""
    found = {}
    for secret in secrets:
        place = f"{secret['namespace']}/{secret['name']}"
        found[place], own[place] = reader.certificates(secret["namespace"], secret["name"])
    return found


def leaves(own: dict[str, str]) -> dict[str, dict[str, t.Any]]:
    """What people want to know of each certificate that ``read`` has found; one that cannot be read is left out."""
    result = {}
    for place, text in sorted(own.items()):
        try:
            one = certificates.read(text)[0]
        except ValueError:
            continue
        result[place] = {
            "subject": one.subject,
            "issuer": one.issuer,
            "names": list(one.names),
            "expires": one.expires.isoformat(),
        }
    return result


def believed(reader: Reader, config_maps: list[dict[str, str]]) -> dict[str, list[str]]:
    """PEM texts by NAMESPACE/NAME of ConfigMaps that have some. Raises ReadError; ValueError for what is no certificate."""
    found = {}
    for place in config_maps:
        text = reader.authorities(place["namespace"], place["name"])
        if text:
            found[f"{place['namespace']}/{place['name']}"] = [one.pem for one in certificates.read(text)]
    return found


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
