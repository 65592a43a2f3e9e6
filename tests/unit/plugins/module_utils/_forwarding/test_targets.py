# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request targets: generated ones, and every deeper reading of those that pass."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._forwarding import targets
from hypothesis import given
from hypothesis import strategies as st

PIECES = ["/", ".", "..", "%2e", "%2E", "%252e", "%2f", "%5c", "%25", ";", "a", "products", "%c0%ae", "%20", "%", "?"]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_no_reading_of_what_passes_leaves_its_place(pieces: list[str]) -> None:
    raw = "/" + "".join(pieces)
    try:
        decoded, sent = targets.target(raw)
    except targets.BadTarget:
        return
    assert sent.partition("?")[0] == raw.partition("?")[0]
    reading = sent.partition("?")[0].encode()
    assert decoded.encode() == unquote_to_bytes(reading)
    for _depth in range(6):
        assert not {b".", b".."} & {part.split(b";")[0] for part in reading.replace(b"\\", b"/").split(b"/")}
        assert reading.count(b"/") == raw.partition("?")[0].count("/")
        reading = unquote_to_bytes(reading)


@pytest.mark.parametrize("raw", ["/", "/a", "/a//b", "/100%25", "/%E2%82%AC", "/...", "/..a", "/a?b=..&c=%2e%2e"])
def test_harmless_targets_pass_unchanged(raw: str) -> None:
    assert targets.target(raw)[1] == raw


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        ("/a?key=1", "/a"), ("/a?key=1&b=2", "/a?b=2"), ("/a?b=2&api_key=1&b=3", "/a?b=2&b=3"), ("/a?%6Bey=1", "/a"),
        ("/a?keys=1&Key=2&monkey=3", "/a?keys=1&Key=2&monkey=3"), ("/a?", "/a?"), ("/a?key", "/a"),
        ("HTTPS://u:p@h:1/a?b", "/a?b"),
    ],
)  # fmt: skip
def test_the_key_is_taken_out_and_nothing_else(raw: str, sent: str) -> None:
    assert targets.target(raw)[1] == sent


@pytest.mark.parametrize(
    ("path", "prefixes", "found"),
    [
        ("/products/1", ("/products",), True), ("/products", ("/products",), True),
        ("/productsx", ("/products",), False), ("/x", ("/",), True), ("/b", ("/a", "/b"), True), ("/", ("/a",), False),
    ],
)  # fmt: skip
def test_prefixes_are_whole_segments(path: str, prefixes: tuple[str, ...], found: bool) -> None:
    assert targets.within(path, prefixes) is found
