# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The shell script in which every engine runs. Private to the collection.

It is the container's first process and does the little that servers do not do themselves: it waits for a valid
certificate, keeps a file that says whether there is one (the probe asks for it), tells the engine of renewed files, and
turns whatever signal the image's STOPSIGNAL is into the engine's own graceful stop. It needs a POSIX shell and sed,
tr, od, base64, date, md5sum, cat, rm and sleep, which Debian's, Ubuntu's and Alpine's base images have.

Neither ``$`` before ``(`` nor two ``$`` in a row may stand in it: Kubernetes would expand them. Hence the backquotes.
"""

from __future__ import annotations

LOOK_SECONDS = 5
"""How often the certificate's files are looked at: the longest time until an engine is told, and until an expired
certificate takes the pod out of DNS."""

READY = "@{work-folder}/ready"
"""Exists while the certificate is one, has its key beside it, and has not expired."""

DRAINING = "@{work-folder}/draining"
"""Exists from the start of the polite close on."""

READY_PATH = "/.well-known/tls-sidecar/ready"
"""Where the probe asks. The application never sees requests for it."""

_SUPERVISOR = r"""
say() { printf 'tls-sidecar: %s\n' "$*" >&2; }
work=@{work-folder} certificate=@{certificate-folder} authorities=@{client-ca-folder}/ca.crt
umask 077
rm -f "$work/ready" "$work/draining"

# The end of a certificate's validity as fourteen digits, read from its DER (openssl is not in every image).
ends() {
  found=`sed -n '/-BEGIN CERT/,/-END CERT/p;/-END CERT/q' "$1" 2>/dev/null | sed '/-----/d' | base64 -d 2>/dev/null |
    od -An -v -tx1 | tr -d ' \n' |
    sed -nE 's/.*30(1e|20|22)(170d|180f)(3[0-9])+5a(170d|180f)((3[0-9])+)5a.*/\5/p' | sed 's/3\(.\)/\1/g'`
  case ${#found}-$found in
    12-[0-4]*) echo "20$found" ;;
    12-*) echo "19$found" ;;
    14-*) echo "$found" ;;
  esac
}
valid() {
  end=`ends "$certificate/tls.crt"`
  if [ ! -s "$certificate/tls.key" ]; then reason="there is no key in $certificate"
  elif [ -z "$end" ]; then reason="there is no certificate in $certificate"
  elif [ "$end" -le "`date -u +%Y%m%d%H%M%S`" ]; then reason="the certificate ended at $end UTC"
  else reason=; fi
  [ -z "$reason" ]
}
look() {
  if valid; then
    [ -e "$work/ready" ] || { : > "$work/ready"; say "ready; the certificate ends at $end UTC"; }
  elif [ -e "$work/ready" ]; then
    rm -f "$work/ready"; say "not ready: $reason"
  fi
}
leaf() { cat "$certificate/tls.crt" "$certificate/tls.key" 2>/dev/null | md5sum; }
issuers() { cat "$authorities" 2>/dev/null | md5sum; }
watch() {
  while sleep LOOK_SECONDS; do
    was_ready=; [ ! -e "$work/ready" ] || was_ready=yes
    look
    now_ready=; [ ! -e "$work/ready" ] || now_ready=yes
    [ "$was_ready" = "$now_ready" ] || readiness
    now=`leaf`; [ "$now" = "$leaf" ] || [ -z "$now_ready" ] || ! renewed || leaf=$now
    now=`issuers`; [ "$now" = "$issuers" ] || ! reissued || issuers=$now
  done
}
readiness() { :; }
renewed() { :; }
reissued() { :; }
prepare() { :; }
# Running requests get their time; what is then left, idle connections for the most part, is cut.
stop() {
  kill -STOP_SIGNAL "$pid" 2>/dev/null
  { sleep @{request-seconds}; kill -TERM "$pid"; } 2>/dev/null &
}
ENGINE
trap 'exit 0' TERM INT QUIT USR1 WINCH
prepare
told=
until valid && WANTED; do
  [ "$told" = "$reason" ] || { say "waiting: $reason"; told=$reason; }
  sleep 1
done
leaf=`leaf` issuers=`issuers`
look
start &
pid=$!
trap stop TERM INT QUIT USR1 WINCH
watch &
watcher=$!
status=0
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; status=$?; done
kill "$watcher" 2>/dev/null
exit "$status"
"""

ASK = r"""
admin=@{administration-port}
# Sends standard input to the engine's administration on loopback. Bash where there is one, else (Alpine) nc.
talk() {
  if command -v bash > /dev/null; then
    bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && cat >&3 && cat <&3' "$admin"
  else
    nc 127.0.0.1 "$admin"
  fi 2>/dev/null
}
"""
"""Shell functions for engines that are administered over TCP, on loopback of the pod. No image has a client for Unix
sockets."""


def supervised(engine: str, stop_signal: str, wanted: str = "true") -> tuple[str, str, str]:
    """The container's command around the functions in ``engine``.

    ``engine`` defines ``start``, which becomes the server by ``exec``, and overrides what it needs of: ``prepare`` (once,
    before the wait for the certificate), ``stop`` (instead of sending the signal), ``renewed`` (certificate or key
    changed), ``reissued`` (the client CA changed; both are asked again until they succeed) and ``readiness`` (the ready
    file came or went). ``wanted`` is a command that says whether other files that the server needs are there.
    """
    script = _SUPERVISOR.replace("ENGINE", engine.strip("\n")).replace("STOP_SIGNAL", stop_signal)
    return ("/bin/sh", "-c", script.replace("WANTED", wanted).replace("LOOK_SECONDS", str(LOOK_SECONDS)).strip("\n"))


def draining(command: str = "") -> tuple[str, str, str]:
    """The preStop command: mark, tell the engine by ``command``, and stay for the window."""
    return ("/bin/sh", "-c", "\n".join(part for part in (f": > {DRAINING}", command, "exec sleep @{drain-seconds}") if part))
