# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers which base path already: seen before a revision is imported. Private to the collection.

Apigee's own change report needs an imported revision, and a deployment does not check conflicts between environments of
one group at all (google-apis.md section 1, decision 6). So before the import the routing tables of the groups are read.
"""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._google.errors import ApiError

if t.TYPE_CHECKING:
    from .apigee_proxy import ApigeeProxy

#: No permission to look, or nothing to look at: the change report before the deployment still decides.
_CANNOT_TELL = (403, 404, 501)


def conflicts(proxy: ApigeeProxy, base_paths: list[str]) -> list[str]:
    """Sentences about base paths that another proxy answers in a group of the proxy's environments."""
    wanted = {_normal(path): path for path in base_paths}
    found = []
    for group, rule in _around(proxy) if wanted else ():
        owner, path = _proxy_of(rule.get("receiver")), wanted.get(_path_of(rule))
        if path and owner and owner != proxy.name:
            found.append(
                f"base path {path} is taken: in environment group {group} proxy {owner} answers it"
                f" (environment {_environment_of(rule)}). Choose another base path, or remove {owner} first."
            )
    return found


def given_up(proxy: ApigeeProxy, base_paths: list[str]) -> list[str]:
    """Sentences about base paths that the proxy answers in its environments, and would not with the wanted content."""
    kept = {_normal(path) for path in base_paths}
    return [
        f"traffic for base path {_path_of(rule)} would no longer be received by it (environment group {group})"
        for group, rule in _around(proxy)
        if _proxy_of(rule.get("receiver")) == proxy.name
        and _environment_of(rule) in (proxy.options.get("environments") or [])
        and _path_of(rule) not in kept
    ]


def _around(proxy: ApigeeProxy) -> list[tuple[str, dict[str, t.Any]]]:
    """Name of the group and rule, for all groups of the proxy's environments; nothing where we may not look."""
    environments = set(proxy.options.get("environments") or [])
    if not environments:
        return []
    try:
        names = [one["name"] for one in groups(proxy) if one["environments"] & environments]
        return [(name, rule) for name in names for rule in _rules(proxy, name)]
    except ApiError as error:
        if error.status not in _CANNOT_TELL:
            raise
    return []


def groups(proxy: ApigeeProxy) -> list[dict[str, t.Any]]:
    """The organisation's environment groups in order of name: ``name``, ``hostnames`` and the set ``environments``."""
    base = f"v1/organizations/{quote(proxy.organization)}/envgroups"

    def memberships() -> list[dict[str, t.Any]]:
        result = []
        for group in proxy.wire.pages("apigee", base, "environmentGroups"):
            name = str(group.get("name")).rsplit("/", 1)[-1]
            attached = proxy.wire.pages("apigee", f"{base}/{quote(name)}/attachments", "environmentGroupAttachments")
            members = {str(one.get("environment")) for one in attached}
            result.append({"name": name, "hostnames": group.get("hostnames") or [], "environments": members})
        return sorted(result, key=lambda one: one["name"])

    return proxy.context.once(("apigee_groups", proxy.organization), memberships)


def _rules(proxy: ApigeeProxy, group: str) -> list[dict[str, t.Any]]:
    path = f"v1/organizations/{quote(proxy.organization)}/envgroups/{quote(group)}/deployedIngressConfig"
    config = proxy.context.once(
        ("apigee_routes", proxy.organization, group), lambda: proxy.wire.get("apigee", path, {"view": "FULL"})
    )
    return config.get("routingRules") or []


def _normal(path: str) -> str:
    return "/" + path.strip("/")


def _path_of(rule: dict[str, t.Any]) -> str:
    return _normal(str(rule.get("basepath") or ""))


def _environment_of(rule: dict[str, t.Any]) -> str:
    return str(rule.get("environment") or "").rsplit("/", 1)[-1]


def _proxy_of(receiver: t.Any) -> str:
    """``organizations/o/apis/orders/revisions/3`` -> ``orders``."""
    parts = str(receiver or "").split("/")
    return parts[parts.index("apis") + 1] if "apis" in parts[:-1] else ""


def reported(report: dict[str, t.Any], sequenced: bool) -> tuple[list[str], list[str]]:
    """A change report as sentences: what forbids the deployment, and what traffic would move.

    Apigee advises some moves to be ``sequenced``. That it does so does not mean that it can (discovery document), so the
    advice is passed on and not followed.
    """
    forbids = []
    for violation in (report.get("validationErrors") or {}).get("violations") or []:
        forbids.append(str(violation.get("description") or violation.get("type")))
    for conflict in report.get("routingConflicts") or []:
        forbids.append(conflict_text(conflict))
    moves = [
        f"{change.get('description') or 'traffic moves'} (environment group {change.get('environmentGroup')})"
        + (", more safely with sequenced_rollout: true" if change.get("shouldSequenceRollout") and not sequenced else "")
        for change in report.get("routingChanges") or []
    ]
    return forbids, moves


def conflict_text(conflict: dict[str, t.Any]) -> str:
    """One routing conflict as a sentence."""
    other = conflict.get("conflictingDeployment") or {}
    owner = f"proxy {other.get('apiProxy')} revision {other.get('revision')}"
    place = f"environment {other.get('environment')} (environment group {conflict.get('environmentGroup')})"
    return f"base path {other.get('basepath')} is answered by {owner} in {place}"
