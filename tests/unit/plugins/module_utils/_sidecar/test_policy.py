# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated admission policies: shape, limits of the API server, and to the letter. Run as a script, it writes the
golden files anew. What they do is seen on a real API server in tests/testbed/kubernetes/test_tls_policy.py."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[5] / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import cel, policy, policy_parts
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import FIELDS, PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import (
    Defaults,
    DefaultsError,
    Settings,
)

GOLDEN = Path(__file__).resolve().parent / "golden"
SCRIPT = "python tests/unit/plugins/module_utils/_sidecar/test_policy.py"
EVERYTHING = {
    "values": {"port": 9443, "memory": "48Mi"},
    "namespaces": {"shop": {"port": 9444, "engine": "envoy"}},
    "images": {"nginx": "registry.acme.example/nginx:1"},
    "image_prefixes": ["registry.acme.example/", "registry.acme.example:5000/"],
    "excluded_namespaces": ["legacy"],
    "timing": {"gateway_cache": 0},
}
GIVEN = {"plain": {}, "everything": EVERYTHING}


def objects(defaults: dict) -> list[dict]:
    read = Defaults.read(defaults)
    return [*policy.mutation(read), *policy.guard(read, True), *policy.guard(read, False)]


def told(defaults: dict) -> str:
    """Text of a golden file: without what the engines say, whose templates have tests of their own."""
    elided = objects(defaults)
    for item in elided:
        for variable in item["spec"].get("variables", []):
            if re.fullmatch(rf"({'|'.join(ENGINES)})_\d+", variable["name"]):
                variable["expression"] = "(text of the engine)"
    return re.sub(r'("hash\\*":\\*")[0-9a-f]{8}', r"\1--------", json.dumps(elided, indent=1)) + "\n"


@pytest.mark.parametrize("name", GIVEN)
def test_they_are_the_golden_ones(name):
    assert (GOLDEN / f"policy-{name}.json").read_text() == told(GIVEN[name]), f"if this is wanted: {SCRIPT}"


def test_no_golden_file_is_left_over():
    assert {path.name for path in GOLDEN.iterdir()} == {f"policy-{name}.json" for name in GIVEN}


@pytest.mark.parametrize("name", GIVEN)
def test_the_api_server_can_take_them(name):
    for item in objects(GIVEN[name]):
        assert len(json.dumps(item)) < 1_000_000
        spec = item["spec"]
        known = []
        for variable in spec.get("variables", []):
            # cel-go reads no longer expression.
            assert len(variable["expression"]) < 100_000, variable["name"]
            used = re.findall(r"variables\.(\w+)", re.sub(r"'(\\.|[^'\\])*'", "''", variable["expression"]))
            assert set(used) <= set(known), f"{variable['name']} uses what comes later"
            assert re.fullmatch("[a-z][a-z0-9_]*", variable["name"]) and variable["name"] not in known
            known.append(variable["name"])
        if "matchConditions" in spec:
            assert spec["failurePolicy"] == "Fail"
            assert [rule["operations"] for rule in spec["matchConstraints"]["resourceRules"]] == [["CREATE"]]


def test_bindings_deny_and_lead_to_their_policies():
    mutation, mutating, guard, guarding = objects({})[:4]
    assert mutating["spec"]["policyName"] == mutation["metadata"]["name"] == policy.NAME
    assert guarding["spec"] == {"policyName": guard["metadata"]["name"], "validationActions": ["Deny"]}
    assert mutation["spec"]["reinvocationPolicy"] == "IfNeeded"


def test_a_cluster_without_the_api_is_told():
    with pytest.raises(DefaultsError, match=r"1\.35.*needs 1\.36.*webhook"):
        policy.mutation(Defaults.read({"kubernetes_version": "1.35"}))


def test_every_annotation_is_read_and_judged():
    variables = {each["name"]: each["expression"] for each in policy.mutation(Defaults())[0]["spec"]["variables"]}
    for field in FIELDS:
        assert f"[?'{field.annotation}']" in variables[field.name.replace("-", "_")]
        assert f"'{field.annotation} is \"'" in variables["wrong_values"]


def test_what_is_taken_for_constant_is_constant():
    given = {"service": "a", "port": "1", "client-names": "x", "engine": "nginx", "metrics-port": "7"}
    one = Settings(given, "n", Defaults())
    two = Settings({"service": "b", "port": "2", "client-names": "y", "engine": "envoy"}, "m", Defaults())
    assert policy_parts.constants(one) == policy_parts.constants(two)
    first, second = one.values(3, 4), two.values(5, 6)
    assert {name for name in first if first[name] != second[name]} == {*policy_parts.BY_POD, "client-names"}


def test_no_stand_in_is_left():
    text = json.dumps(objects(EVERYTHING))
    assert not re.search(r"<<[a-z0-9_-]+>>", text)
    numbers = (policy_parts.PORT, policy_parts.APPLICATION_PORT, policy_parts.WINDOW)
    others = (policy_parts.METRICS_PORT, policy_parts.GRACE, policy_parts.GATEWAY_PORT, policy_parts.PROCESSES)
    for number in (*numbers, *others):
        assert str(number) not in text


def test_the_guard_asks_for_images_only_where_they_are_prescribed():
    assert len(policy.guard(Defaults(), False)[0]["spec"]["validations"]) == 2
    validations = policy.guard(Defaults.read(EVERYTHING), False)[0]["spec"]["validations"]
    for name, (_present, image) in {"image": validations[:2], "gateway-image": validations[2:]}.items():
        assert "registry.acme.example:5000/" in image["expression"] and PREFIX + name in image["message"]


def test_texts_are_escaped():
    assert cel.literal("a'b\\c\nd\t") == r"'a\'b\\c\nd\t'"


def test_answers_that_differ_are_told_apart_by_the_setting_that_does_it():
    writer = cel.Writer([cel.StandIn(7, "variables.seven")], {"one": "variables.one", "two": "variables.two"})
    answers = [({"one": one, "two": two}, {"a": one, "b": 7}) for one in "xy" for two in "pq"]
    assert writer.choose(answers) == (
        "{'a': dyn((variables.one == 'x' ? dyn('x') : dyn('y'))), 'b': dyn(variables.seven)}"
    )


def write() -> None:
    """Write the golden files."""
    GOLDEN.mkdir(exist_ok=True)
    for name, defaults in GIVEN.items():
        (GOLDEN / f"policy-{name}.json").write_text(told(defaults))


if __name__ == "__main__":
    write()
