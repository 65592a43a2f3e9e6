# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a removal looks for in a cluster does not depend on what the declaration asks for now."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import client, definitions, leftovers
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import ownership, policies
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._declaration.declarations import (
    SHOP,
    site_of,
)

UNPUBLISH = Path(__file__).resolve().parents[5] / "playbooks" / "tasks" / "unpublish.yml"
MUTUAL = site_of({**SHOP, "tls": {"client_certificate": True}})


def key(entry: dict) -> tuple[str, str, str]:
    return entry["kind"], entry["metadata"].get("namespace", ""), entry["metadata"]["name"]


@pytest.mark.parametrize("tls", [False, True, {"enabled": False}, {"client_certificate": True}])
def test_all_that_mutual_tls_made_is_looked_for_whatever_is_declared_now(tls: object) -> None:
    made = [
        *policies.definitions(MUTUAL["services"]),
        *definitions.certificates(MUTUAL["services"]),
        *client.issued(MUTUAL["client_certificate"]),
        *(one for one in client.believed(MUTUAL["client_certificate"], "shop") if one["kind"] != "Namespace"),
    ]
    assert {one["kind"] for one in made} == {"NetworkPolicy", "Certificate", "ConfigMap", "Namespace"}
    found = leftovers.of_services(site_of({**SHOP, "tls": tls})["services"])
    assert {key(one) for one in ownership.identities(made)} == {key(one) for one in found if key(one) != STRAY}
    assert len(found) == len({key(one) for one in found})


# Where an Issuer of a namespace would have issued Apigee's certificate.
STRAY = ("Certificate", "shop", "apigee-client")


def test_a_certificate_of_an_issuer_of_a_namespace_is_looked_for_there() -> None:
    declared = {"client_certificate": True, "issuer": {"name": "corp", "kind": "Issuer"}}
    issued = client.issued(site_of({**SHOP, "tls": declared})["client_certificate"])
    assert key(issued[-1]) == STRAY
    assert STRAY in {key(one) for one in leftovers.of_services(site_of(SHOP)["services"])}


def test_a_cluster_without_services_has_only_the_place_of_the_client_certificate() -> None:
    names = [key(one) for one in leftovers.of_services([])]
    assert names == [("Namespace", "", "apigee-gke"), ("Certificate", "apigee-gke", "apigee-client")]


def test_what_others_in_the_cluster_need_is_left() -> None:
    services = site_of(SHOP)["services"]
    alone = [key(one) for one in leftovers.of_services(services)]
    client_certificates = {entry for entry in alone if entry[2] in ("apigee-client", "apigee-gke")}
    believed = ("ConfigMap", "shop", "apigee-client-ca")
    assert len(client_certificates) == 3 and believed in alone
    elsewhere = leftovers.of_services(services, [{"kind": "Pod", "namespace": "depot", "name": "a"}])
    assert set(alone) - {key(one) for one in elsewhere} == client_certificates
    beside = leftovers.of_services(services, [{"kind": "Pod", "namespace": "shop", "name": "a"}])
    assert set(alone) - {key(one) for one in beside} == {*client_certificates, believed}


def test_the_removal_from_a_cluster_that_stays_asks_who_else_is_there_and_not_whether_there_is_tls_now() -> None:
    others, *tasks = yaml.safe_load(UNPUBLISH.read_text(encoding="utf-8"))
    assert others["gatewayops.apigee_gke.tls_users_info"] and "when" not in others
    roles = [task["ansible.builtin.include_role"]["name"].rsplit(".", 1)[1] for task in tasks]
    assert roles == ["tls_sidecar_webhook", "_kubernetes", "cert_manager"]
    nobody_else = "apigee_gke_others.users | length == 0"
    assert [task.get("when") for task in tasks] == [nobody_else, None, nobody_else]
