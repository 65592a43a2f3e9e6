# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of comparison and normalisation: whatever is written, reading it back shows no difference."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import fields as f
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import normalise
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.compare import differences
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.fields import Field
from hypothesis import given
from hypothesis import strategies as st

FIELDS = (
    Field("text"),
    Field("number", type="int"),
    Field("long", type="int", int64=True),
    Field("on", type="bool", api="deep.er.disabled", invert=True),
    Field("flag", type="bool"),
    Field("names", type="list", elements="str", lists="set"),
    Field("ordered", type="list", elements="str"),
    Field("map", type="dict"),
    Field("labels", type="dict", keep_extra=True),
    Field("inner", type="dict", api="one.two", fields=(Field("a_word"), Field("flag", type="bool"))),
    Field(
        "keyed",
        type="list",
        elements="dict",
        lists="key:name",
        keep_extra=True,
        fields=(Field("name"), Field("size", type="int"), Field("tags", type="list", elements="str", lists="set")),
    ),
    Field(
        "rules",
        type="list",
        elements="dict",
        lists="set",
        fields=(Field("key"), Field("ports", type="list", lists="set")),
    ),
)

words = st.text("abcxyz", min_size=1, max_size=4)
numbers = st.integers(0, 5)
lists = st.lists(words, max_size=3)
maps = st.dictionaries(words, words, max_size=3)
stated = st.fixed_dictionaries(
    {},
    optional={
        "text": st.one_of(words, st.just("")),
        "number": numbers,
        "long": numbers,
        "on": st.booleans(),
        "flag": st.booleans(),
        "names": lists,
        "ordered": lists,
        "map": maps,
        "labels": maps,
        "inner": st.fixed_dictionaries({}, optional={"a_word": words, "flag": st.booleans()}),
        "keyed": st.lists(
            st.fixed_dictionaries({"name": words}, optional={"size": numbers, "tags": lists}),
            max_size=3,
            unique_by=lambda item: item["name"],
        ),
        "rules": st.lists(st.fixed_dictionaries({"key": words}, optional={"ports": lists}), max_size=3),
    },
)


def google(value: t.Any) -> t.Any:
    """As proto3 JSON answers: zeros left out, dicts kept even when empty."""
    if isinstance(value, dict):
        kept = {key: google(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, False, 0, "", "0", [])}
    if isinstance(value, list):
        return [google(item) for item in value]
    return value


def compared(options: f.Options, document: f.Document) -> list[str]:
    return [change.field for change in differences(FIELDS, options, f.describe(FIELDS, document, None))]


@given(stated)
def test_what_is_written_reads_back_without_difference(options: f.Options) -> None:
    document = f.write(FIELDS, options, {}, None)
    assert compared(options, document) == []
    assert compared(options, google(document)) == []


@given(stated, stated)
def test_one_update_converges_and_leaves_the_rest_alone(first: f.Options, second: f.Options) -> None:
    document = f.write(FIELDS, first, {"theirs": {"kept": 1}}, None)
    changed = f.write(FIELDS, second, google(document), None)
    left = compared({name: value for name, value in second.items() if not _only_adds(name, value)}, google(changed))
    assert left == []
    assert changed["theirs"] == {"kept": 1}
    unmanaged = {name: value for name, value in first.items() if name not in second}
    assert compared(unmanaged, google(changed)) == []


def _only_adds(name: str, value: t.Any) -> bool:
    # Clearing what others may have added is the resource's own decision.
    return name in ("labels", "keyed") and not value


@given(stated)
def test_nothing_stated_is_nothing_managed(options: f.Options) -> None:
    assert compared({}, f.write(FIELDS, options, {}, None)) == []
    assert compared(f.prune(dict.fromkeys(options)), f.write(FIELDS, options, {}, None)) == []


@given(stated)
def test_order_matters_only_where_it_is_said_to(options: f.Options) -> None:
    shuffled = {
        name: list(reversed(value)) if isinstance(value, list) and name != "ordered" else value
        for name, value in options.items()
    }
    assert compared(shuffled, f.write(FIELDS, options, {}, None)) == []


def test_explicit_empty_clears() -> None:
    document = f.write(FIELDS, {"names": ["a"], "map": {"a": "b"}, "text": "x", "inner": {"a_word": "y"}}, {}, None)
    assert compared({"names": [], "map": {}, "text": "", "inner": {}}, document) == ["text", "names", "map", "inner"]


def test_missing_equals_default() -> None:
    field = Field("priority", type="int", default=1000)
    assert differences((field,), {"priority": 1000}, {"priority": None}) == []
    assert differences((field,), {"priority": 0}, {"priority": None}) != []


def test_change_in_a_keyed_list_is_named() -> None:
    document = f.write(FIELDS, {"keyed": [{"name": "a", "size": 1}]}, {}, None)
    assert compared({"keyed": [{"name": "a", "size": 2}, {"name": "b"}]}, document) == ["keyed[a].size", "keyed[b]"]


def test_secret_values_are_hidden_in_changes() -> None:
    field = Field("password", secret=True)
    (change,) = differences((field,), {"password": "new"}, {"password": "old"})
    assert change.shown() == {"field": "password", "before": "(hidden)", "after": "(hidden)"}


@pytest.mark.parametrize(
    "function",
    [
        normalise.short_name,
        normalise.relative,
        normalise.service_account,
        normalise.trailing_dot,
        normalise.lower,
        normalise.text,
    ],
)
@given(
    value=st.one_of(st.none(), st.text(max_size=30), st.from_regex(r"https://[a-z]{1,5}/compute/v1/projects/p/[a-z]+"))
)
def test_normalising_twice_changes_nothing_more(function: t.Callable[[t.Any], t.Any], value: t.Any) -> None:
    assert function(function(value)) == function(value)


def test_spellings_of_one_network() -> None:
    full = "https://www.googleapis.com/compute/v1/projects/p/global/networks/n"
    assert normalise.network_path(full, "q") == "projects/p/global/networks/n"
    assert normalise.network_path("n", "q") == "projects/q/global/networks/n"
    assert normalise.short_name(full) == "n"
    assert normalise.service_account("projects/-/serviceAccounts/a@b.c") == "a@b.c"
    assert normalise.trailing_dot("Shop.Example") == normalise.trailing_dot("shop.example.") == "shop.example."
