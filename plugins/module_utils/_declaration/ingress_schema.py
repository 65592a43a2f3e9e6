# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the declaration of an Ingress that admits Apigee alone may hold: the inventory's ``ingress_gke``.

The same words as in ``schema.py`` mean the same. Private to this collection.
"""

from __future__ import annotations

import dataclasses

from .._apigee.generate_policies import RATE, TIME_UNITS
from .schema import (
    BASE_PATH,
    CLUSTER_NAME,
    ENVIRONMENT_NAME,
    HOST_NAME,
    LABEL,
    NETWORK_NAME,
    PROXY_NAME,
    SAMPLE,
    Field,
)
from .schema import (
    DECLARATION as SITE,
)

INGRESS_NAME = (
    r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?",
    "1 to 50 lower-case letters, digits and hyphens, starting with a letter",
)
PATH = (r"/[^\s?#]*", "a path such as /products")
RANGE = (r"[0-9a-fA-F.:]+(/[0-9]{1,3})?", "an IPv4 or IPv6 range such as 203.0.113.8/32")


def _options(**options: Field) -> Field:
    return Field("dict", options=options)


_HEALTH_CHECK = _options(
    type=Field("str", "How it is asked.", default="HTTP", choices=("HTTP", "HTTPS", "HTTP2")),
    path=Field("str", "Path that answers 200; C(/), or that of a sample, when not given.", pattern=PATH),
    port=Field("int", "Port; that of the pods when not given.", minimum=1, maximum=65535),
    interval=Field("int", "Seconds between two questions.", default=5, minimum=1, maximum=300),
    timeout=Field("int", "Seconds for an answer.", default=3, minimum=1, maximum=300),
    healthy=Field("int", "Good answers until a pod gets calls.", default=1, minimum=1, maximum=10),
    unhealthy=Field("int", "Bad answers until it gets none.", default=2, minimum=1, maximum=10),
)

_SERVICE = _options(
    name=Field("str", "Name of the Service.", required=True, pattern=LABEL),
    port=Field("int", "Port on which the pods listen.", required=True, minimum=1, maximum=65535),
    service_port=Field("int", "Port of the Service.", default=80, minimum=1, maximum=65535),
    selector=Field(
        "map", "Pod labels to select; C(app.kubernetes.io/name: <name>) when not given.", elements=Field("str")
    ),
    sample=Field("dict", "Make a sample application under this name (for a demo).", options=SAMPLE.options),
    timeout=Field("int", "Seconds that the load balancer waits for an answer.", default=30, minimum=1, maximum=86400),
    drain=Field("int", "Seconds that calls of a pod that goes may last.", default=30, minimum=0, maximum=3600),
    logging=Field("bool", "Log requests. What the policy kept out is seen there.", default=False),
    health_check=Field("dict", "Its health check.", options=_HEALTH_CHECK.options),
)

_PATH = _options(
    path=Field("str", "Path.", default="/", pattern=PATH),
    path_type=Field("str", "How it is matched.", default="Prefix", choices=("Prefix", "Exact")),
    service=Field("str", "Service that it leads to.", required=True, pattern=LABEL),
)

_CERTIFICATE = _options(
    secret=Field("str", "TLS Secret in the namespace.", pattern=LABEL),
    managed=Field("bool", "Have Google issue and renew it for the hosts; for external Ingresses."),
    pre_shared=Field("str", "Name of a certificate of Compute Engine.", pattern=NETWORK_NAME),
    authority=Field(
        "str",
        "Authority as PEM that Apigee is to trust, where no public one has issued the certificate.",
        pattern=(r"\s*-----BEGIN CERTIFICATE-----[\s\S]+", "a certificate as PEM text"),
    ),
)

_INGRESS = _options(
    name=Field("str", "Name of the Ingress, and of what belongs to it at Google.", required=True, pattern=INGRESS_NAME),
    namespace=Field("str", "Kubernetes namespace, of the services too.", default="default", pattern=LABEL),
    cluster=Field("str", "Cluster; may be left out when there is one.", pattern=CLUSTER_NAME),
    form=Field(
        "str",
        "V(ingress) with BackendConfig, or V(gateway) with GCPBackendPolicy.",
        default="ingress",
        choices=("ingress", "gateway"),
    ),
    exposure=Field(
        "str",
        "V(external), with a security policy, or V(internal), for callers in the network and what is peered with it.",
        default="external",
        choices=("external", "internal"),
    ),
    hosts=Field("list", "Host names that it answers; all when empty.", elements=Field("str", "A host name.", pattern=HOST_NAME)),
    paths=Field("list", "Which path leads to which service; all to the only one when empty.", elements=_PATH),
    default_service=Field(
        "str", "Service for what matches no host and path; one that answers nobody when not given.", pattern=LABEL
    ),
    certificate=Field("dict", "Certificate of the load balancer, one of these.", options=_CERTIFICATE.options),
    http=Field(
        "str",
        "What answers on port 80; V(none) when there is a certificate. V(plain) without one sends calls unencrypted.",
        choices=("none", "redirect", "plain"),
    ),
    ssl_policy=Field("str", "Name of an SSL policy of Compute Engine.", pattern=NETWORK_NAME),
    protect=Field("bool", "Keep everybody but Apigee out.", default=True),
    preview=Field("bool", "Let everybody in, and log whom the policy would keep out.", default=False),
    nat_addresses=Field(
        "int",
        "How many addresses Apigee X calls from. One when not given, none where O(apigee_source_ranges) is.",
        minimum=0,
        maximum=100,
    ),
    proxy_subnet=Field(
        "str",
        "For V(internal), range of a subnet for the region's proxies that the run makes, where the network has none.",
        pattern=(r"[0-9]+(\.[0-9]+){3}/[0-9]{1,2}", "an IPv4 range such as 10.12.0.0/23"),
    ),
    network_policy=Field(
        "bool", "Close the pods to all but the load balancer, callers in the cluster included.", default=False
    ),
    proxy_ranges=Field(
        "list",
        "Ranges of the region's subnet for proxies, for V(internal); found out when not given.",
        elements=Field("str", "A range, or one address.", pattern=RANGE),
    ),
)

_QUOTA = Field(
    "dict",
    "How many calls get through in a period. Plain text such as V(100/minute) may stand for it.",
    short="rate",
    options={
        "rate": Field(
            "str",
            "Calls and period.",
            required=True,
            pattern=(
                rf"[1-9][0-9]*/([1-9][0-9]* )?({'|'.join(TIME_UNITS)})s?",
                "a rate such as 100/minute or 500/6 hours",
            ),
        ),
        "identifier": Field("str", "Variable whose values are counted apart, such as V(client_id)."),
    },
)

_PROXY = _options(
    name=Field("str", "Name of the API proxy.", required=True, pattern=PROXY_NAME),
    base_path=Field("str", "Path under which it answers.", required=True, pattern=BASE_PATH),
    environments=Field(
        "list",
        "Environments to deploy to; may be left out when there is one.",
        elements=Field("str", pattern=ENVIRONMENT_NAME),
    ),
    spike_arrest=Field(
        "str",
        "How many calls a second or a minute get through, evenly.",
        pattern=(RATE.pattern, "a rate such as 30ps or 600pm"),
    ),
    quota=_QUOTA,
    verify=SITE.options["proxies"].elements.options["verify"],
)

_SHARED = (
    "project",
    "region",
    "network",
    "organization",
    "domain",
    "address_space",
    "instance",
    "peering_range",
    "clusters",
)

DECLARATION = Field(
    "dict",
    options={
        **{name: SITE.options[name] for name in _SHARED},
        "environments": dataclasses.replace(
            SITE.options["environments"],
            required=False,
            description="Apigee X environments by name; none for an Apigee that this collection does not manage.",
        ),
        "services": Field("list", "Workloads behind the Ingress.", required=True, elements=_SERVICE),
        "ingress": Field("dict", "The Ingress.", required=True, options=_INGRESS.options),
        "apigee_source_ranges": Field(
            "list",
            "Ranges from which an Apigee calls whose addresses are not reserved here, such as Edge.",
            elements=Field("str", "A range, or one address.", pattern=RANGE),
        ),
        "proxies": Field("list", "API proxies whose target the Ingress is.", elements=_PROXY),
    },
)
