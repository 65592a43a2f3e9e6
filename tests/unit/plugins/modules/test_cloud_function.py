# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions: packed, uploaded and built when their files change, and at no other time."""

from __future__ import annotations

import io
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._function import package
from ansible_collections.gatewayops.apigee_gke.plugins.modules import cloud_function, cloud_function_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PLACE = "projects/acme-shop/locations/europe-west1"
ALL = f"v2/{PLACE}/functions"
ONE = f"{ALL}/products"
CONNECTOR = f"{PLACE}/connectors/shop"
HERE: dict[str, t.Any] = {"name": "products", "region": "europe-west1"}
FORWARD = {"FORWARD_TO": "http://products.shop.internal", "FORWARD_TIMEOUT": 8}
WANTED = {**HERE, "forwarding": True, "environment": FORWARD, "vpc_connector": "shop"}
DIGEST = package.digest(package.forwarding())
STORAGE = {"bucket": "gcf-v2-uploads", "object": "one.zip"}
LABELS = {"managed-by": "gatewayops-apigee-gke", "source-digest": DIGEST}
VARIABLES = {"FORWARD_TO": "http://products.shop.internal", "FORWARD_TIMEOUT": "8"}
BODY = {
    "environment": "GEN_2",
    "labels": LABELS,
    "buildConfig": {"runtime": "python311", "entryPoint": "forward", "source": {"storageSource": STORAGE}},
    "serviceConfig": {"environmentVariables": VARIABLES, "vpcConnector": CONNECTOR},
}
FOUND = {
    **BODY,
    "name": f"{PLACE}/functions/products",
    "state": "ACTIVE",
    "url": "https://europe-west1-acme-shop.cloudfunctions.net/products",
    "buildConfig": {**BODY["buildConfig"], "build": "projects/-/builds/1", "sourceProvenance": {"x": "y"}},
    "serviceConfig": {
        **BODY["serviceConfig"],
        "service": f"{PLACE}/services/products",
        "uri": "https://products-ew.a.run.app",
        "revision": "products-00001",
        "timeoutSeconds": 60,
        "maxInstanceRequestConcurrency": 1,
    },
}
SIGNED = {"X-Goog-Signature": "canary"}
OPERATION = {"name": f"{PLACE}/operations/o1"}


def there(**fields: t.Any) -> Script:
    script = Script()
    script.expect("GET", "cloudfunctions", ONE).replies({**FOUND, **fields})
    return script


def asked(script: Script) -> None:
    """The address that the zip goes to."""
    address = "https://storage.googleapis.com/gcf-v2-uploads/one.zip?X-Goog-Signature=canary"
    reply = {"uploadUrl": address, "storageSource": STORAGE}
    script.expect("POST", "cloudfunctions", f"{ALL}:generateUploadUrl", body={"environment": "GEN_2"}).replies(reply)


def uploads(script: Script, files: dict[str, bytes]) -> None:
    """The zip is asked for and brought."""
    asked(script)

    def holds(content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == files

    script.expect("PUT", "storage", "gcf-v2-uploads/one.zip", query=SIGNED, content=holds).replies()


def finished(script: Script, **end: t.Any) -> None:
    script.expect("GET", "cloudfunctions", f"v2/{PLACE}/operations/o1").replies({**OPERATION, "done": True, **end})


def patched(script: Script, mask: str, body: dict[str, t.Any]) -> None:
    script.expect("PATCH", "cloudfunctions", ONE, query={"updateMask": mask}, body=body).replies(OPERATION)
    finished(script)
    script.expect("GET", "cloudfunctions", ONE).replies(FOUND)


def absent() -> Script:
    script = Script()
    script.expect("GET", "cloudfunctions", ONE).refuses(404, "not found", code="NOT_FOUND")
    return script


def test_the_forwarding_function_is_uploaded_and_built() -> None:
    script = absent()
    uploads(script, package.forwarding())
    script.expect("POST", "cloudfunctions", ALL, query={"functionId": "products"}, body=BODY).replies(OPERATION)
    finished(script)
    script.expect("GET", "cloudfunctions", ONE).replies(FOUND)
    result = script.run(cloud_function, **WANTED)
    assert result["action"] == "created" and "canary" not in str(result)
    assert result["resource"]["run_service"] == f"{PLACE}/services/products"


def test_an_upload_is_repeated_when_the_connection_breaks() -> None:
    script = absent()
    asked(script)
    whole: list[bytes] = []
    for lost in (True, False):
        call = script.expect("PUT", "storage", "gcf-v2-uploads/one.zip", query=SIGNED, content=whole.append)
        call.is_lost() if lost else call.replies()
    script.expect("POST", "cloudfunctions", ALL, query={"functionId": "products"}, body=BODY).replies(OPERATION)
    finished(script)
    script.expect("GET", "cloudfunctions", ONE).replies(FOUND)
    assert script.run(cloud_function, **WANTED)["action"] == "created"
    assert whole == [package.archive(package.forwarding())] * 2


def test_a_refused_upload_does_not_show_its_signed_address() -> None:
    script = absent()
    asked(script)
    call = script.expect("PUT", "storage", "gcf-v2-uploads/one.zip", query=SIGNED, content=lambda content: None)
    call.refuses(403, "SignatureDoesNotMatch")
    result = script.run(cloud_function, fails=True, **WANTED)
    assert "SignatureDoesNotMatch" in result["msg"] and "canary" not in str(result)


def test_the_second_run_sends_nothing() -> None:
    result = there().run(cloud_function, **WANTED)
    assert not result["changed"] and result["requests"] == {"reads": 1, "writes": 0}


def test_a_variable_that_google_adds_is_nobodys_drift() -> None:
    variables = {**VARIABLES, "LOG_EXECUTION_ID": "true"}
    service = {**FOUND["serviceConfig"], "environmentVariables": variables}
    assert not there(serviceConfig=service).run(cloud_function, **WANTED)["changed"]
    script = there(serviceConfig=service)
    sent = {key: value for key, value in service.items() if key not in ("service", "uri", "revision")}
    sent["environmentVariables"] = {**variables, "LOG_EXECUTION_ID": "false", "FORWARD_TIMEOUT": "9"}
    patched(script, "serviceConfig", {"serviceConfig": sent})
    stated = {**FORWARD, "FORWARD_TIMEOUT": 9, "LOG_EXECUTION_ID": False}
    fields = [one["field"] for one in script.run(cloud_function, **{**WANTED, "environment": stated})["changes"]]
    assert sorted(fields) == ["environment.FORWARD_TIMEOUT", "environment.LOG_EXECUTION_ID"]


def test_other_variables_are_no_build() -> None:
    script = there()
    service = {**FOUND["serviceConfig"], "environmentVariables": {**VARIABLES, "FORWARD_PATHS": "/products"}}
    for name in ("service", "uri", "revision"):
        del service[name]
    patched(script, "serviceConfig", {"serviceConfig": service})
    options = {**WANTED, "environment": {**FORWARD, "FORWARD_PATHS": "/products"}}
    assert [one["field"] for one in script.run(cloud_function, **options)["changes"]] == ["environment.FORWARD_PATHS"]


def test_other_files_are_a_build(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def forward(request):\n    return 'ok'\n")
    files = {"main.py": b"def forward(request):\n    return 'ok'\n"}
    script = there()
    uploads(script, files)
    labels = {**LABELS, "source-digest": package.digest(files)}
    patched(script, "buildConfig,labels", {"buildConfig": BODY["buildConfig"], "labels": labels})
    result = script.run(cloud_function, **HERE, source=str(tmp_path))
    assert result["changes"] == [{"field": "source", "before": DIGEST, "after": package.digest(files)}]


def test_one_that_failed_is_deployed_again() -> None:
    script = there(state="FAILED", stateMessages=[{"message": "Container failed to start"}])
    uploads(script, package.forwarding())
    patched(script, "buildConfig,labels", {"buildConfig": BODY["buildConfig"], "labels": LABELS})
    assert script.run(cloud_function, **WANTED)["action"] == "updated"


def test_a_deployment_under_way_is_waited_for_and_its_failure_told() -> None:
    script = there(state="DEPLOYING")
    broken = {**FOUND, "state": "FAILED", "stateMessages": [{"message": "Container failed to start"}]}
    script.expect("GET", "cloudfunctions", ONE).replies(broken)
    assert "Container failed to start" in script.run(cloud_function, fails=True, **WANTED)["msg"]


def test_what_google_says_of_a_failed_build_is_handed_on() -> None:
    script = absent()
    uploads(script, package.forwarding())
    script.expect("POST", "cloudfunctions", ALL, query={"functionId": "products"}, body=BODY).replies(OPERATION)
    finished(script, error={"code": 3, "message": "Build failed: missing main.py"})
    assert "Build failed: missing main.py" in script.run(cloud_function, fails=True, **WANTED)["msg"]


def test_from_the_connector_to_the_network_itself() -> None:
    service = {**FOUND["serviceConfig"], "vpcConnectorEgressSettings": "ALL_TRAFFIC"}
    script = there(serviceConfig=service)
    direct = [{"network": "shop-vpc", "tags": ["f"]}]
    kept = {"environmentVariables": VARIABLES, "timeoutSeconds": 60, "maxInstanceRequestConcurrency": 1}
    body = {"serviceConfig": {**kept, "vpcConnector": "", "directVpcNetworkInterface": direct}}
    patched(script, "serviceConfig", body)
    result = script.run(cloud_function, **HERE, direct_vpc=direct)
    assert {one["field"] for one in result["changes"]} == {"vpc_connector", "direct_vpc"}


def test_threads_go_with_concurrency_and_other_variables_stay() -> None:
    script = there()
    service = {**FOUND["serviceConfig"], "availableCpu": "1", "maxInstanceRequestConcurrency": 8}
    service["environmentVariables"] = {**VARIABLES, "THREADS": "8"}
    for name in ("service", "uri", "revision"):
        del service[name]
    patched(script, "serviceConfig", {"serviceConfig": service})
    result = script.run(cloud_function, **HERE, runtime="python311", concurrency=8, cpu="1")
    assert {one["field"] for one in result["changes"]} == {"concurrency", "cpu", "environment.THREADS"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Products"}, "lower-case letters"),
        ({"vpc_connector": CONNECTOR.replace("west1", "west3")}, "connector is in europe-west3"),
        ({"vpc_connector": None, "vpc_connector_egress": "ALL_TRAFFIC"}, "without vpc_connector"),
        ({"direct_vpc_egress": "VPC_EGRESS_ALL_TRAFFIC"}, "without direct_vpc"),
        ({"vpc_connector": None, "direct_vpc": [{"tags": ["a"]}]}, "neither network nor subnetwork"),
        ({"vpc_connector": None, "direct_vpc": [{"network": "a"}, {"network": "b"}]}, "Google takes one"),
        ({"concurrency": 8}, 'state cpu: "1"'),
        ({"concurrency": 8, "cpu": "500m"}, "concurrency is 8 with cpu 500m"),
        ({"request_seconds": 3601}, "State 1 to 3600"),
        ({"min_instances": 3, "max_instances": 2}, "is more than max_instances"),
        ({"request_seconds": 8}, "Google would end the request before"),
        ({"environment": {}}, "environment: FORWARD_TO is ''"),
        ({"environment": {"FORWARD_TO": "http://169.254.169.254"}}, "metadata server"),
        ({"forwarding": None, "source": "/nowhere/at/all"}, "is no folder"),
        ({"forwarding": None, "forwarding_ca": "x"}, "without forwarding: true"),
    ],
)
def test_bad_options_are_refused_unsent(options: dict, said: str) -> None:
    stated = {name: value for name, value in {**WANTED, **options}.items() if value is not None}
    assert said in Script().run(cloud_function, fails=True, **stated)["msg"]


def test_a_new_function_needs_something_to_build() -> None:
    said = absent().run(cloud_function, fails=True, check=True, **HERE)["msg"]
    assert "State what it is to be built from" in said


def test_somebody_elses_function_stays() -> None:
    script = there(labels={"team": "others"})
    assert script.run(cloud_function, **HERE, state="absent")["action"] == "kept"


def test_reading_one_and_all() -> None:
    (one,) = there().run(cloud_function_info, **HERE)["resources"]
    script = Script()
    script.expect("GET", "cloudfunctions", ALL).replies({"functions": [FOUND]})
    assert script.run(cloud_function_info, region="europe-west1")["resources"] == [one]
    assert (one["name"], one["runtime"], one["url"]) == ("products", "python311", FOUND["url"])
