# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back. That it leads to where every pod came from is in test_properties.py."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.remove import remove
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import (
    application,
    injected,
    pod,
)

STATUS = PREFIX + "status"


def test_nothing_of_the_sidecar_is_left_and_the_wish_stays():
    given = pod(terminationGracePeriodSeconds=45, annotations={"port": "443", "client-ca-secret": "callers"})
    result = remove(injected(given)[0], Defaults())
    assert result.pod == given and result.verdict == "removed"


def test_what_others_added_or_changed_since_stays():
    result, _outcome = injected(pod())
    result["spec"]["containers"].append(application("mesh", 15001, lifecycle={"preStop": {"sleep": {"seconds": 9}}}))
    result["spec"]["volumes"].append({"name": "tls-sidecar-other", "emptyDir": {}})
    result["spec"]["terminationGracePeriodSeconds"] = 400
    spec = remove(result, Defaults()).pod["spec"]
    assert [each["name"] for each in spec["containers"]] == ["app", "mesh"]
    assert spec["containers"][1]["lifecycle"] and spec["terminationGracePeriodSeconds"] == 400
    assert spec["volumes"] == [{"name": "tls-sidecar-other", "emptyDir": {}}]


def test_a_plain_container_goes_as_well():
    given = pod()
    result, _outcome = injected(given, kubernetes_version="1.28")
    assert remove(result, Defaults()).pod == given


def test_pods_without_a_sidecar_are_left_alone():
    assert STATUS in remove(pod(), Defaults()).skipped
    for given in (None, 7, [], {"metadata": 1}):
        assert remove(given, Defaults()).verdict == "skipped"


@pytest.mark.parametrize(
    "status",
    ["{}", "", "[" * 100_000, "7", None, '{"version":"0","port":1,"application":2,"drain":3,"grace":4}',
     '{"version":"1","port":true,"application":2,"drain":3,"grace":4}'],
)  # fmt: skip
def test_a_status_that_says_too_little_is_refused(status):
    result, _outcome = injected(pod())
    result["metadata"]["annotations"][STATUS] = status
    told = remove(result, Defaults())
    assert told.verdict == "refused" and STATUS in told.refusal and "by hand" in told.refusal


def test_a_status_without_a_sidecar_is_refused():
    result, _outcome = injected(pod())
    del result["spec"]["initContainers"]
    assert "Remove that annotation" in remove(result, Defaults()).refusal


def test_a_pod_that_cannot_be_read_is_refused():
    status = json.dumps({"version": "1"})
    assert "spec" in remove({"metadata": {"annotations": {STATUS: status}}}, Defaults()).refusal
    broken = {"metadata": {"annotations": {STATUS: status}}, "spec": {"containers": 7}}
    assert "spec.containers is not a list" in remove(broken, Defaults()).refusal
