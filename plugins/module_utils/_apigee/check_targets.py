# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""Target endpoints: how they connect, and how far they can be trusted to know whom they connect to."""

from __future__ import annotations

from xml.etree import ElementTree

from . import markup
from .findings import Findings

#: Ways a target endpoint can connect. Each stands alone.
_CONNECTIONS = ("HTTPTargetConnection", "LocalTargetConnection", "ScriptTarget", "HostedTarget")

#: What a health monitor's request can be.
_VERBS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def check(found: Findings, path: str, root: ElementTree.Element) -> None:
    """One target endpoint."""
    name = root.get("name")
    if not len(root) and not name:
        return  # malformed, reported already
    element = f"TargetEndpoint {name}"
    connections = [child for child in root if child.tag in _CONNECTIONS]
    if len(connections) != 1:
        problem = "it has more than one connection" if connections else "it has no connection"
        found.add(path, element, problem, f"State one of {', '.join(_CONNECTIONS)}")
        return
    connection = connections[0]
    if connection.tag != "HTTPTargetConnection":
        return
    balancer = connection.find("LoadBalancer")
    has_url = bool(markup.local_text(connection.find("URL")))
    if balancer is None and not has_url:
        found.add(
            path,
            f"{element}, HTTPTargetConnection",
            "it has neither a URL nor a LoadBalancer",
            "State where requests go",
        )
    if balancer is not None:
        if has_url:
            found.add(
                path, f"{element}, HTTPTargetConnection", "it has both a URL and a LoadBalancer", "Keep one of them"
            )
        servers = [server.get("name", "") for server in balancer.iterfind("Server")]
        if not servers or "" in servers:
            found.add(
                path,
                f"{element}, LoadBalancer",
                "a Server with a name is missing",
                'Add <Server name="..."/> for each target server',
            )
        for double in sorted({server for server in servers if server and servers.count(server) > 1}):
            found.add(path, f"{element}, LoadBalancer", f"the Server {double} is listed twice", "Keep one")
        _check_trust(found, path, f"{element}, SSLInfo", connection.find("SSLInfo"))
        _check_monitor(found, path, f"{element}, HealthMonitor", connection.find("HealthMonitor"))


def _check_trust(found: Findings, path: str, element: str, info: ElementTree.Element | None) -> None:
    """TLS beside a load balancer: apigeelint looks at targets with a URL alone (apigee-peers.md 6b)."""
    if info is None or not _true(info.find("Enabled")):
        return
    remedy = "Leave TLS to the target server (apigee_target_server: tls), or correct it here"
    if _true(info.find("IgnoreValidationErrors")):
        found.advise(path, element, "any certificate is accepted (IgnoreValidationErrors)", remedy)
    if not _true(info.find("Enforce")):
        found.advise(path, element, "a bad certificate may pass, because Enforce is not true", remedy)
    store = markup.local_text(info.find("TrustStore"))
    if not store:
        found.advise(path, element, "there is no TrustStore, so no private authority is known", remedy)
    elif "://" not in store and "{" not in store:
        text = f"the TrustStore {store} is named directly, so a new one needs a new deployment"
        found.advise(path, element, text, f"Write ref://NAME of a reference to {store}")


def _check_monitor(found: Findings, path: str, element: str, monitor: ElementTree.Element | None) -> None:
    verb = markup.local_text(monitor.find("HTTPMonitor/Request/Verb")) if monitor is not None else ""
    if verb and verb not in _VERBS:
        found.add(path, element, f"the Verb {verb} is none of HTTP", f"Write one of {', '.join(_VERBS)}")


def _true(element: ElementTree.Element | None) -> bool:
    return markup.local_text(element).lower() == "true"
