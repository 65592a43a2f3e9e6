# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import project_services
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import finished
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PATH = "v1/projects/acme-shop/services"


def looks(script: Script, states: dict[str, str]) -> None:
    names = [f"projects/acme-shop/services/{name}.googleapis.com" for name in states]
    script.expect(
        "GET", "serviceusage", f"{PATH}:batchGet", query={"names": names if len(names) > 1 else names[0]}
    ).replies(
        {
            "services": [
                {"name": f"projects/123456789012/services/{name}.googleapis.com", "state": state}
                for name, state in states.items()
            ]
        }
    )


def enables(script: Script, names: list[str]) -> None:
    body = {"serviceIds": [f"{name}.googleapis.com" for name in names]}
    script.expect("POST", "serviceusage", f"{PATH}:batchEnable", body=body).replies(
        finished("operations/noop.DONE_OPERATION")
    )


def test_enables_what_is_missing() -> None:
    script = Script()
    looks(script, {"compute": "ENABLED", "apigee": "DISABLED"})
    enables(script, ["apigee"])
    looks(script, {"compute": "ENABLED", "apigee": "ENABLED"})
    result = script.run(project_services, services=["compute", "apigee.googleapis.com"])
    assert result["action"] == "updated" and result["requests"]["writes"] == 1


def test_no_change() -> None:
    script = Script()
    looks(script, {"compute": "ENABLED"})
    assert not script.run(project_services, services=["compute.googleapis.com"])["changed"]


def test_twenty_at_a_time() -> None:
    names = [f"service{number:02}" for number in range(25)]
    script = Script()
    looks(script, dict.fromkeys(names, "DISABLED"))
    enables(script, names[:20])
    enables(script, names[20:])
    looks(script, dict.fromkeys(names, "ENABLED"))
    assert script.run(project_services, services=names)["action"] == "created"


def test_absent_disables_only_what_is_named_and_enabled() -> None:
    script = Script()
    looks(script, {"apigee": "ENABLED", "dns": "DISABLED"})
    script.expect(
        "POST",
        "serviceusage",
        f"{PATH}/apigee.googleapis.com:disable",
        body={"disableDependentServices": False},
    ).replies(finished())
    assert script.run(project_services, services=["apigee", "dns"], state="absent")["action"] == "deleted"


def test_check_mode_names_what_is_missing() -> None:
    script = Script()
    looks(script, {"compute": "ENABLED", "apigee": "DISABLED"})
    result = script.run(project_services, check=True, services=["compute", "apigee"])
    assert result["changed"] and result["changes"][0]["field"] == "services"


def test_denied() -> None:
    script = Script()
    script.expect(
        "GET", "serviceusage", f"{PATH}:batchGet", query={"names": "projects/acme-shop/services/x.googleapis.com"}
    ).refuses(403, "Permission denied to get service", code="PERMISSION_DENIED")
    assert "services of project acme-shop" in script.run(project_services, fails=True, services=["x"])["msg"]
