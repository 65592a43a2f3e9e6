# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import iam_service_account, iam_service_account_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import MARK
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = "v1/projects/acme-shop/serviceAccounts"
EMAIL = "shop-gateway@acme-shop.iam.gserviceaccount.com"
ONE = f"{ALL}/{EMAIL}"
ACCOUNT = {
    "name": f"projects/acme-shop/serviceAccounts/{EMAIL}",
    "projectId": "acme-shop",
    "uniqueId": "1001",
    "email": EMAIL,
    "displayName": "Gateway",
    "description": f"calls the function {MARK}",
}
OPTIONS = {"name": "shop-gateway", "display_name": "Gateway", "description": "calls the function"}


def test_create_with_our_mark() -> None:
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    account = {"displayName": "Gateway", "description": f"calls the function {MARK}"}
    body = {"accountId": "shop-gateway", "serviceAccount": account}
    script.expect("POST", "iam", ALL, body=body).replies(ACCOUNT)
    # A new account is not visible everywhere at once.
    script.expect("GET", "iam", ONE).refuses(404)
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    result = script.run(iam_service_account, **OPTIONS)
    assert result["action"] == "created" and result["resource"]["unique_id"] == "1001"
    assert result["resource"]["description"] == "calls the function"


@pytest.mark.parametrize(("stated", "called"), [({}, "At first"), ({"display_name": "Gateway"}, "Gateway")])
def test_a_first_name_is_for_a_new_account_alone(stated: dict, called: str) -> None:
    options = {"name": "shop-gateway", "initial_display_name": "At first", **stated}
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    body = {"accountId": "shop-gateway", "serviceAccount": {"displayName": called, "description": MARK}}
    script.expect("POST", "iam", ALL, body=body).replies(ACCOUNT)
    script.expect("GET", "iam", ONE).replies({**ACCOUNT, "displayName": called})
    assert script.run(iam_service_account, **options)["resource"]["display_name"] == called
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    assert script.run(iam_service_account, check=True, **options)["resource"]["display_name"] == called
    if not stated:
        script = Script()
        script.expect("GET", "iam", ONE).replies({**ACCOUNT, "displayName": "Theirs"})
        assert not script.run(iam_service_account, **options)["changed"]


def test_check_mode_tells_the_address() -> None:
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    predicted = script.run(iam_service_account, check=True, **OPTIONS)
    script = Script()
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    found = script.run(iam_service_account, **OPTIONS)
    assert predicted["changed"] and not found["changed"]
    assert predicted["resource"].keys() == found["resource"].keys()
    assert predicted["resource"]["email"] == found["resource"]["email"] == EMAIL


def test_somebody_elses_create_in_between_is_compared() -> None:
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    account = {"displayName": "Gateway", "description": f"calls the function {MARK}"}
    body = {"accountId": "shop-gateway", "serviceAccount": account}
    script.expect("POST", "iam", ALL, body=body).refuses(409, "exists", code="ALREADY_EXISTS")
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    assert script.run(iam_service_account, **OPTIONS)["action"] == "unchanged"


@pytest.mark.parametrize(
    ("found", "description"),
    [(f"old {MARK}", f"calls the function {MARK}"), ("somebody's", "calls the function")],
    ids=["ours", "somebody else's"],
)
def test_only_what_differs_is_sent(found: str, description: str) -> None:
    script = Script()
    script.expect("GET", "iam", ONE).replies({**ACCOUNT, "description": found})
    body = {"serviceAccount": {"description": description}, "updateMask": "description"}
    script.expect("PATCH", "iam", ONE, body=body).replies(ACCOUNT)
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    result = script.run(iam_service_account, **OPTIONS)
    assert [change["field"] for change in result["changes"]] == ["description"]


def test_a_name_alone_manages_nothing_else() -> None:
    script = Script()
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    assert not script.run(iam_service_account, name="shop-gateway")["changed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": EMAIL}, "State what stands before the @"),
        ({"name": "short"}, "6 to 30"),
        ({"name": "shop-gateway", "display_name": "ä" * 51}, "display_name has 102 bytes. State at most 100"),
        ({"name": "shop-gateway", "description": "x" * 240}, "description has 240 bytes"),
    ],
)
def test_refused_without_a_request(options: dict[str, str], message: str) -> None:
    assert message in Script().run(iam_service_account, fails=True, **options)["msg"]


def test_delete_only_what_is_ours() -> None:
    script = Script()
    script.expect("GET", "iam", ONE).replies(ACCOUNT)
    script.expect("DELETE", "iam", ONE).replies({})
    assert script.run(iam_service_account, name="shop-gateway", state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "iam", ONE).replies({**ACCOUNT, "description": "somebody's"})
    assert script.run(iam_service_account, name="shop-gateway", state="absent")["action"] == "kept"


@pytest.mark.parametrize(
    ("project", "project_id", "domain"),
    [("123456789012", "acme-shop", "acme-shop"), ("acme.example:shop", "", "shop.acme.example")],
)
def test_the_address_is_made_from_the_projects_id(project: str, project_id: str, domain: str) -> None:
    script = Script()
    if project_id:
        found = {"name": f"projects/{project}", "projectId": project_id}
        script.expect("GET", "cloudresourcemanager", f"v3/projects/{project}").replies(found)
    email = f"shop-gateway@{domain}.iam.gserviceaccount.com"
    path = f"v1/projects/{project}/serviceAccounts/{email}"
    script.expect("GET", "iam", path).replies({**ACCOUNT, "email": email})
    assert script.run(iam_service_account, project=project, **OPTIONS)["resource"]["email"] == email


def test_info() -> None:
    email = "123-compute@developer.gserviceaccount.com"
    google = {**ACCOUNT, "name": f"projects/acme-shop/serviceAccounts/{email}", "email": email}
    script = Script()
    script.expect("GET", "iam", ALL).replies({"accounts": [ACCOUNT], "nextPageToken": "2"})
    script.expect("GET", "iam", ALL, query={"pageToken": "2"}).replies({"accounts": [google]})
    found = script.run(iam_service_account_info)["resources"]
    assert [one["name"] for one in found] == ["shop-gateway", google["email"]]
    for name in ("shop-gateway", EMAIL):
        script = Script()
        script.expect("GET", "iam", ONE).replies(ACCOUNT)
        assert script.run(iam_service_account_info, name=name)["resources"] == found[:1]
    script = Script()
    script.expect("GET", "iam", ONE).refuses(404)
    assert script.run(iam_service_account_info, name="shop-gateway")["resources"] == []
