# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""HAProxy, 2.6 or newer. Private to the collection.

It watches no files: the supervisor hands renewed certificates and client CAs over its command line on loopback, as
transactions, without a reload. By the same way it learns that the pod is draining (each response then ends its
connection) or that its certificate has expired. HTTP/2 has no such end per response here, so where callers are offered
HTTP/2, reloads during the window do it: the old worker says GOAWAY, and keeps idle connections of HTTP/1.1 for one more
answer. It cannot name the subject alternative names of a client certificate;
a few lines of Lua, which the common builds contain, read them from the DER.
"""

from __future__ import annotations

from .contract import Choice, Engine, Resources
from .headers import removed
from .shell import ASK, READY_PATH, draining, supervised
from .variants import PROBES, by_client, by_protocol

_CONFIGURATION = """\
global
  log stdout format raw local0 info
  stats socket ipv4@127.0.0.1:@{administration-port} level admin
  # Only for reloads: a new worker takes the listening sockets over, so that no connection is refused or forgotten.
  stats socket @{work-folder}/haproxy.sock mode 600 level admin expose-fd listeners
  stats timeout 10s
  nbthread 1
  maxconn 4096
  tune.bufsize 65536
  tune.maxrewrite 4096
  ssl-default-bind-options ssl-min-ver @{minimum}
  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
@{lua}
defaults
  mode @{mode}
  timeout connect 3s
  timeout client @{idle-seconds}s
  timeout server @{request-seconds}s
  timeout tunnel @{request-seconds}s
  retries 1
@{defaults}
frontend tls
  bind :@{port} ssl crt @{work-folder}/certificate.pem@{alpn}@{client-verification}
@{access}@{rules}  default_backend application

@{metrics}backend application
@{backend}  server application @{application-address}:@{application-port}@{upstream}
"""

_HTTP_DEFAULTS = """\
  timeout http-request 60s
  timeout http-keep-alive @{idle-seconds}s
  # Idle connections to the application have no limit of age here, so none is kept: it cannot be found closed.
  option http-server-close
  # Events and gRPC messages are not held back.
  option http-no-delay
  # A graceful stop lets idle connections have one more answer.
  option idle-close-on-response
"""

_HTTP_RULES = """\
  monitor-uri READY_PATH
  monitor fail if { str(expired) -m str -f @{work-folder}/state }
@{client-condition}REMOVED  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port @{port}
  http-after-response set-header Connection close if { str(draining) -m str -f @{work-folder}/state }
""".replace("READY_PATH", READY_PATH).replace(
    "REMOVED", "".join(f"  http-request del-header {name}\n" for name in removed()))

_HTTP_BACKEND = """\
  # One more try: what may be sent twice after an answer that did not come, the rest where no connection came about.
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless METH_GET
"""

_METRICS = """\
frontend metrics
  mode http
  timeout client 10s
  bind :@{metrics-port}
  http-request use-service prometheus-exporter if METH_GET { path /metrics }
  http-request return status 404

"""

_ACCESS_LOG = """\
  log global
  log-format '{"time":"%[date,utime(%%Y-%%m-%%dT%%H:%%M:%%SZ)]","client":"%ci","method":"%HM","uri":"%[var(txn.uri),json]",\
"protocol":"%HV","status":%ST,"bytes":%B,"milliseconds":%Ta,"tls":"%sslv","server_name":"%[ssl_fc_sni,json]"}'
  http-request set-var(txn.uri) pathq
"""

_TCP_ACCESS_LOG = """\
  log global
  log-format '{"time":"%[date,utime(%%Y-%%m-%%dT%%H:%%M:%%SZ)]","client":"%ci","bytes":%B,"milliseconds":%Tt,\
"tls":"%sslv","server_name":"%[ssl_fc_sni,json]"}'
"""

# The names of the extension 2.5.29.17: tag 0x82 in a sequence in an octet string.
_LUA = """\
local allowed = {["@{client-names}"] = true}

local function element(der, at)
  local size, start = der:byte(at + 1), at + 2
  if size >= 128 then
    local digits = size - 128
    size = 0
    for place = start, start + digits - 1 do
      size = size * 256 + der:byte(place)
    end
    start = start + digits
  end
  return der:byte(at), start, start + size
end

local function named(der)
  local _, certificate = element(der, 1)
  local _, at, finish = element(der, certificate)
  while at < finish do
    local tag, start, after = element(der, at)
    if tag == 0xa3 then
      local _, extension, extensions = element(der, start)
      while extension < extensions do
        local _, first, following = element(der, extension)
        local _, oid, value = element(der, first)
        if der:sub(oid, value - 1) == "\\x55\\x1d\\x11" then
          if der:byte(value) == 1 then
            value = value + 3
          end
          local _, octets = element(der, value)
          local _, name, names = element(der, octets)
          while name < names do
            local kind, from, past = element(der, name)
            if kind == 0x82 and allowed[der:sub(from, past - 1):lower()] then
              return true
            end
            name = past
          end
        end
        extension = following
      end
    end
    at = after
  end
  return false
end

core.register_fetches("client_is_named", function(txn)
  local der = txn.f:ssl_c_der()
  if not der or der == "" then
    return false
  end
  local fine, found = pcall(named, der)
  return fine and found
end)
"""

_REFUSED = '  http-request deny deny_status 403 content-type text/plain string "a client certificate is required" unless '

_ADMINISTRATION = ASK + r"""
tell() { printf '%s\n' "$1" | talk; }
"""

# New connections keep coming through stale DNS, so once is not enough: a reload in each thirtieth of the window,
# so that the last one comes after the last such connection and before the end.
_DRAIN_HTTP2 = r"""
echo draining >> @{work-folder}/state
seconds=0 every=`expr @{drain-seconds} / 30 + 1`
while [ "$seconds" -lt @{drain-seconds} ]; do
  kill -USR2 `cat @{work-folder}/haproxy.pid`
  sleep "$every"; seconds=`expr "$seconds" + "$every"`
done
exit 0"""

_START = _ADMINISTRATION + r"""
prepare() {
  printf %s "$TLS_SIDECAR_CONFIGURATION" > "$work/haproxy.cfg"
  printf %s "$TLS_SIDECAR_LUA" > "$work/names.lua"
  : > "$work/state"
}
pair() { cat "$certificate/tls.crt"; echo; cat "$certificate/tls.key"; echo; }
start() {
  pair > "$work/certificate.pem"
  exec haproxy -W -p "$work/haproxy.pid" -f "$work/haproxy.cfg"
}
readiness() {
  if [ -e "$work/ready" ]; then tell "del acl $work/state expired"; else tell "add acl $work/state expired"; fi > /dev/null
}
replace() { # KIND FILE, the content on standard input
  { printf 'set ssl %s %s <<\n' "$1" "$2"; sed '/^ *$/d'; echo; } | talk > "$work/answer"
  if tell "commit ssl $1 $2" | grep -q Success; then say "$1 replaced"; return 0; fi
  say "$1 not taken: `cat "$work/answer"`"
  tell "abort ssl $1 $2" > /dev/null
  return 1
}
renewed() { pair | replace cert "$work/certificate.pem"; }
reissued() { replace ca-file "$authorities" < "$authorities"; }
"""


ENGINE = Engine(
    name="haproxy",
    image="docker.io/library/haproxy:3.2",
    user=65532,
    resources=Resources(cpu="20m", memory="48Mi", cpu_limit="1", memory_limit="128Mi"),
    command=supervised(_START, "USR1", "@{client-files}"),
    environment={"TLS_SIDECAR_CONFIGURATION": _CONFIGURATION, "TLS_SIDECAR_LUA": "@{names}"},
    drain=draining(_ADMINISTRATION.strip("\n") + '\ntell "add acl @{work-folder}/state draining" > /dev/null@{drain-more}'),
    probes=PROBES,
    administered=True,
    choices=(
        Choice("mode", "protocol", by_protocol("http", "http", "tcp")),
        Choice("defaults", "protocol", by_protocol(_HTTP_DEFAULTS, _HTTP_DEFAULTS, "")),
        Choice("access", "protocol", by_protocol("@{access-http}", "@{access-http}", "@{access-tcp}")),
        Choice("access-http", "access-log", {"off": "", "json": _ACCESS_LOG}),
        Choice("access-tcp", "access-log", {"off": "", "json": _TCP_ACCESS_LOG}),
        Choice("rules", "protocol", by_protocol(_HTTP_RULES, _HTTP_RULES, "@{client-condition-tcp}")),
        Choice("metrics", "metrics", {"off": "", "on": _METRICS}),
        Choice("backend", "protocol", by_protocol(_HTTP_BACKEND, _HTTP_BACKEND, "")),
        Choice("upstream", "protocol", by_protocol("", " pool-purge-delay 1s proto h2", "")),
        Choice("alpn", "protocol", by_protocol(" alpn @{alpn-http}", " alpn @{alpn-http}", "")),
        Choice("alpn-http", "http2", {"true": "h2,http/1.1", "false": "http/1.1"}),
        Choice("drain-more", "protocol", by_protocol("@{drain-http2}", "@{drain-http2}", "")),
        Choice("drain-http2", "http2", {"true": _DRAIN_HTTP2, "false": ""}),
        Choice("minimum", "tls-minimum", {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}),
        # The probe comes without a certificate, so that over HTTP the handshake asks and a rule insists.
        Choice("client-verification", "protocol", by_protocol("@{client-http}", "@{client-http}", "@{client-tcp}")),
        Choice("client-http", "client", by_client("", " ca-file @{client-ca-folder}/ca.crt verify optional")),
        Choice("client-tcp", "client", by_client("", " ca-file @{client-ca-folder}/ca.crt verify required")),
        Choice("client-condition", "client", by_client(
            "", _REFUSED + "{ ssl_c_used }\n", _REFUSED + "{ ssl_c_used } { lua.client_is_named -m bool }\n")),
        Choice("client-condition-tcp", "client", by_client(
            "", "", "  tcp-request content reject unless { lua.client_is_named -m bool }\n")),
        Choice("lua", "client", by_client("", "", "  lua-load @{work-folder}/names.lua\n")),
        Choice("names", "client", by_client("", "", _LUA)),
        Choice("client-files", "client", by_client("true", '[ -s "$authorities" ]')),
    ),
    name_separator='"] = true, ["',
)
