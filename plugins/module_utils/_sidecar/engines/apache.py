# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Apache httpd, 2.4.47 or newer. Private to the collection. For those who must have it: it loses requests.

Renewed certificates need a graceful restart, which cuts idle connections under the caller's hands, and HTTP/2 callers
are not told that the pod is draining. docs/tls-engines.md has the measurements. It has no layer-4 mode, and its HTTP/2
proxy drops the trailers that gRPC needs; such pods are refused.
"""

from __future__ import annotations

from .contract import Choice, Engine, Probe, Resources
from .headers import removed
from .shell import DRAINING, READY, READY_PATH, draining, supervised
from .variants import by_client, by_protocol

_MODULES = (
    "mpm_event", "authz_core", "env", "headers", "http2", "log_config", "proxy", "proxy_http", "proxy_http2", "rewrite",
    "setenvif", "socache_shmcb", "ssl", "unixd",
)

SAN_ENTRIES = 10
"""How many DNS names of a client certificate are looked at."""

_LOAD = """\
<IfModule !NAME_module>
  LoadModule NAME_module ${TLS_SIDECAR_MODULES}/mod_NAME.so
</IfModule>
"""

_CONFIGURATION = """\
ServerRoot "@{work-folder}"
DefaultRuntimeDir "@{work-folder}"
PidFile "@{work-folder}/httpd.pid"
LOAD\
Mutex pthread
ServerName @{service}
ErrorLog /proc/self/fd/2
LogLevel warn ssl:error
ServerTokens Prod
ServerSignature Off
TraceEnable Off
@{access}Timeout @{request-seconds}
GracefulShutdownTimeout @{request-seconds}
KeepAlive On
KeepAliveTimeout @{idle-seconds}
MaxKeepAliveRequests 0
LimitRequestBody 0
LimitRequestLine 65536
LimitRequestFieldSize 65536
StartServers 1
ServerLimit 8
ThreadsPerChild 64
MaxRequestWorkers 256
MinSpareThreads 16
MaxSpareThreads 256
Listen @{port}
Protocols @{protocols}
@{metrics}
SSLEngine On
SSLProtocol -all @{minimum}
SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20
SSLSessionCache "shmcb:@{work-folder}/sessions(512000)"
SSLSessionCacheTimeout 300
SSLCertificateFile "@{certificate-folder}/tls.crt"
SSLCertificateKeyFile "@{certificate-folder}/tls.key"
@{client-verification}
RewriteEngine On
RewriteCond "READY_FILE" !-f
RewriteRule "^READY_PATH$" "-" [R=503,L]
RewriteRule "^READY_PATH$" "-" [R=204,L]

SetEnvIfExpr "-f 'DRAINING_FILE'" nokeepalive

REMOVED\
RequestHeader set X-Forwarded-For "expr=%{CONN_REMOTE_ADDR}"
RequestHeader set X-Real-IP "expr=%{CONN_REMOTE_ADDR}"
RequestHeader set X-Forwarded-Proto https
RequestHeader set X-Forwarded-Host "expr=%{HTTP_HOST}"
RequestHeader set X-Forwarded-Port @{port}

ProxyAddHeaders Off
ProxyPreserveHost On
AllowEncodedSlashes NoDecode
ProxyPass "/" "@{scheme}://@{application-address}:@{application-port}/" nocanon retry=0 connectiontimeout=3 \
timeout=@{request-seconds} ttl=@{application-idle-seconds} flushpackets=on@{upgrade}
""".replace("LOAD", "".join(_LOAD.replace("NAME", name) for name in _MODULES)).replace("READY_FILE", READY).replace(
    "READY_PATH", READY_PATH.replace(".", "\\.")).replace("DRAINING_FILE", DRAINING).replace(
    "REMOVED", "".join(f"RequestHeader unset {name}\n" for name in removed()))

_ACCESS_LOG = r"""
LogFormat "{\"time\":\"%{%Y-%m-%dT%H:%M:%SZ}t\",\"client\":\"%h\",\"method\":\"%m\",\"uri\":\"%U%q\",\"protocol\":\"%H\",\
\"status\":%>s,\"bytes\":%O,\"microseconds\":%D,\"tls\":\"%{SSL_PROTOCOL}x\",\"server_name\":\"%{SSL_TLS_SNI}x\"}" tls_sidecar
CustomLog /proc/self/fd/1 tls_sidecar
""".lstrip("\n")

# Its port is indented, by which the trial of a restart knows that it must not take it.
_METRICS = _LOAD.replace("NAME", "status") + """\
  Listen @{metrics-port}
<VirtualHost *:@{metrics-port}>
  SSLEngine Off
  RewriteEngine Off
  <Location "/">
    ProxyPass "!"
    Require all denied
  </Location>
  <Location "/server-status">
    SetHandler server-status
    Require all granted
  </Location>
</VirtualHost>
"""

_VERIFICATION = """\
SSLCACertificateFile "@{client-ca-folder}/ca.crt"
# The probe comes without a certificate, so that the handshake asks and the location insists.
SSLVerifyClient optional
SSLVerifyDepth 5
<Location "/">
  Require expr CONDITION
</Location>
"""

_VERIFIED = "%{SSL_CLIENT_VERIFY} == 'SUCCESS'"
_NAMED = " || ".join(f"%{{SSL_CLIENT_SAN_DNS_{number}}} in {{'@{{client-names}}'}}" for number in range(SAN_ENTRIES))

_START = r"""
trial=@{administration-port}
for folder in /usr/local/apache2/modules /usr/lib/apache2/modules "${TLS_SIDECAR_MODULES:-}"; do
  if [ -e "$folder/mod_ssl.so" ]; then TLS_SIDECAR_MODULES=$folder; fi
done
export TLS_SIDECAR_MODULES
# By its path, since BusyBox has a server of that name; the second is Debian's own.
for server in /usr/local/apache2/bin/httpd /usr/sbin/apache2; do [ ! -x "$server" ] || break; done
prepare() { printf %s "$TLS_SIDECAR_CONFIGURATION" > "$work/httpd.conf"; }
start() { exec "$server" -D FOREGROUND -f "$work/httpd.conf"; }
# A restart with a broken pair would end the server, and its own check does not look; so a second server tries them.
restart() {
  sed -E '/^ +Listen/d; s/^Listen .*/Listen 127.0.0.1:'"$trial"'/; s/httpd\.pid/trial.pid/; s/sessions\(/trial(/' \
    "$work/httpd.conf" > "$work/trial.conf"
  "$server" -D FOREGROUND -f "$work/trial.conf" > "$work/answer" 2>&1 &
  second=$!
  sleep 1
  if kill -TERM "$second" 2>/dev/null; then wait "$second"; kill -USR1 "$pid" && say "restarted gracefully"; return; fi
  wait "$second"
  say "not taken: `tail -n 1 "$work/answer"`"
  return 1
}
renewed() { restart; }
reissued() { restart; }
"""


ENGINE = Engine(
    name="apache",
    image="docker.io/library/httpd:2.4",
    user=65532,
    resources=Resources(cpu="50m", memory="96Mi", cpu_limit="1", memory_limit="256Mi"),
    command=supervised(_START, "WINCH", "@{client-files}"),
    environment={"TLS_SIDECAR_CONFIGURATION": _CONFIGURATION},
    drain=draining(),
    probes={(protocol, client): Probe("https", path=READY_PATH)
            for protocol in ("http", "http2") for client in ("off", "ca", "names")},
    choices=(
        Choice("scheme", "protocol", by_protocol("http", "h2c", "http")),
        Choice("upgrade", "protocol", by_protocol(" upgrade=websocket", "", "")),
        Choice("protocols", "http2", {"true": "h2 http/1.1", "false": "http/1.1"}),
        Choice("minimum", "tls-minimum", {"1.2": "+TLSv1.2 +TLSv1.3", "1.3": "+TLSv1.3"}),
        Choice("access", "access-log", {"off": "", "json": _ACCESS_LOG}),
        Choice("metrics", "metrics", {"off": "", "on": _METRICS}),
        Choice("client-verification", "client", by_client(
            "", _VERIFICATION.replace("CONDITION", f'"{_VERIFIED}"'),
            _VERIFICATION.replace("CONDITION", f'"{_VERIFIED} && ({_NAMED})"'))),
        Choice("client-files", "client", by_client("true", '[ -s "$authorities" ]', '[ -s "$authorities" ]')),
    ),
    name_separator="', '",
    administered=True,
)
