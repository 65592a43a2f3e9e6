# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What the emulator can cause: the vocabulary and the protocol between emulated Google objects and real things.

The emulator always pushes full pictures, never deltas, and every call is idempotent: pushing the same picture again
changes nothing. After a restart of the daemon the emulator pushes what its state holds.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from testbed.http_balancing.model import HttpBalancer


class WorldError(Exception):
    """A consequence could not be made real; the text is fit to be shown in an operation's error."""


class Record(NamedTuple):
    """One DNS record set: fully qualified name with its final dot, type, TTL in seconds, data in zone-file form."""

    name: str
    type: str
    ttl: int
    rrdatas: tuple[str, ...]


class Ports(NamedTuple):
    """One entry of a firewall rule's ``allowed`` or ``denied``: protocol (``tcp``, ``all``) and ports or ranges."""

    protocol: str
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subnet:
    name: str
    network: str
    region: str
    range: str
    secondary: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FirewallRule:
    """A VPC firewall rule. ``target_tags`` empty means every machine of the network.

    ``source_ranges`` of an egress rule hold its destination ranges; ``destination_ranges`` narrow an ingress rule.
    """

    name: str
    network: str
    priority: int = 1000
    direction: str = "INGRESS"
    allow: tuple[tuple[str, tuple[str, ...]], ...] = ()
    deny: tuple[tuple[str, tuple[str, ...]], ...] = ()
    source_ranges: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()
    disabled: bool = False
    destination_ranges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Zone:
    """A private zone that a user made, visible in the network. ``dns_name`` has its final dot."""

    name: str
    dns_name: str
    records: tuple[tuple[str, str, int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class PeeredDomain:
    """A suffix that Apigee asks a network for: a peered DNS domain, or a DNS zone. ``suffix`` has its final dot."""

    name: str
    suffix: str
    network: str


@dataclass(frozen=True)
class Endpoint:
    """An address in Apigee's network whose connections to ``ports`` end at ``target`` in the customer's network."""

    name: str
    host: str
    target: str
    ports: tuple[int, ...]


@dataclass(frozen=True)
class LoadBalancer:
    """An internal passthrough load balancer: packets to ``address`` are delivered, unchanged, to a cluster's nodes.

    Without ``global_access`` it answers clients in its own region alone. ``cluster`` is a :attr:`Cluster.key`.
    """

    name: str
    address: str
    region: str
    cluster: tuple[str, str, str]
    global_access: bool = False


@dataclass(frozen=True)
class Network:
    """A VPC network. ``name`` is its full one, ``projects/<project>/global/networks/<name>``, and wherever else a
    ``network`` is named here it is this very text: networks of two projects may share the short one."""

    name: str
    subnets: tuple[Subnet, ...] = ()
    firewall_rules: tuple[FirewallRule, ...] = ()
    zones: tuple[Zone, ...] = ()
    peered_to_apigee: bool = False
    peered_domains: tuple[PeeredDomain, ...] = ()
    #: DNS zones of organisations without VPC peering that ask this network: names, but no routes.
    apigee_zones: tuple[PeeredDomain, ...] = ()
    #: Accepted Private Service Connect endpoints of Apigee that lead into this network.
    endpoints: tuple[Endpoint, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """A GKE cluster. ``number`` (from 0) is chosen by the emulator, unique among living clusters, and decides
    the cluster's namespace and loopback address. ``network_policy`` says what enforces NetworkPolicies: ``none``,
    ``calico`` or ``dataplane_v2``; ``load_balancer_classes`` whether the class of a Service's load balancer counts;
    ``http_load_balancing`` whether the add-on of that name is on, ``gateway_api`` the
    standard channel of the Gateway API."""

    project: str
    location: str
    name: str
    number: int
    network: str
    subnet: str
    node_range: str
    pod_range: str
    service_range: str
    dns_provider: str = "PLATFORM_DEFAULT"
    dns_scope: str = "CLUSTER_SCOPE"
    dns_domain: str = ""
    additive_domain: str = ""
    tags: tuple[str, ...] = ()
    autopilot: bool = False
    network_policy: str = "none"
    load_balancer_classes: bool = False
    http_load_balancing: bool = True
    gateway_api: bool = False
    node_pools: tuple[Any, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.project, self.location, self.name)


@dataclass(frozen=True)
class ClusterAccess:
    """How a running cluster is reached: loopback address of its API server (port 443), its CA, its node."""

    endpoint: str
    ca_certificate_pem: str
    node_ip: str


@dataclass(frozen=True)
class Instance:
    """An Apigee runtime instance; ``host`` is the address at which it takes requests, inside ``ip_range``."""

    organization: str
    name: str
    location: str
    ip_range: str
    network: str
    host: str


@dataclass(frozen=True)
class Egress:
    """A function's way into a network: a connector, or an interface of its own. ``range``: where its address is from.

    What it sends elsewhere would go to the internet, which the testbed does not have: it is lost either way.
    """

    network: str
    range: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A revision of a Cloud Function. ``name`` is its full one, ``service`` that of its Cloud Run service.

    ``source``: SHA-256 of the uploaded zip. ``urls``: where it is called, each an audience of tokens. ``seconds``: how
    long a request may take. ``concurrency``: requests that it answers at a time.
    """

    name: str
    service: str
    revision: str
    urls: tuple[str, ...]
    source: str
    runtime: str
    entry_point: str
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: int = 60
    concurrency: int = 1
    ingress: str = "ALLOW_ALL"
    egress: Egress | None = None


@dataclass(frozen=True)
class Gateway:
    """A gateway of API Gateway: what it serves, and whom it lets in.

    ``name`` is its full one, ``host`` the name that callers use. ``documents`` are those of its config, as (file name,
    content). ``keys``: API keys and whether each is good for this API. ``key_sets``: JSON Web Key Sets by address.
    ``identities``: the ID tokens that it shows to backends, by audience.
    """

    name: str
    host: str
    documents: tuple[tuple[str, bytes], ...]
    keys: Mapping[str, bool] = field(default_factory=dict)
    key_sets: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BalancedService:
    """What a Service of a cluster asks of an internal passthrough load balancer.

    ``cluster_uid`` is the uid of the namespace kube-system, by which GKE tells clusters apart in names.
    ``address_names`` are reserved addresses, of which the first that exists is taken; ``address`` is one by number.
    """

    cluster: tuple[str, str, str]
    cluster_uid: str
    namespace: str
    name: str
    protocol: str
    ports: tuple[int, ...]
    source_ranges: tuple[str, ...] = ()
    global_access: bool = False
    subnet: str = ""
    address_names: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True)
class BalancedAddress:
    """The address that a Service got, and the names of what was made for it, by GKE's annotations."""

    address: str
    annotations: Mapping[str, str]


@runtime_checkable
class Balancers(Protocol):
    """Who makes the Google objects of load balancers for Services: what clusters ask of the emulator."""

    async def balance(self, service: BalancedService) -> BalancedAddress:
        """Bring the objects to what the Service asks, and return when they have consequences.

        Raises :class:`WorldError` with Google's refusal.
        """

    async def unbalance(self, service: BalancedService) -> None:
        """Remove them; nothing happens when there are none."""


@runtime_checkable
class World(Protocol):
    """Consequences of emulated objects. Every method may raise :class:`WorldError`."""

    async def apply_network(self, networks: Sequence[Network]) -> None:
        """Subnets, routes, firewall, peering with Apigee, private zones, peered DNS domains: the whole picture."""

    async def start_cluster(self, cluster: Cluster) -> ClusterAccess:
        """Return when the cluster's node is Ready."""

    async def update_cluster(self, cluster: Cluster) -> None:
        """Bring a running cluster to a changed description (DNS mode, tags)."""

    async def stop_cluster(self, project: str, location: str, name: str) -> None:
        """Stop a cluster and remove what it left."""

    async def published_records(self, cluster: Cluster) -> list[Record]:
        """The records that GKE's DNS controller publishes for this cluster now."""

    async def start_instance(self, instance: Instance) -> None:
        """Start an Apigee runtime with its address in the instance's range."""

    async def stop_instance(self, organization: str, name: str) -> None:
        """Stop it."""

    async def configure_runtime(self, configuration: dict[str, Any], bundles: Mapping[str, bytes]) -> dict[str, Any]:
        """Give the Apigee runtime its full configuration; ``bundles`` by SHA-256. Returns the runtime's report."""

    async def apply_functions(self, functions: Sequence[Function], sources: Mapping[str, bytes]) -> Mapping[str, str]:
        """All functions, with the zips that they were built from by SHA-256. Returns when each that can serves.

        Why one does not, by name, is the answer. One that is to be replaced and cannot be goes on serving.
        """

    async def apply_gateways(self, gateways: Sequence[Gateway]) -> None:
        """All gateways of API Gateway, with what each serves. Returns when each serves it."""

    async def apply_balancers(self, balancers: Sequence[HttpBalancer]) -> None:
        """All Application Load Balancers, with what each leads to. Returns when each serves it."""

    async def backend_health(self) -> Mapping[str, Mapping[tuple[str, int], bool]]:
        """By backend service of those, whether each endpoint that was asked yet passes its health check."""

    async def apply_egress(self, addresses: Mapping[str, Sequence[str]]) -> None:
        """From where Apigee's calls to the internet come: an instance's host -> its active NAT addresses."""

    def authority_certificate(self) -> bytes:
        """The certificate (PEM) of the authority that signs what Apigee instances show. Raises OSError."""

    def issue_certificate(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """A certificate of that authority and its key (PEM), which stands for one that Google manages."""

    async def reset(self, keep_nodes: bool = False) -> None:
        """Stop everything that was started and forget every picture.

        :param keep_nodes: a cluster that is made again just as it was may get the node that it had, emptied.
        """
