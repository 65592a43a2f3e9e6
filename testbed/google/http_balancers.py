# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE makes in a project for an Ingress or a Gateway, and removes again.

From the forwarding rule to the network endpoint groups, named as GKE names them (ingress-gce, ``pkg/utils/namer``);
what comes of it is computed from these objects alone (testbed.google.balancer_picture).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError
from testbed.google.load_balancers import key_of, put, region_of
from testbed.google.services.compute.addresses import external_address
from testbed.google.services.compute.common import BASE, is_for_proxies, not_found
from testbed.google.services.compute.forwardingrules import chosen_address
from testbed.google.services.compute.sslcertificates import issued
from testbed.google.services.container.common import node_tag
from testbed.google.store import Transaction
from testbed.http_balancing.asked import (
    DEFAULT_BACKEND,
    EXTERNAL,
    GLOBAL,
    INTERNAL,
    REGIONAL,
    SERVE_404,
    AskedBackend,
    AskedBalancer,
    Key,
    MadeBalancer,
)
from testbed.http_balancing.model import CHECK_FIELDS, REDIRECT_STATUSES
from testbed.network.internet import FRONT_ENDS
from testbed.world import WorldError

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator

_SCHEMES = {EXTERNAL: "EXTERNAL", GLOBAL: "EXTERNAL_MANAGED", INTERNAL: "INTERNAL_MANAGED",
            REGIONAL: "EXTERNAL_MANAGED"}  # fmt: skip
_CODES = {status: name for name, status in REDIRECT_STATUSES.items()}
#: What is made of a balancer alone, in the order in which it goes.
_FRONT = ("forwardingRules", "targetHttpProxies", "targetHttpsProxies", "urlMaps", "sslCertificates")


class HttpBalancerObjects:
    """GKE's side of Google for the controllers of the world's clusters (testbed.http_balancing.asked.BalancerMaker)."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def ensure(self, asked: AskedBalancer) -> MadeBalancer:
        """Make the objects, or bring them to what is asked. Raises WorldError with Google's refusal."""
        if asked.scheme == REGIONAL:
            raise WorldError(f"the testbed has no {asked.scheme} Application Load Balancers")
        try:
            async with self._emulator.store.transaction() as tx:
                made = _Objects(tx, asked, self._emulator.world.issue_certificate).ensure()
        except GoogleError as exc:
            raise WorldError(f"googleapi: Error {exc.status}: {exc.message}") from exc
        await self._emulator.apply_network()
        return made

    async def remove(self, asked: AskedBalancer) -> None:
        """Remove the objects."""
        async with self._emulator.store.transaction() as tx:
            if _cluster(tx, asked) is not None:
                _Objects(tx, asked, self._emulator.world.issue_certificate).remove()
        await self._emulator.apply_network()

    async def health(self, made: MadeBalancer, asked: AskedBalancer) -> Mapping[str, str]:
        """Return the state of each backend service: one healthy endpoint is enough, as in GKE's annotation."""
        seen = await self._emulator.world.backend_health()
        place = _place(self._emulator.store.snapshot(), asked)
        found = {}
        for key, name in made.backends.items():
            if key in (DEFAULT_BACKEND, SERVE_404):
                found[name] = "HEALTHY"
                continue
            states = seen.get(f"{place}/backendServices/{name}", {})
            found[name] = "Unknown" if not states else "HEALTHY" if any(states.values()) else "UNHEALTHY"
        return found


def drop_http_balancers(tx: Transaction, cluster: dict[str, Any]) -> None:
    """Remove all objects of a cluster's Ingresses and Gateways, as GKE attempts when a cluster is deleted."""
    project = cluster["_project"]
    for key, document in list(tx.items(f"compute/projects/{project}/")):
        if document.get("_balancer_of") == key_of(cluster):
            tx.delete(key)
    tx.delete(_firewall(cluster))


def _cluster(tx: Transaction, asked: AskedBalancer) -> dict[str, Any] | None:
    project, location, name = asked.cluster
    return tx.get(f"container/projects/{project}/locations/{location}/clusters/{name}")


def _place(tx: Transaction, asked: AskedBalancer) -> str:
    """Return where the objects are: all of them global, or in the cluster's region."""
    project = asked.cluster[0]
    if asked.scheme in (EXTERNAL, GLOBAL):
        return f"projects/{project}/global"
    cluster = _cluster(tx, asked)
    return region_of(cluster) if cluster else f"projects/{project}/regions/-"


def _firewall(cluster: dict[str, Any]) -> str:
    return f"compute/projects/{cluster['_project']}/global/firewalls/k8s-fw-l7--{cluster['_hash']}"


class _Objects:
    """The objects of one balancer, inside a transaction."""

    def __init__(
        self, tx: Transaction, asked: AskedBalancer, issue: Callable[[Sequence[str]], tuple[bytes, bytes]]
    ) -> None:
        cluster = _cluster(tx, asked)
        if cluster is None:
            raise GoogleError(404, f"Not found: cluster {asked.cluster[2]}.")
        self._tx = tx
        self._asked = asked
        self._issue = issue
        self._cluster = cluster
        self._place = _place(tx, asked)
        self._digest = hashlib.sha256(asked.cluster_uid.encode()).hexdigest()[:8]
        self._user = f"{'gateway' if asked.gateway else 'ingress'} {asked.namespace}/{asked.name}"

    def ensure(self) -> MadeBalancer:
        asked = self._asked
        if asked.scheme == INTERNAL and not self._proxies():
            raise GoogleError(400, "Invalid value for field 'resource.target': An active proxy-only subnetwork is "
                              "required in the same region and VPC as the forwarding rule.")  # fmt: skip
        links = {backend.key: self._backend(backend) for backend in asked.backends}
        self._release({link.rsplit("/", 1)[-1] for link in links.values()})
        map_ = self._put("urlMaps", self._name("um"), "compute#urlMap", self._url_map(links))
        rules, names = [], {"url-map": map_["name"]}
        address = ""
        if asked.http:
            if asked.redirect is not None:
                code = _CODES[asked.redirect.status]
                to_https = {"defaultUrlRedirect": {"httpsRedirect": True, "redirectResponseCode": code}}
                redirect = self._put("urlMaps", self._name("rm"), "compute#urlMap", to_https)
                names["redirect-url-map"] = redirect["name"]
            shown = redirect if asked.redirect is not None else map_
            proxy = self._put(
                "targetHttpProxies", self._name("tp"), "compute#targetHttpProxy", {"urlMap": shown["selfLink"]}
            )
            rule = self._rule(self._name("fr"), proxy, "80-80", "")
            address = rule["IPAddress"]
            rules.append(rule["name"])
            names |= {"target-proxy": proxy["name"], "forwarding-rule": rule["name"]}
        certificates = self._certificates()
        if certificates:
            content = {"urlMap": map_["selfLink"], "sslCertificates": certificates}
            if asked.ssl_policy:
                policy = f"{self._place}/sslPolicies/{asked.ssl_policy}"
                if not self._tx.exists(f"compute/{policy}"):
                    raise not_found(policy)
                content["sslPolicy"] = f"{BASE}{policy}"
            proxy = self._put("targetHttpsProxies", self._name("ts"), "compute#targetHttpsProxy", content)
            rule = self._rule(self._name("fs"), proxy, "443-443", address)
            address = rule["IPAddress"]
            rules.append(rule["name"])
            names |= {"https-target-proxy": proxy["name"], "https-forwarding-rule": rule["name"]}
            names["ssl-cert"] = ",".join(link.rsplit("/", 1)[-1] for link in certificates)
        self._drop_others(names)
        self._open()
        return MadeBalancer(address, names, {key: link.rsplit("/", 1)[-1] for key, link in links.items()})

    def remove(self) -> None:
        self._drop_others({})
        self._release(set())
        self._open()

    # -- the front ----------------------------------------------------------------------------------------------------

    def _name(self, kind: str) -> str:
        """Return ``k8s2-KIND-CLUSTER-NAMESPACE-NAME-HASH`` (namer V2), or the like of a Gateway."""
        asked = self._asked
        room = 36 - len(kind)
        namespace, name = asked.namespace, asked.name
        while len(namespace) + len(name) > room:
            namespace, name = (namespace[:-1], name) if len(namespace) >= len(name) else (namespace, name[:-1])
        whole = f"{self._digest};{asked.namespace};{asked.name};{asked.gateway}"
        suffix = hashlib.sha256(whole.encode()).hexdigest()[:8]
        return f"{'gkegw1' if asked.gateway else 'k8s2'}-{kind}-{self._digest}-{namespace}-{name}-{suffix}"

    def _put(self, collection: str, name: str, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        region = {"region": f"{BASE}{self._place}"} if "/regions/" in self._place else {}
        owned = {"_balancer_of": key_of(self._cluster), "_for": self._user}
        described = {"description": json.dumps({"kubernetes.io/ingress-name": self._user.split(" ", 1)[1]})}
        path = f"{self._place}/{collection}/{name}"
        return put(self._tx, path, {"kind": kind, **described, **content, **region, **owned})

    def _url_map(self, links: dict[Key, str]) -> dict[str, Any]:
        hosts, matchers = [], []
        for host in self._asked.hosts:
            name = f"host{hashlib.sha256(','.join(host.names).encode()).hexdigest()[:32]}"
            hosts.append({"hosts": list(host.names), "pathMatcher": name})
            rules = [{"paths": [path], "service": links[key]} for path, key in host.paths]
            matcher = {"name": name, "defaultService": links[host.default]}
            matchers.append({**matcher, **({"pathRules": rules} if rules else {})})
        found: dict[str, Any] = {"defaultService": links[self._asked.default]}
        return {**found, **({"hostRules": hosts, "pathMatchers": matchers} if hosts else {})}

    def _rule(self, name: str, proxy: dict[str, Any], ports: str, address: str) -> dict[str, Any]:
        content: dict[str, Any] = {
            "IPProtocol": "TCP",
            "portRange": ports,
            "target": proxy["selfLink"],
            "loadBalancingScheme": _SCHEMES[self._asked.scheme],
            "networkTier": "PREMIUM",
        }
        path = f"{self._place}/forwardingRules/{name}"
        if self._asked.scheme == INTERNAL:
            subnetwork = self._tx.get(f"compute/{self._cluster['networkConfig']['subnetwork']}") or {}
            kept = (self._tx.get(f"compute/{path}") or {}).get("IPAddress", "")
            chosen = self._reserved("INTERNAL") or address or kept
            if not chosen or chosen not in (address, kept):
                chosen = chosen_address(self._tx, subnetwork, chosen, own=path)
            content |= {
                "IPAddress": chosen,
                "subnetwork": subnetwork["selfLink"],
                "network": subnetwork["network"],
            }
        else:
            kept = (self._tx.get(f"compute/{path}") or {}).get("IPAddress", "")
            chosen = self._reserved("EXTERNAL") or address or kept or external_address(self._tx)
            content |= {"IPAddress": chosen, "ipVersion": f"IPV{ipaddress.ip_address(chosen).version}"}
        self._refuse_taken(path, content["IPAddress"], ports)
        return self._put("forwardingRules", name, "compute#forwardingRule", content)

    def _reserved(self, kind: str) -> str:
        if not self._asked.address_name:
            return ""
        path = f"{self._place}/addresses/{self._asked.address_name}"
        found = self._tx.get(f"compute/{path}")
        if found is None:
            raise GoogleError(
                404,
                f"the given static IP name {self._asked.address_name} doesn't translate to an existing static IP.",
            )
        if found["addressType"] != kind:
            raise GoogleError(400, f"address {path} is {found['addressType']}, not {kind}.")
        return str(found["address"])

    def _refuse_taken(self, path: str, address: str, ports: str) -> None:
        for key, rule in self._tx.items(f"compute/projects/{self._asked.cluster[0]}/"):
            same = rule.get("IPAddress") == address and rule.get("portRange") == ports
            if "/forwardingRules/" in key and same and key != f"compute/{path}":
                raise GoogleError(409, f"IP address {address} is already in use by another forwarding rule")

    def _certificates(self) -> list[str]:
        """Return links: to those of Google that are named, which must exist, those from Secrets, and managed ones.

        What Google manages is issued when a load balancer shows it.
        """
        links = []
        for name in self._asked.named_certificates:
            path = f"{self._place}/sslCertificates/{name}"
            document = self._tx.get(f"compute/{path}")
            if document is None:
                raise not_found(path)
            if "certificate" not in document:
                chain, key = self._issue(document["managed"]["domains"])
                self._tx.put(f"compute/{path}", issued(document, chain.decode(), key.decode()))
            links.append(f"{BASE}{path}")
        for name, domains in self._asked.managed_certificates:
            found = self._tx.get(f"compute/{self._place}/sslCertificates/{name}")
            if found is None:
                chain, key = self._issue(domains)
                content = {"type": "MANAGED", "managed": {"domains": list(domains)}}
                content = issued(content, chain.decode(), key.decode())
                found = self._put("sslCertificates", name, "compute#sslCertificate", content)
            links.append(found["selfLink"])
        for name, chain, key in self._asked.certificates:
            digest = hashlib.sha256(f"{name}{chain}".encode()).hexdigest()[:16]
            content = {"certificate": chain, "_privateKey": key, "type": "SELF_MANAGED"}
            kind = "gkegw1" if self._asked.gateway else "k8s2"
            made = self._put("sslCertificates", f"{kind}-cr-{self._digest}-{digest}", "compute#sslCertificate", content)
            links.append(made["selfLink"])
        return links

    def _drop_others(self, names: Mapping[str, str]) -> None:
        """Remove what an earlier picture of the balancer had and this one has not."""
        kept = {each for value in names.values() for each in value.split(",")}
        for collection in _FRONT:
            for document in self._tx.children(f"compute/{self._place}/{collection}"):
                own = document.get("_for") == self._user and document["_balancer_of"] == key_of(self._cluster)
                if own and document["name"] not in kept:
                    self._tx.delete(f"compute/{self._place}/{collection}/{document['name']}")

    # -- backends -----------------------------------------------------------------------------------------------------

    def _backend(self, backend: AskedBackend) -> str:
        """Make the group, the health check and the backend service of a Service's port; return the last one's link."""
        name = self._backend_name(backend)
        location = self._cluster["location"]
        zone = location if location.count("-") == 2 else f"{location}-b"
        project = self._asked.cluster[0]
        described = {"kubernetes.io/service-name": f"{backend.namespace}/{backend.service}",
                     "kubernetes.io/service-port": str(backend.port)}  # fmt: skip
        owned = {"_balancer_of": key_of(self._cluster)}
        group = put(
            self._tx,
            f"projects/{project}/zones/{zone}/networkEndpointGroups/{name}",
            {
                "kind": "compute#networkEndpointGroup",
                "description": json.dumps(described),
                "networkEndpointType": "GCE_VM_IP_PORT",
                "network": BASE + self._cluster["networkConfig"]["network"],
                "subnetwork": BASE + self._cluster["networkConfig"]["subnetwork"],
                "zone": f"{BASE}projects/{project}/zones/{zone}",
                "size": len(backend.endpoints),
                "_endpoints": [list(each) for each in backend.endpoints],
                **owned,
            },
        )
        path = f"{self._place}/backendServices/{name}"
        before = self._tx.get(f"compute/{path}") or {}
        content: dict[str, Any] = {
            "kind": "compute#backendService",
            "description": json.dumps({**described, "x-features": ["NEG"]}),
            "protocol": backend.protocol,
            "portName": "http",
            "port": 80,
            "timeoutSec": backend.timeout,
            "sessionAffinity": "NONE",
            "loadBalancingScheme": _SCHEMES[self._asked.scheme],
            "connectionDraining": {"drainingTimeoutSec": backend.draining},
            "backends": [{"group": group["selfLink"], "balancingMode": "RATE", "maxRatePerEndpoint": 1.0}],
            "healthChecks": [self._health_check(backend, name)["selfLink"]],
            "_users": sorted({*before.get("_users", []), self._user}),
            **owned,
        }
        if backend.key in (DEFAULT_BACKEND, SERVE_404):
            content["_answers"] = 404
        if backend.headers:
            content["customRequestHeaders"] = [f"{key}:{value}" for key, value in backend.headers]
        if backend.logging is not None:
            content["logConfig"] = {"enable": backend.logging[0], "sampleRate": backend.logging[1]}
        if "/regions/" in self._place:
            content["region"] = f"{BASE}{self._place}"
        policy = self._policy(backend, before.get("securityPolicy", ""))
        return put(self._tx, path, {**content, **({"securityPolicy": policy} if policy else {})})["selfLink"]

    def _policy(self, backend: AskedBackend, before: str) -> str:
        """Return the link of the policy: where nothing is said of one, the one that is there stays."""
        if backend.policy is None:
            return before
        if "/regions/" in self._place and (backend.policy or not self._asked.gateway):
            # Even an empty name is refused (ingress-gce, pkg/backends/features/securitypolicy.go).
            name = self._backend_name(backend)
            raise WorldError(f"cloud armor security policies not supported for regional backend service {name}")
        if not backend.policy:
            return ""
        path = f"{self._place}/securityPolicies/{backend.policy}"
        if not self._tx.exists(f"compute/{path}"):
            raise not_found(path)
        return f"{BASE}{path}"

    def _backend_name(self, backend: AskedBackend) -> str:
        """Return ``k8s1-CLUSTER-NAMESPACE-SERVICE-PORT-HASH``, the name of a NEG and all that belongs to it."""
        kind = "gkegw1" if self._asked.gateway else "k8s1"
        suffix = hashlib.sha256(
            f"{self._digest};{backend.namespace};{backend.service};{backend.port};{kind}".encode()
        ).hexdigest()[:8]
        namespace, name = backend.namespace, backend.service
        room = 63 - len(f"{kind}-{self._digest}---{backend.port}-{suffix}")
        while len(namespace) + len(name) > room:
            namespace, name = (namespace[:-1], name) if len(namespace) >= len(name) else (namespace, name[:-1])
        return f"{kind}-{self._digest}-{namespace}-{name}-{backend.port}-{suffix}"

    def _health_check(self, backend: AskedBackend, name: str) -> dict[str, Any]:
        check = backend.check
        asked: dict[str, Any] = {"portSpecification": "USE_FIXED_PORT", "port": check.port} if check.port else {
            "portSpecification": "USE_SERVING_PORT"}  # fmt: skip
        if check.type != "TCP":
            asked |= {"requestPath": check.path, "proxyHeader": "NONE"}
            asked |= {"host": check.host} if check.host else {}
        content = {
            "kind": "compute#healthCheck",
            "description": "Health check of a network endpoint group for kubernetes service "
            f"{backend.namespace}/{backend.service}.",
            "type": check.type,
            "checkIntervalSec": check.interval,
            "timeoutSec": check.timeout,
            "healthyThreshold": check.healthy,
            "unhealthyThreshold": check.unhealthy,
            CHECK_FIELDS[check.type]: asked,
            "_balancer_of": key_of(self._cluster),
        }
        region = {"region": f"{BASE}{self._place}"} if "/regions/" in self._place else {}
        return put(self._tx, f"{self._place}/healthChecks/{name}", {**content, **region})

    def _release(self, kept: set[str]) -> None:
        """Remove backend services that this balancer used and nobody uses any more, with what belongs to them."""
        for document in self._tx.children(f"compute/{self._place}/backendServices"):
            users = document.get("_users", [])
            own = document.get("_balancer_of") == key_of(self._cluster) and self._user in users
            if not own or document["name"] in kept:
                continue
            path = f"compute/{self._place}/backendServices/{document['name']}"
            if len(users) > 1:
                self._tx.put(path, {**document, "_users": [each for each in users if each != self._user]})
                continue
            self._tx.delete(path)
            self._tx.delete(f"compute/{self._place}/healthChecks/{document['name']}")
            for each in document["backends"]:
                self._tx.delete(f"compute/{each['group'].removeprefix(BASE)}")

    def _open(self) -> None:
        """Let Google's front ends and health checks reach the cluster's nodes, as long as there are groups."""
        own = key_of(self._cluster)
        groups = [
            document
            for key, document in self._tx.items(f"compute/projects/{self._asked.cluster[0]}/zones/")
            if "/networkEndpointGroups/" in key and document.get("_balancer_of") == own
        ]
        path = _firewall(self._cluster)
        if not groups:
            self._tx.delete(path)
            return
        ports = sorted({str(port) for group in groups for _address, port in group["_endpoints"]})
        put(
            self._tx,
            path.removeprefix("compute/"),
            {
                "kind": "compute#firewall",
                "description": "GCE L7 firewall rule",
                "network": BASE + self._cluster["networkConfig"]["network"],
                "direction": "INGRESS",
                "priority": 1000,
                "allowed": [{"IPProtocol": "tcp", "ports": ["30000-32767", *ports]}],
                "sourceRanges": sorted([*FRONT_ENDS, *self._proxies()]),
                "targetTags": [node_tag(self._cluster)],
                "disabled": False,
                "logConfig": {"enable": False},
            },
        )

    def _proxies(self) -> list[str]:
        """Return the ranges of the network's proxy-only subnetworks, from which regional balancers call."""
        network = BASE + self._cluster["networkConfig"]["network"]
        return [
            document["ipCidrRange"]
            for document in self._tx.children(f"compute/{region_of(self._cluster)}/subnetworks")
            if document["network"] == network and is_for_proxies(document)
        ]
