# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several declarations of private services in one project, against the emulator: whose is a name, an account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render

from tests.testbed.emulated_cloud import Cloud

APIS = ("compute", "container", "dns", "iam", "apikeys", "cloudfunctions", "run", "vpcaccess")
GATEWAY_APIS = ("apigateway", "servicemanagement", "servicecontrol")
ROOT = Path(__file__).resolve().parents[2]
HERE, FAR = "europe-west1", "us-east1"
PLACE = {"network": "shop-vpc", "region": FAR}
FUNCTION: dict[str, t.Any] = {"kind": "cloud_function", "region": FAR, "forwarding": True, "name": "shop-forward"}


@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    """A project with a network that has subnets in two regions."""
    cloud.control("reset", "POST")
    near = {"network": "shop-vpc", "region": HERE, "name": "shop-vpc-gke", "ip_cidr_range": "10.68.0.0/24"}
    cloud.run(
        [
            {"kind": "project_services", "services": [*APIS, *GATEWAY_APIS]},
            {"kind": "compute_network", "name": "shop-vpc"},
            {"kind": "compute_subnetwork", **near},
            {"kind": "compute_subnetwork", **PLACE, "name": "us", "ip_cidr_range": "10.9.8.0/24"},
        ]
    )
    return cloud


def project(cloud: Cloud) -> str:
    return str(cloud.connection["project"])


def declaration(cloud: Cloud) -> dict[str, t.Any]:
    gateway = {"name": "shop", "routes": [{"path": "/products", "methods": ["get"]}], "keys": {"partner": {}}}
    return {
        "project": project(cloud),
        "region": HERE,
        "network": "shop-vpc",
        "clusters": {"gke": {}},
        "services": [{"name": "shop-api", "port": 3000}],
        "gateway": gateway,
    }


def preflight(cloud: Cloud, **how: t.Any) -> dict[str, t.Any]:
    before = cloud.writes()
    found = cloud.module("api_gateway_preflight", declaration=declaration(cloud), **how)
    assert cloud.writes() == before
    return found


def tear_down(cloud: Cloud, folder: Path, *confirmed: str, fails: bool = False) -> str:
    """What the playbook says, in one line."""
    access = {**cloud.access, "auth_kind": "serviceaccount"}
    stated = {"api_gateway_gke": declaration(cloud), "apigee_gke_auth": access}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    command += ["-e", json.dumps(stated), "-e", f"ansible_python_interpreter={sys.executable}"]
    for one in confirmed:
        command += ["-e", one]
    extra = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(folder)}
    done = subprocess.run(
        [*command, "playbooks/api_gateway_teardown.yml"],
        env={**os.environ, **extra},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return " ".join(done.stdout.replace("\\n", " ").split())


def address(region: str, subnetwork: str, text: str) -> dict[str, t.Any]:
    where = {"name": "shop-api", "region": region, "subnetwork": subnetwork}
    return {"kind": "compute_address", **where, "address_type": "INTERNAL", "address": text}


def record(cloud: Cloud, text: str) -> list[dict[str, t.Any]]:
    name, domain = f"{project(cloud)}-internal", f"{project(cloud)}.internal."
    return [
        {"kind": "dns_managed_zone", "name": name, "dns_name": domain, "networks": ["shop-vpc"]},
        {
            "kind": "dns_record_set",
            "managed_zone": name,
            "name": f"shop-api.{domain}",
            "type": "A",
            "rrdatas": [text],
        },
    ]


def test_a_private_name_of_another_declaration_is_not_taken(cloud: Cloud) -> None:
    cloud.run([address(FAR, "us", "10.9.8.5"), *record(cloud, "10.9.8.5")])
    (problem,) = preflight(cloud, fails=True)["problems"]
    assert problem["path"] == "services[shop-api]" and "10.9.8.5" in problem["found"]
    assert "us in us-east1" in problem["found"] and "another domain" in problem["fix"]
    # A removal leaves it.
    found = preflight(cloud, judge=False)
    assert [one["host"] for one in found["site"]["services"]] == [""]
    assert "leads to 10.9.8.5" in str(found["warnings"])
    # Our own address, and one that nobody has any more, are no reason.
    cloud.run(record(cloud, "10.9.8.77"))
    assert preflight(cloud)["site"]["services"][0]["host"] == f"shop-api.{project(cloud)}.internal"
    cloud.run([address(HERE, "shop-vpc-gke", "10.68.0.5"), *record(cloud, "10.68.0.5")])
    assert preflight(cloud) and preflight(cloud, judge=False)["site"]["services"][0]["host"]


def test_an_account_as_which_others_run_stays(cloud: Cloud) -> None:
    own = {"shop-gateway", "shop-api-forward"}

    def removed(found: dict[str, t.Any]) -> set[str]:
        return {one["name"] for one in found["resources"] if one["kind"] == "iam_service_account"}

    assert removed(preflight(cloud, judge=False)) == own
    emails = {name: f"{name}@{project(cloud)}.iam.gserviceaccount.com" for name in own}
    route = {"path": "/a", "methods": ["get"]}
    document = render.render({"title": "b", "backend": {"address": "https://b.example"}, "routes": [route]})
    cloud.run([{"kind": "iam_service_account", "name": name} for name in own])
    config = {"kind": "api_gateway_config", "openapi": document, "gateway_service_account": emails["shop-gateway"]}
    # What goes with the declaration keeps nothing.
    mine = {**FUNCTION, "region": HERE, "name": "shop-api-forward", "service_account": emails["shop-api-forward"]}
    environment = {"FORWARD_TO": f"http://shop-api.{project(cloud)}.internal"}
    cloud.run([{"kind": "api_gateway_api", "name": "shop"}, {**config, "api": "shop"}])
    cloud.run([{**mine, "environment": environment}])
    assert removed(preflight(cloud, judge=False)) == own
    theirs = {**FUNCTION, "service_account": emails["shop-api-forward"], "environment": environment}
    cloud.run([theirs])
    found = preflight(cloud, judge=False)
    assert removed(found) == {"shop-gateway"} and found["shared"]["accounts"] == ["shop-api-forward"]
    assert "function shop-forward in us-east1 runs as it" in str(found["warnings"])
    cloud.run([{"kind": "api_gateway_api", "name": "other"}, {**config, "api": "other"}])
    found = preflight(cloud, judge=False)
    assert removed(found) == set() and "of API other runs as it" in str(found["warnings"])


def test_accounts_stay_where_nobody_may_look(cloud: Cloud) -> None:
    method = "cloudfunctions.projects.locations.functions.list"
    cloud.control("faults", "POST", {"match": method, "kind": "status", "status": 403, "times": 5})
    # What only warns stops nothing.
    assert preflight(cloud)["site"]
    found = preflight(cloud, judge=False)
    assert found["shared"]["accounts"] == ["shop-api-forward", "shop-gateway"]
    assert "functions may not be listed" in str(found["warnings"])


def test_what_was_renamed_is_named(cloud: Cloud) -> None:
    openapi = render.render(
        {
            "title": "shop",
            "backend": {"address": "https://b.example"},
            "routes": [{"path": "/a", "methods": ["get"]}],
        }
    )
    config = {"kind": "api_gateway_config", "name": "one", "api": "shop", "openapi": openapi}
    email = f"before@{project(cloud)}.iam.gserviceaccount.com"
    gateway = {"kind": "api_gateway_gateway", "region": HERE, "api": "shop", "config": "one"}
    environment = {"FORWARD_TO": f"http://shop-api.{project(cloud)}.internal:80"}
    cloud.run(
        [
            {"kind": "iam_service_account", "name": "before"},
            {"kind": "api_gateway_api", "name": "shop"},
            {**config, "gateway_service_account": email},
            {**gateway, "name": "shop"},
            {**FUNCTION, "name": "shop-api-forward", "region": HERE, "environment": environment},
        ]
    )
    assert not preflight(cloud).get("warnings")
    cloud.run(
        [
            {**gateway, "name": "before"},
            {**FUNCTION, "name": "before", "region": HERE, "environment": environment},
            {**FUNCTION, "name": "elsewhere", "region": HERE, "environment": {"FORWARD_TO": "http://a.example"}},
        ]
    )
    said = [str(one) for one in preflight(cloud)["warnings"]]
    assert len(said) == 2 and "Gateway before in europe-west1" in said[0] and "Function before" in said[1]
    assert not preflight(cloud, judge=False).get("warnings")


def test_a_network_that_a_site_of_apigee_uses_is_said(cloud: Cloud) -> None:
    assert preflight(cloud, judge=False)["shared"] == {"accounts": [], "ranges": []}
    reserved = {"name": "apigee", "network": "shop-vpc", "purpose": "VPC_PEERING", "address_type": "INTERNAL"}
    cloud.run([{"kind": "compute_global_address", **reserved, "address": "10.1.0.0", "prefix_length": 22}])
    found = preflight(cloud, judge=False)
    assert found["shared"]["ranges"] == ["apigee"]
    assert "clusters gke stay" in str(found["warnings"])


def networks(cloud: Cloud) -> list[str]:
    """Network and subnets that are there."""
    return sorted(
        one["name"]
        for kind in ("compute_network", "compute_subnetwork")
        for one in cloud.module(f"{kind}_info", **({} if kind == "compute_network" else {"region": HERE}))["resources"]
    )


def test_a_teardown_leaves_what_others_use(cloud: Cloud, tmp_path: Path) -> None:
    confirmed = f"api_gateway_gke_teardown={project(cloud)}"
    reserved = {"name": "apigee", "network": "shop-vpc", "purpose": "VPC_PEERING", "address_type": "INTERNAL"}
    reserved = {"kind": "compute_global_address", **reserved, "address": "10.1.0.0", "prefix_length": 22}
    accounts = [{"kind": "iam_service_account", "name": name} for name in ("shop-gateway", "shop-api-forward")]
    user = {**FUNCTION, "service_account": f"shop-api-forward@{project(cloud)}.iam.gserviceaccount.com"}
    user["environment"] = {"FORWARD_TO": "http://a.example"}
    cloud.run([*accounts, user])
    cloud.run([reserved])
    before = networks(cloud)
    assert before == ["shop-vpc", "shop-vpc-gke"]
    said = tear_down(cloud, tmp_path, "api_gateway_gke_teardown_clusters=true", fails=True)
    assert "clusters gke would go" in said and networks(cloud) == before
    tear_down(cloud, tmp_path, confirmed)
    assert networks(cloud) == before
    left = {one["name"] for one in cloud.module("iam_service_account_info")["resources"]}
    assert "shop-api-forward" in left and "shop-gateway" not in left
