# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writes that bring a proxy about, in an order in which each can be the last. Private to the collection."""

from __future__ import annotations

import typing as t

from .._apigee import bundle as bundles
from .._engine import normalise
from .._engine.fields import Document
from .._google.errors import Failure, RefusedError
from . import apigee_proxy_rollout as rollout
from .apigee_proxy_labels import wanted_labels

if t.TYPE_CHECKING:
    from .apigee_proxy import ApigeeProxy


def bring_about(proxy: ApigeeProxy, found: Document) -> None:
    """Import, label, deploy, wait, undeploy elsewhere: what of it is still to be done."""
    deployed = {str(one.get("environment")): one for one in found.get("deployments") or []}
    imported = False
    if proxy.options.get("revision") is not None and not proxy.wanted_revision:
        raise RefusedError(f"revision {proxy.options['revision']} does not exist.")
    wanted = proxy.wanted_revision or proxy.next_revision(found)
    todo = [one for one in proxy.environments if proxy.deployment_changes(one, deployed.get(one), wanted)]
    _check_surroundings(proxy, todo)
    if not proxy.wanted_revision and proxy.content.digest():
        proxy.wanted_revision = _import(proxy, found)
        imported = True
    labels = wanted_labels(found, proxy.options.get("labels"), proxy.wanted_revision, proxy.content.digest(), imported)
    if labels != (found.get("labels") or {}):
        proxy.calls.label(labels)
    for environment in todo:
        _deploy(proxy, environment, deployed.get(environment))
    elsewhere = sorted(set(deployed) - set(proxy.environments)) if proxy.options.get("undeploy_elsewhere") else []
    # Traffic that moves to another environment needs somewhere to go: what an earlier run left under way counts too.
    coming = [one for one in proxy.environments if one in todo or (elsewhere and deployed[one].get("state") != "READY")]
    if proxy.context.wait:
        for environment in coming:
            rollout.follow(proxy.calls, environment, proxy.wanted_revision)
    elif coming:
        proxy.running = {"name": f"deployment of revision {proxy.wanted_revision} to {', '.join(coming)}"}
        return
    for environment in elsewhere:
        undeploy(proxy, environment, str(deployed[environment]["revision"]))


def _check_surroundings(proxy: ApigeeProxy, todo: list[str]) -> None:
    """What the deployment needs, asked before a revision is spent on it. Raises RefusedError."""
    problems = [] if proxy.checked or proxy.wanted_revision else proxy.taken()
    for environment in todo:
        if not proxy.calls.exists(f"environments/{environment}"):
            problems.append(f"there is no environment {environment}. Correct environments, or declare it first.")
            continue
        for server in proxy.content.target_servers():
            if not proxy.calls.exists(f"environments/{environment}/targetservers/{server}"):
                problems.append(
                    f"environment {environment} has no target server {server}, which the proxy uses. Declare it "
                    "(apigee_target_server), or correct the name."
                )
    if problems:
        raise RefusedError("\n".join(problems), refused=problems)


def _import(proxy: ApigeeProxy, found: Document) -> str:
    """Import the content. When the reply is lost, look whether it was done before doing it again."""
    content = t.cast(bundles.Bundle, proxy.content.bundle())
    try:
        revision = proxy.calls.upload(content)
    except Failure as error:
        status = getattr(error, "status", 0)
        if 400 <= status < 500:
            raise
        now = proxy.calls.get() or {}
        latest = str(now.get("latestRevisionId") or "")
        if latest and latest != str(found.get("latestRevisionId") or ""):
            if not proxy.calls.same_content(latest, proxy.content.digest()):
                raise
            revision = latest
        else:
            revision = proxy.calls.upload(content)
    proxy.done.append(f"imported revision {revision}")
    return revision


def _deploy(proxy: ApigeeProxy, environment: str, live: Document | None) -> None:
    """Ask for the change report, then deploy. Raises RefusedError when the report forbids it."""
    forbids, moves = proxy.report(environment)
    if forbids:
        raise RefusedError(
            "\n".join(
                f"revision {proxy.wanted_revision} was not deployed to environment {environment}: {one}."
                for one in forbids
            )
            + "\nNothing that serves was touched. Choose another base path, or undeploy the other proxy.",
            refused=forbids,
        )
    proxy.moves.extend(move for move in moves if move not in proxy.moves)
    account = proxy.options.get("service_account") or (
        normalise.service_account(live.get("serviceAccount")) if live else None
    )
    how = {
        "override": proxy.override or None,
        "sequencedRollout": proxy.options.get("sequenced_rollout") or None,
        "serviceAccount": account,
    }
    proxy.calls.deploy(environment, proxy.wanted_revision, how)
    over = f" over {live['revision']}" if live and str(live.get("revision")) != proxy.wanted_revision else ""
    proxy.done.append(f"deployed revision {proxy.wanted_revision}{over} in {environment}")
    proxy.context.forget(("apigee_groups", proxy.organization))


def undeploy(proxy: ApigeeProxy, environment: str, revision: str) -> None:
    """Take a revision out of an environment, and wait until it is."""
    proxy.calls.undeploy(environment, revision, bool(proxy.options.get("sequenced_rollout")))
    rollout.until_gone(proxy.calls, environment, revision)
    proxy.done.append(f"undeployed revision {revision} from {environment}")
