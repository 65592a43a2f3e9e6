# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee Edge's own API: its addresses, its credentials, its errors. Private to the collection.

Edge is no Google API: nothing of Google's credentials goes there. When a call is repeated is the same (_google).
"""

from __future__ import annotations

import base64
import typing as t

from .._google.errors import ApiError, InvalidError
from .._google.refusals import Refusal
from .._google.session import Client
from .._microgateway import rules
from .._microgateway.gateway import PUBLIC_MICROSERVICES

#: The management API of Edge's public cloud.
PUBLIC_MANAGEMENT = "https://api.enterprise.apigee.com"
#: What stands for the service that gateways ask, where a call says which service it is for.
MICROSERVICES = "edgemicro"


def _remedy(refusal: Refusal, status: int) -> str:
    if "OrganizationDoesNotExist" in refusal.reason:
        return f"correct organization, or edge_url where it is in a private cloud. {rules.ALTERNATIVE}."
    if status == 403:
        return "give the user a role of the organisation that allows this, such as Organization Administrator."
    return ""


class EdgeError(ApiError):
    """Edge answered with an error."""

    speaker = "Edge"
    fact = "edge_error"
    remedy = staticmethod(_remedy)


class EdgeClient(Client):
    """Talks to Edge: to its management API, and to the service that gateways ask."""

    error = EdgeError
    always_asked: t.ClassVar[dict[str, list[tuple[str, str]]]] = {}
    whereabouts = ", edge_url and microservices_url"

    def __init__(self, options: t.Mapping[str, t.Any], on_secret: t.Callable[[str], None] | None = None) -> None:
        """``options`` are those of access.py. Raises InvalidError when they do not say where and who."""
        super().__init__({"request_timeout": options.get("request_timeout")}, on_secret)
        self._management = str(options.get("edge_url") or PUBLIC_MANAGEMENT).rstrip("/") + "/"
        self._microservices = str(options.get("microservices_url") or PUBLIC_MICROSERVICES).rstrip("/") + "/"
        plain = bool(options.get("plain_http"))
        faults = [*rules.address("edge_url", self._management, plain),
                  *rules.address("microservices_url", self._microservices, plain)]
        user, password, token = (str(options.get(f"edge_{name}") or "") for name in ("user", "password", "token"))
        if not token and not (user and password):
            faults.append("nobody is named who may do this: set edge_token, or edge_user and edge_password.")
        if ":" in user:
            faults.append("edge_user has a colon, which ends it where it is sent. Use another user, or edge_token.")
        if faults:
            raise InvalidError(" ".join(faults))
        self._authorization = f"Bearer {token}" if token else f"Basic {_encoded(user, password)}"
        for secret in (token, password, self._authorization.partition(" ")[2]):
            self._on_secret(secret)
        if options.get("ca_path"):
            self._authorities = str(options["ca_path"])
        # Without one of its own, a session takes a password for this host out of the user's .netrc in place of ours.
        self._session.auth = lambda request: request
        self._options_as_told = dict(options)

    def called_by(self, user: str, password: str) -> EdgeClient:
        """The same for another caller."""
        told = {**self._options_as_told, "edge_user": user, "edge_password": password, "edge_token": None}
        return EdgeClient(told, self._on_secret)

    def project(self) -> str | None:
        """Edge knows no projects."""
        return None

    def base(self, service: str) -> str:
        """One of two addresses."""
        return self._microservices if service == MICROSERVICES else self._management

    def token(self) -> str:
        """What the header says; nothing has to be got for it."""
        return self._authorization

    def authorization(self, token: str) -> str:
        """As it is."""
        return token

    def unknown(self, error: ApiError) -> str:
        """Whom Edge does not know."""
        said = f" ({error.said})" if error.said else ""
        return f"Edge does not know the caller{said}. Correct edge_user and edge_password, or get a new edge_token."

    def _renew(self, used: str) -> bool:
        return False


def _encoded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
