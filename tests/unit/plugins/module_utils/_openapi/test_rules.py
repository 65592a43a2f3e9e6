# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our rules for API Gateway's documents: every fault on its line, and a clean document without one."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import rules, source

CLEAN = """\
swagger: "2.0"
info:
  title: products
  version: "1"
x-google-backend:
  address: https://forward-x.a.run.app
  deadline: 30.0
  path_translation: APPEND_PATH_TO_ADDRESS
securityDefinitions:
  api_key: {type: apiKey, name: x-api-key, in: header}
  jwt:
    type: oauth2
    flow: implicit
    authorizationUrl: ""
    x-google-issuer: https://issuer.example
    x-google-jwks_uri: https://issuer.example/keys
    x-google-audiences: one,two
  other:
    type: oauth2
    flow: implicit
    authorizationUrl: ""
    x-google-issuer: https://other.example
    x-google-jwks_uri: https://other.example/keys
security:
  - api_key: []
paths:
  /products/{id}:
    get:
      operationId: product
      parameters:
        - {name: id, in: path, required: true, type: string}
      responses:
        200: {description: it}
"""


def faults(old: str, new: str) -> list[str]:
    """The faults of the clean document with one place changed."""
    assert CLEAN.count(old) == 1, old
    return [str(one) for one in rules.faults(source.read(CLEAN.replace(old, new)))]


def test_a_clean_document_has_no_fault_and_nothing_to_advise() -> None:
    read = source.read(CLEAN)
    assert rules.faults(read) == [] and rules.advice(read) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('swagger: "2.0"', 'swagger: "1.2"', 1, "version 1.2 does not exist"),
        ('swagger: "2.0"', "openapi: 2.0.1", 1, "does not take version 2.0.1"),
        ('version: "1"', "version: 1", 4, "info.version is missing or no text"),
        ("securityDefinitions:", "host: api.example:8080\nsecurityDefinitions:", 9, "has a port"),
        ("securityDefinitions:", "basePath: v1\nsecurityDefinitions:", 9, "Write /v1"),
        ("200: {description: it}", "200: {$ref: other.yaml}", 33, "leads outside of the document"),
        ("200: {description: it}", '200: {$ref: "#/responses/x"}', 33, "leads nowhere"),
        ("/products/{id}:", "products/{id}:", 27, "Write /products/{id}"),
        ("/products/{id}:", "/products/a_{id}:", 27, "a part of a segment"),
        ("/products/{id}:", "/products/../{id}:", 27, "dot segment"),
        ("/products/{id}:", "/products/{id}?x:", 27, "a part of a segment"),
        ("/products/{id}:", "/products/{id:", 27, "brace without its partner"),
        ("/products/{id}:", "/products/{key}:", 28, "parameter key is not declared"),
        ("/products/{id}:", "/products/{key}:", 31, "parameter id does not stand in the path"),
        ("    get:", "    trace:", 28, "trace is no method"),
        ("      operationId: product\n", "", 28, "no operationId"),
        ("      responses:\n        200: {description: it}\n", "", 28, "no responses"),
        ("security:\n  - api_key: []\n", "", 26, "says nothing about who may call it"),
        ("name: x-api-key,", "name: token,", 10, "does not look for a key in header token"),
        ("type: apiKey, name: x-api-key, in: header", "type: basic", 25, "does not enforce"),
        ("  - api_key: []", "  - apikey: []", 25, "Write api_key"),
        ("  - api_key: []", "  - {}", 24, "empty requirement lets everyone in"),
        ("  - api_key: []", "  - {jwt: []}\n  - {api_key: []}", 24, "a key as one of several alternatives"),
        ("  - api_key: []", "  - {jwt: [], other: []}", 25, "two tokens at once"),
        ("  - api_key: []", "  - {jwt: []}\n  - {}", 24, "does not make a token optional"),
        ("  - api_key: []", "  - jwt: [read]", 25, "scopes (read) are not enforced"),
        ("  - api_key: []", "  api_key: []", 24, "no list of requirements"),
        ("x-google-audiences: one,two", "x-google-audiences: one, two", 17, "without blanks"),
        ("    x-google-jwks_uri: https://issuer.example/keys\n", "", 11, "x-google-jwks_uri is missing"),
        ("x-google-jwks_uri: https://issuer.example/keys", "x-google-jwks_uri: http://k", 16, "no https://"),
        ("x-google-issuer: https://issuer.example\n", "x-google-issuer: [a, b]\n", 15, "one issuer"),
        ("x-google-backend:", "x-google-backnd:", 5, "Write x-google-backend"),
        ("    get:", "    x-google-backend: {address: https://h, deadline: 3}\n    get:", 28, "no effect in a path"),
        ("securityDefinitions:", "x-google-allow: all\nsecurityDefinitions:", 9, "would pass without any check"),
        ("address: https://forward-x.a.run.app", "address: forward-x.a.run.app", 6, "no address of a backend"),
        ("address: https://forward-x", "address: http://forward-x", 6, "would travel without TLS"),
        ("deadline: 30.0", "deadline: 30s", 7, "no number of seconds"),
        ("deadline: 30.0", "dead_line: 30.0", 7, "Write deadline"),
        ("APPEND_PATH_TO_ADDRESS", "APPEND_PATH", 8, "Write APPEND_PATH_TO_ADDRESS"),
        ("  deadline: 30.0", "  disable_auth: true\n  jwt_audience: x", 5, "contradict each other"),
    ],
)
def test_every_rule_names_the_line_and_what_to_do(old: str, new: str, line: int, said: str) -> None:
    found = [one for one in faults(old, new) if said in one]
    assert found and found[0].startswith(f"line {line}, "), faults(old, new)


@pytest.mark.parametrize(
    "security",
    [
        "  - {api_key: [], jwt: []}",  # a key and a token
        "  - {jwt: []}\n  - {other: []}",  # one token or another
        "  - {api_key: []}\n  - {}",  # a key that may be left out
        "  []",
    ],
)
def test_combinations_that_google_enforces_pass(security: str) -> None:
    assert faults("  - api_key: []", security) == []


def test_no_backend_at_all() -> None:
    text = CLEAN.replace("x-google-backend:", "x-other:")
    assert ["it has no backend" in str(one) for one in rules.faults(source.read(text))] == [True]


def test_two_paths_for_the_same_requests_and_two_operations_of_one_name() -> None:
    again = CLEAN + CLEAN.split("paths:\n")[1].replace("{id}", "{key}").replace("name: id", "name: key")
    found = [str(one) for one in rules.faults(source.read(again))]
    assert found == [
        "line 34, paths./products/{key}: it matches the same requests as /products/{id}. Make one path of the two.",
        "line 36, paths./products/{key}.get.operationId: operationId product is taken on line 29. "
        "Give each operation one of its own.",
    ]


def test_advice_is_no_fault() -> None:
    text = CLEAN.replace("  deadline: 30.0\n", "")
    assert rules.faults(source.read(text)) == []
    assert "calls end after 15 s" in str(rules.advice(source.read(text))[0])


def test_version_3_needs_its_backends() -> None:
    text = """\
openapi: 3.0.4
info: {title: t, version: "1"}
security: [{key: []}]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: x-api-key}
x-google-backend: forwrd
x-google-api-management:
  backends:
    forward: {address: https://f.example, deadline: 30, pathTranslation: APPEND_PATH_TO_ADDRESS}
paths:
  /a:
    get: {operationId: a, responses: {"200": {description: it}}}
"""
    found = [str(one) for one in rules.faults(source.read(text))]
    assert found == ["line 7, x-google-backend: no backend is called forwrd. Write forward."]
    assert rules.faults(source.read(text.replace("forwrd", "forward"))) == []
    without = text.split("x-google-backend", maxsplit=1)[0] + "paths:" + text.split("paths:")[1]
    assert "needs x-google-api-management" in str(rules.faults(source.read(without))[0])
