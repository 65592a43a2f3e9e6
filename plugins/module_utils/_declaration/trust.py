# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Apigee trusts and shows in TLS with pods, as entries of the plural ``resources`` module.

Private to this collection. Functions take a role's variables without their prefix.
"""

from __future__ import annotations

from .._apigee.references import ALIAS

#: Names of the references, as long as the user names no others.
TRUST_NAME = "gke-ca"
CLIENT_NAME = "gke-client"


def entries(where: dict, role: dict) -> list[dict]:
    """A truststore and a client certificate for each environment, as far as there is something to put into them."""
    trust, client = role.get("trust") or {}, role.get("client_certificate") or {}
    settle = {"settle": trust["settle"]} if trust.get("settle") is not None else {}
    result = []
    for environment in role.get("environments") or []:
        place = {**where, "environment": environment["name"]}
        if trust.get("authorities"):
            result.append(
                {
                    "kind": "apigee_truststore",
                    **place,
                    "name": _name(trust, TRUST_NAME),
                    "authorities": list(trust["authorities"]),
                    "retire": bool(trust.get("retire")),
                    **settle,
                }
            )
        if client.get("certificate"):
            result.append(
                {
                    "kind": "apigee_client_certificate",
                    **place,
                    "name": _name(client, CLIENT_NAME),
                    "certificate": client["certificate"],
                    "private_key": client["private_key"],
                    **settle,
                }
            )
    return result


def removal(where: dict, role: dict) -> list[dict]:
    """The same by name alone, whatever is in them."""
    names = (
        ("apigee_truststore", _name(role.get("trust") or {}, TRUST_NAME)),
        ("apigee_client_certificate", _name(role.get("client_certificate") or {}, CLIENT_NAME)),
    )
    return [
        {"kind": kind, **where, "environment": environment["name"], "name": name}
        for environment in role.get("environments") or []
        for kind, name in names
    ]


def target_server(role: dict, server: dict) -> dict:
    """A target server with its TLS in full: verified by the reference, with the client certificate if there is one.

    What would make Apigee verify another name, nothing, or by other rules is stated too, as not wanted: left out, it would be not
    managed, and "TLS" would mean whatever somebody has set there.

    ``tls`` is true, false, absent (left as it is), or settings of the module that go over these.
    """
    stated = server.get("tls")
    if stated is None:
        return {key: value for key, value in server.items() if key != "tls"}
    if stated is False:
        return {**server, "tls": {"enabled": False}}
    client = role.get("client_certificate") or {}
    settings = {
        "enabled": True,
        "enforce": True,
        "trust_store": f"ref://{_name(role.get('trust') or {}, TRUST_NAME)}",
        "ignore_validation_errors": False,
        "common_name": {},
        "protocols": [],
        "ciphers": [],
    }
    # What is still to be issued, in a preview, is shown too.
    if client.get("certificate") or client.get("secret"):
        settings.update(client_auth_enabled=True, key_store=f"ref://{_name(client, CLIENT_NAME)}", key_alias=ALIAS)
    else:
        # Nobody renews any more what was shown before. Its names may stay: without this switch Apigee heeds neither.
        settings["client_auth_enabled"] = False
    return {**server, "tls": {**settings, **(stated if isinstance(stated, dict) else {})}}


def facts(role: dict, issuers: list[dict], shown: dict | None = None) -> dict:
    """Role variables with what was read from the clusters: authorities beside those stated, and what Apigee shows.

    Args:
        role: variables of the role without their prefix.
        issuers: results of the module ``certificate_authority_info``; of skipped reads there is none.
        shown: ``certificate`` and ``private_key`` that were read from the Secret with the client certificate, if they were.
    """
    trust = role.get("trust") or {}
    read = [one["certificate"] for result in issuers or [] for one in result.get("authorities") or []]
    stated = list(trust.get("authorities") or [])
    return {
        **role,
        "trust": {**trust, "authorities": stated + [one for one in read if one not in stated]},
        "client_certificate": {**(role.get("client_certificate") or {}), **(shown or {})},
    }


def certificates(issuers: list[dict], known: dict | None = None) -> dict[str, dict]:
    """The certificates in Secrets by CLUSTER/NAMESPACE/NAME: those known before, and those that were read.

    Args:
        issuers: results of the module ``certificate_authority_info`` from a loop over ``places``.
        known: of the module ``kubernetes_state_info``.
    """
    found = dict(known or {})
    for result in issuers or []:
        cluster = (result.get("apigee_backend_issuer") or {}).get("cluster", "")
        found.update({f"{cluster}/{place}": one for place, one in (result.get("certificates") or {}).items()})
    return found


def places(trust: dict, connections: dict) -> list[dict]:
    """What to read from which cluster: for each that can be reached, its name, connection and Secrets."""
    by_cluster: dict[str, list[dict]] = {}
    for secret in (trust or {}).get("secrets") or []:
        wanted = {"name": secret["name"], "namespace": secret.get("namespace") or "default"}
        known = by_cluster.setdefault(secret["cluster"], [])
        if wanted not in known:
            known.append(wanted)
    return [
        {"cluster": cluster, **connections[cluster], "secrets": secrets}
        for cluster, secrets in by_cluster.items()
        if cluster in (connections or {})
    ]


def _name(stated: dict, default: str) -> str:
    return stated.get("name") or default
