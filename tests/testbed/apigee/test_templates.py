# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message templates: variables, literals that look like them, functions."""
from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.apigee.templates import Template, UnresolvedVariable

VARIABLES = {"name": "Ann", "request.header.x-id": "42", "count": 3, "flag": True, "list": ["a", "b"],
             "quote": 'say "hi"', "markup": "<a & b>", "path": "/a b/ü"}


def render(text: str, **options) -> str:
    return Template(text, **options).render(VARIABLES.get)


@pytest.mark.parametrize(("text", "expected"), [
    ("plain", "plain"),
    ("Hello {name}!", "Hello Ann!"),
    ("{request.header.x-id}/{count}/{flag}", "42/3/true"),
    ('{"name": "{name}"}', '{"name": "Ann"}'),
    ('{"a":{"b":1}}', '{"a":{"b":1}}'),
    ("{ name }", "{ name }"),
    ("{unknown}", ""),
    ("{name", "{name"),
    ("{}", "{}"),
    ("{toUpperCase(name)}", "ANN"),
    ("{toLowerCase('ABC')}", "abc"),
    ("{substring(name, 1)}", "nn"),
    ("{substring(name,0,2)}", "An"),
    ("{replaceAll(name, 'n', 'm')}", "Amm"),
    ("{replaceFirst(name,'n','m')}", "Amn"),
    ("{firstnonnull(missing, name)}", "Ann"),
    ("{escapeJSON(quote)}", 'say \\"hi\\"'),
    ("{escapeXML(markup)}", "&lt;a &amp; b&gt;"),
    ("{encodeBase64(name)}", base64.b64encode(b"Ann").decode()),
    ("{decodeBase64('QW5u')}", "Ann"),
    ("{sha256Hex('')}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("{md5Hex('')}", "d41d8cd98f00b204e9800998ecf8427e"),
    ("{toUpperCase(substring(name,0,2))}", "AN"),
    ("{timeFormatUTCMs('yyyy-MM-dd HH:mm:ss', '0')}", "1970-01-01 00:00:00"),
    ("{timeFormatUTC(\"yyyy-MM-dd'T'HH:mm:ssXXX\", '86400')}", "1970-01-02T00:00:00Z"),
    ("{notAFunction(name)}", "{notAFunction(name)}"),
])
def test_rendering(text, expected):
    assert render(text) == expected


def test_hmac():
    text = "{hmacSha256('key','The quick brown fox jumps over the lazy dog')}"
    assert render(text) == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"


def test_other_delimiters():
    assert render('{"n": "@name#"}', prefix="@", suffix="#") == '{"n": "Ann"}'


def test_unset_variables_can_be_an_error():
    with pytest.raises(UnresolvedVariable, match="unknown"):
        Template("{unknown}").render(VARIABLES.get, ignore_unresolved=False)


def test_functions_that_are_not_here_are_named():
    assert Template("{jsonPath('$.a', content)} {xeger('x')}").unsupported() == ["jsonPath", "xeger"]


def test_each_uuid_is_another():
    template = Template("{createUuid()}")
    assert template.render({}.get) != template.render({}.get)


@given(st.text())
def test_any_text_is_a_template(text):
    Template(text).render(lambda name: "x")


@given(st.text(alphabet=st.characters(exclude_characters="{")))
def test_text_without_braces_is_itself(text):
    assert render(text) == text
