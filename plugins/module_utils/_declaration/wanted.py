# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a site wants of its clusters, to be looked at in one go before any of it is brought about.

Private to this collection.
"""

from __future__ import annotations

from .._certificates import client, definitions
from . import manifests, policies, trust

SERVICES, TRUST, CLIENT = "headless_service", "trust", "client_certificate"


def clusters(connections: dict, site: dict, tls: list[dict], issuer: dict, most_endpoints: int | str) -> list[dict]:
    """What module ``kubernetes_state_info`` shall look at.

    Args:
        connections: ``endpoint`` and ``ca_certificate`` of the clusters that have been there before the run.
        site: facts of the site.
        tls: what is wanted of each cluster with TLS before its services.
        issuer: of the services' certificates.
        most_endpoints: more pods behind a name are warned of.
    """
    secrets = {place["cluster"]: place["secrets"] for place in trust.places(site.get("trust") or {}, connections)}
    result = []
    for name, connection in connections.items():
        parts = list(tls) if name in site["tls"]["clusters"] else []
        services = [service for service in site["services"] if service["cluster"] == name]
        parts += [_published(services, issuer, int(most_endpoints))] if services else []
        parts += [{"part": TRUST, "secrets": secrets[name]}] if secrets.get(name) else []
        parts += _mutual(site.get("client_certificate") or {}, name, connections, issuer)
        if parts and not manifests.unselected(services) and connection.get("endpoint"):
            result.append({"cluster": name, **connection, "parts": parts})
    return result


def _published(services: list[dict], issuer: dict, most_endpoints: int) -> dict:
    # In the end; on the way there a sample that leaves TLS keeps its sidecar for a while.
    services = [{**service, "leaving": {}} for service in services]
    return {
        "part": SERVICES,
        "definitions": [
            *definitions.certificates(services, issuer),
            *manifests.services(services),
            *policies.definitions(services),
        ],
        "withdrawn": policies.withdrawn(services),
        "certificates": definitions.certificate_places(services),
        "services": manifests.places(services, sidecars=True),
        "most_endpoints": most_endpoints,
    }


def _mutual(stated: dict, cluster: str, connections: dict, issuer: dict) -> list[dict]:
    """What mutual TLS needs in a cluster; nothing where who issues Apigee's certificate cannot be asked yet."""
    places = client.places(stated, cluster)
    if not places or (stated.get("secret") and stated["cluster"] not in connections):
        return []
    here = stated.get("cluster") == cluster
    own = {"name": stated.get("secret"), "namespace": stated.get("namespace")}
    return [
        {
            "part": CLIENT,
            "definitions": client.issued(stated, issuer) if here else [],
            "certificates": [own] if here else [],
            "client": stated,
            # The authority is where the certificate is issued, in one of the clusters.
            "client_issuer": {} if here or not stated.get("secret") else connections[stated["cluster"]],
        }
    ]


def shown(stated: dict, state: dict) -> dict:
    """A site's ``client_certificate``, empty when every cluster was seen to have what it needs.

    Args:
        stated: the site's.
        state: what module ``kubernetes_state_info`` found.
    """
    seen = (state.get("settled") or {}).get(CLIENT) or []
    return {} if set(stated.get("namespaces") or {}) <= set(seen) else stated


def trusted(stated: dict, state: dict) -> dict:
    """A site's ``trust`` with the authorities that were seen in place of the Secrets in which they were.

    Args:
        stated: the site's.
        state: what module ``kubernetes_state_info`` found.
    """
    seen = (state.get("settled") or {}).get(TRUST) or []
    if not seen:
        return stated
    known = list(stated.get("authorities") or [])
    return {
        **stated,
        "authorities": known + [one for one in state["authorities"] if one not in known],
        "secrets": [secret for secret in stated.get("secrets") or [] if secret["cluster"] not in seen],
    }
