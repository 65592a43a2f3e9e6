# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Which deployment receives which base path: pure functions over claims, no store, no clock.

A *claim* is one base path of one deployment in one environment. Inside an environment a base path belongs to one proxy
(a second claim is refused at deployment); across the environments of a group the oldest claim wins and the others are
*route conflicts*, which do not fail the deployment.

Sources: the discovery document's text of ``Deployment.routeConflicts``, ``RoutingRule`` and
``DeploymentChangeReport``; the messages are those seen in apigee/apigee-deploy-maven-plugin #153 and
scastria/terraform-provider-apigee #15.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.google.services.apigee.kinds import PROXY, Kind, revision_name

CONFLICT = "CONFLICTING_DEPLOYMENT"


@dataclass(frozen=True)
class Claim:
    """``since``: milliseconds since epoch at which this environment first claimed the path without a gap."""

    basepath: str
    environment: str
    proxy: str
    revision: str
    since: int


@dataclass(frozen=True)
class Rule:
    """One line of an environment group's routing table: the winner and the claims that lost against it."""

    basepath: str
    winner: Claim
    losers: tuple[Claim, ...] = ()


def normal(basepath: str) -> str:
    """The form in which two base paths are compared: no final slash, except for the root."""
    return "/" + basepath.strip("/")


def table(claims: Iterable[Claim]) -> dict[str, Rule]:
    """The routing table of one group from the claims of its attached environments, most specific paths first."""
    by_path: dict[str, list[Claim]] = {}
    for claim in claims:
        by_path.setdefault(normal(claim.basepath), []).append(claim)
    rules = {}
    for path in sorted(by_path, key=_specificity):
        first, *others = sorted(by_path[path], key=lambda c: (c.since, c.environment, c.proxy))
        rules[path] = Rule(path, first, tuple(others))
    return rules


def _specificity(path: str) -> tuple[int, int, str]:
    """Sort key: longer paths first, literal segments before wildcards."""
    segments = _segments(path)
    return (-len(segments), segments.count("*"), path)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def covers(rule_path: str, path: str) -> bool:
    """Whether requests below ``path`` match ``rule_path``; a segment of one ``*`` matches any segment."""
    rule, wanted = _segments(rule_path), _segments(path)
    return len(rule) <= len(wanted) and all(r in ("*", w) for r, w in zip(rule, wanted, strict=False))


def receiver(rules: Mapping[str, Rule], path: str) -> Rule | None:
    """The rule that takes traffic for ``path``: the most specific one that covers it."""
    for rule_path in sorted(rules, key=_specificity):
        if covers(rule_path, path):
            return rules[rule_path]
    return None


def other_revision(kind: Kind, organization: str, name: str, revision: str) -> dict[str, str]:
    """The violation for which a deployment without override is refused while ``revision`` is deployed."""
    return {"type": CONFLICT, "subject": revision_name(kind, organization, name, revision),
            "description": "Only one revision can be deployed at a time, use the override flag to replace."}


def environment_conflicts(organization: str, new: Iterable[Claim], existing: Iterable[Claim]) -> list[dict[str, str]]:
    """Violations for which a deployment into an environment is refused: base paths of other proxies.

    ``new`` are the claims of the revision to deploy, ``existing`` those of the environment's deployments (of any
    proxy).
    """
    new = list(new)
    violations: list[dict[str, str]] = []
    clashes: dict[tuple[str, str], list[str]] = {}
    wanted = {normal(claim.basepath) for claim in new}
    for claim in existing:
        if normal(claim.basepath) in wanted and not any(claim.proxy == mine.proxy for mine in new):
            clashes.setdefault((claim.proxy, claim.revision), []).append(claim.basepath)
    for (proxy, revision), paths in clashes.items():
        subject = revision_name(PROXY, organization, proxy, revision)
        violations.append({
            "type": CONFLICT,
            "subject": subject,
            "description": f'Existing deployment of "{subject}" contains conflicting base paths: '
                           f'[{" ".join(sorted(set(paths)))}].',
        })
    return violations


def _deployment(claim: Claim) -> dict[str, str]:
    return {"apiProxy": claim.proxy, "revision": claim.revision, "environment": claim.environment,
            "basepath": claim.basepath}


def conflicts_of(environment: str, proxy: str,
                 rules_by_group: Mapping[str, Mapping[str, Rule]]) -> list[dict[str, Any]]:
    """Route conflicts of one deployment: base paths that another environment of a group received first."""
    found = []
    for group, rules in sorted(rules_by_group.items()):
        for path, rule in rules.items():
            if any(c.environment == environment and c.proxy == proxy for c in rule.losers):
                found.append({
                    "environmentGroup": group,
                    "conflictingDeployment": _deployment(rule.winner),
                    "description": f'Base path "{path}" in environment group "{group}" is already routed to environment'
                                   f' "{rule.winner.environment}" (proxy "{rule.winner.proxy}", revision'
                                   f' {rule.winner.revision}).',
                })
    return found


def routing_changes(before: Mapping[str, Mapping[str, Rule]], after: Mapping[str, Mapping[str, Rule]]) -> list[dict]:
    """What traffic moves when the tables of the groups change from ``before`` to ``after``.

    A new revision that takes over its predecessor's base paths in the same environment moves nothing at the ingress.
    """
    changes = []
    for group in sorted(set(before) | set(after)):
        old, new = before.get(group, {}), after.get(group, {})
        for path in sorted(set(old) | set(new), key=_specificity):
            source, target = receiver(old, path), receiver(new, path)
            if source is None or (target is not None and _same_place(source.winner, target.winner)):
                continue
            change: dict[str, Any] = {"environmentGroup": group, "fromDeployment": _deployment(source.winner)}
            if target is None:
                change["description"] = f'Traffic for base path "{path}" is no longer received by any deployment.'
            else:
                change["toDeployment"] = _deployment(target.winner)
                change["description"] = (f'Traffic for base path "{path}" moves from "{source.winner.environment}" to '
                                         f'"{target.winner.environment}".')
                change["shouldSequenceRollout"] = source.winner.environment != target.winner.environment
            changes.append(change)
    return changes


def _same_place(one: Claim, other: Claim) -> bool:
    return (one.environment, one.proxy) == (other.environment, other.proxy)
