# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading documents: lines, hostile text, and a digest that knows content from form."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import source


def test_lines_are_those_of_the_text() -> None:
    read = source.read("a:\n  b:\n    - 1\n    - c: 2\n")
    assert read.value == {"a": {"b": [1, {"c": 2}]}}
    assert read.line(("a", "b", 1, "c")) == 4 and read.line(("a", "b", 0)) == 3
    assert read.line(("a", "b", 1, "missing")) == 4 and read.line(()) == 1


def test_json_and_numbers_as_keys() -> None:
    assert source.read('{"responses": {"200": 1}}').value == source.read("responses:\n  200: 1\n").value


def test_dates_stay_text() -> None:
    assert source.read("info: {version: 2026-11-21}").value == {"info": {"version": "2026-11-21"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands there twice"),
        ("a: [1\nb: 2\n", "line 2"),
        ("- a\n", "it is no mapping"),
        ("", "it is no mapping"),
        ("? [a]\n: 1\n", "a key is not a plain value"),
        ("a: &x {b: *x}\n", "leads back into itself"),
        ("a: &x 1\nb: [" + ", ".join(["*x"] * 201) + "]\n", "201 YAML aliases"),
        ("a: " + "[" * 70 + "]" * 70, "nested deeper than 60"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper than 60"),
        ("a: !!python/object:os.system {}\n", "line 1"),
        ("a: \x00\n", "special characters"),
    ],
)
def test_unreadable(text: str, said: str) -> None:
    with pytest.raises(source.Unreadable, match="^.+$") as caught:
        source.read(text)
    assert said in str(caught.value)


def test_an_alias_bomb_is_stopped_by_its_size() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(source.Unreadable, match="holds more than"):
        source.read("\n".join(levels))


def test_merged_mappings_that_are_used_twice() -> None:
    read = source.read("base: &b {x: 1}\na: &a {<<: *b, x: 2, y: 3}\nc: *a\n")
    assert read.value["c"] == read.value["a"] == {"x": 2, "y": 3}


def test_the_digest_is_of_the_content() -> None:
    one = source.read("a: 1 # why\nb: {c: 2, d: 3}\n").value
    other = source.read('{"b": {"d": 3, "c": 2}, "a": 1}').value
    assert source.digest(one, "account") == source.digest(other, "account")
    assert source.digest(one, "account") != source.digest(one, "another")
    assert len(source.digest(one)) == 10


def test_written_data_reads_the_same_and_keeps_its_order() -> None:
    shared = {"type": "string"}
    text = source.write({"z": [shared, shared], "a": "200"})
    assert text.index("z:") < text.index("a:") and "&" not in text
    assert source.read({"z": [shared, shared], "a": "200"}).value == source.read(text).value
