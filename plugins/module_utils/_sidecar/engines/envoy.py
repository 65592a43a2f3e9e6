# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Envoy. Private to the collection.

Certificate and client CA come through file SDS with watched folders, so both are taken up at once and without a reload.
The polite close is the graceful drain of its administration interface, with the strategy that closes every connection
after its next response instead of ever more of them. Envoy ends at once when told to, so the supervisor waits for
running requests first.
"""

from __future__ import annotations

from .contract import Choice, Engine, Resources
from .headers import FORWARDING, removed
from .shell import ASK, READY_PATH, draining, supervised
from .variants import PROBES, by_client, by_protocol

_TYPE = "type.googleapis.com/envoy.extensions"

_CERTIFICATE = f"""\
resources:
- "@type": {_TYPE}.transport_sockets.tls.v3.Secret
  name: certificate
  tls_certificate:
    certificate_chain: {{filename: "@{{certificate-folder}}/tls.crt"}}
    private_key: {{filename: "@{{certificate-folder}}/tls.key"}}
    watched_directory: {{path: "@{{certificate-folder}}"}}
"""

_AUTHORITIES = f"""\
resources:
- "@type": {_TYPE}.transport_sockets.tls.v3.Secret
  name: authorities
  validation_context:
    trusted_ca: {{filename: "@{{client-ca-folder}}/ca.crt"}}
    watched_directory: {{path: "@{{client-ca-folder}}"}}
"""

# Here and not with the certificate authorities: names there make Envoy end every handshake without a certificate, also
# that of the probe.
_PRINCIPAL = f"""\
{{{{custom: {{{{name: envoy.rbac.principals.mtls_authenticated, typed_config: {{{{
  "@type": {_TYPE}.rbac.principals.mtls_authenticated.v3.Config, WHICH}}}}}}}}}}}}""".replace("{{", "{").replace("}}", "}")
_ANY = _PRINCIPAL.replace("WHICH", "any_validated_client_certificate: true")
_NAMED = _PRINCIPAL.replace("WHICH", 'san_matcher: {san_type: DNS, matcher: {exact: "@{client-names}"}}')
_BEFORE_NAME, _AFTER_NAME = _NAMED.split("@{client-names}")

_CONFIGURATION = f"""\
node: {{id: tls-sidecar, cluster: tls-sidecar}}
static_resources:
  listeners:
  - name: tls
    address: {{socket_address: {{address: 0.0.0.0, port_value: @{{port}}}}}}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": {_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext
          session_timeout: 300s
          require_client_certificate: @{{require-client}}
          common_tls_context:
            alpn_protocols: @{{alpn}}
            tls_params:
              tls_minimum_protocol_version: @{{minimum}}
              tls_maximum_protocol_version: TLSv1_3
              cipher_suites: [ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES256-GCM-SHA384,
                ECDHE-RSA-AES256-GCM-SHA384, ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305]
            tls_certificate_sds_secret_configs:
            - name: certificate
              sds_config: {{resource_api_version: V3, path_config_source: {{path: "@{{work-folder}}/certificate.yaml"}}}}
@{{client-verification}}      filters:
@{{filter}}@{{metrics}}  clusters:
@{{metrics-source}}  - name: application
    type: STATIC
    connect_timeout: 3s
    circuit_breakers:
      thresholds: [{{max_connections: 65536, max_pending_requests: 65536, max_requests: 65536, max_retries: 65536}}]
@{{upstream}}    load_assignment:
      cluster_name: application
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{socket_address: {{address: "@{{application-address}}", port_value: @{{application-port}}}}}}
"""

_VALIDATION = """\
            validation_context_sds_secret_config:
              name: authorities
              sds_config: {resource_api_version: V3, path_config_source: {path: "@{work-folder}/authorities.yaml"}}
"""

_UPSTREAM = f"""\
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": {_TYPE}.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {{idle_timeout: @{{application-idle-seconds}}s}}
        explicit_http_config: {{PROTOCOL: {{}}}}
"""

_ROUTE = "route: {cluster: application, timeout: 0s, retry_policy: {num_retries: 1, retry_on: 'CONDITIONS'}}"
_UNSENT = "connect-failure,refused-stream,reset-before-request"

_HTTP = f"""\
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: tls
          codec_type: AUTO
          server_header_transformation: PASS_THROUGH
          use_remote_address: true
          generate_request_id: false
          max_request_headers_kb: 256
          request_headers_timeout: 60s
          stream_idle_timeout: @{{request-seconds}}s
          common_http_protocol_options: {{idle_timeout: @{{idle-seconds}}s, max_headers_count: 1000}}
          http_protocol_options: {{accept_http_10: true}}
          upgrade_configs: [{{upgrade_type: websocket}}]
          # Before Envoy's own handling, which would take the caller's word.
          early_header_mutation_extensions:
          - name: envoy.http.early_header_mutation.header_mutation
            typed_config:
              "@type": {_TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation
              mutations:
{"".join(f"              - remove: {name}{chr(10)}" for name in (*FORWARDING, *removed()))}\
@{{access}}          http_filters:
          - name: envoy.filters.http.health_check
            typed_config:
              "@type": {_TYPE}.filters.http.health_check.v3.HealthCheck
              pass_through_mode: false
              headers: [{{name: ":path", string_match: {{exact: "{READY_PATH}"}}}}]
@{{client-condition}}          - name: envoy.filters.http.router
            typed_config:
              "@type": {_TYPE}.filters.http.router.v3.Router
              suppress_envoy_headers: true
          route_config:
            request_headers_to_add:
            # Said once more, because Envoy names itself where a caller is on loopback.
            - header: {{key: X-Forwarded-For, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}}
              append_action: OVERWRITE_IF_EXISTS_OR_ADD
            - header: {{key: X-Forwarded-Host, value: "%REQ(:AUTHORITY)%"}}
              append_action: OVERWRITE_IF_EXISTS_OR_ADD
            - header: {{key: X-Forwarded-Port, value: "@{{port}}"}}
              append_action: OVERWRITE_IF_EXISTS_OR_ADD
            - header: {{key: X-Real-IP, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}}
              append_action: OVERWRITE_IF_EXISTS_OR_ADD
            request_headers_to_remove: [x-envoy-internal, x-envoy-external-address]
            virtual_hosts:
            - name: application
              domains: ["*"]
              routes:
              # One more try: what may be sent twice after any broken connection, the rest where nothing was sent.
              - match: {{prefix: "/", headers: [{{name: ":method", string_match: {{safe_regex: {{regex: "GET|HEAD|OPTIONS"}}}}}}]}}
                {_ROUTE.replace("CONDITIONS", "reset," + _UNSENT)}
              - match: {{prefix: "/"}}
                {_ROUTE.replace("CONDITIONS", _UNSENT)}
"""

_TCP = f"""\
@{{client-condition-tcp}}\
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": {_TYPE}.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: tls
          cluster: application
          idle_timeout: @{{request-seconds}}s
"""

# The statistics alone, of all that the administration shows.
_METRICS = f"""\
  - name: metrics
    address: {{socket_address: {{address: 0.0.0.0, port_value: @{{metrics-port}}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: metrics
          request_headers_timeout: 10s
          stream_idle_timeout: 10s
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": {_TYPE}.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: metrics
              domains: ["*"]
              routes:
              - match: {{path: /metrics, headers: [{{name: ":method", string_match: {{exact: GET}}}}]}}
                route: {{cluster: administration, prefix_rewrite: /stats/prometheus}}
"""

_METRICS_SOURCE = """\
  - name: administration
    type: STATIC
    load_assignment:
      cluster_name: administration
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {socket_address: {address: 127.0.0.1, port_value: @{administration-port}}}
"""

_ACCESS_LOG = f"""\
          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              "@type": {_TYPE}.access_loggers.stream.v3.StdoutAccessLog
              log_format:
                json_format:
                  time: "%START_TIME%"
                  client: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
                  method: "%REQ(:METHOD)%"
                  uri: "%REQ(:PATH)%"
                  protocol: "%PROTOCOL%"
                  status: "%RESPONSE_CODE%"
                  bytes: "%BYTES_SENT%"
                  milliseconds: "%DURATION%"
                  tls: "%DOWNSTREAM_TLS_VERSION%"
                  server_name: "%REQUESTED_SERVER_NAME%"
"""

_CONDITION = f"""\
          - name: envoy.filters.http.rbac
            typed_config:
              "@type": {_TYPE}.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies: {{client-certificate: {{permissions: [{{any: true}}], principals: [PRINCIPALS]}}}}
"""

_TCP_CONDITION = f"""\
      - name: envoy.filters.network.rbac
        typed_config:
          "@type": {_TYPE}.filters.network.rbac.v3.RBAC
          stat_prefix: tls
          rules:
            action: ALLOW
            policies: {{client-certificate: {{permissions: [{{any: true}}], principals: [PRINCIPALS]}}}}
"""

_ADMINISTRATION = ASK + r"""
ask() { printf '%s %s HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$1" "$2" | talk; }
"""

_START = _ADMINISTRATION + r"""
prepare() {
  printf %s "$TLS_SIDECAR_CONFIGURATION" > "$work/envoy.yaml"
  printf %s "$TLS_SIDECAR_CERTIFICATE" > "$work/certificate.yaml"
  printf %s "$TLS_SIDECAR_AUTHORITIES" > "$work/authorities.yaml"
}
start() {
  exec envoy -c "$work/envoy.yaml" --disable-hot-restart --concurrency 1 -l warning \
    --drain-strategy immediate --drain-time-s 86400 --config-yaml \
    "admin: {address: {socket_address: {address: 127.0.0.1, port_value: $admin}}}"
}
readiness() {
  if [ -e "$work/ready" ]; then ask POST /healthcheck/ok > /dev/null
  elif [ ! -e "$work/draining" ]; then ask POST /healthcheck/fail > /dev/null; fi
}
# Ends without waiting for anything, so running requests are waited for here.
stop() {
  ask POST /drain_listeners > /dev/null
  seconds=0
  while [ "$seconds" -lt @{request-seconds} ] && kill -0 "$pid" 2>/dev/null; do
    ask GET '/stats?filter=^(http.tls.downstream_rq_active|tcp.tls.downstream_cx_active)' | grep -q ': [1-9]' || break
    sleep 1; seconds=`expr "$seconds" + 1`
  done
  kill -TERM "$pid" 2>/dev/null
}
"""


ENGINE = Engine(
    name="envoy",
    image="docker.io/envoyproxy/envoy:v1.36-latest",
    user=65532,
    resources=Resources(cpu="50m", memory="96Mi", cpu_limit="1", memory_limit="256Mi"),
    command=supervised(_START, "TERM", "@{client-files}"),
    environment={
        "TLS_SIDECAR_CONFIGURATION": _CONFIGURATION, "TLS_SIDECAR_CERTIFICATE": _CERTIFICATE,
        "TLS_SIDECAR_AUTHORITIES": "@{authorities}"},
    drain=draining(_ADMINISTRATION.strip("\n") + "\nask POST '/drain_listeners?graceful&skip_exit' > /dev/null"),
    probes=PROBES,
    administered=True,
    choices=(
        Choice("filter", "protocol", by_protocol(_HTTP, _HTTP, _TCP)),
        Choice("upstream", "protocol", by_protocol(
            _UPSTREAM.replace("PROTOCOL", "http_protocol_options"),
            _UPSTREAM.replace("PROTOCOL", "http2_protocol_options"), "")),
        Choice("alpn", "protocol", by_protocol("[@{alpn-http}]", "[@{alpn-http}]", "[]")),
        Choice("alpn-http", "http2", {"true": "h2, http/1.1", "false": "http/1.1"}),
        Choice("minimum", "tls-minimum", {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}),
        Choice("access", "access-log", {"off": "", "json": _ACCESS_LOG}),
        Choice("metrics", "metrics", {"off": "", "on": _METRICS}),
        Choice("metrics-source", "metrics", {"off": "", "on": _METRICS_SOURCE}),
        # The probe comes without a certificate, so that over HTTP the handshake asks and a filter insists.
        Choice("require-client", "protocol", by_protocol("false", "false", "@{require-tcp}")),
        Choice("require-tcp", "client", by_client("false", "true")),
        Choice("authorities", "client", by_client("", _AUTHORITIES)),
        Choice("client-verification", "client", by_client("", _VALIDATION)),
        Choice("client-condition", "client", by_client(
            "", _CONDITION.replace("PRINCIPALS", _ANY), _CONDITION.replace("PRINCIPALS", _NAMED))),
        Choice("client-condition-tcp", "client", by_client("", "", _TCP_CONDITION.replace("PRINCIPALS", _NAMED))),
        Choice("client-files", "client", by_client("true", '[ -s "$authorities" ]')),
    ),
    name_separator=f"{_AFTER_NAME}, {_BEFORE_NAME}",
)
