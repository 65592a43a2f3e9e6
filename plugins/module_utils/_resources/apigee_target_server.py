# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Target server: where proxies of an environment send requests. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.ownership import DescriptionMark, without_sentence
from .._engine.resource import Reference
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_reference import PREFIX

_TLS = (
    Field("enabled", type="bool"),
    Field("enforce", type="bool"),
    Field("trust_store"),
    Field("key_store", secret=False),
    Field("key_alias", secret=False),
    Field("client_auth_enabled", type="bool"),
    Field("ignore_validation_errors", type="bool"),
    Field("protocols", type="list", elements="str", lists="set"),
    Field("ciphers", type="list", elements="str", lists="set"),
    Field("common_name", type="dict", fields=(Field("value"), Field("wildcard_match", type="bool"))),
)
_EMPTY: tuple[t.Any, ...] = ([], {})


class ApigeeTargetServer(ApigeeResource):
    """``organizations.environments.targetservers``: every write is synchronous, an update replaces the whole."""

    kind = "apigee_target_server"
    title = "target server"
    names_only = True
    family = None
    path = "v1/organizations/{organization}/environments/{environment}/targetservers/{name}"
    update_method = "PUT"
    mark = DescriptionMark()
    fields = (
        *IN_ENVIRONMENT,
        Field("name", required=True, identity=True),
        Field("host"),
        Field("port", type="int"),
        Field("description", decode=without_sentence),
        # Apigee enables it unless told otherwise, and leaves the field out of its answer when it is disabled.
        Field("enabled", type="bool", api="isEnabled", initial=True),
        Field(
            "protocol",
            choices=("HTTP", "HTTP2", "GRPC", "GRPC_TARGET", "EXTERNAL_CALLOUT"),
            default="HTTP",
            immutable=True,
        ),
        Field("tls", type="dict", api="sSLInfo", fields=_TLS),
    )

    needed = ("host", "port")
    required_if = (("state", "present", needed),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("tls"):
            # Whoever states how TLS is done wants it done.
            self.options["tls"].setdefault("enabled", True)

    def validate(self) -> list[str]:
        """Port range, and TLS settings that silently accept any certificate."""
        problems = super().validate()
        port = self.options.get("port")
        if port is not None and not 1 <= port <= 65535:
            problems.append(f"port is {port}. State a number from 1 to 65535.")
        host = str(self.options.get("host") or "")
        if "/" in host or ":" in host:
            problems.append(f"host is {host!r}. State a host name or address only; the port stands in port.")
        tls = self.options.get("tls") or {}
        if tls.get("client_auth_enabled") and not (tls.get("key_store") and tls.get("key_alias")):
            problems.append("tls.client_auth_enabled needs tls.key_store and tls.key_alias.")
        if tls.get("enforce") and tls.get("ignore_validation_errors"):
            problems.append("tls.enforce and tls.ignore_validation_errors contradict each other. Keep enforce.")
        if tls.get("common_name") and not tls["common_name"].get("value"):
            problems.append("tls.common_name has no value. State the name, or {} for none but the host's.")
        return problems

    def declaration(self, found: Document) -> Options:
        """As any, but TLS settings that are not in use must say so."""
        stated = super().declaration(found)
        if "tls" in stated:
            stated["tls"].setdefault("enabled", False)
        return stated

    def references(self) -> list[Reference]:
        """What TLS names: it should lead to something before requests are sent that way. So should the port."""
        found = [*super().references(), Reference("compute_firewall", needed=False)]
        tls = self.options.get("tls") or {}
        for store, kind in (("trust_store", "apigee_truststore"), ("key_store", "apigee_client_certificate")):
            name = str(tls.get(store) or "")
            if name.startswith(PREFIX):
                named = name[len(PREFIX) :]
                found += [Reference(one, named, needed=False) for one in ("apigee_reference", kind)]
            elif name:
                found.append(Reference("apigee_keystore", name, needed=False))
                found.append(Reference("apigee_keystore_alias", name, option="keystore", needed=False))
        return found

    def body(self) -> Document:
        """As any, but what TLS shall not have is left out: of a name that is there and empty Apigee's documentation says
        nothing."""
        body = super().body()
        if isinstance(body.get("sSLInfo"), dict):
            body["sSLInfo"] = {key: value for key, value in body["sSLInfo"].items() if value not in _EMPTY}
        return body

    def changed_options(self, changes: list[Change]) -> Options:
        """As any, without what TLS shall not have."""
        changed = super().changed_options(changes)
        if changed.get("tls"):
            changed["tls"] = {name: value for name, value in changed["tls"].items() if value not in _EMPTY}
        return changed

    def update(self, found: Document, changes: list[Change]) -> None:
        """As any replacement. Apigee leaves false out of its answers, and takes what is left out for true."""
        kept = {"isEnabled": False, **found}
        gone = {change.spec.place[-1] for change in changes if change.top == "tls" and change.after in _EMPTY}
        if gone:
            kept["sSLInfo"] = {key: value for key, value in (found.get("sSLInfo") or {}).items() if key not in gone}
        super().update(kept, changes)
