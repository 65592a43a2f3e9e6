# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The condition language: grammar, precedence, operators and unset variables."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.apigee.conditions import Condition, ConditionError, glob_matches, path_matches

VARIABLES = {"request.verb": "GET", "proxy.pathsuffix": "/animals/cat", "response.status.code": 404, "n": "7",
             "yes": True, "text": "Hello World", "empty": "", "request.header.x-a": "one", "false.text": "false"}


def holds(text: str) -> bool:
    return Condition(text).evaluate(VARIABLES.get)


@pytest.mark.parametrize(("text", "expected"), [
    ('request.verb = "GET"', True),
    ('request.verb == "GET"', True),
    ('request.verb Equals "GET"', True),
    ('request.verb Is "POST"', False),
    ('request.verb != "POST"', True),
    ('request.verb NotEquals "GET"', False),
    ('request.verb = "get"', False),
    ('request.verb := "get"', True),
    ('request.verb EqualsCaseInsensitive "get"', True),
    ("response.status.code = 404", True),
    ("response.status.code >= 400", True),
    ("response.status.code > 404", False),
    ("response.status.code < 500 and response.status.code GreaterThan 399", True),
    ("n > 10", False),
    ('n < "10"', True),
    ('text =| "Hello"', True),
    ('text StartsWith "World"', False),
    ('text ~ "Hello*"', True),
    ('text Matches "*World"', True),
    ('text Like "Hello"', False),
    ('text ~~ "Hello.*"', True),
    ('text JavaRegex "Hello"', False),
    ('proxy.pathsuffix ~/ "/animals/*"', True),
    ('proxy.pathsuffix MatchesPath "/*"', False),
    ('proxy.pathsuffix MatchesPath "/**"', True),
    ("yes", True),
    ("true", True),
    ("false", False),
    ("false.text", False),
    ("not yes", False),
    ("!(yes)", False),
    ('!(request.verb = "POST") && yes', True),
    ('(request.verb = "POST") or (request.verb = "GET")', True),
    ('request.verb = "POST" || request.verb = "PUT"', False),
    ('request.header.x-a = "one"', True),
    ("'GET' = request.verb", True),
])
def test_operators(text, expected):
    assert holds(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ("missing = null", True),
    ("request.verb = null", False),
    ("request.verb != null", True),
    ("missing != null", False),
    ('missing = ""', False),
    ('empty = ""', True),
    ('missing != "x"', True),
    ('missing ~ "*"', False),
    ('missing =| ""', False),
    ("missing > 1", False),
    ("missing", False),
])
def test_unset_variables(text, expected):
    assert holds(text) is expected


def test_and_binds_more_tightly_than_or():
    assert holds('request.verb = "GET" or request.verb = "GET" and request.verb = "POST"')
    assert not holds('(request.verb = "GET" or request.verb = "GET") and request.verb = "POST"')


@pytest.mark.parametrize("text", ["(a = 1", "a = ", "= 1", "a = 1 b", 'a = "x', "a # b", "a = 1)", 'a ~~ "("', "and"])
def test_nonsense_is_refused(text):
    with pytest.raises(ConditionError):
        Condition(text)


@pytest.mark.parametrize(("path", "pattern", "expected"), [
    ("/animals/cat", "/animals/cat", True),
    ("/animals/cat/", "/animals/cat", True),
    ("/animals/cat", "/animals/*", True),
    ("/animals/cat/tom", "/animals/*", False),
    ("/animals", "/animals/*", False),
    ("/animals/cat/tom", "/animals/**", True),
    ("/animals", "/animals/**", False),
    ("/animals/cat/name", "/animals/*/name", True),
    ("/animals/cat/name", "/**/name", True),
    ("/", "/", True),
    ("", "/", True),
])
def test_paths(path, pattern, expected):
    assert path_matches(path, pattern) is expected


def test_percent_escapes_in_matches():
    assert glob_matches("a*b", "a%*b")
    assert not glob_matches("axb", "a%*b")


@given(st.text())
def test_any_text_is_a_condition_or_refused(text):
    try:
        condition = Condition(text)
    except ConditionError:
        return
    assert condition.evaluate({}.get) in (True, False)


@given(st.text(alphabet=st.characters(exclude_characters='"', codec="utf-8")))
def test_a_quoted_string_equals_itself(value):
    assert Condition(f'v = "{value}"').evaluate({"v": value}.get)
