# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee runtime instance. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._engine.fields import Document, Field
from .._engine.ownership import DescriptionMark, without_sentence
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_model import hybrid_has_none

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")


def _join(value: list[str], resource: t.Any) -> str:
    return ",".join(value)


def _split(value: t.Any, resource: t.Any) -> list[str] | None:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else None


class ApigeeInstance(ApigeeResource):
    """``organizations.instances``: takes Google up to an hour. Its place and ranges are fixed."""

    kind = "apigee_instance"
    title = "Apigee instance"
    path = "v1/organizations/{organization}/instances/{name}"
    update_method = "PATCH"
    state_place = "state"
    mark = DescriptionMark()
    pruned = False
    # Others may have told theirs to whoever lets calls in by address: they cannot be had again.
    contents = ("apigee_nat_address",)
    # Google changes no description of an instance that is there.
    adopts = False
    lock = ORGANIZATION_LOCK
    timeout = 3600.0
    long_running = True
    after = ("project_services", "service_networking_connection")
    unsuited = (hybrid_has_none("instance", "Install the runtime there (Apigee hybrid), and leave instances out."),)
    filled = frozenset(("consumer_accept_list",))
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("location", immutable=True),
        # Google answers with the ranges it added itself (a /28 beside the /22), so only those stated are compared.
        Field(
            "ip_ranges",
            type="list",
            elements="str",
            api="ipRange",
            immutable=True,
            lists="set",
            keep_extra=True,
            encode=_join,
            decode=_split,
        ),
        Field("display_name"),
        Field("description", decode=without_sentence),
        Field("consumer_accept_list", type="list", elements="str", lists="set"),
        Field("disk_encryption_key_name", immutable=True),
        Field(
            "access_logging",
            type="dict",
            api="accessLoggingConfig",
            fields=(Field("enabled", type="bool"), Field("filter")),
        ),
        Field("host", output=True),
        Field("port", output=True),
        Field("service_attachment", output=True),
        Field("runtime_version", output=True),
        Field("state", output=True),
    )

    needed = ("location",)
    required_if = (("state", "present", needed),)

    def validate(self) -> list[str]:
        """Name and ranges as Google accepts them."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.match(name):
            problems.append(
                f"name is {name!r}. Use 2 to 32 lower-case letters, digits and dashes, starting with a letter."
            )
        for text in self.options.get("ip_ranges") or []:
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                problems.append(f"ip_ranges: {error}. Write a range such as 10.30.0.0/22.")
                continue
            if network.version != 4 or network.prefixlen not in (22, 28):
                problems.append(f"ip_ranges: {text} is neither a /22 nor a /28. An instance takes one of each.")
            elif not network.is_private:
                problems.append(f"ip_ranges: {text} is not a private range. Apigee refuses public ones.")
        return problems

    def everything(self) -> list[Document]:
        """All instances of the organisation."""
        return self.wire.pages(self.service, self.parent_url(), "instances")
