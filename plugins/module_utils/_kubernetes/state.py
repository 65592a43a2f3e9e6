# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a cluster has all that is wanted, as it is declared and ready. Private.

A part that is settled needs nothing: no object would be sent, nothing removed, nothing waited for. Whatever is not seen to
be so is not settled, an answer that fails included; the tasks that would do the work find out more.
"""

from __future__ import annotations

import functools
import typing as t

from .._certificates import authorities, client, release
from .._certificates.watch import Watch
from .._declaration import ownership
from .._webhook.probe import has_sidecar
from . import endpoints, objects
from .reader import Reader, ReadError


class _Unsettled(Exception):
    """Why a part is not settled."""


def look(
    connect: t.Callable[[dict[str, t.Any]], Reader], place: dict[str, t.Any]
) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    """What there is of each part, in one read of all objects.

    Args:
        connect: makes a reader of the cluster that has this ``endpoint`` and ``ca_certificate``.
        place: these two, the cluster's name as ``cluster``, and ``parts`` in the order in which they would be made, as the
            options of module ``kubernetes_state_info`` have them.

    Returns:
        ``part``, ``settled`` and ``because`` of each part, and of all settled parts together ``outcomes``, ``endpoints``
        ``authorities`` and ``certificates`` (by CLUSTER/NAMESPACE/NAME). After a part that is not settled no other is, since
        what happens for it may change them.
    """
    found: list[dict[str, t.Any]] = []
    seen: dict[str, t.Any] = {"outcomes": [], "endpoints": {}, "authorities": [], "certificates": {}}
    cluster, reader = place["cluster"], None
    try:
        reader = connect(place)
        chosen = [part for part in place["parts"] if _concerned(reader, part)]
        documents = objects.read(
            functools.partial(connect, place),
            [objects.path_of(one) for part in chosen for one in _named(part, cluster)],
        )
        for part in chosen:
            reason = _judge(connect, reader, cluster, part, documents, seen)
            found.append({"part": part["part"], "settled": not reason, "because": reason})
            if reason:
                break
    except (ReadError, ValueError) as error:
        found.append({"part": "", "settled": False, "because": str(error)})
    finally:
        if reader is not None:
            reader.close()
    return found, seen


def _concerned(reader: Reader, part: dict[str, t.Any]) -> bool:
    """Whether a part is for a cluster of this kind: one that serves a certain API, or one that does not."""
    condition = part.get("when_served") or part.get("unless_served")
    if not condition:
        return True
    served = reader.serves(condition["api_version"], condition["kind"])
    return served if part.get("when_served") else not served


def _wanted(part: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return part.get("definitions") or []


def _withdrawn(part: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return part.get("withdrawn") or []


def _named(part: dict[str, t.Any], cluster: str) -> list[dict[str, t.Any]]:
    """All objects of a part; of what sidecars believe only the names, as long as nobody has asked whom."""
    return _wanted(part) + _withdrawn(part) + client.believed(part.get("client") or {}, cluster)


def _believed(
    connect: t.Callable[[dict[str, t.Any]], Reader], reader: Reader, cluster: str, part: dict[str, t.Any]
) -> list[dict[str, t.Any]]:
    """The definitions by which sidecars are told whose client certificates to believe."""
    stated, elsewhere = part.get("client") or {}, part.get("client_issuer")
    if not stated:
        return []
    issuing = connect(elsewhere) if elsewhere else reader
    try:
        issuers = _collected(authorities.read(issuing, stated.get("secrets") or [], {}))
    finally:
        if elsewhere:
            issuing.close()
    present = authorities.believed(reader, client.places(stated, cluster))
    return client.believed(stated, cluster, {"authorities": issuers}, {"config_maps": present})


def _judge(
    connect: t.Callable[[dict[str, t.Any]], Reader],
    reader: Reader,
    cluster: str,
    part: dict[str, t.Any],
    documents: dict[str, t.Any],
    seen: dict[str, t.Any],
) -> str:
    """Why a part is not settled, "" when it is; what was seen of it is then among what was seen."""
    try:
        outcomes = [
            *_objects(cluster, _wanted(part) + _believed(connect, reader, cluster, part), documents, "present"),
            *_objects(cluster, _withdrawn(part), documents, "absent"),
        ]
        _deployments(_wanted(part), documents)
        outcomes += _certificates(reader, cluster, part)
        names = _names(reader, part)
        trusted, shown = _authorities(reader, part)
        if part.get("probe") and not _injected(reader, part["probe"]):
            raise _Unsettled("a pod that asks for its sidecar is made without")
    except _Unsettled as error:
        return str(error)
    seen["outcomes"] += outcomes
    seen["endpoints"].update(names)
    seen["authorities"] += trusted
    seen["certificates"].update({f"{cluster}/{place}": leaf for place, leaf in shown.items()})
    return ""


def _objects(
    cluster: str, definitions: list[dict[str, t.Any]], documents: dict[str, t.Any], state: str
) -> list[dict[str, t.Any]]:
    standings = [ownership.standing(one, documents[objects.path_of(one)]) for one in definitions]
    pending = ownership.pending(definitions, standings, state) if definitions else []
    if pending:
        names = ", ".join(f"{one['kind']} {one['metadata']['name']}" for one in pending)
        raise _Unsettled(f"not as declared: {names}")
    return ownership.outcome(definitions, {}, cluster, standings, state) if definitions else []


def _deployments(definitions: list[dict[str, t.Any]], documents: dict[str, t.Any]) -> None:
    for one in definitions:
        if one["kind"] == "Deployment" and not _rolled_out(documents[objects.path_of(one)] or {}):
            raise _Unsettled(f"not ready: Deployment {one['metadata']['name']}")


def _rolled_out(deployment: dict[str, t.Any]) -> bool:
    """Whether all pods of a Deployment are those of its present template, and ready."""
    metadata, status = deployment.get("metadata") or {}, deployment.get("status") or {}
    replicas = (deployment.get("spec") or {}).get("replicas", 1)
    return status.get("observedGeneration", 0) == metadata.get("generation", -1) and all(
        status.get(count, 0) == replicas for count in ("replicas", "updatedReplicas", "readyReplicas")
    )


def _certificates(reader: Reader, cluster: str, part: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The outcome of the release, once it and all that cert-manager has to do are ready."""
    namespace = part.get("namespace") or "cert-manager"
    watch, outcomes = Watch(reader, namespace), []
    if part.get("release"):
        wanted = part["release"]
        plan = release.plan(watch.release(), wanted["version"], wanted["values"], cluster, namespace)
        if plan["trouble"] or plan["action"] != "unchanged":
            raise _Unsettled("not as declared: release cert-manager")
        outcomes.append(plan["outcome"])
    if part.get("webhook") and (reason := watch.webhook()) is not None:
        raise _Unsettled(f"cert-manager's webhook does not answer: {reason}")
    for one in part.get("issuers") or []:
        if not watch.issuer(one)["ready"]:
            raise _Unsettled(f"not ready: {one.get('kind')} {one['name']}")
    for one in part.get("certificates") or []:
        if not watch.certificate(one)["ready"]:
            raise _Unsettled(f"not ready: Certificate {one['name']}")
    return outcomes


def _names(reader: Reader, part: dict[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """Where names lead, which has to be somewhere, and not to so many pods that somebody has to be told."""
    services = part.get("services") or []
    names = endpoints.ready(reader, services) if services else {}
    for name, addresses in names.items():
        if not addresses:
            raise _Unsettled(f"no pod is ready behind {name}")
        if part.get("most_endpoints") is not None and len(addresses) > part["most_endpoints"]:
            raise _Unsettled(f"{name} gives many addresses")
    return names


def _authorities(reader: Reader, part: dict[str, t.Any]) -> tuple[list[dict[str, t.Any]], dict[str, dict[str, t.Any]]]:
    wanted, own = part.get("secrets") or [], {}
    trusted = _collected(authorities.read(reader, wanted, own))
    return trusted, authorities.leaves(own)


def _collected(texts: dict[str, str]) -> list[dict[str, t.Any]]:
    without = [place for place, text in texts.items() if not text]
    if without:
        raise _Unsettled(f"no authority in Secret {', '.join(without)}")
    return authorities.collect(texts)


def _injected(reader: Reader, pod: dict[str, t.Any]) -> bool:
    namespace = pod["metadata"]["namespace"]
    try:
        made = reader.preview(objects.path("v1", "Pod", namespace), pod)
    except ReadError as error:
        raise _Unsettled(f"a pod that asks for its sidecar is not made: {error}") from error
    return has_sidecar(made)
