# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, The gatewayops.apigee_gke contributors
"""What the VPC's resolver is told."""
from __future__ import annotations

from pathlib import Path

import dns.zone

from testbed.network.resolver import ClusterZone, corefile, zone_file
from testbed.world import Zone


def cluster(domain: str, *, headless_only: bool = False) -> ClusterZone:
    return ClusterZone(domain, "https://10.10.0.2:6443", Path("/ca"), Path("/crt"), Path("/key"), "10.40.0.0/20",
                       headless_only)


def blocks(text: str) -> dict[str, str]:
    return {block.strip().split(":53 ")[0]: block for block in text.split("\n\n") if block.strip()}


def test_names_outside_private_zones_do_not_exist():
    assert "rcode NXDOMAIN" in blocks(corefile([], [], 1))["."]


def test_vpc_scope_answers_for_every_service_with_ttl_10():
    block = blocks(corefile([], [cluster("gke.acme.internal.")], 1))["gke.acme.internal"]
    assert "kubernetes gke.acme.internal {" in block
    assert "ttl 10" in block
    assert "headlessonly" not in block


def test_additive_scope_hides_addresses_of_the_service_range():
    block = blocks(corefile([], [cluster("add.acme.internal", headless_only=True)], 1))["add.acme.internal"]
    assert block.index("headlessonly 10.40.0.0/20") < block.index("kubernetes")


def test_a_zone_is_served_once_and_the_users_own_wins():
    zone = Zone("mine", "gke.acme.internal.")
    text = corefile([(zone, Path("/z"))], [cluster("gke.acme.internal"), cluster("gke.acme.internal")], 1)
    assert text.count("gke.acme.internal:53") == 1
    assert "file /z" in text


def test_a_zone_file_is_a_zone():
    zone = Zone("mine", "corp.example.", (
        ("corp.example.", "MX", 300, ("10 mail.corp.example.",)),
        ("a.corp.example.", "A", 30, ("10.0.0.1", "10.0.0.2")),
        ("*.corp.example.", "CNAME", 60, ("a.corp.example.",)),
    ))
    parsed = dns.zone.from_text(zone_file(zone, 7), origin="corp.example.", relativize=False)
    found = parsed.find_rdataset("a.corp.example.", "A")
    assert found.ttl == 30
    assert {item.address for item in found} == {"10.0.0.1", "10.0.0.2"}
    assert parsed.get_soa().serial == 7


def test_the_users_own_apex_records_are_kept():
    zone = Zone("mine", "corp.example.", (
        ("corp.example.", "SOA", 60, ("ns.corp.example. admin.corp.example. 3 1 1 1 1",)),
        ("corp.example.", "NS", 60, ("ns.corp.example.",)),
    ))
    text = zone_file(zone, 7)
    assert text.count("SOA") == text.count(" NS ") == 1
