# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_resource_file import (
    ApigeeResourceFile,
)
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_resource_file, apigee_resource_file_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ENVIRONMENT = f"{ORG}/environments/prod"
ALL = f"{ENVIRONMENT}/resourcefiles"
ONE = f"{ALL}/properties/limits"
CONTENT = "token=canary-content\n"
WANTED = {"environment": "prod", "type": "properties", "name": "limits"}


def digest(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return "sha256:" + hashlib.sha256(data).hexdigest()


def holds(script: Script, content: bytes, path: str = ONE) -> None:
    script.expect("GET", "apigee", path).replies().raw = content


def uploaded(content: bytes) -> t.Callable[[bytes], None]:
    def check(data: bytes) -> None:
        assert data == content

    return check


def never_shown(result: dict) -> dict:
    assert "canary-content" not in json.dumps(result, default=str)
    return result


def test_create() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    query = {"name": "limits", "type": "properties"}
    script.expect("POST", "apigee", ALL, query=query, content=uploaded(CONTENT.encode())).replies(query)
    holds(script, CONTENT.encode())
    result = never_shown(script.run(apigee_resource_file, **WANTED, content=CONTENT))
    assert result["action"] == "created"
    assert (result["resource"]["digest"], result["resource"]["size"]) == (digest(CONTENT), len(CONTENT))
    assert result["diff"][0]["after"] == {"digest": digest(CONTENT), "size": len(CONTENT)}


def test_equal_content_is_no_change_however_it_is_stated(tmp_path: t.Any) -> None:
    file = tmp_path / "limits.properties"
    file.write_text(CONTENT)
    encoded = base64.b64encode(CONTENT.encode()).decode()
    for stated in ({"content": CONTENT}, {"content_base64": encoded}, {"src": str(file)}):
        script = Script()
        holds(script, CONTENT.encode())
        assert not never_shown(script.run(apigee_resource_file, **WANTED, **stated))["changed"]


def test_other_content_replaces_it() -> None:
    script = Script()
    holds(script, b"\x00old")
    script.expect("PUT", "apigee", ONE, content=uploaded(CONTENT.encode())).replies({})
    holds(script, CONTENT.encode())
    result = never_shown(script.run(apigee_resource_file, **WANTED, content=CONTENT))
    assert result["changes"] == [{"field": "digest", "before": digest(b"\x00old"), "after": digest(CONTENT)}]


def test_check_mode_writes_nothing() -> None:
    script = Script()
    holds(script, b"old")
    result = never_shown(script.run(apigee_resource_file, check=True, **WANTED, content=CONTENT))
    assert result["changed"]


def test_only_ours_is_deleted() -> None:
    for state, action in (("making", "kept"), ("made", "deleted")):
        script = Script()
        script.records.hold("apigee_resource_file", "prod/properties/limits", state)
        holds(script, b"old")
        if action == "deleted":
            script.expect("DELETE", "apigee", ONE).replies({})
        assert script.run(apigee_resource_file, **WANTED, state="absent")["action"] == action


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"src": "/nowhere/limits.properties"}, "/nowhere/limits.properties cannot be read"),
        ({"content_base64": "%%"}, "no base64"),
        ({}, "are missing: content, content_base64, src"),
        ({"content": "canary-content", "src": "b"}, "mutually exclusive"),
        ({"content": "a", "type": "exe"}, "exe"),
    ],
)
def test_what_cannot_be_right_is_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_resource_file, fails=True, **{**WANTED, **options})["msg"]


def test_reading_shows_digests() -> None:
    script = Script()
    listed = [{"name": "limits", "type": "properties"}, {"name": "a.js", "type": "jsc"}]
    script.expect("GET", "apigee", ALL).replies({"resourceFile": listed})
    holds(script, CONTENT.encode())
    found = script.run(apigee_resource_file_info, environment="prod", type="properties")
    one, = never_shown(found)["resources"]
    assert (one["name"], one["type"], one["digest"]) == ("limits", "properties", digest(CONTENT))


def test_a_declaration_holds_the_content() -> None:
    one = ApigeeResourceFile({**WANTED, "organization": "acme"}, t.cast(t.Any, _Context()))
    place = {**WANTED, "organization": "acme"}
    assert one.declaration({**WANTED, "content": CONTENT.encode()}) == {**place, "content": CONTENT}
    assert one.declaration({**WANTED, "content": b"\xff"}) == {**place, "content_base64": "/w=="}


class _Context:
    """No calls are made."""

    client = None
