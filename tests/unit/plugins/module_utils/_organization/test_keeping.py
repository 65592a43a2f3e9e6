# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a folder's file stands in a diff: everything but its secrets."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization import keeping

CANARY = "canary-in-a-coal-mine"


def test_a_file_without_secrets_is_shown_as_it_stands() -> None:
    text = "# Limits of the shop.\n- {name: m, entries: {a: 1}}\n"
    assert keeping.shown(registry.load("apigee_key_value_map"), text) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("apigee_key_value_map", f"- name: m\n  secret_entries: {{token: {CANARY}}}  # {CANARY}\n"),
        ("apigee_keystore_alias", f"- name: a\n  private_key: |\n    {CANARY}\n    second line\n"),
        ("apigee_proxy", f"- name: m\n  probe_request: {{path: /x, headers: {{authorization: {CANARY}}}}}\n"),
        # A misspelt option may be a secret one.
        ("apigee_key_value_map", f"- name: m\n  secret_entris: {{token: {CANARY}}}\n"),
    ],
)
def test_secrets_are_not_shown(kind: str, text: str) -> None:
    shown = keeping.shown(registry.load(kind), text)
    assert "name: " in shown and CANARY not in shown


@pytest.mark.parametrize("text", [f"- name: [{CANARY}\n", f"{CANARY}: 1\n", f"- {CANARY}\n"])
def test_what_is_no_list_of_entries_is_not_shown(text: str) -> None:
    assert keeping.shown(registry.load("apigee_proxy"), text) == keeping.UNREADABLE


def test_no_file_is_no_text() -> None:
    assert keeping.shown(registry.load("apigee_proxy"), None) == ""
