# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""nginx, the default engine. Private to the collection. Needs 1.27.4 or newer: renewed certificates without a reload."""

from __future__ import annotations

from .contract import CLIENT_MODES, Choice, Engine, Probe, Resources

CONFIGURATION = """\
daemon off;
pid @{work-folder}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  server {
    listen @{port} ssl;
    server_tokens off;
    @{http2-line}
    ssl_certificate @{certificate-folder}/tls.crt;
    ssl_certificate_key @{certificate-folder}/tls.key;
    keepalive_timeout @{idle-seconds}s;
    location / {
      proxy_pass http://@{application-address}:@{application-port};
    }
  }
}
"""

ENGINE = Engine(
    name="nginx",
    image="docker.io/library/nginx:1.29-alpine",
    user=65532,
    resources=Resources(cpu="20m", memory="32Mi", cpu_limit="1", memory_limit="128Mi"),
    command=(
        "/bin/sh",
        "-c",
        'printf %s "$TLS_SIDECAR_CONFIGURATION" > @{work-folder}/nginx.conf && exec nginx -c @{work-folder}/nginx.conf',
    ),
    environment={"TLS_SIDECAR_CONFIGURATION": CONFIGURATION},
    drain=("/bin/sh", "-c", "touch @{work-folder}/draining; sleep @{drain-seconds}"),
    probes={("http", client): Probe("tcp") for client in CLIENT_MODES},
    choices=(Choice("http2-line", "http2", {"true": "http2 on;", "false": "http2 off;"}),),
)
