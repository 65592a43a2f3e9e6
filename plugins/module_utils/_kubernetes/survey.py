# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look into a cluster that exists, before anything is changed: what would be refused later is known now. Private."""

from __future__ import annotations

import typing as t

from .._declaration import manifests, ownership, policies, workloads
from .._declaration.problems import Problem
from .._sidecar.inject import inject
from .._sidecar.settings import Defaults
from . import objects
from .reader import Reader, ReadError, labelled

#: Seconds for an answer. A cluster that can be reached at all answers in a fraction of one.
PATIENCE = 5.0


class Survey(t.NamedTuple):
    """What was seen of one cluster.

    problems    what would be refused later
    advice      what may cost requests some day
    services    the services, with the labels of the pods that their workloads select
    """

    problems: list[Problem]
    advice: list[str]
    services: list[dict[str, t.Any]]


def survey(
    cluster: str,
    connection: dict[str, str],
    services: list[dict[str, t.Any]],
    token: t.Callable[[], str],
    defaults: Defaults,
    shows_certificate: bool = False,
) -> Survey:
    """Look at everything that the services of a cluster name. ``defaults`` are the injector's.

    ``shows_certificate`` says whether Apigee shows pods a client certificate.
    What the account may not read is left for the task that needs it to say; a cluster that gives no answer is a problem.
    """

    def connect() -> Reader:
        return Reader(connection["endpoint"], connection.get("ca_certificate") or "", token, PATIENCE)

    theirs = [service for service in services if not service.get("sample")]
    places = {service["name"]: _place(service) for service in theirs}
    plain = [service for service in services if not manifests.has_tls(service)]
    wanted = [
        *places.values(),
        *map(objects.path_of, manifests.services(services)),
        *map(objects.path_of, map(policies.identity, plain)),
    ]
    try:
        found = objects.read(connect, wanted)
    except ReadError as error:
        unanswered = not str(error).startswith("HTTP ")
        return Survey([_unreachable(cluster, connection, error)] if unanswered else [], [], services)
    except ValueError as error:
        return Survey([_unreachable(cluster, connection, error)], [], services)
    problems: list[Problem] = []
    complete: list[dict[str, t.Any]] = []
    for service in services:
        workload = found.get(places.get(service["name"], ""))
        selector = service.get("selector") or (workloads.labels(workload) if workload else {})
        if service in theirs and not service.get("selector") and workload is None:
            problems.append(workloads.absent(service, cluster))
        elif service in theirs and workload:
            wanted = manifests.demanded(service)
            wrong = workloads.unannotated(service, workload, wanted, cluster)
            problems += [wrong] if wrong else []
            if manifests.has_tls(service) and not shows_certificate:
                asking = workloads.demanding(service, workload, manifests.CLIENT_AUTHORITIES, cluster)
                problems += [asking] if asking else []
            if wanted and workloads.publishes(service, workload):
                outcome = inject(workloads.annotated(workload, wanted), service["namespace"], defaults)
                problems += [workloads.refused(service, outcome.refusal, cluster)] if outcome.refusal else []
        complete.append({**service, "selector": selector, **_leaving_tls(service, found)})
    if not shows_certificate:
        told = {problem.path for problem in problems}
        problems += [problem for problem in _demanding(connect, complete, cluster) if problem.path not in told]
    # A service whose pods are not known cannot be compared; it has its problem already.
    known = [service for service in complete if service.get("sample") or service["selector"]]
    definitions = manifests.services(known)
    standings = [ownership.standing(definition, found[objects.path_of(definition)]) for definition in definitions]
    problems += ownership.conflicts(definitions, standings, cluster)
    return Survey(problems, _advice(connect, theirs, places, found), complete)


def _leaving_tls(service: dict[str, t.Any], found: dict[str, dict[str, t.Any] | None]) -> dict[str, t.Any]:
    """What a plain service has of the time when it had TLS: a policy that closes its port, and the annotations of a sample."""
    if manifests.has_tls(service):
        return {}
    left: dict[str, t.Any] = {}
    policy = policies.identity(service)
    if ownership.standing(policy, found[objects.path_of(policy)])["owner"] == ownership.OURS:
        left["network_policy"] = {}
    if service.get("sample"):
        asked = workloads.asked(found[_place(service)] or {})
        left.update({"leaving": asked} if asked else {})
    return left


def _place(service: dict[str, t.Any]) -> str:
    kind, namespace, name = workloads.named(service)
    return objects.path("apps/v1", kind, namespace, name)


def _advice(
    connect: t.Callable[[], Reader],
    services: list[dict[str, t.Any]],
    places: dict[str, str],
    found: dict[str, dict[str, t.Any] | None],
) -> list[str]:
    there = [(service, document) for service in services if (document := found[places[service["name"]]]) is not None]
    lists = {
        service["namespace"]: objects.path("policy/v1", "PodDisruptionBudget", service["namespace"])
        for service, _document in there
    }
    try:
        budgets = objects.read(connect, lists.values())
    except ReadError:
        budgets = {}
    said = []
    for service, document in there:
        listed = budgets.get(lists[service["namespace"]])
        said += workloads.advice(service, document, None if listed is None else listed.get("items") or [])
    return said


def _demanding(connect: t.Callable[[], Reader], services: list[dict[str, t.Any]], cluster: str) -> list[Problem]:
    """What is said of pods that run and ask for a certificate that Apigee would show no more."""
    lists = {
        service["name"]: f"{objects.path('v1', 'Pod', service['namespace'])}?{labelled(manifests.selector(service))}"
        for service in services
        if manifests.has_tls(service)
    }
    try:
        found = objects.read(connect, lists.values())
    except ReadError:
        return []
    said = [
        workloads.still_demanding(
            service, (found[lists[service["name"]]] or {}).get("items") or [], manifests.CLIENT_AUTHORITIES, cluster
        )
        for service in services
        if service["name"] in lists
    ]
    return [problem for problem in said if problem]


def _unreachable(cluster: str, connection: dict[str, str], error: Exception) -> Problem:
    return Problem(
        f"clusters.{cluster}",
        "its API server cannot be reached from here.",
        found=f"https://{connection['endpoint']}: {error}",
        fix="Run this from where it can be reached: a private endpoint answers inside the network only, and"
        " authorized_networks has to name the range that this machine comes from.",
    )
