# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what exists, with as few calls as can be and all at the same time.

Private to this collection.
"""

from __future__ import annotations

import concurrent.futures
import typing

from .._google.errors import ApiError, CredentialsError, Failure, UnreachableError
from .._google.locations import everywhere
from . import clusters, neighbours
from .gateway_derive import REGIONS
from .live import undeclared_servers
from .problems import Problem

Read = typing.Callable[[], typing.Any]
PEERED_DOMAINS = "v1/services/servicenetworking.googleapis.com/projects/{}/global/networks/{}/peeredDnsDomains"


class Live(typing.NamedTuple):
    """What was read: documents as Google gave them, by what they are; and reads that failed, with their cause."""

    documents: dict[str, typing.Any]
    failures: dict[str, Failure]


def read_all(wire: typing.Any, site: dict, preview: bool = False) -> Live:
    """Reads all that the checks need.

    Args:
        wire: a ``_google.session.Wire``.
        site: the facts derived offline.
        preview: whether what only a preview wants to know is read as well.

    Returns:
        Documents; an object that does not exist, or whose API is not enabled yet, is None.

    Raises:
        Failure: when no call can succeed (no credentials, no answer).
    """
    # One token first: otherwise every thread would report the same missing credentials.
    wire.client.token()
    organization = site["organization"]["name"]
    reads = _network_reads(wire, site, {site["region"], *(cluster["region"] for cluster in site["clusters"])})
    reads["organization"] = lambda: wire.get("apigee", f"v1/organizations/{organization}")
    reads["instances"] = lambda: wire.pages("apigee", f"v1/organizations/{organization}/instances", "instances")
    for environment in sorted({environment for environment, _server in undeclared_servers(site)}):
        path = f"v1/organizations/{organization}/environments/{environment}/targetservers"
        reads[f"target_servers {environment}"] = lambda path=path: wire.get("apigee", path)
    for group in site["groups"]:
        path = f"v1/organizations/{organization}/envgroups/{group['name']}/deployedIngressConfig"
        reads[f"routing {group['name']}"] = lambda path=path: wire.get("apigee", path, {"view": "FULL"})
    after = {
        "peered_domains": lambda documents: _peered_domains(wire, documents["project"], site["network"]),
        "response_policies": lambda documents: _response_policies(wire, documents["clusters"], site),
    }
    if preview and site["tls"]["mode"] == "auto":
        after["server_configurations"] = lambda documents: _server_configurations(wire, documents["clusters"], site)
    return _together(reads, after)


def _network_reads(wire: typing.Any, site: dict, regions: set[str]) -> dict[str, Read]:
    """Project, clusters, and what has addresses in the network."""
    project = site["project"]
    network = f"{project}/global/networks/{site['network']}"
    reads: dict[str, Read] = {
        "project": lambda: wire.get("cloudresourcemanager", f"v3/projects/{project}"),
        "clusters": lambda: wire.get("container", f"v1/projects/{project}/locations/-/clusters"),
        "addresses": lambda: [
            address
            for address in wire.pages("compute", f"compute/v1/projects/{project}/global/addresses", "items")
            if str(address.get("network") or "").endswith(f"/projects/{network}")
        ],
    }
    for region in sorted(regions):
        path = f"compute/v1/projects/{project}/regions/{region}/subnetworks"
        reads[f"subnets {region}"] = lambda path=path: [
            subnet
            for subnet in wire.pages("compute", path, "items")
            if str(subnet.get("network") or "").endswith(f"/projects/{network}")
        ]
    return reads


def read_private(wire: typing.Any, site: dict, removal: bool = False) -> Live:
    """Reads what the checks of a private service behind API Gateway, or its removal, need; otherwise as ``read_all``."""
    wire.client.token()
    project, region = site["project"], site["egress"]["region"]
    reads = _network_reads(wire, site, {region, *(cluster["region"] for cluster in site["clusters"])})
    # Subnets of all regions are of one network, and so are the ranges of connectors.
    reads["connectors"] = lambda: everywhere(wire, "vpcaccess", project, "connectors")
    function = f"v2/projects/{project}/locations/{region}/functions/{site['function']['name']}"
    reads["function"] = lambda: wire.get("cloudfunctions", function)
    if site["gateway"]["region"] not in REGIONS:
        places = f"v1/projects/{project}/locations"
        reads["gateway_regions"] = lambda: wire.pages("apigateway", places, "locations")
    if site["gateway"]["keys"]:
        keys = f"v2/projects/{project}/locations/global/keys"
        # Deleted ones keep their names for a while.
        reads["keys"] = lambda: wire.pages("apikeys", keys, "keys", {"showDeleted": True})
    return _together(reads | neighbours.reads(wire, site, removal), {})


def read_network(wire: typing.Any, site: dict) -> Live:
    """Reads project, clusters and ranges alone; otherwise as ``read_all``."""
    wire.client.token()
    return _together(_network_reads(wire, site, {site["region"], *(one["region"] for one in site["clusters"])}), {})


#: What Google runs for people beside App Engine, and may call by a way into the network.
_RUNNERS = (
    ("cloudfunctions", "functions", "function"),
    ("run", "services", "service"),
    ("run", "jobs", "job"),
    ("run", "workerPools", "worker pool"),
)


def others_on(wire: typing.Any, site: dict, way: dict, documents: dict[str, typing.Any]) -> list[str] | None:
    """Who else uses a way into the network: functions, Cloud Run services, jobs and worker pools, other projects.

    ``way``: its ``kind`` and ``name``. None where that may not be read. Raises Failure.
    """
    region = site["egress"]["region"]
    parent = f"v2/projects/{site['project']}/locations/{region}"
    users: dict[tuple[str, str], str] = {}
    for service, collection, title in _RUNNERS:
        try:
            found = wire.pages(service, f"{parent}/{collection}", collection)
        except ApiError as error:
            if error.service_disabled:
                continue
            if error.status == 403:
                return None
            raise
        for one in found:
            name = str(one.get("name")).rsplit("/", 1)[-1]
            # Behind each function is a service of its name.
            kind = "function" if title == "service" else title
            if way["name"] in _ways(one) and (kind, name) != ("function", site["function"]["name"]):
                users.setdefault((kind, name), f"{title} {name}")
    if way["kind"] == "vpc_access_connector":
        path = f"/locations/{region}/connectors/{way['name']}"
        own = {site["project"], str((documents.get("project") or {}).get("name") or "").removeprefix("projects/")}
        for one in documents.get("connectors") or []:
            if str(one.get("name")).endswith(path):
                found = [name for name in one.get("connectedProjects") or [] if name not in own]
                users.update({("project", name): f"project {name}" for name in found})
    return sorted(users.values())


def _ways(user: dict) -> set[str]:
    """Names of the connector, or of the subnetworks, by which a function or something of Cloud Run calls."""
    function, template = user.get("serviceConfig") or {}, user.get("template") or {}
    # A job's is one of executions, which have tasks.
    run = (template.get("template") or template).get("vpcAccess") or {}
    paths = [function.get("vpcConnector"), run.get("connector")]
    interfaces = [*(function.get("directVpcNetworkInterface") or []), *(run.get("networkInterfaces") or [])]
    # Where the network alone is stated, the subnetwork of the same name is meant.
    paths += [one.get("subnetwork") or one.get("network") for one in interfaces]
    return {str(path).rsplit("/", 1)[-1] for path in paths if path}


def _server_configurations(wire: typing.Any, listed: dict | None, site: dict) -> dict[str, dict]:
    """What GKE would give to new clusters, by location. A preview shows less without it, which is no reason to stop."""
    found = {}
    for location in sorted({cluster["location"] for cluster in clusters.unmade(site, listed)}):
        try:
            path = f"v1/projects/{site['project']}/locations/{location}/serverConfig"
            found[location] = wire.get("container", path)
        except ApiError:
            continue
    return found


def _response_policies(wire: typing.Any, listed: dict | None, site: dict) -> list[dict]:
    """Response policies, which matter to clusters that are still to be made, and only then."""
    found = {cluster.get("name") for cluster in (listed or {}).get("clusters") or []}
    if all(cluster["name"] in found for cluster in site["clusters"]):
        return []
    return wire.pages("dns", f"dns/v1/projects/{site['project']}/responsePolicies", "responsePolicies")


def _peered_domains(wire: typing.Any, project: dict | None, network: str) -> list[dict]:
    """The network's peered DNS domains. Google takes only the project's number here."""
    number = str((project or {}).get("name") or "").removeprefix("projects/")
    if not number:
        return []
    return wire.pages("servicenetworking", PEERED_DOMAINS.format(number, network), "peeredDnsDomains")


def _together(reads: dict[str, Read], after: dict[str, typing.Callable[[dict], typing.Any]]) -> Live:
    """All reads at once; those in ``after`` need the project and the clusters, which are among the first."""
    documents: dict[str, typing.Any] = {}
    failures: dict[str, Failure] = {}

    def take(name: str, future: concurrent.futures.Future) -> None:
        try:
            documents[name] = future.result()
        except ApiError as error:
            documents[name] = _without(name, error)
            if not _means_absent(name, error):
                failures[name] = error
        except Failure as error:
            documents[name] = None
            failures[name] = error

    with concurrent.futures.ThreadPoolExecutor(max_workers=len(reads) + len(after)) as pool:
        started = {name: pool.submit(read) for name, read in reads.items()}
        for name in ("project", "clusters"):
            take(name, started.pop(name))
        started |= {name: pool.submit(read, dict(documents)) for name, read in after.items()}
        for name, future in started.items():
            take(name, future)
    return Live(documents, failures)


def _without(name: str, error: ApiError) -> typing.Any:
    """What stands for a document that was not given: a project whose own API is off may well exist."""
    return {} if name == "project" and error.service_disabled else None


def _means_absent(name: str, error: ApiError) -> bool:
    """Whether a refusal says that nothing is there, rather than that something went wrong.

    Google answers 403 for projects and organisations that do not exist, so that names cannot be probed.
    """
    if error.missing or error.service_disabled:
        return True
    apigee = name in ("organization", "instances") or name.startswith(("routing ", "target_servers "))
    return error.status == 403 and (name == "project" or (apigee and "may not exist" in error.said))


def problems_of(failures: dict[str, Failure]) -> list[Problem]:
    """Reads that went wrong, as problems; one cause that shows in many reads is told once."""
    found: dict[str, Problem] = {}
    unreachable: dict[str, str] = {}
    for name, failure in failures.items():
        if isinstance(failure, CredentialsError):
            found.setdefault("credentials", problem_of(failure))
        elif isinstance(failure, UnreachableError):
            address = str((failure.facts.get("google_error") or {}).get("url") or name)
            place = "/".join(address.split("/")[:3])
            unreachable.setdefault(place, str((failure.facts.get("google_error") or {}).get("message") or failure))
        else:
            found[name] = Problem(name.replace("_", " "), f"could not be read: {failure.message}")
    if unreachable:
        found["Google"] = Problem(
            "Google",
            f"no answer from {', '.join(unreachable)}.",
            because="; ".join(dict.fromkeys(unreachable.values())),
            fix="Check the network, the endpoints in apigee_gke_auth and CLOUDSDK_API_ENDPOINT_OVERRIDES_*.",
        )
    return list(found.values())


def problem_of(failure: Failure) -> Problem:
    """Why nothing could be asked at all: the first sentence is the message, the rest says what to do."""
    where = "credentials" if isinstance(failure, CredentialsError) else "Google"
    message, fix = _sentences(failure.message)
    return Problem(where, message, fix=fix)


def _sentences(text: str) -> tuple[str, str]:
    """The first sentence and the rest; what stands in parentheses (Google's own words) is not looked into."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text[index : index + 2] == ". ":
            return text[: index + 1], text[index + 2 :]
    return text, ""
