# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GKE cluster. Private to the collection."""

from __future__ import annotations

import copy
import re
import typing as t

from .._engine import fields as f
from .._engine.compare import Change, empty
from .._engine.fields import Document, Field, Options
from .._engine.ownership import LABEL, LABEL_VALUE, LabelMark
from .._engine.resource import Resource, State
from .._google import operations
from . import gke_node_pools
from .gke_fields import CLUSTER, bare

_ZONE = re.compile(r"-[a-z]$")
_DOMAIN = re.compile(r"^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$")


class GkeCluster(Resource):
    """A cluster, Standard or Autopilot, with the node pools that are stated.

    Google changes one thing per update, each a long operation, and refuses a second one meanwhile. Node pools that are
    not named are left alone, and none is ever removed.
    """

    kind = "gke_cluster"
    title = "cluster"
    service = "container"
    path = "v1/projects/{project}/locations/{location}/clusters/{name}"
    create_wrapper = "cluster"
    family = operations.CONTAINER
    update_method = "PUT"
    state_place = "status"
    states: t.ClassVar[dict[str, State]] = {
        "PROVISIONING": State.PENDING,
        "RUNNING": State.READY,
        # Usable while it changes; a further change waits by itself.
        "RECONCILING": State.READY,
        "DEGRADED": State.READY,
        "STOPPING": State.GOING,
        "ERROR": State.FAILED,
    }
    long_running = True
    timeout = 3600.0
    lock = "container/{project}/{location}/{name}"
    mark = LabelMark("resourceLabels")
    fields = CLUSTER
    mutually_exclusive = (("pods_range_name", "pods_range"), ("services_range_name", "services_range"))

    @property
    def region(self) -> str:
        """The region that the location is, or is in."""
        return _ZONE.sub("", str(self.options["location"]))

    @property
    def autopilot(self) -> bool:
        """Whether an Autopilot cluster is wanted."""
        return bool(self.options.get("autopilot"))

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        wrong = _dns_rules(self.options.get("dns") or {}, self.autopilot)
        if self.autopilot and self.options.get("node_pools"):
            wrong.append("node_pools are stated, but Autopilot makes its nodes itself. Leave out one of the two.")
        for pool in self.options.get("node_pools") or []:
            fewest, most = pool.get("min_nodes"), pool.get("max_nodes")
            if fewest is not None and most and fewest > most:
                wrong.append(f"node_pools[{pool['name']}]: min_nodes {fewest} is more than max_nodes {most}.")
        return wrong

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Beside the immutable fields: a DNS scope once chosen, and all of an Autopilot cluster's DNS."""
        return super().fixed(changes) + [change for change in changes if self.refusal(change)]

    def difference(self, found: Document) -> list[Change]:
        changes = super().difference(found)
        self._found_dns = f.find(found, ("networkConfig", "dnsConfig")) or {}
        self._found_autopilot = bool(f.find(found, ("autopilot", "enabled")))
        wanted = str(self.options.get("version") or "")
        changes = [change for change in changes if change.top != "version"]
        current = str(found.get("currentMasterVersion") or found.get("initialClusterVersion") or "")
        # A version may be given in part: 1.36 is content with every 1.36.x.
        fits = current == wanted or current.startswith((wanted + ".", wanted + "-"))
        if wanted not in ("", "latest", "-") and not fits:
            spec = next(field for field in self.fields if field.name == "version")
            changes.append(Change("version", current, wanted, spec, "version"))
        return changes

    def refusal(self, change: Change) -> str:
        if change.top != "dns":
            return ""
        cloud = self._found_dns.get("clusterDns") == "CLOUD_DNS"
        scope = self._found_dns.get("clusterDnsScope") or "CLUSTER_SCOPE"
        if self._found_autopilot:
            return (
                f"{change.field} is {_or_not_set(change.before)}, wanted {_or_not_set(change.after)}, and Google "
                "changes nothing about DNS on an existing Autopilot cluster. Choose: another way to publish "
                "names (external-dns works on what you have), or a new cluster."
            )
        if change.field == "dns.scope" and cloud:
            return (
                f"dns.scope is {scope}, wanted {change.after}: Google does not toggle the scope of a cluster that "
                "uses Cloud DNS. Keep the scope (from CLUSTER_SCOPE, dns.additive_domain makes headless Services "
                "visible in the VPC), or make a new cluster."
            )
        if change.field == "dns.domain" and cloud and scope == "VPC_SCOPE":
            return (
                f"dns.domain is {_or_not_set(change.before)}, wanted {change.after}: the domain of a cluster in VPC "
                "scope is fixed. Keep it, or make a new cluster."
            )
        return ""

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        return gke_node_pools.refusals(changes)

    def trouble(self, found: Document) -> str:
        said = [str(one.get("message") or "") for one in found.get("conditions") or []]
        return "; ".join(dict.fromkeys(text for text in [*said, str(found.get("statusMessage") or "")] if text))

    def under_way(self) -> Document | None:
        """Google names no operation in the cluster, but lists those of the place."""
        place = self.parent_url().rsplit("/", 1)[0]
        listed = self.wire.get(self.service, f"{place}/operations").get("operations") or []
        for operation in listed:
            target = str(operation.get("targetLink") or "").replace("/zones/", "/locations/")
            if operation.get("status") != "DONE" and target.endswith(f"/clusters/{self.name}"):
                return operation
        return None

    # -- output ------------------------------------------------------------------------------------------------

    def output(self, found: Document) -> Options:
        return self._with_context(super().output(found))

    def predicted(self) -> Options:
        return self._with_context(super().predicted())

    def _with_context(self, shown: Options) -> Options:
        # The name that gcloud gives a cluster's context, so that both fit into one kubeconfig.
        context = f"gke_{self.project}_{self.options.get('location')}_{self.name}"
        return {**shown, "project": self.project, "context": context}

    def everything(self) -> list[Document]:
        return self.wire.get(self.service, self.parent_url()).get("clusters") or []

    # -- writing -----------------------------------------------------------------------------------------------

    def body(self) -> Document:
        self.options = self._with_safe_choices()
        body = super().body()
        f.put(body, ("ipAllocationPolicy", "useIpAliases"), True)
        _complete_endpoints(body)
        gke_node_pools.complete(body.get("nodePools") or [], bool(self.options.get("workload_identity")))
        return body

    def _with_safe_choices(self) -> Options:
        """What a new cluster gets where the user states nothing; unmanaged afterwards."""
        options = dict(self.options)
        if self.autopilot:
            return options
        options.setdefault("workload_identity", True)
        options.setdefault("datapath_provider", "ADVANCED_DATAPATH")
        # Three nodes: a zone with three, or a region's three zones with one each.
        nodes = 3 if _ZONE.search(str(options["location"])) else 1
        pools = options.get("node_pools") or [{"name": "default-pool"}]
        options["node_pools"] = [
            pool if "nodes" in pool or "min_nodes" in pool else {**pool, "nodes": nodes} for pool in pools
        ]
        return options

    def update(self, found: Document, changes: list[Change]) -> None:
        """One thing after the other, as Google wants it; without waiting, only the first."""
        for step in self._steps(found, changes):
            if self.running is not None:
                self.unfinished = True
                return
            step()

    def _steps(self, found: Document, changes: list[Change]) -> t.Iterator[t.Callable[[], None]]:
        top = {field.name: field for field in self.fields}
        groups: dict[str, list[Field]] = {}
        for change in changes:
            field = top[change.top]
            group = groups.setdefault(field.update, [])
            if field not in group:
                group.append(field)
        stated = {field.name: self.options[field.name] for group in groups.values() for field in group}
        new = f.write(self.fields, {n: v for n, v in stated.items() if n != "node_pools"}, copy.deepcopy(found), self)
        for update, members in groups.items():
            if update == "labels":
                yield lambda: self._set_labels(found, new)
            elif update == "node_pools":
                yield from gke_node_pools.steps(self, found, changes)
            elif update == "version":
                yield lambda: self._desire("desiredMasterVersion", self.options["version"])
            else:
                yield lambda u=update, m=members: self._desire(u, _desired(u, m, new))

    def _desire(self, key: str, value: t.Any) -> None:
        reply = self.wire.send(self.service, "PUT", self.url(), body={"update": {key: value}})
        self.finish(reply.json())

    def _set_labels(self, found: Document, new: Document) -> None:
        labels = new.get("resourceLabels") or {}
        if not self.options["labels"]:
            labels = {}
        if (found.get("resourceLabels") or {}).get(LABEL):
            labels = {**labels, LABEL: LABEL_VALUE}
        body = {"resourceLabels": labels, "labelFingerprint": found.get("labelFingerprint", "")}
        reply = self.wire.send(self.service, "POST", f"{self.url()}:setResourceLabels", body=body, repeatable=True)
        self.finish(reply.json())


def _desired(update: str, members: list[Field], new: Document) -> t.Any:
    """The value of one ``desired…`` field: the whole of the part of the cluster that it replaces."""
    place = members[0].place
    if update == "desiredDefaultEnablePrivateNodes":
        return f.find(new, place)
    if update == "desiredControlPlaneEndpointsConfig":
        _complete_endpoints(new)
        endpoints = copy.deepcopy(new["controlPlaneEndpointsConfig"])
        for part, output in (
            ("ipEndpointsConfig", ("privateEndpoint", "publicEndpoint")),
            ("dnsEndpointConfig", ("endpoint",)),
        ):
            for name in output:
                (endpoints.get(part) or {}).pop(name, None)
        return endpoints
    # "releaseChannel.channel" is set as a whole {"channel": ...}; "addonsConfig" is one already.
    if members[0].type == "dict":
        return f.find(new, place)
    return f.find(new, place[:-1])


def _complete_endpoints(cluster: Document) -> None:
    """Say beside the parts of the control plane's endpoints that they are in use."""
    ip = f.find(cluster, ("controlPlaneEndpointsConfig", "ipEndpointsConfig"))
    if isinstance(ip, dict):
        ip.setdefault("enabled", True)
        networks = ip.get("authorizedNetworksConfig")
        if isinstance(networks, dict):
            networks["enabled"] = bool(networks.get("cidrBlocks"))


def _dns_rules(dns: Options, autopilot: bool) -> list[str]:
    """GKE's own rules about DNS modes, told before anything is sent (sources: GKE's Cloud DNS how-to, gcloud)."""
    wrong: list[str] = []
    provider, scope = dns.get("provider"), dns.get("scope")
    domain, additive = bare(dns.get("domain")), bare(dns.get("additive_domain"))
    if autopilot and scope == "VPC_SCOPE":
        wrong.append(
            "dns.scope VPC_SCOPE is not possible on an Autopilot cluster. Autopilot can publish headless Services "
            "with dns.additive_domain, chosen when the cluster is made; or make a Standard cluster."
        )
    if autopilot and provider == "KUBE_DNS":
        wrong.append("dns.provider KUBE_DNS is not possible on an Autopilot cluster, which always uses Cloud DNS.")
    if scope == "VPC_SCOPE" and provider != "CLOUD_DNS":
        wrong.append(f"dns.scope VPC_SCOPE needs dns.provider CLOUD_DNS (it is {_or_not_set(provider)}).")
    if not empty(domain) and scope != "VPC_SCOPE":
        wrong.append(
            f"dns.domain {domain} needs dns.scope VPC_SCOPE (it is {_or_not_set(scope)}); "
            "in cluster scope use dns.additive_domain."
        )
    if not empty(additive) and scope == "VPC_SCOPE":
        wrong.append("dns.additive_domain needs dns.scope CLUSTER_SCOPE: VPC_SCOPE publishes every name already.")
    if not empty(additive) and provider not in ("CLOUD_DNS", None):
        wrong.append(f"dns.additive_domain needs dns.provider CLOUD_DNS (it is {provider}).")
    for name, value in (("domain", domain), ("additive_domain", additive)):
        if empty(value):
            continue
        if value == "local" or value.endswith(".local"):
            wrong.append(
                f"dns.{name} {value}: names under .local belong to multicast DNS. Use a subdomain of a domain that you "
                "own, one label per cluster, for example shop.gke.acme.internal."
            )
        elif not _DOMAIN.match(value):
            wrong.append(
                f"dns.{name} {value} is not a DNS name: labels of letters, digits and dashes, separated by dots."
            )
    return wrong


def _or_not_set(value: t.Any) -> str:
    return "not set" if empty(value) else str(value)
