# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint attachments: made, waited for, and told who has to accept whom."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import clock
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_endpoint_attachment,
    apigee_endpoint_attachment_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import (
    DONE,
    OPERATION,
    ORG,
    ORGANIZATION,
    with_description,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/endpointAttachments"
ONE = f"{ALL}/orders"
SERVICE = "projects/acme-shop/regions/europe-west1/serviceAttachments/orders"
WANTED = {"name": "orders", "service_attachment": SERVICE}
OURS = with_description({**ORGANIZATION, "apigeeProjectId": "acme-tp"})
FOUND = {
    "name": "organizations/acme-shop/endpointAttachments/orders",
    "location": "europe-west1",
    "serviceAttachment": SERVICE,
    "host": "7.0.3.2",
    "state": "ACTIVE",
    "connectionState": "ACCEPTED",
}


def there(**fields: str) -> Script:
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**FOUND, **fields})
    return script


def absent() -> Script:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(OURS)
    return script


def created() -> Script:
    script = absent()
    body = {"location": "europe-west1", "serviceAttachment": SERVICE}
    query = {"endpointAttachmentId": "orders"}
    script.expect("POST", "apigee", ALL, query=query, body=body).replies(OPERATION)
    script.expect("GET", "apigee", "v1/organizations/acme-shop/operations/o1").replies(DONE)
    return script


def test_it_is_ready_once_the_producer_accepts() -> None:
    script = created()
    script.expect("GET", "apigee", ONE).replies({**FOUND, "connectionState": "UNAVAILABLE"})
    script.expect("GET", "apigee", ONE).replies({**FOUND, "connectionState": "PENDING"})
    script.expect("GET", "apigee", ONE).replies(FOUND)
    full = f"https://www.googleapis.com/compute/v1/{SERVICE}"
    result = script.run(apigee_endpoint_attachment, name="orders", service_attachment=full)
    assert result["action"] == "created"
    shown = {"host": "7.0.3.2", "connection_state": "ACCEPTED", "service_attachment": SERVICE}
    assert shown.items() <= result["resource"].items()


def test_a_producer_that_does_not_accept_is_named_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "jitter", lambda seconds: seconds)
    script = created()
    # Looks at once and after 0.2, 0.5, 1, 1.5, ... at most 10 s: these make two minutes.
    for _look in range(19):
        script.expect("GET", "apigee", ONE).replies({**FOUND, "connectionState": "PENDING"})
    result = script.run(apigee_endpoint_attachment, fails=True, **WANTED)
    assert f"service attachment {SERVICE} has not accepted project acme-tp: add it to its consumerAcceptLists" in (
        result["msg"]
    )
    assert 115 <= sum(script.slept) <= 135


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("REJECTED", "rejects project acme-tp"),
        ("CLOSED", "has closed the connection or is gone"),
        ("FROZEN", "keeps the connection of project acme-tp in this state"),
        ("NEEDS_ATTENTION", "look at it there"),
    ],
)
def test_what_will_not_be_accepted_fails_at_once(state: str, said: str) -> None:
    script = created()
    script.expect("GET", "apigee", ONE).replies({**FOUND, "connectionState": state})
    result = script.run(apigee_endpoint_attachment, fails=True, **WANTED)
    assert f"it is in state {state}" in result["msg"] and said in result["msg"] and not sum(script.slept) > 5
    script = there(connectionState=state)
    script.expect("GET", "apigee", ORG).replies(OURS)
    assert said in script.run(apigee_endpoint_attachment, fails=True, check=True, **WANTED)["msg"]


def test_nobody_has_to_accept_when_the_user_says_so() -> None:
    script = created()
    script.expect("GET", "apigee", ONE).replies({**FOUND, "connectionState": "PENDING"})
    result = script.run(apigee_endpoint_attachment, accepted=False, **WANTED)
    assert result["action"] == "created" and "without looking" in result["note"]
    assert not there(connectionState="REJECTED").run(apigee_endpoint_attachment, accepted=False, **WANTED)["changed"]


def test_nothing_changes_in_place() -> None:
    assert not there().run(apigee_endpoint_attachment, **WANTED)["changed"]
    other = SERVICE.replace("orders", "invoices")
    said = there().run(apigee_endpoint_attachment, fails=True, name="orders", service_attachment=other)["msg"]
    assert "service_attachment cannot be changed in place" in said and "allow_recreate" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "O"}, "2 to 32 lower-case"),
        ({"service_attachment": "orders"}, "Write projects/PROJECT/regions/REGION"),
        ({"location": "us-east1"}, "the service attachment is in europe-west1"),
    ],
)
def test_bad_options_are_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_endpoint_attachment, fails=True, **{**WANTED, **options})["msg"]


def test_a_hybrid_organization_has_none() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies({"name": "acme-shop", "runtimeType": "HYBRID"})
    said = script.run(apigee_endpoint_attachment, fails=True, check=True, **WANTED)["msg"]
    assert "manages no endpoint attachment for it" in said and "name that host" in said


def test_only_ours_goes() -> None:
    assert there().run(apigee_endpoint_attachment, name="orders", state="absent")["action"] == "kept"
    script = there()
    script.records.hold("apigee_endpoint_attachment", "orders")
    script.expect("DELETE", "apigee", ONE).replies(DONE)
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    assert script.run(apigee_endpoint_attachment, name="orders", state="absent")["action"] == "deleted"
    assert script.records.held == {}


def test_reading_one_and_all() -> None:
    (one,) = there().run(apigee_endpoint_attachment_info, name="orders")["resources"]
    script = Script()
    script.expect("GET", "apigee", ALL).replies({"endpointAttachments": [FOUND]})
    assert script.run(apigee_endpoint_attachment_info)["resources"] == [one]
    assert (one["name"], one["host"], one["location"]) == ("orders", "7.0.3.2", "europe-west1")
