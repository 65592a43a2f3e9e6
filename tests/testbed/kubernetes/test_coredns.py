# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolver's executable and the plugin that hides names of Services with an address of their own."""
from __future__ import annotations

import subprocess
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from testbed.kubernetes.build import ensure_binaries
from testbed.ports import free_port

pytestmark = pytest.mark.testbed

ZONE = """$ORIGIN prod.acme.internal.
@ 10 IN SOA ns.dns hostmaster 1 7200 1800 86400 10
headless.default.svc 10 IN A 10.20.0.5
headless.default.svc 10 IN A 10.20.0.6
balanced.default.svc 10 IN A 10.30.0.9
both.default.svc 10 IN A 10.20.0.5
both.default.svc 10 IN A 10.30.0.9
text.default.svc 10 IN TXT "no address"
"""


@pytest.fixture(scope="module")
def resolver(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("coredns")
    port = free_port()
    (folder / "zone").write_text(ZONE, encoding="ascii")
    (folder / "Corefile").write_text(
        f"prod.acme.internal:{port} {{\n  bind 127.0.0.1\n  headlessonly 10.30.0.0/20\n  file {folder}/zone\n}}\n",
        encoding="ascii")
    process = subprocess.Popen([ensure_binaries() / "coredns", "-conf", str(folder / "Corefile")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                ask(port, "headless.default.svc")
                break
            except (OSError, dns.exception.Timeout):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def ask(port: int, name: str, kind: str = "A"):
    question = dns.message.make_query(f"{name}.prod.acme.internal.", kind)
    return dns.query.udp(question, "127.0.0.1", timeout=0.5, port=port)


def test_headless_services_are_answered(resolver):
    answer = ask(resolver, "headless.default.svc")
    assert sorted(str(record) for record in answer.answer[0]) == ["10.20.0.5", "10.20.0.6"]


@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT"])
@pytest.mark.parametrize("name", ["balanced.default.svc", "both.default.svc"])
def test_a_service_with_an_address_does_not_exist_whatever_is_asked(resolver, name, kind):
    answer = ask(resolver, name, kind)
    assert answer.rcode() == dns.rcode.NXDOMAIN and not answer.answer
    assert answer.flags & dns.flags.AA
    assert answer.authority[0].name.to_text() == "prod.acme.internal." and answer.authority[0].ttl == 10


def test_other_answers_pass(resolver):
    assert ask(resolver, "text.default.svc", "TXT").answer
    empty = ask(resolver, "headless.default.svc", "AAAA")
    assert empty.rcode() == dns.rcode.NOERROR and not empty.answer
    assert ask(resolver, "absent.default.svc").rcode() == dns.rcode.NXDOMAIN
