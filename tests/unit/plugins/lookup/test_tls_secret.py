# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that reads a TLS Secret; the API server is a double."""

from __future__ import annotations

import base64
import typing as t

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.gatewayops.apigee_gke.plugins.lookup import tls_secret
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import starter

PATH = "/api/v1/namespaces/apigee-gke/secrets/apigee-client"
PLACE = {"cluster": "shop", "endpoint": "203.0.113.7", "namespace": "apigee-gke", "name": "apigee-client"}
DATA = {key: base64.b64encode(text.encode()).decode() for key, text in (("tls.crt", "pem"), ("tls.key", "key"))}
AUTH = {"auth_kind": "accesstoken", "access_token": "token-1"}
start = pytest.fixture(starter)


def look(**options: t.Any) -> list[dict[str, str]]:
    """Run it with the options that its documentation defines, as Ansible's loader lets it do."""
    plugin = tls_secret.LookupModule()
    plugin._load_name = "tls_secret"
    defined = yaml.safe_load(tls_secret.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", "tls_secret", defined)
    return plugin.run([], {}, **{**PLACE, "auth": AUTH, **options})


def test_certificate_and_key_of_the_secret(start: t.Any) -> None:
    server = start({"data": {**DATA, "ca.crt": "Y2E="}})
    assert look() == [{"certificate": "pem", "private_key": "key"}]
    assert (server.asked, server.tokens) == ([PATH], {"Bearer token-1"})


@pytest.mark.parametrize("answer", [(404, {}), {"data": {"tls.crt": DATA["tls.crt"]}}, {}])
def test_what_is_not_there_yet_fails_only_where_it_is_needed(start: t.Any, answer: t.Any) -> None:
    start(answer)
    assert look(needed=False) == [{}]
    start(answer)
    with pytest.raises(AnsibleError, match="Secret apigee-client in namespace apigee-gke of cluster shop is not there"):
        look()


@pytest.mark.parametrize("answer", [(403, {"message": "secrets is forbidden"}), ConnectionResetError("reset by peer")])
def test_a_secret_that_cannot_be_read_fails_even_where_it_is_not_needed(start: t.Any, answer: t.Any) -> None:
    start(answer)
    with pytest.raises(AnsibleError, match=r"of cluster shop could not be read(.|\n)*(forbidden|reset by peer)"):
        look(needed=False)


@pytest.mark.parametrize(
    ("key", "reason"),
    [(base64.b64encode(b"0\x82\x04canary").decode(), "holds no PEM"), ("canary", "could not be read")],
)
def test_a_secret_that_is_no_pem_is_named_and_not_shown(start: t.Any, key: str, reason: str) -> None:
    start({"data": {**DATA, "tls.key": key}})
    with pytest.raises(AnsibleError, match=f"Secret apigee-client .* of cluster shop {reason}") as caught:
        look(needed=False)
    assert "canary" not in str(caught.value) and "\\x82" not in str(caught.value)


def test_without_credentials_it_says_what_to_do(start: t.Any) -> None:
    start()
    with pytest.raises(AnsibleError, match="service_account_file"):
        look(auth={"auth_kind": "serviceaccount"})
