# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dry run says of the webhook."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import probe, proof

CALL = 'Internal error occurred: failed calling webhook "tls-sidecar.gatewayops.io": failed to call webhook: Post "https://x"'


@pytest.mark.parametrize(
    ("said", "because", "remedy"),
    [
        (f"{CALL}: context deadline exceeded", "port 10250", "name~^gke-shop-.*-master$"),
        (f"{CALL}: dial tcp 10.0.0.1:10250: i/o timeout", "a rule that GKE makes", "tcp:10250 from the control plane"),
        (f"{CALL}: tls: failed to verify certificate: x509: unknown authority", "does not trust", "caBundle"),
        (f"{CALL}: dial tcp 10.0.0.1:443: connect: connection refused", "No pod", "kubectl --namespace sidecars logs"),
        ("pods \"p\" is forbidden: the pod has no TLS sidecar", "did not ask", "tls_sidecar_webhook_probe_namespace"),
        ("pods \"p\" is forbidden: exceeded quota", "another reason", "in which a pod may be made"),
    ],
)
def test_the_cause_is_named_with_what_helps(said: str, because: str, remedy: str) -> None:
    told = proof.trouble({"failed": True, "msg": f"Failed to create object: {said}"}, "shop", "sidecars")
    first, *rest = told.splitlines()
    assert first.startswith("cluster shop: ") and because in rest[0] and said in rest[1] and remedy in rest[2]


def test_a_pod_without_a_sidecar_is_no_success() -> None:
    result = {"failed": False, "result": {"spec": {"containers": [{"name": "application"}]}}}
    assert not probe.injected(result)
    assert "without a sidecar" in proof.trouble(result, "shop", "sidecars")
    result["result"]["spec"]["initContainers"] = [{"name": "tls-sidecar"}]
    assert probe.injected(result)
