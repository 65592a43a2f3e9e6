# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a declaration may hold, as data: the one description that checks, defaults and documents it.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import typing

# Names as Google and Kubernetes accept them. Patterns are (regular expression, what it means to a reader).
PROJECT = (r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "6 to 30 lower-case letters, digits and hyphens, starting with a letter")
REGION = (r"[a-z]+-[a-z]+[0-9]{1,2}", "a Google Cloud region such as europe-west1")
LOCATION = (r"[a-z]+-[a-z]+[0-9]{1,2}(-[a-z])?", "a region such as europe-west1, or a zone such as europe-west1-b")
NETWORK_NAME = (
    r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "1 to 63 lower-case letters, digits and hyphens, starting with a letter",
)
CLUSTER_NAME = (
    r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
    "1 to 40 lower-case letters, digits and hyphens, starting with a letter",
)
ENVIRONMENT_NAME = (
    r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
    "2 to 32 lower-case letters, digits and hyphens, starting with a letter",
)
INSTANCE_NAME = (
    r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
    "2 to 32 lower-case letters, digits and hyphens, starting with a letter",
)
LABEL = (
    r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "a DNS label: 1 to 63 lower-case letters, digits and hyphens, starting with a letter",
)
PROXY_NAME = (r"[A-Za-z0-9._-]{1,255}", "letters, digits, dots, underscores and hyphens")
DNS_NAME = (
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\.?",
    "a DNS name of at least two labels in lower case, such as gke.example.com",
)
HOST_NAME = (
    r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "a host name in lower case without scheme, port or path, such as api.example.com",
)
BASE_PATH = (r"/[A-Za-z0-9._~*/-]*", "a path that starts with a slash, such as /orders")
# Proxies that can end TLS in a sidecar.
ENGINES = ("nginx", "envoy", "haproxy", "apache")
CIDR = (r"[0-9.]+/[0-9]{1,2}", "an IPv4 range such as 10.64.0.0/20")


@dataclasses.dataclass(frozen=True)
class Field:
    """One key of the declaration.

    Args:
        type: ``str``, ``int``, ``bool``, ``list``, ``dict`` (known keys) or ``map`` (the user chooses the keys).
        description: what it means, one or two sentences, for people.
        required: refuse a declaration without it.
        default: used when it is not written; ``None`` means that ``derive`` works it out.
        choices: the only values allowed.
        pattern: (regular expression for the whole value, meaning).
        minimum, maximum: limits of an ``int``.
        elements: what a ``list`` holds, or each value of a ``map``.
        key_pattern: like pattern, for the names in a ``map``.
        options: the keys of a ``dict``.
        short: for a ``dict``: a plain string, or true and false, may stand for a dict with this one key.
        unmanaged: for a ``list`` or ``map``: one that is not written is left as it is, and an empty one clears.
        later: set for a key that belongs to a later release; the text says what to do today.
    """

    type: str
    description: str = ""
    required: bool = False
    default: typing.Any = None
    choices: tuple[str, ...] = ()
    pattern: tuple[str, str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    elements: Field | None = None
    key_pattern: tuple[str, str] | None = None
    options: dict[str, Field] | None = None
    short: str = ""
    unmanaged: bool = False
    later: str = ""


def _options(**options: Field) -> Field:
    return Field("dict", options=options)


_NODE_POOL = _options(
    machine_type=Field("str", "Compute Engine machine type.", default="e2-standard-2"),
    nodes=Field("int", "Number of nodes in each zone.", minimum=0, maximum=1000),
    min_nodes=Field(
        "int", "Fewest nodes in each zone; with O(max_nodes) switches autoscaling on.", minimum=0, maximum=1000
    ),
    max_nodes=Field("int", "Most nodes in each zone.", minimum=1, maximum=1000),
    disk_size_gb=Field("int", "Boot disk of each node.", minimum=10, maximum=65536),
    spot=Field("bool", "Use Spot capacity. A drained pod may not get the time that it needs."),
)

CLUSTER = _options(
    dns=Field(
        "str",
        "How GKE makes names visible in the network. V(additive) publishes headless Services only and leaves names in"
        " the cluster alone; V(vpc_scope) gives the whole cluster the visible suffix (not possible on Autopilot)."
        " It cannot be changed later.",
        default="additive",
        choices=("additive", "vpc_scope"),
    ),
    mode=Field("str", "Kind of cluster.", default="standard", choices=("standard", "autopilot")),
    location=Field("str", "Region or zone; the declaration's region when not given.", pattern=LOCATION),
    suffix=Field("str", "DNS suffix of the names published; C(<cluster>.<domain>) when not given.", pattern=DNS_NAME),
    release_channel=Field(
        "str",
        "GKE release channel; V(regular) for a new cluster when not given.",
        choices=("rapid", "regular", "stable", "extended"),
    ),
    private_nodes=Field("bool", "Give nodes no public address."),
    private_endpoint=Field(
        "bool",
        "Give the API server no public address. Whatever runs this collection then has to be inside the network.",
    ),
    authorized_networks=Field(
        "map",
        "Ranges that may reach the API server, each under a name of yours; that of whatever runs this collection has to"
        " be among them. C({}) lifts the restriction; left out, it stays as it is.",
        elements=Field("str", pattern=CIDR),
        unmanaged=True,
    ),
    node_pools=Field(
        "map",
        "Node pools of a standard cluster by name. When not given, one pool with two CPUs a node and three nodes.",
        key_pattern=CLUSTER_NAME,
        elements=_NODE_POOL,
    ),
    ranges=Field(
        "dict",
        "Address ranges; each one not given is taken from the address space.",
        options={
            "nodes": Field("str", "Primary range of the cluster's subnet.", pattern=CIDR),
            "pods": Field("str", "Range of pod addresses.", pattern=CIDR),
            "services": Field("str", "Range of Service addresses.", pattern=CIDR),
        },
    ),
)

_ENVIRONMENT = _options(
    hostnames=Field(
        "list", "Host names on which its proxies answer.", required=True, elements=Field("str", pattern=HOST_NAME)
    ),
    group=Field("str", "Environment group; the environment's own name when not given.", pattern=ENVIRONMENT_NAME),
)

SAMPLE = _options(
    image=Field("str", "Container image of an HTTP server.", required=True),
    replicas=Field("int", "Number of pods.", default=3, minimum=1, maximum=200),
    command=Field("list", "Command of the container, when the image's own is not right.", elements=Field("str")),
    readiness_path=Field("str", "Path that answers 200 when the pod is ready.", default="/healthz", pattern=BASE_PATH),
)

_SERVICE = _options(
    name=Field(
        "str", "Name of the headless Service, and of its target server in Apigee.", required=True, pattern=LABEL
    ),
    namespace=Field("str", "Kubernetes namespace.", default="default", pattern=LABEL),
    port=Field(
        "int",
        "Port on which the pods listen. A headless Service cannot map ports.",
        required=True,
        minimum=1,
        maximum=65535,
    ),
    cluster=Field("str", "Cluster that runs it; may be left out when there is one.", pattern=CLUSTER_NAME),
    workload=Field("str", "Workload to publish; the service's name when not given.", pattern=LABEL),
    workload_kind=Field(
        "str", "Kind of the workload.", default="Deployment", choices=("Deployment", "StatefulSet", "DaemonSet")
    ),
    selector=Field("map", "Pod labels to select, instead of those of the workload.", elements=Field("str")),
    sample=Field("dict", "Make a sample application under this name (for a demo).", options=SAMPLE.options),
    publish_not_ready_addresses=Field(
        "bool", "Always refused when true: pods that drain would stay in DNS.", default=False
    ),
    tls=Field(
        "dict",
        "TLS on the way to its pods, where it differs from that of the site. Plain V(false) leaves it plain HTTP.",
        short="enabled",
        options={
            "enabled": Field("bool", "End TLS in the pods; as the site when not given."),
            "port": Field("int", "TLS port of its pods; that of the site when not given.", minimum=1, maximum=65535),
            "engine": Field("str", "Proxy in its sidecar; that of the site when not given.", choices=ENGINES),
        },
    ),
)

_ISSUER = _options(
    name=Field("str", "Name of the issuer.", required=True, pattern=LABEL),
    kind=Field(
        "str",
        "V(Issuer) must exist in the namespace of every service.",
        default="ClusterIssuer",
        pattern=(r"[A-Z][A-Za-z]+", "a kind such as ClusterIssuer, Issuer or GoogleCASClusterIssuer"),
    ),
    group=Field("str", "API group of the issuer.", default="cert-manager.io", pattern=DNS_NAME),
)

_SITE_TLS = Field(
    "dict",
    "TLS all the way to the pods. Plain V(false) leaves it plain HTTP.",
    short="enabled",
    options={
        "enabled": Field("bool", "End TLS in the pods.", default=True),
        "port": Field(
            "int", "Port on which the sidecars answer, and Apigee calls.", default=8443, minimum=1, maximum=65535
        ),
        "engine": Field("str", "Proxy that ends TLS in the sidecar.", default="nginx", choices=ENGINES),
        "mode": Field(
            "str",
            "Who adds the sidecar. V(policy) needs Kubernetes 1.36 or newer; V(auto) takes it where it is possible.",
            default="auto",
            choices=("auto", "webhook", "policy"),
        ),
        "issuer": Field(
            "dict",
            "Issuer of the certificates, if you have one. When not given, a root of its own is made in each cluster."
            " A plain string is its name.",
            short="name",
            options=_ISSUER.options,
        ),
        "cert_manager": Field(
            "str",
            "Where it comes from: V(chart) or V(manifest), as the variables of role cert_manager name them; with"
            " V(existing) the one that is there is used and left alone.",
            default="chart",
            choices=("chart", "manifest", "existing"),
        ),
        "client_certificate": Field(
            "dict",
            "Mutual TLS: Apigee shows a certificate, and the sidecars refuse callers without it. V(true) issues one in the"
            " cluster.",
            short="enabled",
            options={
                "enabled": Field("bool", "Let Apigee show one; true when any other key is given, else false."),
                "required": Field(
                    "bool",
                    "Let the sidecars refuse callers without it; true when not given. V(false) is for the first of two runs on a"
                    " site that is in use: Apigee shows it before anybody asks.",
                ),
                "name": Field(
                    "str",
                    "DNS name in it, and the only one that is admitted; C(apigee.<domain>) when not given. Sidecars with nginx"
                    " look at the authority alone.",
                    pattern=DNS_NAME,
                ),
                "authority": Field(
                    "str",
                    "Authority as PEM, of a certificate that you have; certificate and key are"
                    " V(apigee_gke_client_certificate). When not given, the issuer of the services' certificates issues one.",
                    pattern=(r"\s*-----BEGIN CERTIFICATE-----[\s\S]+", "a certificate as PEM text"),
                ),
            },
        ),
        "network_policy": Field(
            "bool",
            "Close the pods of services with TLS to everybody but Apigee, their plain port above all. Callers within the"
            " cluster are shut out too; V(false) leaves them in, and the plain port open to them.",
            default=True,
        ),
    },
)

_PROXY = _options(
    name=Field("str", "Name of the API proxy.", required=True, pattern=PROXY_NAME),
    base_path=Field("str", "Path under which it answers, for a proxy made for you.", pattern=BASE_PATH),
    service=Field("str", "Service that it calls. A bundle may use the target server of this name.", pattern=LABEL),
    bundle=Field("str", "Folder or zip file of your own proxy, relative to the inventory."),
    environments=Field(
        "list",
        "Environments to deploy to; may be left out when there is one.",
        elements=Field("str", pattern=ENVIRONMENT_NAME),
    ),
    verify=Field(
        "dict",
        "The request that proves the proxy at the end of a run.",
        options={
            "enabled": Field("bool", "Send it.", default=True),
            "path": Field(
                "str",
                "Path after the base path.",
                default="",
                pattern=(r"(/[^\s?#]*)?(\?[^\s#]*)?", "a path such as /healthz"),
            ),
            "status": Field("list", "Accepted status codes; any below 400 when not given.", elements=Field("int")),
        },
    ),
    products=Field(
        "list", "API products.", elements=Field("str"), later="leave it out, and grant access to the proxy as today"
    ),
)

DECLARATION = _options(
    project=Field("str", "Google Cloud project that holds everything.", required=True, pattern=PROJECT),
    region=Field("str", "Region of clusters and of the Apigee instance.", required=True, pattern=REGION),
    network=Field("str", "VPC network; made when it does not exist.", required=True, pattern=NETWORK_NAME),
    organization=Field(
        "dict",
        "Apigee organisation, adopted if it exists. A plain string is its name.",
        short="name",
        options={
            "name": Field("str", "Name; the project's when not given.", pattern=PROJECT),
            "billing": Field(
                "str",
                "Billing type of a new one; V(EVALUATION) when not given.",
                choices=("EVALUATION", "PAYG", "SUBSCRIPTION"),
            ),
            "analytics_region": Field(
                "str", "Analytics region of a new one; the region when not given.", pattern=REGION
            ),
        },
    ),
    domain=Field(
        "str",
        "Domain that the company owns, under which every cluster gets a suffix; C(<project>.internal) when not given.",
        pattern=DNS_NAME,
    ),
    address_space=Field("str", "Private range from which all others are taken.", default="10.64.0.0/10", pattern=CIDR),
    instance=Field(
        "dict",
        "Apigee runtime instance.",
        options={
            "name": Field("str", "Name; the region when not given.", pattern=INSTANCE_NAME),
            "range": Field("str", "Its /22 inside the peering range.", pattern=CIDR),
        },
    ),
    peering_range=Field("str", "Range reserved for the peering with Apigee, /20 or larger.", pattern=CIDR),
    environments=Field(
        "map", "Apigee environments by name.", required=True, key_pattern=ENVIRONMENT_NAME, elements=_ENVIRONMENT
    ),
    clusters=Field("map", "GKE clusters by name.", required=True, key_pattern=CLUSTER_NAME, elements=CLUSTER),
    tls=_SITE_TLS,
    services=Field("list", "Workloads to make reachable by name.", elements=_SERVICE),
    proxies=Field("list", "API proxies.", elements=_PROXY),
    products=Field(
        "map", "API products.", elements=Field("dict", options={}), later="leave it out, and manage products as today"
    ),
)
