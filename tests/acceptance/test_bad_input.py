# Copyright: (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is refused before anything is written, in words that name field, value and remedy."""

from __future__ import annotations

import copy
import io
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


def with_bundle(folder: Path, name: str, endpoint: str, root: str = ROOT) -> Callable[[Declaration], None]:
    """A change that gives the proxy a bundle of its own."""
    path = bundle(folder, name, {"orders.xml": root, "proxies/default.xml": endpoint, "targets/default.xml": TARGET})

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
        Mistake("misspelt key", put("regoin", value="europe-west1"), ("regoin", "region")),
        Mistake("misspelt nested key", put("services", 0, "prot", value=1), ("services[0].prot", "port")),
        Mistake("wrong project", put("project", value="acme-shoop"), ("project", "acme-shoop")),
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
            "unknown environment", put("proxies", 0, "environments", value=["prdo"]), ("proxies[0]", "prdo", "prod")
        ),
        Mistake("unknown service", put("proxies", 0, "service", value="order"), ("proxies[0].service", "order")),
        Mistake("base path twice", second_proxy, ("/orders", "more-orders")),
        Mistake("wrong type", put("services", 0, "port", value="http"), ("services[0].port", "http")),
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
        Mistake("no base path", with_bundle(folder, "nobase", ENDPOINT.format(step="", base="")), ("BasePath",)),
        Mistake(
            "no credentials",
            lambda declaration: None,
            ("service_account_file",),
            {"apigee_gke_auth": {"auth_kind": "serviceaccount", "service_account_file": "/nowhere/key.json"}},
        ),
    ]


def refused(cloud: Cloud, declaration: Declaration, *arguments: str, words: tuple[str, ...]) -> None:
    """The run fails, says the words, and has written nothing."""
    before = cloud.counters()["mutating"]
    run = cloud.play("site.yml", *arguments, declaration=declaration, check=False)
    assert run.code != 0
    assert "Traceback" not in run.output
    missing = [word for word in words if word not in run.output]
    assert not missing, f"the message does not say {missing}:\n{run.output[-3000:]}"
    assert cloud.counters()["mutating"] == before


def test_mistakes_are_refused_before_any_write(empty: Cloud, tmp_path: Path, subtests: pytest.Subtests) -> None:
    import json

    for mistake in mistakes(tmp_path):
        with subtests.test(mistake=mistake.name):
            declaration = copy.deepcopy(empty.declaration())
            mistake.change(declaration)
            refused(empty, declaration, "-e", json.dumps(mistake.variables), words=mistake.words)


def test_an_expired_token_and_an_unreachable_endpoint(empty: Cloud) -> None:
    import json

    token = empty.control("POST", "tokens", json={"lifetime": 0.01})["access_token"]
    endpoints = empty.connection["endpoints"]
    auth = {"auth_kind": "accesstoken", "access_token": token, "endpoints": endpoints}
    refused(empty, empty.declaration(), "-e", json.dumps({"apigee_gke_auth": auth}), words=("token", "access_token"))
    nowhere = dict.fromkeys(endpoints, "http://127.0.0.1:9/")
    auth = {"auth_kind": "accesstoken", "access_token": empty.token(), "endpoints": nowhere}
    refused(empty, empty.declaration(), "-e", json.dumps({"apigee_gke_auth": auth}), words=("127.0.0.1:9", "endpoints"))


def test_an_organisation_without_peering_is_refused(empty: Cloud) -> None:
    empty.google("POST", "serviceusage", "v1/projects/acme-shop/services/apigee.googleapis.com:enable", json={})
    body = {
        "runtimeType": "CLOUD",
        "billingType": "EVALUATION",
        "disableVpcPeering": True,
        "analyticsRegion": "europe-west1",
    }
    empty.google("POST", "apigee", "v1/organizations?parent=projects/acme-shop", json=body)
    refused(empty, empty.declaration(), words=("organization", "peering"))


def test_a_base_path_of_somebody_elses_proxy_is_refused(converged: Cloud) -> None:
    declaration = converged.declaration()
    declaration["proxies"] = [{"name": "invoices", "base_path": "/orders", "service": "orders"}]
    refused(converged, declaration, words=("/orders", "invoices", "proxy orders"))


def test_a_toggled_dns_scope_is_refused(converged: Cloud) -> None:
    declaration = converged.declaration(clusters={"gke": {"dns": "additive"}})
    refused(converged, declaration, words=("clusters.gke", "additive"))


def test_a_suffix_without_its_final_dot_means_the_same(converged: Cloud) -> None:
    declaration = converged.declaration()
    declaration["domain"] = declaration["domain"].rstrip(".") + "."
    assert converged.play(declaration=declaration).changed == 0
