# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's application and its verifying caller, as plain processes on loopback."""
from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import job

from testbed.images import GO_IMAGES
from testbed.kubernetes.build import ensure_module
from testbed.ports import free_port
from testbed.processes import listens

pytestmark = pytest.mark.testbed


@pytest.fixture(scope="module")
def program():
    return ensure_module(GO_IMAGES) / "sample-app"


@pytest.fixture
def application(program):
    port = free_port()
    process = subprocess.Popen([program], env={
        "PORT": str(port), "BIND_ADDRESS": "127.0.0.1", "POD_NAME": "app-0", "POD_IP": "10.20.0.7",
        "DRAIN_SECONDS": "0.6"})
    assert listens(process, port, 10)
    yield process, port
    process.kill()
    process.wait()


def request(program, *arguments):
    done = subprocess.run([program, "request", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_it_tells_who_answered_and_what_arrived(application, program):
    _process, port = application
    status, result = request(program, "--url", "http://shop.example.test/orders?id=7", "--connect-to",
                             f"127.0.0.1:{port}", "--method", "POST", "--data", "text", "--header", "X-Trace: 1")
    body = json.loads(result["body"])
    assert (status, result["status"], result["remote"]) == (0, 200, f"127.0.0.1:{port}")
    assert (body["pod"], body["pod_address"], body["peer"]) == ("app-0", "10.20.0.7", "127.0.0.1")
    assert (body["method"], body["host"]) == ("POST", "shop.example.test")
    assert (body["path"], body["query"]) == ("/orders", "id=7")
    assert body["headers"]["X-Trace"] == ["1"] and body["body"] == "text"


def test_it_drains_before_it_ends(application):
    process, port = application
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().read() and connection.sock is not None
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Connection"] == "close" and json.loads(answer.read())["draining"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 503
    assert process.wait(5) == 0


def test_the_caller_says_what_failed_by_its_exit_status(application, program):
    _process, port = application
    url = f"http://127.0.0.1:{port}/"
    assert request(program, "--url", url, "--expect", "404")[0] == 2
    assert request(program, "--url", url, "--expect", "200")[0] == 0
    status, result = request(program, "--url", "http://127.0.0.1:1/", "--retries", "2", "--pause", "10ms")
    assert status == 1 and result["attempts"] == 3 and "refused" in result["error"]
    assert request(program)[0] == 64


def test_by_the_name_of_curl_it_takes_the_arguments_of_the_verification_job(application, program, tmp_path):
    _process, port = application
    named = tmp_path / "curl"
    named.symlink_to(program)
    asked = [{"name": "orders", "url": "http://shop.example.test/orders?id=7"},
             {"name": "other", "url": "http://shop.example.test/other"}]
    container = job.definition(asked, "mark", "shop", "127.0.0.1", port, "", "", "", 30)["spec"]["template"]["spec"]
    done = subprocess.run([named, *container["containers"][0]["args"]], capture_output=True, text=True, check=False)
    outcome = job.read(done.stdout, asked, "mark", 1, "127.0.0.1")
    assert (done.returncode, outcome["failures"]) == (0, [])
    assert [each["json"]["path"] for each in outcome["responses"]] == ["/orders", "/other"]
    assert outcome["responses"][0]["json"]["host"] == "shop.example.test"
    refused = subprocess.run([named, "--insecure", "yes", "http://shop.example.test/"],
                             capture_output=True, check=False)
    assert refused.returncode == 2 and b"--insecure" in refused.stderr
