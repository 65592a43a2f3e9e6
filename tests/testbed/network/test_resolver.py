# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What the VPC's resolver is told."""
from __future__ import annotations

from pathlib import Path

import dns.zone

from testbed.network.resolver import ClusterZone, Resolver, View, corefile, zone_file
from testbed.world import Zone


def cluster(domain: str, *, headless_only: bool = False) -> ClusterZone:
    return ClusterZone(domain, "https://10.10.0.2:6443", Path("/ca"), Path("/crt"), Path("/key"), "10.40.0.0/20",
                       headless_only)


def blocks(*views: View, paths: dict[Zone, Path] | None = None) -> dict[tuple[str, str], str]:
    """Server blocks by zone and address."""
    text = corefile(views, paths or {}, 1)
    return {(block.strip().split(":53 ")[0], block.split("bind ")[1].split()[0]): block
            for block in text.split("\n\n") if block.strip()}


ONE, TWO = "169.254.171.1", "169.254.171.2"


def test_names_outside_private_zones_do_not_exist():
    found = blocks(View(ONE))
    assert "rcode NXDOMAIN" in found[".", ONE]
    assert "rcode NXDOMAIN" in found[".", "169.254.169.254"]


def test_vpc_scope_answers_for_every_service_with_ttl_10():
    block = blocks(View(ONE, clusters=(cluster("gke.acme.internal."),)))["gke.acme.internal", ONE]
    assert "kubernetes gke.acme.internal {" in block
    assert "ttl 10" in block
    assert "headlessonly" not in block


def test_additive_scope_hides_addresses_of_the_service_range():
    view = View(ONE, clusters=(cluster("add.acme.internal", headless_only=True),))
    block = blocks(view)["add.acme.internal", ONE]
    assert block.index("headlessonly 10.40.0.0/20") < block.index("kubernetes")


def test_a_zone_is_served_once_and_the_users_own_wins():
    zone = Zone("mine", "gke.acme.internal.")
    view = View(ONE, (zone,), (cluster("gke.acme.internal"), cluster("gke.acme.internal")))
    text = corefile([view], {zone: Path("/z")}, 1)
    assert text.count("gke.acme.internal:53") == 1
    assert "file /z" in text


def test_each_network_sees_its_own():
    found = blocks(View(ONE, clusters=(cluster("gke.acme.internal"),)), View(TWO))
    assert ("gke.acme.internal", ONE) in found
    assert ("gke.acme.internal", TWO) not in found


def test_a_record_that_cannot_be_served_is_left_out():
    zone = Zone("mine", "corp.example.", (("a.corp.example.", "A", 30, ("not an address", "10.0.0.1")),
                                          ("a..b.", "A", 30, ("10.0.0.2",)), ("b.corp.example.", "NOPE", 30, ("x",))))
    text = zone_file(zone, 1)
    assert "10.0.0.1" in text
    for part in ("not an address", "10.0.0.2", "NOPE"):
        assert part not in text


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


def test_a_clusters_certificates_are_named_by_their_content(tmp_path: Path):
    resolver = Resolver(None, Path("coredns"), tmp_path / "resolver", tmp_path / "log")
    names = {name: tmp_path / name for name in ("ca.crt", "dns.crt", "dns.key")}
    zone = ClusterZone("gke.example", "https://10.0.0.2:6443", names["ca.crt"], names["dns.crt"], names["dns.key"], "")

    def own(content: str) -> ClusterZone:
        for file in names.values():
            file.write_text(content + file.name)
        return resolver._with_own_credentials(View("169.254.171.1", (), (zone,))).clusters[0]

    first, again, other = own("one"), own("one"), own("two")
    assert first == again != other, "a new cluster in the place of an old one has to be seen"
    assert first.key_file.stat().st_mode & 0o777 == 0o600
    resolver._write((View("169.254.171.1", (), (other,)),))
    assert sorted(tmp_path.glob("resolver/*.crt")) == sorted([other.ca_file, other.certificate_file])
    assert other.ca_file.read_text() == "twoca.crt"
