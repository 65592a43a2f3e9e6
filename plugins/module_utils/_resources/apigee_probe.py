# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether requests arrive at a proxy that was just deployed. Private to the collection.

The gateway is asked through a host name of the environment's group. How it is reached is stated (``probe_request``), or
found: the host name's own address, else the address of an instance, whose certificate is the organisation's own
authority's. What counts as an answer without a stated status: anything that the proxy or its backend says.
"""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from .._apigee import validate as validation
from .._engine.fields import Field
from .._gateway import answers, asking, certificates, sendable
from .._google.errors import Failure
from . import apigee_deployment_status as statuses
from .apigee_proxy_routes import groups
from .apigee_rollout import Attempt, Trouble

if t.TYPE_CHECKING:
    from .apigee_proxy import ApigeeProxy

#: Seconds: for a connection that nobody has promised, for good answers to come, and for one request.
CONNECT = 3.0
PATIENCE = 15.0
REQUEST = 10.0

#: What a path with a query may hold besides letters and digits. Source: RFC 3986 section 2.2.
_SAFE = "/?#[]@!$&'()*+,;=:%~"

OPTIONS = (
    Field("probe", type="bool", api=None),
    Field(
        "probe_request",
        type="dict",
        api=None,
        fields=(
            Field("path", api=None),
            Field("method", api=None),
            Field("headers", type="dict", api=None, secret=True),
            Field("status", type="list", elements="int", api=None),
            Field("host", api=None),
            Field("address", api=None),
            Field("port", type="int", api=None),
            Field("tls_name", api=None),
            Field("ca_cert", type="path", api=None),
            Field("timeout", type="int", api=None),
        ),
    ),
)


class Probe:
    """The request that proves a deployment of one proxy."""

    def __init__(self, proxy: ApigeeProxy) -> None:
        self.proxy = proxy
        self.stated: dict[str, t.Any] = proxy.options.get("probe_request") or {}
        #: What the probes came to, as sentences for the report.
        self.told: list[str] = []

    @property
    def wanted(self) -> bool:
        """On unless it was switched off."""
        return self.proxy.options.get("probe") is not False

    @property
    def insisted(self) -> bool:
        """Whether an answer was asked for in so many words; else a gateway that cannot be reached is only told."""
        return bool(self.proxy.options.get("probe")) or bool(self.stated)

    @property
    def exacting(self) -> bool:
        """Whether it was said what must answer: else what something in front of Apigee may have said is only told.

        How the gateway is reached says nothing of that: backends answer 404 or 503 with a page as well.
        """
        return bool(self.proxy.options.get("probe") or self.stated.get("status") or self.stated.get("path"))

    def problems(self) -> list[str]:
        """What cannot be right about the options."""
        path = self.stated.get("path")
        if path and not str(path).startswith("/"):
            return [f"probe_request.path is {path!r}. Write /{path}: it is appended to the base path."]
        if path and not re.fullmatch("[!-~]+", str(path)):
            # No request line can hold it, which would be found once the proxy is deployed.
            return [f"probe_request.path is {path!r}. Write it percent-encoded: {quote(str(path), safe=_SAFE)}."]
        return [f"probe_request.{one}" for one in sendable.problems(self.stated)]

    def __call__(self, attempt: Attempt) -> Trouble | None:
        """Ask; None when the proxy answers, or nothing can be said without somebody having insisted."""
        try:
            url = self._url(attempt)
            way, why = self._way(attempt, url) if url else (None, "")
        except Failure as error:
            # Host names and instances are somebody else's to show: that says nothing about the deployment.
            return self._unproved(attempt, f"what leads to the gateway cannot be read: {error.message}")
        if not url:
            return self._unproved(attempt, "environment has no host name, or the bundle no base path to ask for")
        request = {
            "name": f"{self.proxy.name} ({attempt.environment})",
            "url": url,
            "method": self.stated.get("method") or "GET",
            "headers": self.stated.get("headers") or {},
            "status": self.stated.get("status") or [],
        }
        if way is None:
            return self._unproved(attempt, why)
        try:
            response = asking.prove(request, way, way.context(), good=answers.executed)
        except OSError as error:
            return self._unproved(attempt, f"the certificates to trust cannot be read: {error}")
        if answers.executed(request, response):
            answer = f"{response['status']} in {response['milliseconds']:.0f} ms"
            self.told.append(f"{request['method']} {url} answered {answer} ({attempt.environment})")
            return None
        place = way.address or "its own address"
        if response["error"]:
            if self.insisted:
                because = [f"{request['method']} {url} through {place}: {response['error']}"]
                return Trouble("probe", because, attempt.status)
            return self._unproved(attempt, f"{url} through {place}: {response['error']}")
        if not response["fault"]:
            said = f"{request['method']} {url} through {place}: status {response['status']}"
            if self.exacting:
                return Trouble("probe", [said], attempt.status, self._status_remedy(response["status"]))
            return self._told(attempt, f"{said}, which something in front of Apigee may have said")
        fault = response["fault"]
        because = [f"{request['method']} {url} through {place}: status {response['status']}"]
        because.append(" ".join(part for part in (fault["errorcode"], fault["reason"], fault["faultstring"]) if part))
        meaning = answers.meaning(fault)
        return Trouble("probe", because + ([meaning] if meaning else []), attempt.status)

    def _unproved(self, attempt: Attempt, why: str) -> Trouble | None:
        if self.insisted:
            remedy = "say how the gateway is reached (probe_request: address, port, ca_cert, tls_name), or probe: false"
            return Trouble("probe", [f"it could not be asked: {why}"], attempt.status, remedy)
        return self._told(attempt, why)

    def _told(self, attempt: Attempt, why: str) -> None:
        self.told.append(f"not proven through the gateway ({attempt.environment}): {why}")

    def _status_remedy(self, status: int) -> str:
        accepted = sorted({*(self.stated.get("status") or []), status})
        return f"correct the cause and run again, or accept the answer: probe_request: {{status: {accepted}}}"

    def _url(self, attempt: Attempt) -> str:
        host = self.stated.get("host") or self._host(attempt.environment)
        content = self.proxy.content.bundle() or self.proxy.calls.download(attempt.revision)
        paths = validation.base_paths(content) if content else []
        if not host or not paths:
            return ""
        # A wildcard segment stands for any text.
        path = paths[0].replace("*", "any").rstrip("/") + (self.stated.get("path") or "")
        return f"https://{host}{path or '/'}"

    def _host(self, environment: str) -> str:
        names = [
            str(name)
            for group in groups(self.proxy)
            if environment in group["environments"]
            for name in group["hostnames"]
        ]
        return next((name for name in names if "*" not in name), "")

    def _way(self, attempt: Attempt, url: str) -> tuple[asking.Way | None, str]:
        """How the gateway is reached, or why it is not."""
        patience = float(self.stated.get("timeout") or PATIENCE)
        common = {"timeout": patience, "request_timeout": min(REQUEST, patience)}
        stated = {name: self.stated.get(name) for name in ("address", "port", "tls_name", "ca_cert")}
        way = asking.Way(**stated, **common)
        obstacle = way.obstacle(url, CONNECT)
        if not obstacle or stated["address"]:
            return (way, "") if not obstacle or self.insisted else (None, f"no connection to {stated['address']}: {obstacle}")
        for name in statuses.instances(attempt.status):
            found = self.proxy.wire.find("apigee", f"{self._organization}/instances/{quote(name)}") or {}
            organization = self.proxy.wire.find("apigee", self._organization) or {}
            authority = certificates.authorities(organization.get("caCertificates") or [])
            if not found.get("host"):
                continue
            direct = asking.Way(
                address=str(found["host"]),
                tls_name=f"probe.{self.proxy.organization}.apigee.internal",
                ca_cert_content=authority or None,
                **common,
            )
            if not direct.obstacle(url, CONNECT):
                return direct, ""
        return None, f"no connection to {url.split('/')[2]} ({obstacle}), nor to an instance"

    @property
    def _organization(self) -> str:
        return f"v1/organizations/{quote(self.proxy.organization)}"
