# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the name of a headless Service gives no address: what there is of it and of its pods, for people.

Private to this collection.
"""

from __future__ import annotations

#: Pods named one by one in a message.
_MOST = 3
_LONGEST = 160


def explain(
    service: dict, found: dict | None, pods: list[dict], seconds: int, bare: list[str] | None = None
) -> str:
    """A paragraph.

    Args:
        service: ``name`` and ``namespace``.
        found: the Service object, None when there is none.
        pods: those that it selects.
        seconds: how long was waited.
        bare: names of those that lack the TLS sidecar that they should have.
    """
    name, namespace = service["name"], service["namespace"]
    lines = [f"{name} (namespace {namespace}): after {seconds} s its name leads to no pod."]
    if found is None:
        lines.append("  found     no Service of this name")
        lines.append("  fix       Publish it: declare it in services.")
        return "\n".join(lines)
    selector = (found.get("spec") or {}).get("selector") or {}
    labels = ", ".join(f"{key}={value}" for key, value in sorted(selector.items())) or "none"
    if not pods:
        lines.append(f"  found     no pod with the labels that the Service selects ({labels})")
        lines.append("  fix       Start the workload, or correct the service's workload or selector.")
        return "\n".join(lines)
    if bare:
        more = f" and {len(bare) - _MOST} more" if len(bare) > _MOST else ""
        return "\n".join(
            [
                f"{name} (namespace {namespace}): after {seconds} s pods behind its name lack their TLS sidecar.",
                f"  found     {', '.join(bare[:_MOST])}{more}",
                f"  because   Apigee would call port {service['sidecar_port']}, on which they do not answer. They are older than what"
                " adds sidecars in this cluster, or than the port.",
                f"  fix       Replace them: kubectl --namespace {namespace} rollout restart, with the name of their workload;"
                " then run again.",
            ]
        )
    lines.append(f"  found     {len(pods)} pods, none of them ready")
    lines.extend(f"            {line}" for line in [describe(pod) for pod in pods[:_MOST]])
    lines.append(f"  fix       Correct the workload; kubectl --namespace {namespace} describe pods says more.")
    return "\n".join(lines)


def describe(pod: dict) -> str:
    """``orders-1 Pending, ImagePullBackOff: Back-off pulling image ...``"""
    status = pod.get("status") or {}
    reason = ""
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        stopped = state.get("waiting") or state.get("terminated") or {}
        reason = reason or ": ".join(text for text in (stopped.get("reason"), stopped.get("message")) if text)
    for condition in status.get("conditions") or []:
        if condition.get("status") == "False" and condition.get("type") in ("PodScheduled", "Ready"):
            reason = reason or ": ".join(text for text in (condition.get("reason"), condition.get("message")) if text)
    text = f"{pod['metadata']['name']} {status.get('phase', 'Unknown')}" + (f", {reason}" if reason else "")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
