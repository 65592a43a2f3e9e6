# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site beside what others have made: their network, organisation, instance and ranges; the user's own bundle."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud

PROJECT = "projects/acme-shop"
NETWORK = "projects/123456789012/global/networks/shop-vpc"
CONNECTIONS = "v1/services/servicenetworking.googleapis.com/connections"
ORGANIZATION = "v1/organizations/acme-shop"
BUNDLE = {
    "apiproxy/legacy.xml": '<APIProxy name="legacy" revision="7"><Description>theirs</Description></APIProxy>',
    "apiproxy/policies/Mark.xml": """<AssignMessage name="Mark">
  <Set>
    <Headers>
      <Header name="X-Legacy">one</Header>
    </Headers>
  </Set>
  <AssignTo createNew="false" transport="http" type="response"/>
</AssignMessage>
""",
    "apiproxy/proxies/default.xml": """<ProxyEndpoint name="default">
  <PreFlow name="PreFlow"><Request/><Response><Step><Name>Mark</Name></Step></Response></PreFlow>
  <HTTPProxyConnection><BasePath>/legacy/v1</BasePath></HTTPProxyConnection>
  <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule>
</ProxyEndpoint>
""",
    "apiproxy/targets/default.xml": """<TargetEndpoint name="default">
  <HTTPTargetConnection><LoadBalancer><Server name="orders"/></LoadBalancer></HTTPTargetConnection>
</TargetEndpoint>
""",
}


def made(cloud: Cloud, service: str, path: str, body: dict[str, Any], **arguments: Any) -> None:
    """Make an object by a plain call, as another tool would, once what it needs is ready."""
    for attempt in range(50):
        try:
            cloud.google("POST", service, path, json=body, **arguments)
            return
        except AssertionError:
            if attempt == 49:
                raise
            time.sleep(0.2)


def what_others_made(cloud: Cloud) -> None:
    """A network with a range and a connection of its own, and an organisation with an instance in that range.

    The range lies where this collection would put its own.
    """
    for api in ("compute", "servicenetworking", "apigee", "container", "dns"):
        made(cloud, "serviceusage", f"v1/{PROJECT}/services/{api}.googleapis.com:enable", {})
    made(
        cloud, "compute", f"compute/v1/{PROJECT}/global/networks", {"name": "shop-vpc", "autoCreateSubnetworks": False}
    )
    theirs = {"name": "theirs", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "prefixLength": 16}
    place = {"address": "10.64.0.0", "network": f"{PROJECT}/global/networks/shop-vpc"}
    made(cloud, "compute", f"compute/v1/{PROJECT}/global/addresses", {**theirs, **place})
    made(cloud, "servicenetworking", CONNECTIONS, {"network": NETWORK, "reservedPeeringRanges": ["theirs"]})
    organization = {
        "name": "acme-shop",
        "analyticsRegion": "europe-west1",
        "runtimeType": "CLOUD",
        "billingType": "EVALUATION",
        "authorizedNetwork": "shop-vpc",
    }
    made(cloud, "apigee", "v1/organizations", organization, params={"parent": PROJECT})
    instance = {"name": "legacy", "location": "europe-west1", "ipRange": "10.64.4.0/22"}
    made(cloud, "apigee", f"{ORGANIZATION}/instances", instance)
    made(cloud, "apigee", f"{ORGANIZATION}/environments", {"name": "legacy"})
    made(cloud, "apigee", f"{ORGANIZATION}/instances/legacy/attachments", {"environment": "legacy"})


def write_bundle(folder: Path, **replaced: str) -> None:
    """The user's bundle as a folder, with some words replaced."""
    for name, content in BUNDLE.items():
        for word, other in replaced.items():
            content = content.replace(word, other)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def revisions(cloud: Cloud) -> list[str]:
    """Revisions of the user's proxy."""
    return cloud.google("GET", "apigee", f"{ORGANIZATION}/apis/legacy/revisions")


def exists(cloud: Cloud) -> dict[str, Any]:
    """Everything at Google but which APIs are on, which stay on."""
    return {key: value for key, value in cloud.state()["objects"].items() if "services" not in key.split("/")}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of the user's, for bundles."""
    return tmp_path


def test_a_site_beside_what_others_made(empty: Cloud, mine: Path) -> None:
    what_others_made(empty)
    before = exists(empty)
    write_bundle(mine / "legacy")
    proxy = {"name": "legacy", "bundle": str(mine / "legacy"), "service": "orders", "verify": {"path": "/x"}}
    declaration = empty.declaration(project="acme-shop", proxies=[proxy])

    preview = empty.play("site.yml", "--check", "--diff", declaration=declaration)
    first = empty.play(declaration=declaration)
    assert first.actions == preview.actions
    assert ("service_networking_connection", "shop-vpc", "updated") in first.actions
    assert not {name for kind, name, _ in first.actions if kind in ("apigee_organization", "apigee_instance")}
    (connection,) = empty.google("GET", "servicenetworking", CONNECTIONS, params={"network": NETWORK})["connections"]
    assert connection["reservedPeeringRanges"] == ["theirs", "shop-vpc-apigee"]

    # The same content as a zip, written otherwise, is the same proxy; and an environment is one line more.
    write_bundle(mine / "again", **{"\n  ": "\n      "})
    with zipfile.ZipFile(mine / "legacy.zip", "w", zipfile.ZIP_STORED) as archive:
        for name in reversed(BUNDLE):
            archive.write(mine / "again" / name, name)
    zipped = {**proxy, "bundle": str(mine / "legacy.zip"), "environments": ["prod", "stage"]}
    stage = {"hostnames": ["stage.acme.example"]}
    wider = {"environments": {**declaration["environments"], "stage": stage}, "proxies": [zipped]}
    second = empty.play(declaration={**declaration, **wider})
    assert revisions(empty) == ["1"]
    assert ("apigee_proxy", "legacy", "updated") in second.actions
    assert empty.call("https://stage.acme.example/legacy/v1/x")["status"] == 200

    # Other content is one revision more, shown by the line that differs.
    write_bundle(mine / "legacy", one="two")
    changed = {**declaration, **wider, "proxies": [{**zipped, "bundle": str(mine / "legacy")}]}
    preview = empty.play("site.yml", "--check", "--diff", declaration=changed)
    lines = {line.replace(" ", "") for line in preview.output.splitlines()}
    assert {'-<Headername="X-Legacy">one</Header>', '+<Headername="X-Legacy">two</Header>'} <= lines
    assert preview.actions == {("apigee_proxy", "legacy", "updated")}

    # What is ours goes, although the instance is not called as the declaration would have it, and the bundle is gone.
    (mine / "legacy.zip").unlink()
    empty.play("playbooks/teardown.yml", declaration={**declaration, **wider})
    assert json.dumps(exists(empty), sort_keys=True) == json.dumps(before, sort_keys=True)


def test_a_workload_that_is_not_there_is_said(empty: Cloud) -> None:
    service = {"name": "orders", "namespace": "shop", "port": 9000, "workload": "web"}
    run = empty.play(declaration=empty.declaration(project="acme-shop", services=[service]), check=False)
    assert run.code != 0
    assert "services[orders]: cluster gke has no Deployment web in namespace shop." in run.output
    assert "Deploy it and run again" in run.output


def test_nothing_but_the_environment_says_who_and_where(empty: Cloud) -> None:
    """No facts about access in the inventory: gcloud's and google.cloud's variables do, impersonation included."""
    overrides = {
        f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}": url + ("compute/v1/" if service == "compute" else "")
        for service, url in empty.connection["endpoints"].items()
    }
    environment = {
        **overrides,
        "GCP_SERVICE_ACCOUNT_FILE": empty.connection["service_account_file"],
        "GCP_IMPERSONATE_SERVICE_ACCOUNT": "deployer@acme-shop.iam.gserviceaccount.com",
    }
    declaration = empty.declaration(project="acme-shop")
    facts = {"apigee_gke_auth": {}, "apigee_gke_ingress": {"via": "none"}}
    # As at Google: who acts as another needs this API, before any playbook can enable it.
    refused = empty.play(
        "site.yml", "-e", json.dumps(facts), declaration=declaration, environment=environment, check=False
    )
    said = " ".join(refused.output.split())
    assert "the IAM Credentials API is off" in said and "gcloud services enable iamcredentials.googleapis.com" in said
    made(empty, "serviceusage", f"v1/{PROJECT}/services/iamcredentials.googleapis.com:enable", {})
    run = empty.play("site.yml", "-e", json.dumps(facts), declaration=declaration, environment=environment)
    assert {name for kind, name, _ in run.actions if kind == "Service"} == {"gke/shop/orders"}
