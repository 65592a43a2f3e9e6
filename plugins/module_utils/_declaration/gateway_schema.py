# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the declaration of a private service behind API Gateway may hold: the inventory's ``api_gateway_gke``.

The same words as in ``schema.py`` mean the same. Private to this collection.
"""

from __future__ import annotations

from .._openapi.presets import PRESETS
from .._openapi.rules import METHODS
from .schema import (
    CIDR,
    CLUSTER,
    CLUSTER_NAME,
    DNS_NAME,
    LABEL,
    NETWORK_NAME,
    PROJECT,
    REGION,
    SAMPLE,
    Field,
)

GATEWAY_NAME = (
    r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?",
    "1 to 49 lower-case letters, digits and hyphens, starting with a letter",
)
CONNECTOR_NAME = (
    r"[a-z]([a-z0-9-]{0,23}[a-z0-9])?",
    "1 to 25 lower-case letters, digits and hyphens, starting with a letter",
)
ACCOUNT_NAME = (
    r"[a-z]([a-z0-9-]{4,28}[a-z0-9])",
    "6 to 30 lower-case letters, digits and hyphens, starting with a letter",
)
ROUTE_PATH = (r"/[^\s?#]*", "a path such as /products/{id}")
ADDRESS = (r"[0-9]{1,3}(\.[0-9]{1,3}){3}", "an IPv4 address such as 10.68.64.80")
# Seconds along the chain: whoever is nearer to the caller waits longer.
UPSTREAM, FUNCTION, GATEWAY = 20, 25, 30


def _options(**options: Field) -> Field:
    return Field("dict", options=options)


_LOAD_BALANCER = _options(
    port=Field("int", "Port at the balancer.", default=80, minimum=1, maximum=65535),
    address=Field(
        "str", "Address to reserve, inside the cluster's subnet; Google chooses one when not given.", pattern=ADDRESS
    ),
    global_access=Field("bool", "Answer clients in other regions too.", default=False),
    source_ranges=Field(
        "list",
        "Ranges that may call it; that of the function's way into the network when not given.",
        elements=Field("str", pattern=CIDR),
        unmanaged=True,
    ),
)

_SERVICE = _options(
    name=Field("str", "Name of the Service.", required=True, pattern=LABEL),
    namespace=Field("str", "Kubernetes namespace.", default="default", pattern=LABEL),
    port=Field("int", "Port on which the pods listen.", required=True, minimum=1, maximum=65535),
    cluster=Field("str", "Cluster that runs it; may be left out when there is one.", pattern=CLUSTER_NAME),
    selector=Field("map", "Pod labels to select; C(app: <name>) when not given.", elements=Field("str")),
    sample=Field("dict", "Make a sample application under this name (for a demo).", options=SAMPLE.options),
    load_balancer=Field("dict", "Its internal load balancer.", options=_LOAD_BALANCER.options),
)

_FUNCTION = _options(
    name=Field("str", "Name of the function; C(<service>-forward) when not given.", pattern=LABEL),
    service=Field("str", "Service that it calls; may be left out when there is one.", pattern=LABEL),
    region=Field("str", "Region; the declaration's when not given.", pattern=REGION),
    timeout=Field("int", "Seconds that a call may run.", default=FUNCTION, minimum=1, maximum=3600),
    upstream_timeout=Field("int", "Seconds that it waits for the service.", default=UPSTREAM, minimum=1, maximum=3600),
    concurrency=Field("int", "Calls at once in one instance.", default=40, minimum=1, maximum=1000),
    min_instances=Field("int", "Instances that are kept warm.", default=0, minimum=0, maximum=100),
    max_instances=Field("int", "Most instances.", default=10, minimum=1, maximum=1000),
    memory=Field(
        "str", "Memory of an instance.", default="512M", pattern=(r"[0-9]+(M|Mi|G|Gi)", "an amount such as 512M")
    ),
    service_account=Field(
        "str", "Account that it runs as, without the domain; its own name when not given.", pattern=ACCOUNT_NAME
    ),
)

_EGRESS = _options(
    mode=Field(
        "str",
        "How the function reaches the network: directly from a subnet, or through a Serverless VPC Access connector.",
        default="direct",
        choices=("direct", "connector"),
    ),
    range=Field(
        "str", "Range of the subnet, or of the connector, which takes a /28; chosen when not given.", pattern=CIDR
    ),
    connector=Field("str", "Name of the connector; C(<network>) when not given.", pattern=CONNECTOR_NAME),
    subnet=Field("str", "Name of the subnet for direct egress; C(<network>-egress) when not given.", pattern=LABEL),
    remove_left=Field(
        "bool",
        "Remove the connector that the function has left, once it calls by a subnet. Runs name it meanwhile, unless this is false.",
    ),
)

_ROUTE = _options(
    path=Field("str", "Path, with parameters as whole segments.", required=True, pattern=ROUTE_PATH),
    methods=Field("list", "What callers may do.", required=True, elements=Field("str", choices=METHODS)),
    security=Field("str", "Who may call it, where it differs.", choices=tuple(PRESETS)),
    deadline=Field("int", "Seconds that the gateway waits, where they differ.", minimum=1, maximum=600),
    summary=Field("str", "What it is for."),
    operation_id=Field("str", "Name of the operation; made of method and path when not given."),
)

_KEY = _options(
    display_name=Field("str", "What people call it."),
    allowed_ips=Field("list", "Ranges that may call with it; all when not given.", elements=Field("str"), unmanaged=True),
    restore=Field(
        "bool",
        "Bring a key of this name back that was deleted less than 30 days ago; its string is good again then.",
        default=False,
    ),
)

_GATEWAY = _options(
    name=Field("str", "Name of the gateway.", required=True, pattern=GATEWAY_NAME),
    region=Field("str", "Region, of those that API Gateway has; the declaration's when not given.", pattern=REGION),
    api=Field("str", "Name of the API; the gateway's when not given.", pattern=GATEWAY_NAME),
    security=Field(
        "str",
        "Who may call: holders of a key, of a token of your issuer, of both, of a Google ID token, of a Firebase token.",
        default="api_key",
        choices=tuple(PRESETS),
    ),
    jwt=Field(
        "dict",
        "Issuer for V(jwt) and V(api_key_and_jwt).",
        options={
            "issuer": Field("str", "Value of the claim iss."),
            "jwks_uri": Field("str", "Where its keys are published."),
            "audiences": Field("list", "Values of the claim aud.", elements=Field("str")),
        },
    ),
    google_id_token=Field(
        "dict",
        "For V(google_id_token).",
        options={"audiences": Field("list", "Values of the claim aud.", elements=Field("str"))},
    ),
    firebase=Field("dict", "For V(firebase).", options={"project": Field("str", "Firebase project.", pattern=PROJECT)}),
    deadline=Field("int", "Seconds that the gateway waits for the function.", default=GATEWAY, minimum=1, maximum=600),
    routes=Field("list", "What callers may ask for. Either this or O(document).", elements=_ROUTE),
    document=Field("str", "File with an OpenAPI document of your own, relative to the inventory."),
    keys=Field(
        "map",
        "API keys by name, each good for this API alone; those taken out are removed. Their strings are shown nowhere. "
        "Where it is not written, keys are left as they are.",
        key_pattern=LABEL,
        elements=_KEY,
        unmanaged=True,
    ),
    keep_configs=Field("int", "Earlier configs to keep.", default=1, minimum=0, maximum=99),
    service_account=Field(
        "str", "Account that it calls the function as; C(<name>-gateway) when not given.", pattern=ACCOUNT_NAME
    ),
    verify=Field(
        "dict",
        "The request that proves the whole path at the end of a run; it needs one of O(keys) where keys are asked for.",
        options={
            "enabled": Field("bool", "Send it.", default=True),
            "path": Field("str", "Path; the first route without parameters when not given.", pattern=ROUTE_PATH),
            "status": Field("list", "Accepted status codes; any below 400 when not given.", elements=Field("int")),
            "timeout": Field("int", "Longest time in seconds to wait for it.", default=600, minimum=1, maximum=3600),
        },
    ),
)

DECLARATION = _options(
    project=Field("str", "Google Cloud project that holds everything.", required=True, pattern=PROJECT),
    region=Field("str", "Region of clusters, function and gateway.", required=True, pattern=REGION),
    network=Field("str", "VPC network; made when it does not exist.", required=True, pattern=NETWORK_NAME),
    domain=Field(
        "str", "Domain of the balancers' names in the network; C(<project>.internal) when not given.", pattern=DNS_NAME
    ),
    address_space=Field("str", "Private range from which all others are taken.", default="10.64.0.0/10", pattern=CIDR),
    clusters=Field("map", "GKE clusters by name.", required=True, key_pattern=CLUSTER_NAME, elements=CLUSTER),
    services=Field("list", "Workloads to reach through internal load balancers.", required=True, elements=_SERVICE),
    function=Field("dict", "The function between gateway and service.", options=_FUNCTION.options),
    egress=Field(
        "dict",
        "The function's way into the network. A plain string is its mode.",
        short="mode",
        options=_EGRESS.options,
    ),
    gateway=Field("dict", "The gateway.", required=True, options=_GATEWAY.options),
)
