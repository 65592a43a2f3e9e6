# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look into a running cluster tells before anything is changed; the API server is scripted by path."""

from __future__ import annotations

import json
import shlex
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, workloads
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import survey
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import ReadError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults

SERVICE = {"name": "orders", "namespace": "shop", "port": 8080}
DEFAULTS = Defaults.read({"values": {"port": "8443"}})
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/orders"
BUDGETS = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
HEADLESS = "/api/v1/namespaces/shop/services/orders"


def deployment(replicas: int = 3) -> dict[str, t.Any]:
    containers = [{"name": "application", "ports": [{"containerPort": 8080}]}]
    pod = {"metadata": {"labels": {"app": "orders", "tier": "web"}}, "spec": {"containers": containers}}
    return {"spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "orders"}}, "template": pod}}


def budget(**selector: t.Any) -> dict[str, t.Any]:
    return {"items": [{"spec": {"selector": selector}}]}


def look(
    monkeypatch: pytest.MonkeyPatch, documents: dict[str, t.Any], *services: dict[str, t.Any], shows: bool = False
) -> survey.Survey:
    class Scripted:
        """A double of the reader: a document by its path, else nothing; errors are raised."""

        def __init__(self, *_arguments: t.Any) -> None:
            """Nothing to connect to."""

        def get(self, path: str) -> t.Any:
            found = documents.get(path, documents.get("all"))
            if isinstance(found, Exception):
                raise found
            return found

        def close(self) -> None:
            """Nothing to give back."""

    monkeypatch.setattr(survey, "Reader", Scripted)
    place, all_of_them = {"endpoint": "203.0.113.7"}, list(services or [SERVICE])
    return survey.survey("gke", place, all_of_them, lambda: "token", DEFAULTS, shows)


def test_what_is_right_is_silent_and_gives_the_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = {DEPLOYMENT: deployment(), BUDGETS: budget(matchLabels={"app": "orders"})}
    seen = look(monkeypatch, documents)
    assert (seen.problems, seen.advice) == ([], [])
    assert seen.services == [{**SERVICE, "selector": {"app": "orders"}}]


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({DEPLOYMENT: deployment(1)}, "Deployment orders in namespace shop has one replica"),
        ({DEPLOYMENT: deployment(0)}, "has no replicas"),
        ({DEPLOYMENT: deployment(), BUDGETS: {"items": []}}, "create poddisruptionbudget orders --selector app=orders"),
        ({DEPLOYMENT: deployment(), BUDGETS: budget(matchLabels={"app": "other"})}, "has no PodDisruptionBudget"),
        ({DEPLOYMENT: deployment(), BUDGETS: {"items": [{"spec": {}}]}}, "has no PodDisruptionBudget"),
    ],
)
def test_what_may_cost_requests_is_told(
    monkeypatch: pytest.MonkeyPatch, documents: dict[str, t.Any], says: str
) -> None:
    seen = look(monkeypatch, documents)
    assert seen.problems == []
    assert len(seen.advice) == 1 and says in seen.advice[0] and seen.advice[0].startswith("services[orders]: ")


def test_budgets_that_may_not_be_read_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ReadError("HTTP 403: poddisruptionbudgets is forbidden", again=False)
    assert look(monkeypatch, {DEPLOYMENT: deployment(), BUDGETS: refused}).advice == []


@pytest.mark.parametrize(
    ("rule", "covers"),
    [
        ({"key": "app", "operator": "In", "values": ["orders"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["orders"]}, False),
        ({"key": "tier", "operator": "Exists"}, True),
        ({"key": "tier", "operator": "DoesNotExist"}, False),
    ],
)
def test_a_budget_may_select_by_expressions(rule: dict[str, t.Any], covers: bool) -> None:
    found = budget(matchExpressions=[rule])["items"]
    assert (workloads.advice(SERVICE, deployment(), found) == []) == covers
    assert workloads.advice(SERVICE, deployment(), budget()["items"]) == []


def test_daemon_sets_and_samples_are_not_advised_on(monkeypatch: pytest.MonkeyPatch) -> None:
    daemons = {**SERVICE, "workload_kind": "DaemonSet"}
    documents = {DEPLOYMENT.replace("deployments", "daemonsets"): deployment(1)}
    assert look(monkeypatch, documents, daemons).advice == []
    assert look(monkeypatch, {}, {**SERVICE, "sample": {"image": "an/image:1", "replicas": 1}}).advice == []


def test_what_is_missing_or_in_the_way_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = look(monkeypatch, {}).problems
    assert problem.path == "services[orders]" and "cluster gke has no Deployment orders" in problem.message
    assert look(monkeypatch, {}, {**SERVICE, "selector": {"app": "x"}}).problems == []
    theirs = {"metadata": {"name": "orders"}, "spec": {"clusterIP": "10.0.0.9", "selector": {"app": "orders"}}}
    (problem,) = look(monkeypatch, {DEPLOYMENT: deployment(), HEADLESS: theirs}).problems
    assert problem.path == "Service orders" and "spec.clusterIP is 10.0.0.9" in problem.found


NAME = "tls-sidecar.gatewayops.io/service"
PORT = "tls-sidecar.gatewayops.io/port"
ENGINE = "tls-sidecar.gatewayops.io/engine"


def annotated(**found: str) -> dict[str, t.Any]:
    document = deployment()
    document["spec"]["template"]["metadata"]["annotations"] = {
        f"tls-sidecar.gatewayops.io/{key}": value for key, value in found.items()
    }
    return document


@pytest.mark.parametrize(
    ("tls", "document", "patched"),
    [
        (None, deployment(), {}),
        ({}, annotated(service="orders"), {}),
        ({}, deployment(), {NAME: "orders"}),
        ({}, annotated(service="other"), {NAME: "orders"}),
        ({"port": 9443}, annotated(service="orders"), {PORT: "9443"}),
        ({"port": 9443, "default_port": 8443}, annotated(service="orders"), {PORT: "9443"}),
        ({"port": 9443, "default_port": 9443}, annotated(service="orders"), {}),
        ({"engine": "envoy"}, annotated(service="orders", engine="nginx"), {ENGINE: "envoy"}),
    ],
)
def test_pods_that_do_not_ask_for_their_sidecar_are_refused_with_the_patch(
    monkeypatch: pytest.MonkeyPatch, tls: t.Any, document: dict[str, t.Any], patched: dict[str, str]
) -> None:
    service = {**SERVICE, "tls": tls}
    problems = look(monkeypatch, {DEPLOYMENT: document}, service).problems
    said = manifests.unfit_workloads([{"item": service, "resources": [document]}], "gke")
    assert [problem.as_text() for problem in problems] == said
    if not patched:
        assert problems == []
        return
    (problem,) = problems
    command = problem.fix.split(" (and", maxsplit=1)[0]
    assert command.startswith("kubectl --namespace shop patch deployment orders --type merge --patch ")
    assert json.loads(shlex.split(command)[-1]) == {"spec": {"template": {"metadata": {"annotations": patched}}}}


@pytest.mark.parametrize(
    ("ports", "annotations", "says"),
    [
        ([8080, 8443], {}, "several ports (8080, 8443)"),
        ([8080, 8443], {"application-port": "8080"}, "tls-sidecar.gatewayops.io/port is 8443, which a container"),
        ([], {}, "the pod declares no port"),
        ([8080], {"drain-seconds": "soon"}, "tls-sidecar.gatewayops.io/drain-seconds"),
    ],
)
def test_pods_that_would_be_refused_are_told_before_anything_is_changed(
    monkeypatch: pytest.MonkeyPatch, ports: list[int], annotations: dict[str, str], says: str
) -> None:
    document = annotated(service="orders", **annotations)
    document["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": port} for port in ports]
    (problem,) = look(monkeypatch, {DEPLOYMENT: document}, {**SERVICE, "tls": {}}).problems
    assert problem.path == "services[orders]" and "would be refused" in problem.message and says in problem.found
    assert look(monkeypatch, {DEPLOYMENT: document}).problems == []
    elsewhere = {**SERVICE, "tls": {}, "selector": {"app": "somewhere-else"}}
    assert look(monkeypatch, {DEPLOYMENT: document}, elsewhere).problems == []


CLIENT_CA, CLIENT_NAMES = (f"tls-sidecar.gatewayops.io/client-{part}" for part in ("ca-config-map", "names"))
ASKING = {"service": "orders", "client-ca-config-map": "apigee-client-ca"}


@pytest.mark.parametrize(
    ("annotations", "removed"),
    [
        (ASKING, {CLIENT_CA: None}),
        ({**ASKING, "engine": "envoy", "client-names": "apigee.acme.example"}, {CLIENT_CA: None, CLIENT_NAMES: None}),
    ],
)
def test_pods_that_ask_for_a_certificate_which_apigee_shows_no_more_are_refused_with_the_way_back(
    monkeypatch: pytest.MonkeyPatch, annotations: dict[str, str], removed: dict[str, None]
) -> None:
    (problem,) = look(monkeypatch, {DEPLOYMENT: annotated(**annotations)}, {**SERVICE, "tls": {}}).problems
    assert "ask callers for a client certificate" in problem.message and "403" in problem.because
    first, command = problem.fix.split("; then ")
    assert "client_certificate: {required: false}" in first
    command = command.split(" (and", maxsplit=1)[0]
    assert command.startswith("kubectl --namespace shop patch deployment orders --type merge --patch ")
    assert json.loads(shlex.split(command)[-1]) == {"spec": {"template": {"metadata": {"annotations": removed}}}}


@pytest.mark.parametrize(
    ("service", "annotations", "shows"),
    [
        # Apigee shows its certificate, also while nobody has to ask for it.
        ({"tls": {}}, ASKING, True),
        # Apigee calls the plain port, which asks nobody.
        ({"tls": None}, ASKING, False),
        # An authority of the user's own: what Apigee shows then is the user's matter.
        ({"tls": {}}, {**ASKING, "client-ca-config-map": "partners"}, False),
        ({"tls": {}}, {"service": "orders"}, False),
        ({"tls": {}, "selector": {"app": "somewhere-else"}}, ASKING, False),
    ],
)
def test_pods_that_ask_for_what_apigee_shows_or_for_something_else_are_not(
    monkeypatch: pytest.MonkeyPatch, service: dict[str, t.Any], annotations: dict[str, str], shows: bool
) -> None:
    document = annotated(**annotations)
    assert look(monkeypatch, {DEPLOYMENT: document}, {**SERVICE, **service}, shows=shows).problems == []


PODS = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dorders"


def running(*names: str, believing: str = "apigee-client-ca") -> dict[str, t.Any]:
    """Pods with a sidecar, of whichever template they were made."""
    volume = {"name": "tls-sidecar-client-ca", "configMap": {"name": believing}}
    spec = {"volumes": [{"name": "theirs", "emptyDir": {}}, volume]}
    return {"items": [{"metadata": {"name": name}, "spec": spec} for name in names]}


@pytest.mark.parametrize(
    ("service", "workload"),
    [
        ({}, annotated(service="orders")),
        # Of a sample, pods may outlive the workload.
        ({"sample": {"image": "an/image:1"}, "selector": {"app": "orders"}}, None),
    ],
)
def test_pods_that_still_ask_for_a_certificate_are_named_though_their_workload_makes_others_by_now(
    monkeypatch: pytest.MonkeyPatch, service: dict[str, t.Any], workload: t.Any
) -> None:
    documents = {DEPLOYMENT: workload, PODS: running("orders-b", "orders-a")}
    (problem,) = look(monkeypatch, documents, {**SERVICE, "tls": {}, **service}).problems
    assert "ask callers for a client certificate" in problem.message and "403" in problem.because
    assert "2 with a sidecar that believes ConfigMap apigee-client-ca: orders-a, orders-b;" in problem.found
    assert "client_certificate: {required: false}" in problem.fix and "rollout status deployment orders" in problem.fix


def test_a_workload_that_still_asks_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = look(
        monkeypatch, {DEPLOYMENT: annotated(**ASKING), PODS: running("orders-a")}, {**SERVICE, "tls": {}}
    ).problems
    assert "kubectl --namespace shop patch" in problem.fix


@pytest.mark.parametrize(
    ("service", "pods", "shows"),
    [
        ({"tls": {}}, running("orders-a"), True),
        ({"tls": None}, running("orders-a"), False),
        ({"tls": {}}, running("orders-a", believing="partners"), False),
        ({"tls": {}}, running(), False),
        ({"tls": {}}, None, False),
        # Who may not look has no news.
        ({"tls": {}}, survey.ReadError("HTTP 403: pods is forbidden"), False),
    ],
)
def test_pods_that_ask_for_nothing_or_for_what_apigee_shows_are_not(
    monkeypatch: pytest.MonkeyPatch, service: dict[str, t.Any], pods: t.Any, shows: bool
) -> None:
    documents = {DEPLOYMENT: annotated(service="orders"), PODS: pods}
    assert look(monkeypatch, documents, {**SERVICE, **service}, shows=shows).problems == []


def test_a_workload_whose_pods_are_not_published_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    service = {**SERVICE, "tls": {}, "selector": {"app": "somewhere-else"}}
    assert look(monkeypatch, {DEPLOYMENT: deployment()}, service).problems == []


def test_a_cluster_that_does_not_answer_is_a_problem_and_one_that_refuses_is_asked_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (problem,) = look(monkeypatch, {"all": ReadError("no answer: timed out")}).problems
    assert problem.path == "clusters.gke" and "private endpoint" in problem.fix
    seen = look(monkeypatch, {"all": ReadError("HTTP 403: deployments is forbidden", again=False)})
    assert seen == survey.Survey([], [], [SERVICE])


def test_what_a_plain_service_has_of_the_time_when_it_had_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = {**SERVICE, "sample": {"image": "an/image:1"}}
    policy = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/orders"
    ours = {"metadata": {"name": "orders", "labels": {manifests.OWNER_LABEL: manifests.MANAGED_BY}}}
    with_tls = manifests.services([{**sample, "tls": {"port": 9443}}])[1]
    (before,) = look(monkeypatch, {DEPLOYMENT: with_tls, policy: ours}, sample).services
    assert before["network_policy"] == {} and before["leaving"] == {NAME: "orders", PORT: "9443"}
    # On the way its pods stay as they are; in the end they are as those of a sample that never had TLS.
    assert manifests.services([before])[1] == with_tls
    assert manifests.plain_samples([before]) == [manifests.services([sample])[1]]
    theirs = {"metadata": {"name": "orders"}}
    (after,) = look(monkeypatch, {DEPLOYMENT: manifests.services([sample])[1], policy: theirs}, sample).services
    assert "network_policy" not in after and "leaving" not in after and manifests.plain_samples([after]) == []
    (still,) = look(monkeypatch, {DEPLOYMENT: with_tls, policy: ours}, {**sample, "tls": {"port": 9443}}).services
    assert "network_policy" not in still and "leaving" not in still
