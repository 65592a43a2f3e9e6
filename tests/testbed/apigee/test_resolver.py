# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolver by itself: sizes, aliases, failures of the server, shared look-ups."""
from __future__ import annotations

import asyncio

import pytest

from testbed.apigee import resolver as module
from testbed.apigee.resolver import Resolver, UnresolvedName

from .doubles import DnsDouble

NAME = "web.apps.example.internal"


@pytest.fixture
async def dns():
    double = DnsDouble()
    await double.start()
    yield double
    double.stop()


@pytest.fixture
def resolver(dns):
    return Resolver("127.0.0.1", dns.port)


async def test_answers_too_large_for_udp_come_over_tcp(dns, resolver):
    dns.records[NAME] = (10, [f"10.1.{number // 250}.{number % 250 + 1}" for number in range(300)])

    answer, from_cache = await resolver.resolve(NAME)

    assert (len(answer.addresses), answer.ttl, from_cache) == (300, 10, False)
    assert dns.tcp_questions == 1


async def test_names_are_case_insensitive_and_the_final_dot_does_not_matter(dns, resolver):
    dns.records[NAME] = (10, ["10.0.0.1"])
    await resolver.resolve(NAME.upper())
    _, from_cache = await resolver.resolve(NAME + ".")
    assert from_cache
    assert dns.questions == [NAME]


async def test_addresses_need_no_look_up(dns, resolver):
    answer, from_cache = await resolver.resolve("10.1.2.3")
    assert (answer.addresses, from_cache) == (["10.1.2.3"], False)
    assert not dns.questions


async def test_a_client_that_goes_away_does_not_take_the_answer_with_it(dns, resolver):
    dns.records[NAME] = (10, ["10.0.0.1"])
    first = asyncio.create_task(resolver.resolve(NAME))
    second = asyncio.create_task(resolver.resolve(NAME))
    await asyncio.sleep(0)
    first.cancel()
    answer, _ = await second
    assert answer.addresses == ["10.0.0.1"]
    assert dns.questions == [NAME]


async def test_a_silent_server_makes_the_name_unresolvable(dns, resolver, monkeypatch):
    monkeypatch.setattr(module, "_QUERY_SECONDS", 0.05)
    dns.silent = True
    with pytest.raises(UnresolvedName, match="no answer from the resolver"):
        await resolver.resolve(NAME)
    assert len(dns.questions) == 2
    # The failure is remembered.
    with pytest.raises(UnresolvedName):
        await resolver.resolve(NAME)
    assert len(dns.questions) == 2


async def test_the_cache_can_be_seen_and_cleared(dns, resolver):
    dns.records[NAME] = (10, ["10.0.0.1"])
    await resolver.resolve(NAME)
    entry = resolver.cached()[NAME]
    assert entry["addresses"] == ["10.0.0.1"]
    assert 69 < entry["expires_in"] <= 70
    resolver.clear()
    assert resolver.cached() == {}
