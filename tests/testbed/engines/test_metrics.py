# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port with metrics: what it shows, and that nothing else is on it."""
from __future__ import annotations

import asyncio
import subprocess

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines import contract
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES

from testbed.engines.authority import NAME, Authority, SecretFolder, client_context
from testbed.engines.client import Http1, Lost
from testbed.engines.sidecar import DEFAULTS
from testbed.images.packages import unpack_debian
from testbed.ports import free_port

pytestmark = pytest.mark.testbed

SHOWN = {
    "envoy": ("/metrics", 'rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="tls"} 3'),
    "haproxy": ("/metrics", 'haproxy_frontend_http_requests_total{proxy="tls"} 3'),
    "apache": ("/server-status?auto", "Total Accesses: "),
    "nginx": ("/metrics", ""),
}
OTHERS = (("GET", "/"), ("POST", "/quitquitquit"), ("GET", "/config_dump"), ("GET", "/.well-known/tls-sidecar/ready"))


async def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    call = Http1(port, None)
    try:
        answer = await call.request(method, path, body=b"")
        return answer.status, answer.body.decode()
    finally:
        await call.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_metrics_are_on_a_port_of_their_own(engine, sidecar, application, authority, tmp_path, secret):
    callers = Authority("Callers")
    folder = SecretFolder(tmp_path / "client-ca")
    folder.write(ca_crt=callers.pem)
    port = free_port()
    running = await sidecar(engine, application.port, metrics="on", client="ca", client_ca=folder.path,
                            values={"metrics-port": str(port)}).start().ready()
    call = Http1(running.port, client_context(authority, tmp_path, callers.leaf("apigee.acme.example")))
    for _each in range(3):
        assert (await call.request()).status == 200
    path, line = SHOWN[engine]
    status, text = await get(port, path)
    if engine == "nginx":
        # The wheel's nginx cannot; it says so, and serves all the same.
        assert status == 404 and "built without http_stub_status_module" in running.told
    else:
        assert status == 200 and line in text, text[:3000]
    for method, other in OTHERS:
        assert (await get(port, other, method))[0] in (403, 404)
    if engine != "apache":
        return
    # It tries a renewed pair with a second server, which must not want the same port.
    renewed = authority.leaf(NAME)
    secret.pair(renewed, authority)
    for _each in range(200):
        await call.close()
        await call.connect()
        if call.serial == renewed.serial:
            break
        await asyncio.sleep(0.1)
    assert call.serial == renewed.serial, running.told
    assert (await get(port, path))[0] == 200


async def test_nginx_with_its_module_shows_its_connections(tmp_path):
    """Debian's nginx, too old for the rest of the configuration, takes the part with the metrics as it is."""
    unpack_debian(("nginx",), tmp_path)
    port = free_port()
    selected = {**DEFAULTS, "protocol": "tcp", "metrics": "on"}
    engine = ENGINES["nginx"]
    alone = next(choice for choice in engine.choices if choice.name == "metrics-alone")
    block = engine.render(alone.texts["on"], selected, {
        **dict.fromkeys(contract.VALUES, ""), "metrics-port": str(port), "work-folder": str(tmp_path)})
    file = tmp_path / "nginx.conf"
    rest = f"daemon off;\npid {tmp_path}/pid;\nuser root;\nerror_log stderr;\nevents {{}}\n"
    file.write_text(rest + block, encoding="ascii")
    server = subprocess.Popen([tmp_path / "usr/sbin/nginx", "-p", tmp_path, "-c", file], stderr=subprocess.PIPE)
    try:
        for _each in range(100):
            try:
                status, text = await get(port, "/metrics")
                break
            except Lost:
                assert server.poll() is None, server.stderr.read().decode()
                await asyncio.sleep(0.05)
        assert status == 200
        assert "# TYPE nginx_connections_active gauge\nnginx_connections_active 1\n" in text
        status, text = await get(port, "/stub_status")
        assert status == 200 and text.startswith("Active connections: 1")
        for method, other in OTHERS:
            assert (await get(port, other, method))[0] == 404
    finally:
        server.terminate()
        server.wait()
