# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""nginx, the default engine. Private to the collection.

1.27.4 or newer: a certificate path with a variable and ``ssl_certificate_cache`` take up renewed files without a reload,
and ``keepalive_min_timeout`` keeps idle connections through the one reload there is (client CA, HTTP/2 at the drain).

The polite close is a file that every request tests for. It needs no reload, so that it loses no connection; HTTP/2
knows nothing like it per request, so where callers are offered HTTP/2, a reload with one request to a connection does it.
"""

from __future__ import annotations

from .contract import Choice, Engine, Probe, Resources
from .headers import removed
from .shell import DRAINING, READY, READY_PATH, draining, supervised
from .variants import by_client, by_protocol

_HEADERS = """\
    PROXY_set_header Host $http_host;
    PROXY_set_header X-Forwarded-For $remote_addr;
    PROXY_set_header X-Real-IP $remote_addr;
    PROXY_set_header X-Forwarded-Proto https;
    PROXY_set_header X-Forwarded-Host $http_host;
    PROXY_set_header X-Forwarded-Port @{port};
""" + "".join(f'    PROXY_set_header {name} "";\n' for name in removed())

_PROXY = """\
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $upgrade_or_nothing;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_pass_header Server;
    proxy_buffer_size 32k;
    proxy_buffers 4 32k;
    proxy_busy_buffers_size 64k;
    proxy_connect_timeout 3s;
    proxy_read_timeout @{request-seconds}s;
    proxy_send_timeout @{request-seconds}s;
    # One more try, and only for requests that may be sent twice: the application may close a kept connection first.
    proxy_next_upstream error;
    proxy_next_upstream_tries 2;
"""

_GRPC = """\
    grpc_pass_header Server;
    grpc_buffer_size 32k;
    grpc_connect_timeout 3s;
    grpc_read_timeout @{request-seconds}s;
    grpc_send_timeout @{request-seconds}s;
    grpc_next_upstream error;
    grpc_next_upstream_tries 2;
"""

_TLS = """\
    ssl_certificate $certificate_folder/tls.crt;
    ssl_certificate_key $certificate_folder/tls.key;
    ssl_certificate_cache max=4 valid=10s inactive=60s;
    ssl_protocols PROTOCOLS;
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    ssl_session_cache shared:tls:4m;
    ssl_session_timeout 5m;
"""

_TEMPORARY = "".join(
    f"  {kind}_temp_path @{{work-folder}}/{folder};\n"
    for kind, folder in (
        ("client_body", "body"), ("proxy", "proxy"), ("fastcgi", "fastcgi"), ("uwsgi", "uwsgi"), ("scgi", "scgi"))
)

# nginx writes no Prometheus text itself, but knows these numbers as variables; all others are on its own page. Both come
# from a module that the public images have, and not every other build.
_METRICS = """\
  server {
    listen @{metrics-port};
    access_log off;
    # stub_status
    location = /metrics {
      default_type "text/plain; version=0.0.4";
      return 200 "LINES";
    }
    location = /stub_status {
      stub_status;
    }
    # end of stub_status
    location / {
      return 404;
    }
  }
""".replace("LINES", "".join(
    f"# HELP nginx_connections_{name} {text}\\n# TYPE nginx_connections_{name} gauge\\n"
    f"nginx_connections_{name} $connections_{name}\\n"
    for name, text in {
        "active": "Open connections.",
        "reading": "Connections whose request is being read.",
        "writing": "Connections that are being answered.",
        "waiting": "Idle connections.",
    }.items()))

_HTTP = """\
http {
  log_format tls_sidecar escape=json '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method",'
    '"uri":"$request_uri","protocol":"$server_protocol","status":$status,"bytes":$bytes_sent,'
    '"seconds":$request_time,"tls":"$ssl_protocol","server_name":"$ssl_server_name"}';
  access_log @{access};
TEMPORARY\
  server_tokens off;
  proxy_headers_hash_max_size 2048;
  proxy_headers_hash_bucket_size 128;
  underscores_in_headers on;
  client_max_body_size 0;
  client_header_timeout 60s;
  client_body_timeout @{request-seconds}s;
  send_timeout @{request-seconds}s;
  client_header_buffer_size 4k;
  large_client_header_buffers 4 64k;
  keepalive_timeout @{idle-seconds}s;
  keepalive_min_timeout @{idle-seconds}s;
  keepalive_requests 1000000;
  keepalive_time 24h;
  map $http_upgrade $upgrade_or_nothing {
    default upgrade;
    '' '';
  }
  map '' $certificate_folder {
    default @{certificate-folder};
  }
  upstream application {
    server @{application-address}:@{application-port} max_fails=0;
    keepalive 64;
    keepalive_timeout @{application-idle-seconds}s;
    keepalive_requests 100000;
  }
  server {
    listen @{port} ssl;
    http2 @{http2-switch};
@{tls}@{client-verification}@{proxy}    location = READY_PATH {
      access_log off;
      default_type text/plain;
      if (!-f READY_FILE) {
        return 503 "no valid certificate\\n";
      }
      return 200 "ready\\n";
    }
    location / {
      error_page 418 = @closing;
      if (-f DRAINING_FILE) {
        return 418;
      }
@{client-condition}      @{pass}://application;
    }
    # The same with an end of the connection after each answer.
    location @closing {
      keepalive_timeout 0;
@{client-condition}      @{pass}://application;
    }
  }
@{metrics}}
""".replace("TEMPORARY", _TEMPORARY)

_STREAM = """\
stream {
  map '' $certificate_folder {
    default @{certificate-folder};
  }
  server {
    listen @{port} ssl;
@{tls}@{client-verification-stream}    proxy_pass @{application-address}:@{application-port};
    proxy_connect_timeout 3s;
    proxy_timeout @{request-seconds}s;
    proxy_socket_keepalive on;
  }
}
@{metrics-alone}"""

_CONFIGURATION = """\
daemon off;
pid @{work-folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {
  worker_connections 4096;
}
@{layer}"""

_START = """
start() { exec nginx -e stderr -p "$work" -c "$work/nginx.conf"; }
prepare() {
  printf %s "$TLS_SIDECAR_CONFIGURATION" > "$work/nginx.conf"
  if grep -q '# stub_status' "$work/nginx.conf" && ! nginx -V 2>&1 | grep -q http_stub_status_module; then
    sed -i '/# stub_status/,/# end of stub_status/d' "$work/nginx.conf"
    say "this nginx was built without http_stub_status_module: there are no metrics"
  fi
}
reissued() { kill -HUP "$pid" && say "client CA changed: reloaded"; }
"""


# HTTP/2 connections get GOAWAY from the old workers at once and from the new ones with their first request; idle
# connections of HTTP/1.1 stay with the old workers, which end them after the next answer.
_DRAIN_HTTP2 = """\
sed 's/keepalive_requests 1000000;/keepalive_requests 1;/' @{work-folder}/nginx.conf > @{work-folder}/closing.conf
mv @{work-folder}/closing.conf @{work-folder}/nginx.conf
kill -HUP `cat @{work-folder}/nginx.pid`"""

_VERIFICATION = """\
    ssl_client_certificate @{client-ca-folder}/ca.crt;
    ssl_verify_client SWITCH;
    ssl_verify_depth 5;
"""

# The probe comes without a certificate, so that the handshake asks and the locations insist.
_CONDITION = """\
      if ($ssl_client_verify != SUCCESS) {
        return 403 "a client certificate is required\\n";
      }
"""


def _layer(proxy: str, scheme: str, text: str) -> str:
    headers = _HEADERS.replace("PROXY", proxy)
    layer = _HTTP.replace("READY_PATH", READY_PATH).replace("READY_FILE", READY).replace("DRAINING_FILE", DRAINING)
    return layer.replace("@{proxy}", text + headers).replace("@{pass}", f"{proxy}_pass {scheme}")


_HTTP_PROBE = Probe("https", path=READY_PATH)
_STREAM_PROBE = Probe("exec", command=("/bin/sh", "-c", f"[ -e {READY} ]"))

ENGINE = Engine(
    name="nginx",
    image="docker.io/nginxinc/nginx-unprivileged:1.29",
    user=65532,
    resources=Resources(cpu="20m", memory="32Mi", cpu_limit="1", memory_limit="128Mi"),
    command=supervised(_START, "QUIT", "@{client-files}"),
    environment={"TLS_SIDECAR_CONFIGURATION": _CONFIGURATION},
    drain=draining("@{drain-action}"),
    probes={
        **{(protocol, client): _HTTP_PROBE for protocol in ("http", "http2", "grpc") for client in ("off", "ca")},
        **{("tcp", client): _STREAM_PROBE for client in ("off", "ca")},
    },
    choices=(
        Choice("layer", "protocol", by_protocol(_layer("proxy", "http", _PROXY), _layer("grpc", "grpc", _GRPC), _STREAM)),
        Choice("drain-action", "protocol", by_protocol("@{drain-http2}", "@{drain-http2}", "true")),
        Choice("drain-http2", "http2", {"true": _DRAIN_HTTP2, "false": "true"}),
        Choice("tls", "tls-minimum", {
            "1.2": _TLS.replace("PROTOCOLS", "TLSv1.2 TLSv1.3"), "1.3": _TLS.replace("PROTOCOLS", "TLSv1.3")}),
        Choice("http2-switch", "http2", {"true": "on", "false": "off"}),
        Choice("access", "access-log", {"off": "off", "json": "/dev/stdout tls_sidecar"}),
        Choice("metrics", "metrics", {"off": "", "on": _METRICS}),
        Choice("metrics-alone", "metrics", {
            "off": "", "on": f"http {{\n{_TEMPORARY}  server_tokens off;\n{_METRICS}}}\n"}),
        Choice("client-verification", "client", by_client("", _VERIFICATION.replace("SWITCH", "optional"))),
        Choice("client-verification-stream", "client", by_client("", _VERIFICATION.replace("SWITCH", "on"))),
        Choice("client-condition", "client", by_client("", _CONDITION)),
        Choice("client-files", "client", by_client("true", '[ -s "$authorities" ]')),
    ),
)
