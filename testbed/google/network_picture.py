# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of all projects as the world needs them, computed from the stored objects."""

from __future__ import annotations

from testbed.google.services.compute.serviceattachments import connection, endpoints
from testbed.google.store import Transaction
from testbed.world import Endpoint, FirewallRule, LoadBalancer, Network, PeeredDomain, Subnet, Zone


def networks(tx: Transaction) -> list[Network]:
    """Return the full picture of every network: subnets, firewall, zones, peering with Apigee, peered domains."""
    found = []
    for key, document in tx.items("compute/projects/"):
        parts = key.split("/")
        if parts[3:5] == ["global", "networks"] and len(parts) == 6:
            found.append(_network(tx, parts[2], document))
    return found


def _network(tx: Transaction, project: str, network: dict) -> Network:
    short, link = network["name"], network["selfLink"]
    # Networks of two projects may share the short name.
    name = f"projects/{project}/global/networks/{short}"
    subnets, rules = [], []
    for key, document in tx.items(f"compute/projects/{project}/"):
        if document.get("network") != link:
            continue
        kind = key.split("/")[-2]
        if kind == "subnetworks":
            subnets.append(
                Subnet(
                    name=document["name"],
                    network=name,
                    region=document["region"].rsplit("/", 1)[-1],
                    range=document["ipCidrRange"],
                    secondary={r["rangeName"]: r["ipCidrRange"] for r in document.get("secondaryIpRanges", [])},
                )
            )
        elif kind == "firewalls":
            rules.append(_rule(document, name))
    subnets += _connectors(tx, project, short, name)
    number = tx.get(f"projects/{project}")["number"]
    peering = f"servicenetworking/projects/{number}/global/networks/{short}"
    domains = tuple(
        PeeredDomain(name=d["name"], suffix=d["dnsSuffix"], network=name)
        for d in tx.children(f"{peering}/peeredDnsDomains")
    )
    return Network(
        name=name,
        subnets=tuple(subnets),
        firewall_rules=tuple(sorted(rules, key=lambda r: (r.priority, bool(r.allow), r.name))),
        zones=tuple(_zones(tx, project, link)),
        peered_to_apigee=tx.exists(f"{peering}/connection"),
        peered_domains=domains if tx.exists(f"{peering}/connection") else (),
        apigee_zones=tuple(_apigee_zones(tx, project, number, short, name)),
        endpoints=tuple(_endpoints(tx, project, link)),
        load_balancers=tuple(_load_balancers(tx, project, link)),
    )


def _load_balancers(tx: Transaction, project: str, link: str) -> list[LoadBalancer]:
    """Return the forwarding rules of a network whose backend service has the nodes of a cluster."""
    found = []
    for key, rule in tx.items(f"compute/projects/{project}/regions/"):
        if key.split("/")[-2] != "forwardingRules" or rule["network"] != link or "backendService" not in rule:
            continue
        backend = tx.get(f"compute/{rule['backendService'].split('/compute/v1/')[-1]}")
        if backend is not None:
            found.append(
                LoadBalancer(
                    name=rule["name"],
                    address=rule["IPAddress"],
                    region=rule["region"].rsplit("/", 1)[-1],
                    cluster=tuple(backend["_cluster"]),
                    global_access=rule.get("allowGlobalAccess", False),
                )
            )
    return found


def _connectors(tx: Transaction, project: str, short: str, name: str) -> list[Subnet]:
    """Return the hidden subnetworks that Google makes for connectors with a range of their own."""
    found = []
    for key, connector in tx.items(f"vpcaccess/projects/{project}/locations/"):
        if connector.get("network", "").rsplit("/", 1)[-1] == short and connector.get("ipCidrRange"):
            region, own = key.split("/")[4], key.rsplit("/", 1)[-1]
            found.append(Subnet(f"aet-{region.replace('-', '')}-{own}-hcfs", name, region, connector["ipCidrRange"]))
    return found


def _apigee_zones(tx: Transaction, project: str, number: str, short: str, name: str) -> list[PeeredDomain]:
    """Return the ACTIVE DNS zones of Apigee organisations that target a network."""
    found = []
    for key, zone in tx.items("apigee/organizations/"):
        parts = key.split("/")
        if len(parts) != 5 or parts[3] != "dnsZones" or zone["state"] != "ACTIVE":
            continue
        target = zone["peeringConfig"]
        if target["targetProjectId"] in (project, number) and target["targetNetworkId"].rsplit("/", 1)[-1] == short:
            found.append(PeeredDomain(name=zone["name"], suffix=zone["domain"], network=name))
    return found


def _endpoints(tx: Transaction, project: str, link: str) -> list[Endpoint]:
    """Return the endpoints of Apigee that a service attachment of the network accepts."""
    found = []
    for key, attachment in tx.items(f"compute/projects/{project}/regions/"):
        if key.split("/")[-2] != "serviceAttachments":
            continue
        path = key.removeprefix("compute/")
        rule = tx.get(f"compute/{attachment['targetService'].split('/compute/v1/')[1]}")
        if rule is None or rule["network"] != link:
            continue
        found += [
            Endpoint(each["name"], each["host"], rule["IPAddress"], tuple(int(port) for port in rule.get("ports", ())))
            for each in endpoints(tx, path)
            if each["state"] == "ACTIVE" and connection(tx, path, each["tenant"]) == "ACCEPTED"
        ]
    return found


def _rule(document: dict, network: str) -> FirewallRule:
    def entries(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple((e["IPProtocol"], tuple(e.get("ports", []))) for e in document.get(name, []))

    ingress = document.get("direction", "INGRESS") == "INGRESS"
    return FirewallRule(
        name=document["name"],
        network=network,
        priority=document.get("priority", 1000),
        direction=document.get("direction", "INGRESS"),
        allow=entries("allowed"),
        deny=entries("denied"),
        source_ranges=tuple(document.get("sourceRanges" if ingress else "destinationRanges", [])),
        target_tags=tuple(document.get("targetTags", [])),
        disabled=bool(document.get("disabled", False)),
        destination_ranges=tuple(document.get("destinationRanges", [])) if ingress else (),
    )


def _zones(tx: Transaction, project: str, link: str) -> list[Zone]:
    """Return the private zones that users made; what GKE publishes the world serves by itself."""
    zones = []
    for zone in tx.children(f"dns/projects/{project}/managedZones"):
        visible = [n["networkUrl"] for n in zone.get("privateVisibilityConfig", {}).get("networks", [])]
        if link not in visible or zone.get("_cluster"):
            continue
        records = tuple(
            (r["name"], r["type"], int(r.get("ttl", 300)), tuple(r.get("rrdatas", [])))
            for r in tx.children(f"dns/projects/{project}/managedZones/{zone['name']}/rrsets")
        )
        zones.append(Zone(name=zone["name"], dns_name=zone["dnsName"], records=records))
    return zones
