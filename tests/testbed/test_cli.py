# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The command line, without a testbed."""
from __future__ import annotations

import datetime
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import cli, connection
from testbed.commands import call, common, env, logs, machine, requests, up
from testbed.images.cert_manager import CertManager
from testbed.state import State


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setenv("TESTBED_HOME", str(tmp_path / "home"))
    return State.from_environment()


def test_help_names_every_word_with_what_it_does(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for word, (_module, summary) in cli.COMMANDS.items():
        assert word in shown
        assert summary in shown


@pytest.mark.parametrize("word", cli.COMMANDS)
def test_every_word_has_help(word: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        cli.main([word, "--help"])
    assert left.value.code == 0
    assert f"testbed {word}" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["reset"], ["env"], ["requests"], ["call", "https://api.acme.example/"]])
def test_without_a_testbed_the_way_to_one_is_named(argv: list[str], state: State, capsys: pytest.CaptureFixture[str]):
    assert cli.main(argv) == 1
    assert "testbed up" in capsys.readouterr().err


def test_status_of_nothing(state: State, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"up": False, "home": str(state.home)}


@pytest.mark.parametrize(("words", "unbuffered"), [(["status"], ""), (["status"], "1"), (["--help"], "")])
def test_a_reader_that_has_gone_ends_it_quietly(state: State, words: list[str], unbuffered: str):
    theirs, ours = os.pipe()
    os.close(theirs)
    environment = {**os.environ, "TESTBED_HOME": str(state.home), "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([sys.executable, "-m", "testbed.cli", *words], stdout=ours, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False, timeout=30)
    os.close(ours)
    assert (done.returncode, done.stderr) == (141, "")


def test_down_of_nothing_is_fine(state: State):
    assert cli.main(["down"]) == 0
    assert not state.home.exists()


def test_everything_missing_is_named_at_once_with_its_package(tmp_path: Path):
    found = " ".join(machine.missing(search=str(tmp_path), proc=tmp_path))
    for text in ("nftables", "runc", "iproute2", "apt-get install", "CONFIG_NET_NS"):
        assert text in found


def test_without_root_or_sudo_that_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo" in machine.missing(search=str(tmp_path))[-1]


def test_sudo_gets_the_folder_and_never_more_than_it_needs(state: State, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(common.shutil, "which", lambda name: "/usr/bin/sudo")
    monkeypatch.setenv("CLOUDSDK_AUTH_ACCESS_TOKEN", "canary")
    monkeypatch.setenv("TESTBED_IMAGES", "tls-envoy")
    argv = common.as_root(state, ["python", "-m", "testbed.daemon"])
    assert argv[:2] == ["sudo", "env"]
    assert argv[-3:] == ["python", "-m", "testbed.daemon"]
    assert f"TESTBED_HOME={state.home}" in argv and "TESTBED_IMAGES=tls-envoy" in argv
    assert "canary" not in " ".join(argv)


def test_nodes_that_run_are_given_what_they_lack(
    state: State, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The daemon and the maker of images are doubles; tests/testbed/kubernetes/test_node.py gives a real node one."""
    asked: list[str] = []

    def control(_state: State, method: str, path: str) -> dict[str, list[str]]:
        asked.append(f"{method} {path}")
        return {"images": ["tls-envoy"]}

    monkeypatch.setattr(common, "is_up", lambda _state: True)
    monkeypatch.setattr(common, "control", control)
    monkeypatch.setattr(up.images, "ensure_images", lambda _progress: asked.append("made"))
    monkeypatch.setattr(up.status, "show", lambda _state: None)
    monkeypatch.setenv("TESTBED_IMAGES", "tls-envoy")
    assert cli.main(["up"]) == 0 and asked == ["GET /status"]
    monkeypatch.setenv("TESTBED_IMAGES", "tls-envoy,edge-microgateway,tls-apache")
    assert cli.main(["up"]) == 0
    assert asked[1:] == ["GET /status", "made", "PUT /images?names=edge-microgateway,tls-apache"]
    monkeypatch.setenv("TESTBED_IMAGES", "nobodys")
    assert cli.main(["up"]) == 1 and "no image nobodys" in capsys.readouterr().err


def test_exports_survive_any_shell_character():
    lines = env.shell({"A": "x'y $z", "PATH": "/a b"}).splitlines()
    assert shlex.split(lines[0].removeprefix("export ")) == ["A=x'y $z"]
    assert lines[1] == "export PATH='/a b':\"$PATH\""


def test_gcloud_endpoints_have_gclouds_own_meaning(state: State):
    variables = connection.gcloud_environment(state, Path("/ca.crt"))
    prefix = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"
    assert variables[f"{prefix}COMPUTE"] == f"{state.emulator_url}/compute/compute/v1/"
    assert variables[f"{prefix}DNS"] == f"{state.emulator_url}/dns/dns/v1/"
    assert variables[f"{prefix}CONTAINER"] == f"{state.emulator_url}/container/"
    assert variables[f"{prefix}APIGEE"].startswith(f"{state.emulator_url}/")
    assert f"{prefix}OAUTH2" not in variables


def test_connection_json_holds_no_secret_and_what_the_inventory_reads(state: State):
    details = connection.connection(state, Path("/ca.crt"))
    assert details["endpoints"]["compute"] == f"{state.emulator_url}/compute/"
    assert details["northbound"] == {"address": state.northbound_address, "port": 443, "ca_cert": "/ca.crt"}
    assert details["project"] == "acme-shop"
    assert "TOKEN" not in " ".join(details["gcloud"])


def test_connection_json_names_cert_manager_once_it_is_built(state: State, monkeypatch: pytest.MonkeyPatch):
    built = CertManager(images=Path("/c/images.tar"), chart=Path("/c/chart.tgz"), helm=Path("/c/helm"))
    monkeypatch.setattr(connection, "built_cert_manager", lambda: built)
    found = connection.connection(state, Path("/ca.crt"))["cert_manager"]
    assert found == {"chart": "/c/chart.tgz", "version": "v1.21.2", "helm": "/c/helm"}
    monkeypatch.setattr(connection, "built_cert_manager", lambda: None)
    assert "cert_manager" not in connection.connection(state, Path("/ca.crt"))


def test_a_kubeconfig_has_googles_context_names():
    address = connection.ClusterAddress("acme-shop", "europe-west1", "shop", "https://127.64.0.10:443", "PEM")
    config = json.loads(connection.kubeconfig([address], "token"))
    assert config["current-context"] == "gke_acme-shop_europe-west1_shop"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.64.0.10:443"
    assert json.loads(connection.kubeconfig([], "token"))["current-context"] == ""


def test_requests_show_writes_first():
    facts = {"counters": {"reads": 2, "mutating": 1, "by_method": {"a.get": 2, "z.insert": 1}},
             "requests": [{"number": 7, "status": 200, "verb": "POST", "method": "z.insert", "path": "/z",
                           "mutating": True}]}
    lines = requests.report(facts, listed=True)
    assert lines[0].split()[:4] == ["7", "200", "POST", "z.insert"]
    assert lines[2].split() == ["1", "writes", "z.insert"]
    assert lines[3].split() == ["2", "reads", "a.get"]
    assert "--since 7" in lines[-1]


def test_logs_offer_near_names(state: State, capsys: pytest.CaptureFixture[str]):
    state.prepare()
    (state.logs / "daemon.log").write_text("one\ntwo\n", encoding="utf-8")
    kubelet = state.cluster_folder(0) / "logs" / "kubelet.log"
    kubelet.parent.mkdir(parents=True)
    kubelet.write_text("", encoding="utf-8")
    assert set(logs.components(state)) == {"daemon", "cluster-0/kubelet"}
    assert cli.main(["logs", "demon"]) == 1
    assert "Did you mean daemon?" in capsys.readouterr().err
    assert cli.main(["logs", "daemon", "-n", "1"]) == 0
    assert capsys.readouterr().out == "two\n"


TRACE = {
    "address": "10.30.0.2", "instance": "euw1", "hops": [
        {"kind": "proxy", "environment": "prod", "name": "orders", "revision": "1"},
        {"kind": "route", "at_ms": 1},
        {"kind": "target", "name": "orders.shop.svc.gke.acme.internal", "port": 8080,
         "resolution": {"addresses": ["10.20.0.9", "10.20.0.10"], "ttl": 10, "from_cache": False},
         "connected": "10.20.0.9", "connection": "new", "status": 200, "error": None}]}


def test_a_call_shows_name_addresses_and_pod():
    body = json.dumps({"pod": "orders-6c9f7-x2x8k", "pod_address": "10.20.0.9"})
    text = "\n".join(call.report({**call._summary(TRACE, body.encode()), "method": "GET", "status": 200,
                                  "url": "https://api.acme.example/orders/42", "milliseconds": 4.2, "body": body,
                                  "trace": TRACE}))
    for part in ("10.30.0.2, environment prod, proxy orders revision 1", "10.20.0.9, 10.20.0.10", "TTL 10 s",
                 "peered DNS", "10.20.0.9:8080   (new connection)",
                 "pod orders-6c9f7-x2x8k on 10.20.0.9   200 in 4 ms"):
        assert part in text


def test_a_failed_call_shows_apigees_fault():
    trace = {**TRACE, "hops": [{**TRACE["hops"][2], "resolution": None, "connected": None, "error": "no such name"}]}
    body = json.dumps({"fault": {"faultstring": "Unable to resolve host", "detail": {
        "errorcode": "protocol.http.NoResolvedHost", "reason": "TARGET_CONNECT_HOST_NOT_REACHABLE"}}})
    text = "\n".join(call.report({**call._summary(trace, body.encode()), "method": "GET", "url": "https://x/",
                                  "status": 503, "milliseconds": 1, "body": body, "trace": trace}))
    assert "nothing" in text
    assert "protocol.http.NoResolvedHost (TARGET_CONNECT_HOST_NOT_REACHABLE): Unable to resolve host" in text


@pytest.mark.parametrize(("days", "verified", "said"), [
    (89.5, True, "expires in 89 d, TLSv1.3, verified"), (-2.5, False, "expired 3 d ago, TLSv1.3, not verified")])
def test_a_call_shows_the_certificate_that_apigee_saw(days: float, verified: bool, said: str):
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    tls = {"protocol": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": verified, "subject": None,
           "issuer": "CN=shop CA", "names": ["orders.shop.svc.gke.acme.internal"], "expires": expires.isoformat()}
    trace = {**TRACE, "hops": [{**TRACE["hops"][2], "tls": tls}]}
    text = "\n".join(call.report({**call._summary(trace, b""), "method": "GET", "url": "https://x/", "status": 200,
                                  "milliseconds": 1, "body": "", "trace": trace}))
    line = next(line for line in text.splitlines() if line.strip().startswith("TLS"))
    assert line.startswith("   TLS         CN shop CA ") and "orders.shop.svc.gke.acme.internal" in line
    assert line.endswith(said)


@pytest.mark.parametrize("header", ["nocolon", ": novalue"])
def test_headers_are_name_and_value(header: str):
    with pytest.raises(common.CommandError, match="NAME: VALUE"):
        call._header(header)


def test_only_https_reaches_apigee(state: State):
    with pytest.raises(common.CommandError, match="https"):
        call.call(state, "http://api.acme.example/")
