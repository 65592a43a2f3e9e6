# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dry run that makes a pod says of a webhook that does not work.

Private to this collection.
"""

from __future__ import annotations

from .definitions import NAME, PORT, REGISTRATION

_LONGEST = 400
#: What the API server says, why, and what helps. The first that fits counts.
_CAUSES = (
    (
        ("context deadline exceeded", "i/o timeout", "no route to host", "Client.Timeout"),
        f"The control plane does not reach port {PORT} of the webhook's pods within five seconds. On GKE"
        " a rule that GKE makes itself, gke-CLUSTER-...-master, lets it, for ports 443 and 10250 of the nodes.",
        "See with 'gcloud compute firewall-rules list --filter=name~^gke-CLUSTER-.*-master$' whether that rule is there and"
        f" whether one of lower priority number denies it; else allow tcp:{PORT} from the control plane's range to the"
        " nodes. Where tls_sidecar_webhook_admission_sources is set, that range must be in it.",
    ),
    (
        ("x509", "certificate"),
        "The API server does not trust the webhook's certificate.",
        f"See whether cert-manager's CA injector runs and has written caBundle: kubectl get mutatingwebhookconfiguration"
        f" {REGISTRATION} --output=yaml.",
    ),
    (
        ("connection refused", "no endpoints available", "service unavailable"),
        "No pod of the webhook answers.",
        f"See what its pods say: kubectl --namespace NAMESPACE logs deployment/{NAME}.",
    ),
    (
        ("has no TLS sidecar", "but without a sidecar"),
        "The API server did not ask the webhook, or the webhook left the pod alone.",
        f"See whether {REGISTRATION} is registered and whether the namespace of the dry run is left out"
        " (tls_sidecar_webhook_probe_namespace).",
    ),
)
_OTHER = (
    "The dry run was refused for another reason.",
    "Correct what it says, or set tls_sidecar_webhook_probe_namespace to a namespace in which a pod may be made.",
)
_SILENT = "The dry run made a pod, but without a sidecar."


def trouble(result: dict, cluster: str, namespace: str) -> str:
    """Why a dry run did not show the sidecar, and what to do.

    Args:
        result: of the task.
        cluster: the cluster's name.
        namespace: the webhook's.
    """
    said = " ".join(str(result.get("msg") or "").split()) if result.get("failed") and not result.get("result") else ""
    said = said or _SILENT
    because, remedy = next((rest for marks, *rest in _CAUSES if any(mark in said for mark in marks)), _OTHER)
    because, remedy = (text.replace("NAMESPACE", namespace).replace("CLUSTER", cluster) for text in (because, remedy))
    return (
        f"cluster {cluster}: a pod that asks for the TLS sidecar does not get it.\n"
        f"  because   {because}\n"
        f"            {said[:_LONGEST]}\n"
        f"  fix       {remedy}"
    )
