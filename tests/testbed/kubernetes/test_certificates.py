# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from testbed.kubernetes import certificates
from testbed.kubernetes.identities import CLIENTS, client_files
from testbed.kubernetes.spec import NodeSpec

SPEC = NodeSpec(name="node-a", node_ip="10.10.0.2", pod_range="10.20.0.0/16", service_range="10.30.0.0/20",
                cgroup="/testbed-aaaaaa/node-0", cluster_domain="prod.acme.internal", cluster_dns="vpc",
                api_addresses=("127.77.3.10", "api.example.test"))


@pytest.fixture
def folder(tmp_path):
    certificates.prepare(SPEC, tmp_path)
    return tmp_path


def load(folder, name):
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_the_api_server_is_trusted_under_every_name_and_address(folder):
    names = load(folder, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(each) for each in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.77.3.10", "10.10.0.2", "10.30.0.1", "127.0.0.1"}
    assert {"api.example.test", "kubernetes.default.svc", "kubernetes.default.svc.prod.acme.internal"} <= set(
        names.get_values_for_type(x509.DNSName))


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_clients_are_who_rbac_expects_and_can_only_be_clients(folder, name):
    certificate = load(folder, name)
    common_name, organizations = CLIENTS[name]
    subject = certificate.subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == common_name.format(node="node-a")
    assert tuple(each.value for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)) == organizations
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(load(folder, "ca"))


def test_the_front_proxy_has_an_authority_of_its_own(folder):
    load(folder, "front-proxy").verify_directly_issued_by(load(folder, "front-proxy-ca"))
    with pytest.raises(ValueError):
        load(folder, "front-proxy").verify_directly_issued_by(load(folder, "ca"))


def test_openssl_accepts_every_pair_and_keys_are_private(folder):
    for name in (*CLIENTS, "apiserver", "kubelet-server", "front-proxy"):
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        assert (folder / f"{name}.key").stat().st_mode & 0o077 == 0


def test_a_restart_keeps_authorities_and_tokens_valid(folder):
    kept = ("ca.crt", "ca.key", "front-proxy-ca.crt", "service-account.key", "service-account.pub")
    before = {name: (folder / name).read_bytes() for name in kept}
    certificates.prepare(SPEC, folder)
    assert {name: (folder / name).read_bytes() for name in kept} == before


def test_client_files_point_at_the_written_files(folder):
    files = client_files(folder, "dns", "https://10.10.0.2:6443")
    assert files.ca.exists() and files.certificate.exists() and files.key.exists()
