# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each pod of the corpus, to the letter. Run as a script, it writes the golden files anew."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[5] / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import manifests, patch, review
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import BY_NAME, PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import Outcome, inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.corpus.sidecar import cases as corpus

CASES = corpus.cases()
SCRIPT = "python tests/unit/plugins/module_utils/_sidecar/test_corpus.py"


def become(case: corpus.Case) -> Outcome:
    return inject(case.pod, case.namespace, Defaults.read(case.defaults))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_verdict_is_the_one_written_by_hand(case):
    outcome = become(case)
    assert outcome.verdict == case.expect, outcome.refusal or outcome.skipped
    if case.expect == "refused":
        assert PREFIX + case.mentions in outcome.refusal
    assert bool(case.mentions) == (case.expect == "refused")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_the_golden_outcome(case):
    assert case.golden.is_file(), f"write it: {SCRIPT}"
    assert case.golden.read_text() == corpus.told(become(case)), f"if this is wanted: {SCRIPT}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_second_time_changes_nothing(case):
    first = become(case)
    result = patch.apply(case.pod, first.patch)
    second = inject(result, case.namespace, Defaults.read(case.defaults))
    assert second.patch == []
    assert second.refusal == first.refusal and second.skipped == first.skipped


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_webhook_and_offline_say_the_same(case):
    defaults = Defaults.read(case.defaults)
    outcome = become(case)
    resource = {"group": "", "version": "v1", "resource": "pods"}
    request = {"uid": "u", "operation": "CREATE", "namespace": case.namespace, "resource": resource, "object": case.pod}
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    response = review.answer(body, defaults).body["response"]
    (offline,) = manifests.inject_manifest(case.pod, case.namespace, defaults)
    assert response["allowed"] is (outcome.refusal is None) is (offline.outcome.refusal is None)
    assert response.get("status", {}).get("message") == outcome.refusal == offline.outcome.refusal
    made = json.loads(base64.b64decode(response.get("patch", base64.b64encode(b"[]"))))
    assert patch.apply(case.pod, made) == offline.manifest
    assert offline.explanation[0].startswith(f"Pod {case.namespace}/")


def test_no_golden_file_is_left_over():
    unused = {path.name for path in corpus.GOLDEN.iterdir()} - {case.golden.name for case in CASES}
    assert unused == set(), "each belongs to a pod that is no more: remove them"


def test_the_corpus_is_wide_enough():
    assert len(CASES) >= 100
    used = {key for case in CASES for key in case.pod["metadata"].get("annotations", {})}
    assert {field.annotation for field in BY_NAME.values()} <= used, "an annotation that no pod of the corpus has"
    assert {case.expect for case in CASES} == {"injected", "completed", "unchanged", "skipped", "refused"}


def write() -> None:
    """Write every golden file, and remove those left over."""
    corpus.GOLDEN.mkdir(exist_ok=True)
    for path in corpus.GOLDEN.iterdir():
        path.unlink()
    for case in CASES:
        case.golden.write_text(corpus.told(become(case)))
    sys.stdout.write(f"{len(CASES)} written\n")


if __name__ == "__main__":
    write()
