# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission policies and the webhook on a real API server, against the core: same pod stored, same verdict.

Every pod of the corpus is created by server-side dry run. "As the core says" means: the API server fills in its
defaults, ``inject`` makes its patch for that, and the result is dry-run created with nothing injecting.
"""
from __future__ import annotations

import asyncio
import base64
import copy
import difflib
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch, policy
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import OPT_IN, OPT_IN_LABEL, PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import Outcome, inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.server import Webhook
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import definitions
from ansible_collections.gatewayops.apigee_gke.tests.corpus.sidecar import cases as corpus

from testbed.kubernetes import node
from testbed.kubernetes.identities import client_files
from testbed.network.namespace import Namespace
from tests.testbed.kubernetes.conftest import linked, spec
from tests.unit.plugins.module_utils._sidecar.certificates import Folder

pytestmark = pytest.mark.testbed

WORKERS = 6
#: Seconds until a policy that was applied must be in force.
PATIENCE = 30.0
#: A namespace of our own, to see whether what was applied is in force.
PROBE = "probe"
WEBHOOK_PORT, METRICS_PORT = 18443, 18444
API = "/apis/admissionregistration.k8s.io/v1"
KINDS = {"MutatingAdmissionPolicy": "mutatingadmissionpolicies", "ValidatingAdmissionPolicy":
         "validatingadmissionpolicies", "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
         "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
         "MutatingWebhookConfiguration": "mutatingwebhookconfigurations"}
#: The policy is for clusters that have it; what the core does for older ones is in its own tests.
CASES = [case for case in corpus.cases() if "kubernetes_version" not in case.defaults]

Answer = tuple[int, dict[str, Any]]
Object = dict[str, Any]


class Cluster:
    """The API server of a node, asked from inside the node's network namespace."""

    def __init__(self, inside: Namespace, access: node.NodeAccess, server: str) -> None:
        self.inside = inside
        files = client_files(access.node_kubeconfig.parent / "certificates", "admin", server)
        self._context = ssl.create_default_context(cafile=str(files.ca))
        self._context.load_cert_chain(files.certificate, files.key)
        self._host, self._port = server.removeprefix("https://").split(":")
        self._generation = 0

    def __call__(self, requests: Iterable[tuple[str, str, Object | None]]) -> list[Answer]:
        """The answers to many requests (method, path, body), asked over a few connections at once. PATCH applies on the
        server's side; MERGE sends a merge patch."""
        asked = list(requests)
        lots = [range(first, len(asked), WORKERS) for first in range(min(WORKERS, len(asked)))]
        answers: dict[int, Answer] = {}

        def work(lot: range) -> None:
            connection = http.client.HTTPSConnection(self._host, int(self._port), context=self._context, timeout=60)
            for place in lot:
                method, path, body = asked[place]
                kind = {"PATCH": "apply-patch+yaml", "MERGE": "merge-patch+json"}.get(method, "json")
                connection.request(method.replace("MERGE", "PATCH"), path, json.dumps(body) if body else None,
                                   {"Content-Type": f"application/{kind}"})
                response = connection.getresponse()
                answers[place] = response.status, json.loads(response.read())
            connection.close()

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda lot: self.inside.inside(lambda: work(lot)), lots))
        return [answers[place] for place in range(len(asked))]

    def create(self, pods: Iterable[tuple[str, Object]]) -> list[Answer]:
        """Dry-run creation of pods, each with its namespace."""
        return self(("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod) for namespace, pod in pods)

    def apply(self, *objects: Object) -> None:
        for item in objects:
            path = f"{API}/{KINDS[item['kind']]}/{item['metadata']['name']}?fieldManager=test&force=true"
            ((status, answer),) = self([("PATCH", path, item)])
            assert status in (200, 201), answer["message"]

    def remove(self, *objects: Object) -> None:
        self(("DELETE", f"{API}/{KINDS[item['kind']]}/{item['metadata']['name']}", None) for item in objects)

    def until(self, done: Callable[[Answer], bool], namespace: str, pod: Object) -> None:
        """Ask until the pod's dry run is answered as wanted: what was applied is then in force."""
        deadline = time.monotonic() + PATIENCE
        while not done(answer := self.create([(namespace, pod)])[0]):
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    @contextmanager
    def policies(self, defaults: Object) -> Iterator[None]:
        """Both policies in force with these defaults and no others."""
        self._generation += 1
        port, seconds = str(20000 + self._generation), 1000 + self._generation
        own = {PROBE: {"port": port, "drain-seconds": str(seconds)}}
        known = Defaults.read({**defaults, "namespaces": {**defaults.get("namespaces", {}), **own}})
        objects = [*policy.mutation(known), *policy.guard(known, True)]
        self.apply(*objects)
        try:
            image = {"image": defaults["image_prefixes"][0] + "x"} if defaults.get("image_prefixes") else {}
            self.until(lambda answer: answer[0] == 201 and waits(answer) == {"app": seconds}, PROBE, annotated(**image))
            self.until(lambda answer: "are both " + port in said(answer), PROBE,
                       annotated(**image, **{"application-port": port}))
            yield
        finally:
            self.remove(*reversed(objects))
            self.until(lambda answer: answer[0] == 201 and not injected(answer), PROBE, annotated())


def annotated(**annotations: str) -> Object:
    """A pod that asks for the sidecar."""
    named = {PREFIX + name: value for name, value in {"service": "orders", **annotations}.items()}
    ports = [{"containerPort": 8080}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "annotations": named},
            "spec": {"containers": [{"name": "app", "image": "app", "ports": ports}]}}


def said(answer: Answer) -> str:
    """Why a pod was refused; nothing where it was not."""
    return answer[1]["message"] if answer[0] >= 400 else ""


def sidecars(answer: Answer) -> list[Object]:
    spec = answer[1]["spec"]
    return [each for each in spec.get("initContainers", []) if each["name"] == "tls-sidecar"]


def injected(answer: Answer) -> bool:
    return bool(sidecars(answer))


def waits(answer: Answer) -> dict[str, int]:
    """Seconds for which each container that has it waits before it stops."""
    found = {each["name"]: each.get("lifecycle", {}).get("preStop", {}) for each in answer[1]["spec"]["containers"]}
    return {name: hook["sleep"]["seconds"] for name, hook in found.items() if hook}


def pieces(text: str) -> list[str]:
    """What is wrong with a pod, each thing apart. CEL cannot say which annotation a misspelt one resembles."""
    told = re.sub(r".*denied (the )?request: ", "", text)
    return sorted(re.sub(r"(?<=is not known\.).*", "", each) for each in re.split(r"(?<=\.) (?=tls-sidecar\.)", told))


def plain(answer: Answer) -> Object:
    """The pod without what the API server makes up anew each time. A token volume has a random name, and is not there
    yet when the core sees a pod that the API server would refuse as it is."""
    made = copy.deepcopy(answer[1])
    for name in ("uid", "creationTimestamp", "managedFields", "resourceVersion", "generation"):
        made["metadata"].pop(name, None)
    if made["metadata"].get("generateName"):
        made["metadata"].pop("name", None)
    del made["status"]
    made = json.loads(re.sub(r"kube-api-access-\w{5}", "kube-api-access", json.dumps(made)))
    made["spec"].get("volumes", []).sort(key=lambda volume: volume["name"])
    return made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("tls-policy")
    with linked(folder) as (inner, _outer, cgroup):
        wanted = spec(cgroup)
        try:
            access = asyncio.run(node.start(wanted, inner, folder / "node"))
            found = Cluster(inner, access, wanted.node_server)
            namespaces = sorted({PROBE, *(case.namespace for case in CASES)})
            found(("POST", "/api/v1/namespaces", {"metadata": {"name": name}}) for name in namespaces)
            deadline = time.monotonic() + PATIENCE
            while any(status == 404 for status, _answer in found(
                    ("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default", None) for name in namespaces)):
                assert time.monotonic() < deadline
            yield found
        finally:
            asyncio.run(node.stop(folder / "node"))


@pytest.fixture(scope="module")
def wanted(cluster) -> dict[str, tuple[Outcome, Answer]]:
    """By case: what the core says, and what the API server makes of the pod as the core leaves it."""
    first = cluster.create((case.namespace, case.pod) for case in CASES)
    outcomes, pods = {}, []
    for case, answer in zip(CASES, first, strict=True):
        # A pod that the API server refuses as it is, is seen by admission all the same.
        before = answer[1] if answer[0] == 201 else case.pod
        outcomes[case.name] = inject(before, case.namespace, Defaults.read(case.defaults))
        after = copy.deepcopy(patch.apply(before, outcomes[case.name].patch))
        after.pop("status", None)
        pods.append((case.namespace, after))
    return {case.name: (outcomes[case.name], answer)
            for case, answer in zip(CASES, cluster.create(pods), strict=True)}


def differences(cases: list[corpus.Case], found: list[Answer], wanted: dict[str, tuple[Outcome, Answer]]) -> list[str]:
    """Names of the pods of which something else became, and what."""
    wrong = []
    for case, answer in zip(cases, found, strict=True):
        outcome, after = wanted[case.name]
        if outcome.refusal:
            if pieces(said(answer)) != pieces(outcome.refusal) or PREFIX + case.mentions not in said(answer):
                wrong.append(f"{case.name}: {said(answer) or 'accepted'}, but the core says {outcome.refusal}")
        elif said(answer) or said(after):
            if said(answer) != said(after):
                wrong.append(f"{case.name}: {said(answer) or 'accepted'}, but as the core says: {said(after)}")
        elif plain(answer) != plain(after):
            wrong.append(f"{case.name}: {unequal(plain(after), plain(answer))}")
    return wrong


def unequal(core: Object, found: Object) -> str:
    """The lines in which two pods differ."""
    texts = [json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (core, found)]
    return " ".join(line.strip() for line in difflib.unified_diff(*texts, "core", "found", lineterm="", n=0))


def by_defaults() -> list[tuple[Object, list[corpus.Case]]]:
    """The corpus in lots that hold for the same defaults."""
    lots: dict[str, list[corpus.Case]] = {}
    for case in CASES:
        lots.setdefault(json.dumps(case.defaults, sort_keys=True), []).append(case)
    return [(json.loads(defaults), cases) for defaults, cases in lots.items()]


def test_the_corpus_is_judged_at_all(wanted):
    assert len(CASES) >= 100
    assert {outcome.verdict for outcome, _after in wanted.values()} == {
        "injected", "completed", "unchanged", "skipped", "refused"}
    accepted = [name for name, (outcome, after) in wanted.items() if not outcome.refusal and after[0] == 201]
    assert len(accepted) >= 100


@pytest.mark.parametrize(("defaults", "cases"), by_defaults(), ids=lambda value: json.dumps(value)[:50]
                         if isinstance(value, dict) else str(len(value)))
def test_policies_do_what_the_core_does(cluster, wanted, defaults, cases):
    with cluster.policies(defaults):
        found = cluster.create((case.namespace, case.pod) for case in cases)
    assert differences(cases, found, wanted) == []


@contextmanager
def webhook(
    cluster: Cluster, folder: Folder, defaults: Object, failure_policy: str = "Fail", **label: str
) -> Iterator[Webhook]:
    """The real server in this process, listening on the node's loopback, where its API server calls it; the role's own
    registration. ``label`` is what pods bear besides the annotation."""
    folder.renew()
    server = cluster.inside.inside(lambda: Webhook(
        Defaults.read(defaults), str(folder.path), ("127.0.0.1", WEBHOOK_PORT), ("127.0.0.1", METRICS_PORT)))
    server.start()
    client = {"url": f"https://127.0.0.1:{WEBHOOK_PORT}/mutate",
              "caBundle": base64.b64encode(folder.authority.read_bytes()).decode()}
    settings = {"namespace": "tls-sidecar", "defaults": defaults, "failure_policy": failure_policy}
    objects = definitions.registration(settings)
    objects[-1]["webhooks"][0]["clientConfig"] = client
    cluster.apply(*objects)
    asked = annotated()
    asked["metadata"]["labels"] = label
    try:
        cluster.until(lambda answer: answer[0] == 201 and injected(answer), PROBE, asked)
        yield server
    finally:
        cluster.remove(*objects)
        cluster.until(lambda answer: answer[0] == 201 and not injected(answer), PROBE, asked)
        server.stop(0, 1)


def test_the_webhook_does_what_the_core_does(cluster, wanted, tmp_path):
    cases = [case for case in CASES if not case.defaults]
    with webhook(cluster, Folder(tmp_path), {}):
        found = cluster.create((case.namespace, case.pod) for case in cases)
    assert differences(cases, found, wanted) == []


def test_a_webhook_that_is_away_is_passed_over_where_that_is_wanted_and_the_guard_refuses(cluster, tmp_path):
    with webhook(cluster, Folder(tmp_path), {}, "Ignore") as server:
        server.stop(0, 0)
        cluster.until(lambda answer: "the pod has no TLS sidecar" in said(answer), PROBE, annotated())
        bare = annotated()
        del bare["metadata"]["annotations"]
        assert cluster.create([(PROBE, bare)])[0][0] == 201


def test_before_1_30_the_api_server_asks_by_a_label(cluster, tmp_path):
    """This API server is newer; what it is told is what an older one understands."""
    old = {"kubernetes_version": "1.29"}
    with webhook(cluster, Folder(tmp_path), old, **{OPT_IN_LABEL: OPT_IN}) as server:
        def asked() -> int:
            return int(re.search(r"_duration_seconds_count (\d+)", server.metrics.text()).group(1))

        before = asked()
        (without,) = cluster.create([(PROBE, annotated())])
        assert without[0] == 201 and not injected(without)
        assert before > 0 and asked() == before


def test_without_an_injector_the_guard_refuses_what_asked_for_it(cluster):
    guard = policy.guard(Defaults(), False)
    bare = annotated()
    del bare["metadata"]["annotations"]
    cluster.apply(*guard)
    try:
        cluster.until(lambda answer: bool(said(answer)), PROBE, annotated())
        refused, accepted = cluster.create([(PROBE, annotated()), (PROBE, bare)])
        assert refused[0] == 422 and PREFIX + "service is set, but the pod has no TLS sidecar" in said(refused)
        assert accepted[0] == 201 and not injected(accepted)
    finally:
        cluster.remove(*guard)
        cluster.until(lambda answer: answer[0] == 201, PROBE, annotated())


def test_a_container_that_another_policy_adds_later_waits_too(cluster):
    """The other policy is applied after ours by its name, and ours must be asked again without a second sidecar."""
    expression = ("object.spec.containers.exists(each, each.name == 'late') ? [] : [JSONPatch{op: 'add', "
                  "path: '/spec/containers/-', value: Object.spec.containers{name: 'late', image: 'late'}}]")
    other = copy.deepcopy(policy.mutation(Defaults()))
    for each in other:
        each["metadata"]["name"] = "zz-other"
    other[0]["spec"]["mutations"][0]["jsonPatch"]["expression"] = expression
    del other[0]["spec"]["variables"]
    other[1]["spec"]["policyName"] = "zz-other"
    with cluster.policies({}):
        cluster.apply(*other)
        try:
            cluster.until(lambda answer: len(answer[1].get("spec", {}).get("containers", [])) == 2, PROBE, annotated())
            (answer,) = cluster.create([("default", annotated())])
            assert waits(answer) == {"app": 93, "late": 93}
            assert len(sidecars(answer)) == 1
        finally:
            cluster.remove(*reversed(other))


def test_values_of_any_length_are_refused_by_name(cluster):
    """CEL has a limit of cost: beyond it, the API server would tell about a policy and not about an annotation."""
    names = ("port", "client-names", "service", "image", "zz")
    with cluster.policies({}):
        found = cluster.create(("default", annotated(**{name: "a" * 200_000})) for name in names)
    for name, answer in zip(names, found, strict=True):
        assert answer[0] == 422 and PREFIX + name in said(answer), said(answer)[:300]
        assert "cost" not in said(answer)
