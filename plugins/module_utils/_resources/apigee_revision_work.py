# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writes that bring a revision about, in an order in which each can be the last. Private to the collection."""

from __future__ import annotations

import concurrent.futures
import contextlib
import typing as t

from .._apigee import bundle as bundles
from .._apigee import lint
from .._engine import normalise
from .._engine.fields import Document
from .._google.errors import ApiError, Failure, RefusedError
from . import apigee_deployment_status as statuses
from . import apigee_revision_comparing as comparing
from . import apigee_revision_pruning as pruning
from . import apigee_rollout as rollout
from . import apigee_rollout_telling as telling

if t.TYPE_CHECKING:
    from .apigee_revisions import ApigeeRevisions


def preview_import(owner: ApigeeRevisions) -> list[str]:
    """What is wrong with the content that would be imported: apigeelint's view, in check mode Apigee's own as well."""
    content = t.cast(bundles.Bundle, owner.content.bundle())
    problems = lint.problems(content, owner.options.get("lint") or "auto")
    if problems or not owner.context.check:
        return problems
    try:
        owner.calls.validate(content)
    except ApiError as error:
        if error.status == 400:
            return [error.message]
        # An organisation that is still to be made, or an account that may only look: nothing is known, nothing refused.
        if error.status not in (403, 404):
            raise
        owner.moves.append(f"Apigee has not validated it ({error.said or error.status})")
    return []


def bring_about(owner: ApigeeRevisions, found: Document) -> None:
    """Import, remember, deploy, wait, undeploy elsewhere, prune: what of it is still to be done."""
    deployed = {str(one.get("environment")): one for one in found.get("deployments") or []}
    imported = False
    if owner.pinned and not owner.wanted_revision:
        raise RefusedError(f"revision {owner.options['revision']} does not exist.")
    wanted = owner.wanted_revision or owner.coming_revision(found)
    todo = [one for one in owner.environments if comparing.deployment(owner, one, deployed.get(one), wanted)]
    _check_surroundings(owner, todo)
    if not owner.wanted_revision and owner.content.digest():
        owner.wanted_revision = _import(owner, found)
        imported = True
    owner.remember(found, imported)
    for environment in todo:
        _check_report(owner, environment)
    attempts = _deploy_all(owner, todo, deployed)
    elsewhere = sorted(set(deployed) - set(owner.environments)) if owner.options.get("undeploy_elsewhere") else []
    # Traffic that moves to another environment needs somewhere to go: what an earlier run left under way counts too.
    left = [deployed[one] for one in owner.environments if one not in todo and elsewhere]
    attempts.extend(joined(owner, one) for one in left if statuses.word(one, str(one.get("revision"))) != "READY")
    if owner.context.wait:
        settle(owner, attempts)
    elif attempts:
        places = ", ".join(one.environment for one in attempts)
        owner.running = {"name": f"deployment of revision {owner.wanted_revision} to {places}"}
        return
    for environment in elsewhere:
        undeploy(owner, environment, str(deployed[environment]["revision"]))
    pruning.prune(owner, found)


def settle(owner: ApigeeRevisions, attempts: list[rollout.Attempt]) -> None:
    """See deployments to their end, all at once: while one is awaited another may need help. Raises Failure."""
    back = owner.options.get("rollback") is not False
    probe = owner.probe()

    def one(attempt: rollout.Attempt) -> None:
        rollout.settle(owner.calls, attempt, owner.same_content, probe, back)

    if len(attempts) == 1:
        one(attempts[0])
    elif attempts:
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(attempts)) as pool:
            list(pool.map(one, attempts))
    for attempt in attempts:
        if not attempt.trouble and attempt.revision != owner.wanted_revision:
            owner.equal[attempt.environment] = attempt.revision
    owner.moves.extend(probe.told if probe is not None else [])
    owner.settled = bool(attempts)
    if any(attempt.trouble for attempt in attempts):
        raise telling.all_of(attempts, back)


def replaced_since(owner: ApigeeRevisions, found: Document, serving: set[str]) -> None:
    """Raises Failure where this run's deployments served, and another run has put other content in their place since.

    It may have been put into the very revision: Apigee lets one that was never deployed be overwritten. ``serving`` are
    environments where the wanted revision has a state: the list of deployments may be late.
    """
    if not owner.settled:
        return
    now = {str(one.get("environment")): str(one.get("revision")) for one in found["deployments"]}
    others = [one for one in owner.environments if one not in serving and now.get(one) != owner.wanted_in(one)]
    if others:
        there = "; ".join(f"{one}: {'revision ' + now[one] if one in now else 'nothing'}" for one in others)
        raise Failure(
            f"{'; '.join(owner.done) or 'what was deployed served'}. Another run or person has put other content in its "
            f"place since ({there}). It was left as it is. Run again to have your content there."
        )


def joined(owner: ApigeeRevisions, live: Document) -> rollout.Attempt:
    """A deployment that somebody has started before us; what served until then is what instances still run.

    Its service account is that of its own deployment where Apigee still shows that one, else a guess.
    """
    environment, revision = str(live.get("environment")), str(live.get("revision"))
    served = statuses.running(live, but=revision)
    previous = served[-1] if served else ""
    before: Document | None = None
    # Read now: once a failure is seen, going back comes first.
    with contextlib.suppress(Failure):
        before = owner.calls.status(environment, previous) if previous else None
    account = normalise.service_account((before or live).get("serviceAccount"))
    return rollout.Attempt(environment, revision, previous, account, previous if before else revision)


def _check_surroundings(owner: ApigeeRevisions, todo: list[str]) -> None:
    """What the deployment needs, asked before a revision is spent on it. Raises RefusedError."""
    problems = [] if owner.checked or owner.wanted_revision else owner.taken()
    for environment in todo:
        if not owner.calls.exists(f"environments/{environment}"):
            problems.append(f"there is no environment {environment}. Correct environments, or declare it first.")
            continue
        for server in owner.content.target_servers():
            if not owner.calls.exists(f"environments/{environment}/targetservers/{server}"):
                problems.append(
                    f"environment {environment} has no target server {server}, which the proxy uses. Declare it "
                    "(apigee_target_server), or correct the name."
                )
    if problems:
        raise RefusedError("\n".join(problems), refused=problems)


def _import(owner: ApigeeRevisions, found: Document) -> str:
    """Import the content, into a revision that was never deployed where that goes; returns its number."""
    content = t.cast(bundles.Bundle, owner.content.bundle())
    reusable = owner.reusable(found)
    if reusable and _overwrite(owner, found, reusable, content):
        owner.done.append(f"imported into revision {reusable}, which was never deployed")
        return reusable
    pruning.make_room(owner, found)
    revision = _upload(owner, found, content)
    owner.done.append(f"imported revision {revision}")
    return revision


def _overwrite(owner: ApigeeRevisions, found: Document, revision: str, content: bundles.Bundle) -> bool:
    """Put the content into an existing revision; False where Apigee refuses, as once it was deployed."""
    # What is remembered of the revision must go first: a run that ends in between may not leave a false memory.
    owner.forget_content(found)
    try:
        owner.calls.overwrite(revision, content)
    except ApiError as error:
        # Whatever Apigee does not like about it, it says again when the content is imported.
        if error.status not in (400, 404, 409):
            raise
        return False
    return True


def _upload(owner: ApigeeRevisions, found: Document, content: bundles.Bundle) -> str:
    """Import as a new revision. When the reply is lost, look whether it was done before doing it again."""
    try:
        return owner.calls.upload(content)
    except Failure as error:
        status = getattr(error, "status", 0)
        if 400 <= status < 500:
            raise
        now = owner.calls.get() or {}
        latest = str(now.get("latestRevisionId") or "")
        if latest and latest != str(found.get("latestRevisionId") or ""):
            if not owner.same_content(latest):
                raise
            return latest
        return owner.calls.upload(content)


def _check_report(owner: ApigeeRevisions, environment: str) -> None:
    """Raises RefusedError when Apigee's change report forbids the deployment."""
    forbids = owner.forbidden(environment)
    if forbids:
        raise RefusedError(
            "\n".join(
                f"revision {owner.wanted_revision} was not deployed to environment {environment}: {one}."
                for one in forbids
            )
            + "\nNothing that serves was touched. Choose another base path, or undeploy the other proxy.",
            refused=forbids,
        )


def _deploy_all(owner: ApigeeRevisions, todo: list[str], deployed: dict[str, Document]) -> list[rollout.Attempt]:
    """Ask for every deployment. Where one is refused, those before it are seen to their end all the same. Raises Failure."""
    attempts: list[rollout.Attempt] = []
    for environment in todo:
        try:
            attempts.append(_deploy(owner, environment, deployed.get(environment)))
        except Failure as refusal:
            if not attempts:
                raise
            refusal.message = f"environment {environment}: {refusal.message}"
            if owner.context.wait:
                _settle_before(owner, attempts, refusal)
            raise
    return attempts


def _settle_before(owner: ApigeeRevisions, attempts: list[rollout.Attempt], refusal: Failure) -> None:
    """What was asked for before the refusal may have to go back; what it came to is told with it."""
    try:
        settle(owner, attempts)
    except Failure as failure:
        refusal.message = f"{failure.message}\n{refusal.message}"
        refusal.facts = {**refusal.facts, **failure.facts}


def _deploy(owner: ApigeeRevisions, environment: str, live: Document | None) -> rollout.Attempt:
    """Ask for the deployment; what there is to go back to is noted before."""
    before = normalise.service_account(live.get("serviceAccount")) if live else None
    stated = owner.options.get("service_account")
    how = {
        "override": owner.override or None,
        "sequencedRollout": owner.options.get("sequenced_rollout") or None,
        # An empty one is stated to take it away.
        "serviceAccount": (before if stated is None else stated) or None,
    }
    revision = owner.wanted_in(environment)
    if live and str(live.get("revision")) != revision:
        previous, over = str(live["revision"]), f" over {live['revision']}"
    else:
        # The same revision again: it failed, or acts as somebody else. Only one that serves is worth going back to.
        previous, over = _served(live or {}), ""
    attempt = rollout.Attempt(environment, revision, previous, before, str((live or {}).get("revision") or ""), live is None, how)
    try:
        owner.calls.deploy(environment, revision, how, live)
    except Failure as error:
        if not owner.context.wait or not rollout.transient(error):
            raise
        # Apigee may have taken the request all the same, and the old revision out of service: that is seen by looking.
        attempt.doubt = error.message
    owner.done.append(f"deployed revision {revision}{over} in {environment}")
    return attempt


def _served(live: Document) -> str:
    """The revision that serves though another one, or the same with another account, is deployed over it; else ""."""
    revision = str(live.get("revision") or "")
    others = statuses.running(live, but=revision)
    return others[-1] if others else revision if live.get("state") == "READY" else ""


def undeploy(owner: ApigeeRevisions, environment: str, revision: str) -> None:
    """Take a revision out of an environment, and wait until it is."""
    owner.calls.undeploy(environment, revision, bool(owner.options.get("sequenced_rollout")))
    rollout.until_gone(owner.calls, environment, revision)
    owner.done.append(f"undeployed revision {revision} from {environment}")
