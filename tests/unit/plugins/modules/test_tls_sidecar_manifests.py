# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests in, manifests out: the module, run as Ansible runs it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.drain import Timing
from ansible_collections.gatewayops.apigee_gke.plugins.modules import tls_sidecar_manifests
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import pod
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import patch_module_args

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}


def deployment(**spec) -> dict:
    metadata = {"name": "orders", "namespace": "shop"}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": pod(**spec)}}


def run(capsys, **options) -> dict:
    """The module's result."""
    with patch_module_args(options), pytest.raises(SystemExit):
        tls_sidecar_manifests.main()
    return json.loads(capsys.readouterr().out)


def test_files_and_data_in_order(capsys, tmp_path: Path):
    path = tmp_path / "orders.yaml"
    path.write_text(yaml.safe_dump_all([{"kind": "Service", "metadata": {"name": "orders"}}, None, deployment()]))
    bare = {"kind": "Pod", "metadata": {"name": "bare"}}
    result = run(capsys, paths=[str(path)], definitions=[bare], namespace="shop")
    assert [each["verdict"] for each in result["results"]] == ["other", "injected", "skipped"]
    assert result["changed"] is False
    assert result["manifests"][1]["spec"]["template"]["spec"]["initContainers"][0]["name"] == "tls-sidecar"
    assert "Deployment shop/orders: gets the sidecar" in result["explanation"]


def test_a_refusal_fails_with_everything_explained(capsys):
    result = run(capsys, definitions=[deployment(hostNetwork=True), deployment()])
    assert result["failed"] and "Remove hostNetwork" in result["msg"]
    assert [each["verdict"] for each in result["results"]] == ["refused", "injected"]


def test_a_file_is_written_once(capsys, tmp_path: Path):
    options = {"definitions": [deployment(), SECRET], "dest": str(tmp_path / "out.yaml"), "_ansible_diff": True}
    predicted = run(capsys, **options, _ansible_check_mode=True)
    assert predicted["changed"] and not (tmp_path / "out.yaml").exists()
    result = run(capsys, **options)
    assert result["changed"] and "tls-sidecar" in result["diff"]["after"]
    written = list(yaml.safe_load_all((tmp_path / "out.yaml").read_text()))
    assert written[0] == result["manifests"][0] and written[1] == SECRET
    assert run(capsys, **options)["changed"] is False


def test_the_way_back(capsys, tmp_path: Path):
    path = tmp_path / "out.yaml"
    run(capsys, definitions=[deployment(), SECRET], dest=str(path))
    result = run(capsys, paths=[str(path)], state="absent", dest=str(path))
    assert result["changed"] and [each["verdict"] for each in result["results"]] == ["removed", "other"]
    assert list(yaml.safe_load_all(path.read_text())) == [deployment(), SECRET]
    assert "Deployment shop/orders: its sidecar is removed" in result["explanation"]
    assert run(capsys, paths=[str(path)], state="absent", dest=str(path))["changed"] is False


def test_secrets_are_not_shown(capsys, tmp_path: Path):
    result = run(capsys, definitions=[SECRET], dest=str(tmp_path / "out.yaml"), _ansible_diff=True)
    assert result["invocation"]["module_args"]["definitions"] == "(not shown)"
    assert "hunter2" not in json.dumps(result) and "(hidden)" in result["diff"]["after"]
    assert result["manifests"] == []


def test_warnings_reach_the_user(capsys):
    result = run(capsys, definitions=[deployment(nodeSelector={"cloud.google.com/gke-spot": "true"})])
    assert "Spot" in result["results"][0]["warnings"][0]


def test_defaults_are_passed_on_and_checked(capsys):
    result = run(capsys, definitions=[deployment()], defaults={"timing": {"gateway_cache": 0, "idle": 30}})
    assert "drain    35 s" in "\n".join(result["explanation"])
    result = run(capsys, definitions=[deployment()], defaults={"values": {"prt": 1}})
    assert result["failed"] and "values.prt is not a setting" in result["msg"]


@pytest.mark.parametrize(("name", "text"), [("missing.yaml", None), ("broken.yaml", "a: [")])
def test_a_file_that_cannot_be_read(capsys, tmp_path: Path, name, text):
    if text:
        (tmp_path / name).write_text(text)
    result = run(capsys, paths=[str(tmp_path / name)])
    assert result["failed"] and name in result["msg"] and "Give a file" in result["msg"]


def test_a_folder_that_is_not_there(capsys, tmp_path: Path):
    result = run(capsys, definitions=[deployment()], dest=str(tmp_path / "no" / "out.yaml"))
    assert result["failed"] and "folder that exists" in result["msg"]


def test_the_options_know_every_input_of_the_window():
    assert [field.name for field in dataclasses.fields(Timing)] == list(tls_sidecar_manifests.TIMING)
