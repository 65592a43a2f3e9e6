# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a preflight asks and stops, which is the same for all of them; Google is scripted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import retries
from ansible_collections.gatewayops.apigee_gke.plugins.modules import ingress_preflight
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Expectation, Script

DECLARATION = {
    "project": "acme-shop",
    "region": "europe-west1",
    "network": "shop-vpc",
    "domain": "acme.internal",
    "clusters": {"gke": {"dns": "vpc_scope"}},
    "services": [{"name": "products", "port": 8080}],
    "ingress": {"name": "shop", "certificate": {"secret": "shop-tls"}},
    "apigee_source_ranges": ["198.51.100.0/28"],
}
PROJECT = {"name": "projects/123456789012", "projectId": "acme-shop", "state": "ACTIVE"}


def asked(script: Script) -> dict[str, Expectation]:
    """What it reads of a network, each with an answer that says of nothing."""
    paths = {
        "project": ("cloudresourcemanager", "v3/projects/acme-shop", PROJECT),
        "clusters": ("container", "v1/projects/acme-shop/locations/-/clusters", {}),
        "addresses": ("compute", "compute/v1/projects/acme-shop/global/addresses", {}),
        "subnets": ("compute", "compute/v1/projects/acme-shop/regions/europe-west1/subnetworks", {}),
    }
    with script.together():
        return {
            name: script.expect("GET", service, path).replies(answer) for name, (service, path, answer) in paths.items()
        }


def run(script: Script, **options: t.Any) -> dict[str, t.Any]:
    return script.run(ingress_preflight, declaration=DECLARATION, **options)


def test_what_can_be_known_without_google_is_said_without_asking() -> None:
    wrong = {**DECLARATION, "servises": [], "region": "Europe"}
    result = Script().run(ingress_preflight, declaration=wrong, fails=True)
    assert result["requests"] == {"reads": 0, "writes": 0}
    assert result["msg"].startswith("The declaration cannot be made true. Nothing has been changed. (2 problems)")
    assert sorted(one["path"] for one in result["problems"]) == ["region", "servises"]


def test_of_a_project_that_is_not_there_nothing_else_is_said() -> None:
    script = Script()
    reads = asked(script)
    reads["project"].refuses(403, "caller does not have permission", "PERMISSION_DENIED")
    reads["clusters"].refuses(403, "caller does not have permission", "PERMISSION_DENIED")
    result = run(script, fails=True)
    assert [one["path"] for one in result["problems"]] == ["project"]
    assert result["requests"] == {"reads": 4, "writes": 0}


@pytest.mark.parametrize("judge", [True, False])
def test_what_may_not_be_read_stops_a_run_and_no_removal(judge: bool) -> None:
    script = Script()
    asked(script)["subnets"].refuses(403, "Required 'compute.subnetworks.list' permission", reason="forbidden")
    result = run(script, judge=judge, fails=judge)
    if judge:
        assert result["msg"].startswith("What exists could not be read. Nothing has been changed. (one problem)")
        assert "compute.subnetworks.list" in result["msg"] and result["requests"]["reads"] == 4
    else:
        assert result["site"]["project_number"] == "123456789012"


@pytest.mark.parametrize("judge", [True, False])
def test_no_run_and_no_removal_goes_on_when_google_is_out_of_reach(judge: bool) -> None:
    script = Script()
    lost = asked(script)["addresses"].is_lost()
    # Each read is tried so often.
    script.expectations += [lost] * (retries.ATTEMPTS - 1)
    result = run(script, judge=judge, fails=True)
    assert result["msg"].startswith("What exists could not be read.") and "compute.googleapis.com" in result["msg"]
