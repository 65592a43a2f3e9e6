# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""A proxy bundle from three facts: a name, a base path, and where requests go.

With target servers the result is clean under apigeelint's apigeex profile (apigee-peers.md 6c). TLS belongs to the
target server, never to the bundle, so certificates rotate without a new revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from . import generate_policies
from .bundle import Bundle

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_DESCRIPTOR = """<APIProxy name={name}>
    <DisplayName>{display_name}</DisplayName>
    <Description>{description}</Description>
</APIProxy>
"""

_FLOWS = """    <PreFlow name="PreFlow">
{request}        <Response/>
    </PreFlow>
    <Flows/>
    <PostFlow name="PostFlow">
        <Request/>
        <Response/>
    </PostFlow>
"""

_PROXY = """<ProxyEndpoint name="default">
{flows}    <HTTPProxyConnection>
        <BasePath>{base_path}</BasePath>
    </HTTPProxyConnection>
    <RouteRule name="default">
        <TargetEndpoint>default</TargetEndpoint>
    </RouteRule>
</ProxyEndpoint>
"""

_TARGET = """<TargetEndpoint name="default">
{flows}    <HTTPTargetConnection>
{connection}    </HTTPTargetConnection>
</TargetEndpoint>
"""

_HEALTH_MONITOR = (
    "<HealthMonitor>",
    "    <IsEnabled>true</IsEnabled>",
    "    <IntervalInSec>5</IntervalInSec>",
    "    <TCPMonitor>",
    "        <ConnectTimeoutInSec>3</ConnectTimeoutInSec>",
    "    </TCPMonitor>",
    "</HealthMonitor>",
)


def generate(
    name: str,
    base_path: str,
    target_servers: Sequence[str] = (),
    url: str | None = None,
    path: str | None = None,
    description: str | None = None,
    properties: Mapping[str, object] | None = None,
    spike_arrest: str | None = None,
    quota: Mapping[str, object] | None = None,
    target_host: str | None = None,
) -> Bundle:
    """Return the bundle of a proxy that passes requests below ``base_path`` to target servers or to a URL.

    ``path`` is put before the remainder of the request's path on the target servers. ``properties`` become properties
    of the target connection (``connect.timeout.millis`` and so on). ``spike_arrest`` (``30ps``) and ``quota`` limit
    requests, as :mod:`generate_policies` tells; ``target_host`` is the host name that the target is asked for.

    Raises ``ValueError`` unless exactly one of ``target_servers`` and ``url`` is given.
    """
    if bool(target_servers) == bool(url):
        raise ValueError("state either target servers or a URL, not both")
    connection = "".join(f"        {line}\n" for line in _connection(target_servers, url, path, properties or {}))
    limits = generate_policies.limits(spike_arrest, quota)
    host = generate_policies.host(target_host)
    texts = {
        f"apiproxy/{name}.xml": _DESCRIPTOR.format(
            name=quoteattr(name),
            display_name=escape(name),
            description=escape(description or f"Requests below {base_path}"),
        ),
        "apiproxy/proxies/default.xml": _PROXY.format(flows=_flows(limits), base_path=escape(base_path)),
        "apiproxy/targets/default.xml": _TARGET.format(flows=_flows(host), connection=connection),
        **{f"apiproxy/policies/{policy}.xml": text for policy, text in {**limits, **host}.items()},
    }
    return Bundle({file: (_DECLARATION + text).encode("utf-8") for file, text in texts.items()})


def _flows(policies: Mapping[str, str]) -> str:
    """The flows of an endpoint whose requests go through these policies first."""
    steps = "".join(
        f"            <Step>\n                <Name>{name}</Name>\n            </Step>\n" for name in policies
    )
    return _FLOWS.format(request=f"        <Request>\n{steps}        </Request>\n" if steps else "        <Request/>\n")


def _connection(
    target_servers: Sequence[str], url: str | None, path: str | None, properties: Mapping[str, object]
) -> list[str]:
    lines = []
    if properties:
        lines.append("<Properties>")
        for key in sorted(properties):
            lines.append(f"    <Property name={quoteattr(str(key))}>{escape(str(properties[key]))}</Property>")
        lines.append("</Properties>")
    if url:
        return [*lines, f"<URL>{escape(url)}</URL>"]
    lines.append("<LoadBalancer>")
    if len(target_servers) > 1:
        lines.append("    <Algorithm>RoundRobin</Algorithm>")
    lines.extend(f"    <Server name={quoteattr(server)}/>" for server in target_servers)
    if len(target_servers) > 1:
        lines.append("    <MaxFailures>5</MaxFailures>")
    lines.append("</LoadBalancer>")
    if len(target_servers) > 1:
        # A server that was ejected comes back only through a health monitor. With a single server both would be wrong:
        # only the last target can be taken out (apigee-peers.md 6c).
        lines.extend(_HEALTH_MONITOR)
    if path:
        lines.append(f"<Path>{escape(path)}</Path>")
    return lines
