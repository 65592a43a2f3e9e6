# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is refused before anything is written, in words that name field, value and remedy."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud

Declaration = dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A change of the declaration, and the words that its refusal must have."""

    name: str
    change: Callable[[Declaration], Any]
    words: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict)


def bundle(folder: Path, name: str, files: dict[str, str]) -> str:
    """Write a bundle zip and return its path."""
    path = folder / f"{name}.zip"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for member, text in files.items():
            archive.writestr(f"apiproxy/{member}", text)
    path.write_bytes(data.getvalue())
    return str(path)


ROOT = '<APIProxy name="orders" revision="1"/>'
ENDPOINT = """<ProxyEndpoint name="default"><PreFlow><Request>{step}</Request></PreFlow>
<HTTPProxyConnection>{base}</HTTPProxyConnection>
<RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule>
</ProxyEndpoint>"""
TARGET = """<TargetEndpoint name="default"><HTTPTargetConnection><URL>http://orders.shop.svc.gke.acme.internal:8080</URL>
</HTTPTargetConnection></TargetEndpoint>"""


TARGET_SERVER = """<TargetEndpoint name="default"><HTTPTargetConnection>
<LoadBalancer><Server name="warehouse"/></LoadBalancer></HTTPTargetConnection></TargetEndpoint>"""


def with_bundle(folder: Path, name: str, endpoint: str, target: str = TARGET) -> Callable[[Declaration], None]:
    """A change that gives the proxy a bundle of its own."""
    path = bundle(folder, name, {"orders.xml": ROOT, "proxies/default.xml": endpoint, "targets/default.xml": target})

    def change(declaration: Declaration) -> None:
        declaration["proxies"] = [{"name": "orders", "bundle": path}]

    return change


def mistakes(folder: Path) -> list[Mistake]:
    """Every mistake that the issue names."""
    step = "<Step><Name>{}</Name></Step>"
    base = "<BasePath>/orders</BasePath>"

    def put(*keys: Any, value: Any) -> Callable[[Declaration], None]:
        def change(declaration: Declaration) -> None:
            inner = declaration
            for key in keys[:-1]:
                inner = inner[key]
            inner[keys[-1]] = value

        return change

    def second_proxy(declaration: Declaration) -> None:
        declaration["proxies"].append({"name": "more-orders", "base_path": "/orders", "service": "orders"})

    return [
        Mistake("misspelt key", put("regoin", value="europe-west1"), ("regoin: ", "Did you mean region?")),
        Mistake(
            "misspelt nested key", put("services", 0, "prot", value=1), ("services[orders].prot", "Did you mean port?")
        ),
        Mistake("wrong project", put("project", value="acme-shoop"), ("project: acme-shoop does not exist",)),
        Mistake("local suffix", put("domain", value="acme.local"), (".local", "domain")),
        Mistake(
            "autopilot with VPC scope",
            put("clusters", value={"gke": {"mode": "autopilot", "dns": "vpc_scope"}}),
            ("clusters.gke", "vpc_scope", "Autopilot", "additive"),
        ),
        Mistake(
            "overlapping ranges",
            put("clusters", "gke", "ranges", value={"nodes": "10.0.0.0/20", "pods": "10.0.0.0/16"}),
            ("overlap", "10.0.0.0/20", "10.0.0.0/16"),
        ),
        Mistake(
            "unknown environment",
            put("proxies", 0, "environments", value=["prdo"]),
            ("proxies[orders].environments", "prdo", "Did you mean prod?"),
        ),
        Mistake(
            "unknown service",
            put("proxies", 0, "service", value="order"),
            ("proxies[orders].service", "no service order", "Did you mean orders?"),
        ),
        Mistake("base path twice", second_proxy, ("/orders", "more-orders")),
        Mistake(
            "wrong type",
            put("services", 0, "port", value="http"),
            ("services[orders].port", "must be a whole number", "'http'"),
        ),
        Mistake(
            "missing policy",
            with_bundle(folder, "missing", ENDPOINT.format(step=step.format("Verify-Key"), base=base)),
            ("Verify-Key", "proxies/default.xml"),
        ),
        Mistake(
            "malformed XML",
            with_bundle(folder, "malformed", "<ProxyEndpoint name='default'>"),
            ("proxies/default.xml",),
        ),
        Mistake(
            "target server of nobody",
            with_bundle(folder, "elsewhere", ENDPOINT.format(step="", base=base), target=TARGET_SERVER),
            ("proxies[orders].bundle", "calls target server warehouse", "environment prod", "Declare a service"),
        ),
        Mistake("no base path", with_bundle(folder, "nobase", ENDPOINT.format(step="", base="")), ("BasePath",)),
        Mistake(
            "no credentials",
            lambda declaration: None,
            ("service_account_file",),
            {"apigee_gke_auth": {"auth_kind": "serviceaccount", "service_account_file": "/nowhere/key.json"}},
        ),
    ]


def refused(
    cloud: Cloud,
    declaration: Declaration | None,
    *arguments: str,
    words: tuple[str, ...],
    environment: dict[str, str] | None = None,
) -> None:
    """The run fails, says the words, and has written nothing."""
    before = cloud.counters()["mutating"]
    run = cloud.play("site.yml", *arguments, declaration=declaration, environment=environment, check=False)
    assert run.code != 0
    assert "Traceback" not in run.output
    # Where a line of the message ends is no part of what it says.
    said = " ".join(run.output.split())
    missing = [word for word in words if word not in said]
    assert not missing, f"the message does not say {missing}:\n{run.output[-3000:]}"
    assert cloud.counters()["mutating"] == before


def test_mistakes_are_refused_before_any_write(empty: Cloud, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for mistake in mistakes(tmp_path):
        with subtests.test(mistake=mistake.name):
            declaration = copy.deepcopy(empty.declaration())
            mistake.change(declaration)
            refused(empty, declaration, "-e", json.dumps(mistake.variables), words=mistake.words)


def test_all_mistakes_of_a_declaration_are_told_at_once(empty: Cloud) -> None:
    declaration = empty.declaration(domain="acme.local", regoin="europe-west1")
    declaration["services"][0]["port"] = 70000
    refused(empty, declaration, words=("3 problems", "Did you mean region?", "services[orders].port", "acme.local"))


def test_credentials_that_cannot_be_used(empty: Cloud, tmp_path: Path, subtests: pytest.Subtests) -> None:
    endpoints = empty.connection["endpoints"]
    with subtests.test("expired token"):
        token = empty.control("POST", "tokens", json={"lifetime": 0.01})["access_token"]
        auth = {"auth_kind": "accesstoken", "access_token": token, "endpoints": endpoints}
        refused(empty, None, "-e", variables(tmp_path, auth), words=("given as access_token", "expired"))
    with subtests.test("unreachable endpoint"):
        nowhere = dict.fromkeys(endpoints, "http://127.0.0.1:9/")
        auth = {"auth_kind": "accesstoken", "access_token": empty.token(), "endpoints": nowhere}
        refused(empty, None, "-e", variables(tmp_path, auth), words=("127.0.0.1:9", "Connection refused", "endpoints"))
    with subtests.test("no credentials at all"):
        # No key, no token, no login of gcloud, and no metadata server to ask.
        bare = {"HOME": str(tmp_path), "NO_GCE_CHECK": "true", "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible")}
        auth = {"auth_kind": "application", "endpoints": endpoints}
        words = ("credentials", "GOOGLE_APPLICATION_CREDENTIALS", "service_account_file")
        refused(empty, None, "-e", variables(tmp_path, auth), words=words, environment=bare)


def variables(folder: Path, auth: dict[str, Any]) -> str:
    """A file with the access facts, as a user writes one who keeps tokens off command lines."""
    path = folder / "access.json"
    path.write_text(json.dumps({"apigee_gke_auth": auth}))
    return f"@{path}"


def test_an_organisation_without_peering_is_refused(empty: Cloud) -> None:
    empty.google("POST", "serviceusage", "v1/projects/acme-shop/services/apigee.googleapis.com:enable", json={})
    body = {
        "runtimeType": "CLOUD",
        "billingType": "EVALUATION",
        "disableVpcPeering": True,
        "analyticsRegion": "europe-west1",
    }
    empty.google("POST", "apigee", "v1/organizations?parent=projects/acme-shop", json=body)
    refused(empty, empty.declaration(), words=("organization: acme-shop", "without VPC peering", "fix"))


def test_a_base_path_of_somebody_elses_proxy_is_refused(converged: Cloud) -> None:
    declaration = converged.declaration()
    declaration["proxies"] = [{"name": "invoices", "base_path": "/orders", "service": "orders"}]
    words = ("proxies[invoices].base_path", "/orders is served by proxy orders", "Choose another base path")
    refused(converged, declaration, words=words)


def test_a_toggled_dns_scope_is_refused(converged: Cloud) -> None:
    declaration = converged.declaration(clusters={"gke": {"dns": "additive"}})
    words = (
        "clusters.gke.dns",
        "scope of an existing cluster cannot be changed",
        "cannot be toggled",
        "dns: vpc_scope",
    )
    refused(converged, declaration, words=words)


def test_ranges_of_other_subnets_are_refused(converged: Cloud) -> None:
    subnet = {
        "name": "warehouse",
        "network": "projects/acme-shop/global/networks/shop-vpc",
        "ipCidrRange": "10.200.0.0/20",
    }
    subnets = "compute/v1/projects/acme-shop/regions/europe-west1/subnetworks"
    converged.google("POST", "compute", subnets, json=subnet)
    declaration = converged.declaration()
    declaration["clusters"]["second"] = {"dns": "additive", "ranges": {"pods": "10.200.0.0/16"}}
    declaration["services"][0]["cluster"] = "gke"
    words = ("clusters.second.ranges.pods", "10.200.0.0/16", "warehouse", "10.200.0.0/20", "address_space")
    refused(converged, declaration, words=words)
    converged.google("DELETE", "compute", f"{subnets}/warehouse")


def test_a_peered_domain_of_our_name_with_another_suffix_is_refused(converged: Cloud) -> None:
    domains = (
        f"v1/services/servicenetworking.googleapis.com/projects/{converged.connection['project_number']}"
        "/global/networks/shop-vpc/peeredDnsDomains"
    )
    domain = {"name": "apigee-gke-second", "dnsSuffix": "elsewhere.acme.internal."}
    converged.google("POST", "servicenetworking", domains, json=domain)
    declaration = converged.declaration()
    declaration["clusters"]["second"] = {"dns": "additive"}
    declaration["services"][0]["cluster"] = "gke"
    words = ("clusters.second.suffix", "peered DNS domain apigee-gke-second", "elsewhere.acme.internal.", "delete")
    refused(converged, declaration, words=words)
    converged.google("DELETE", "servicenetworking", f"{domains}/apigee-gke-second")


def test_a_suffix_with_and_without_its_final_dot_means_the_same(converged: Cloud) -> None:
    before = converged.counters()["mutating"]
    clusters = {"gke": {"dns": "vpc_scope", "suffix": "gke.acme.internal."}}
    dotted = converged.declaration(domain="acme.internal.", clusters=clusters)
    assert converged.play(declaration=dotted).changed == 0
    assert converged.counters()["mutating"] == before
