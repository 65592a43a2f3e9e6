# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request that proves a proxy, and the page that shows what happened to it.

Private to this collection.
"""

from __future__ import annotations

import datetime
import ipaddress


def requests(proxies: list[dict]) -> list[dict]:
    """One request for each proxy in each of its environments, by the environment's first host name."""
    result = []
    for proxy in proxies:
        verify = proxy.get("verify") or {}
        paths = proxy.get("base_paths") or ([proxy["base_path"]] if proxy.get("base_path") else [])
        if verify.get("enabled") is False or not paths:
            continue
        # A wildcard segment stands for any text.
        path = paths[0].replace("*", "any").rstrip("/") + (verify.get("path") or "")
        for environment in proxy["environments"]:
            hosts = (proxy.get("hostnames") or {}).get(environment) or []
            if hosts:
                result.append(
                    {
                        "name": f"{proxy['name']} ({environment})",
                        "url": f"https://{hosts[0]}{path or '/'}",
                        "status": list(verify.get("status") or []),
                    }
                )
    return result


def lines(
    responses: list[dict],
    proxies: list[dict],
    targets: list[dict],
    endpoints: dict,
    resources: list[dict],
    services: list[dict] | None = None,
    certificates: dict | None = None,
) -> list[str]:
    """The proof, for people.

    Args:
        responses: of the ``gateway_request`` module.
        proxies: the role's proxies.
        targets: the role's target servers.
        endpoints: service name to list of ``pod`` and ``address``, as ``manifests.ready_endpoints`` gives them.
        resources: entries of the plural module, which know the instance and the revisions.
        services: published services, whose Secrets hold what their pods show.
        certificates: those in Secrets, as ``trust.certificates`` gives them.
    """
    asked = {f"{proxy['name']} ({name})": (proxy, name) for proxy in proxies for name in proxy["environments"]}
    shown = _shown(services or [], certificates or {})
    hosts = {(target["environment"], target["name"]): target for target in targets}
    revisions, gateway = _deployed(resources)
    text: list[str] = []
    balanced = False
    for response in responses:
        proxy, environment = asked.get(response["name"], ({}, ""))
        service = proxy.get("service") or ""
        target = hosts.get((environment, service))
        pods = endpoints.get(service) or []
        text.append(f"GET {response['url']}")
        name = proxy.get("name", "")
        revision = f" revision {revisions[name]}" if revisions.get(name) else ""
        text.append(f"  Apigee      {gateway}, environment {environment}, proxy {name}{revision}")
        if target and _is_address(target["host"]):
            balanced = True
            text.append(f"  target      {target['host']}:{target['port']}, a load balancer")
        elif target:
            addresses = ", ".join(pod["address"] for pod in pods) or "not looked up"
            text.append(f"  name        {target['host']}  ->  {addresses}")
        if target and target.get("tls") and service in shown:
            text.append(f"  TLS         {shown[service]}, {_judged(target['tls'])}")
        text.append(f"  answered    {_who(response, pods)}{response['status']} in {response['milliseconds']:.0f} ms")
    if text and not balanced:
        text.append("No load balancer, ingress or node port was involved.")
    return text


def _is_address(host: str) -> bool:
    """Whether a target is called by an address, which only a load balancer keeps."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(services: list[dict], certificates: dict) -> dict[str, str]:
    """For each service the certificate that was issued for its pods: issuer, name and expiry, for people."""
    result = {}
    for service in services:
        secret = (service.get("tls") or {}).get("secret") or f"{service['name']}-tls"
        place = f"{service.get('cluster', '')}/{service.get('namespace') or 'default'}/{secret}"
        if place in certificates:
            one = certificates[place]
            subject = one["names"][0] if one["names"] else one["subject"]
            expires = datetime.datetime.fromisoformat(one["expires"])
            days = (expires - datetime.datetime.now(datetime.timezone.utc)).days
            result[service["name"]] = (
                f"{one['issuer']}  ->  {subject}, expires {expires:%Y-%m-%d} (in {days} d)"
            )
    return result


def _judged(tls: bool | dict) -> str:
    """What an answer proves: a target server that enforces gives none for a certificate that it cannot verify."""
    return "not verified" if isinstance(tls, dict) and tls.get("enforce") is False else "verified by Apigee"


def _who(response: dict, pods: list[dict]) -> str:
    """The pod that answered, where the application says so."""
    body = response.get("json") or {}
    pod = body.get("pod")
    if not pod:
        return ""
    address = body.get("pod_address") or next((entry["address"] for entry in pods if entry["pod"] == pod), "")
    return f"pod {pod} on {address}   " if address else f"pod {pod}   "


def _deployed(resources: list[dict]) -> tuple[dict[str, str], str]:
    """Proxy name to revision, and the instance with its address."""
    revisions: dict[str, str] = {}
    gateway = "instance"
    for entry in resources:
        resource = entry.get("resource") or {}
        if entry.get("kind") == "apigee_proxy" and resource.get("revision"):
            revisions[entry["name"]] = str(resource["revision"])
        if entry.get("kind") == "apigee_instance":
            gateway = f"instance {entry['name']}" + (f" ({resource['host']})" if resource.get("host") else "")
    return revisions, gateway
