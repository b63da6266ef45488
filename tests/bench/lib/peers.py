"""What is compared. Each does the same job: it adds the Authorization, verifies the origin, and keeps connections to
it alive; each has the configuration that its own documents advise for that. A proxy terminates the client's TLS
(CONNECT), a gateway is asked in plain HTTP. All are held to TLS 1.3 with AES-128-GCM and to one worker."""
import os
import re
import resource
import shutil
import tempfile
from pathlib import Path

from lib import machine
from lib.site import AUTHORIZATION, TOKEN, accepts, free_port, until

# For each one that is intercepted there may be one to the origin.
def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def connections_max():
    return min(10100, (descriptors() - 128) // 2)


CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gitlatch-bench"
PROGRAMS = Path(__file__).resolve().parent.parent / "peers"
MITMPROXY = CACHE / "venv/bin/mitmdump"


class Peer:
    name = ""
    kind = "proxy"  # or gateway, direct
    special = False  # takes part only where a measure names it
    scale = 1  # how much smaller the bodies are where a peer is so slow that nobody would wait
    program = None

    def __init__(self, site):
        self.site = site
        self.folder = Path(tempfile.mkdtemp(prefix=self.name.replace(" ", "-") + "-", dir=site.folder))
        self.port = 0
        self.process = None

    def __str__(self):
        return self.name

    @classmethod
    def installed(cls):
        return cls.program is None or shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin") is not None

    @classmethod
    def version(cls):
        return machine.version(cls.program, "-v") if cls.program else ""

    def start(self):
        self.port = free_port()
        self.launch()
        until(lambda: accepts(self.port), f"{self.name} does not listen", pause=0.0005)
        return self

    def launch(self):
        raise NotImplementedError

    def stop(self):
        self.site.end(self.process)

    @property
    def pid(self):
        return self.process.pid

    @property
    def pids(self):
        """Whose CPU time counts."""
        return (self.pid,) if self.pid else ()

    def trust(self):
        return self.site.folder / "proxy-ca.pem"

    def load_options(self):
        if self.kind == "gateway":
            return ("--gateway", self.port)
        return ("--proxy", self.port, "--trust", self.trust())

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Direct(Peer):
    """No proxy: the client has the token."""
    name = "direct"
    kind = "direct"

    def start(self):
        return self

    def stop(self):
        pass

    @property
    def pid(self):
        return 0

    def load_options(self):
        return ("--direct", self.site.port, "--trust", self.site.folder / "origin-ca.pem", "--authorization",
                AUTHORIZATION)


class Floor(Peer):
    """The least program that can do it (floor.c)."""
    name = "floor"

    def start(self):
        folder = self.site.folder
        self.port = self.site.spawn_listener([self.site.program("floor"), folder / "proxy.pem", folder / "proxy.key",
                                              folder / "origin-ca.pem", self.site.port, AUTHORIZATION])
        self.process = self.site.processes[-1]
        return self


class Gitlatch(Peer):
    name = "gitlatch"

    def configuration(self):
        self.write("token", TOKEN)
        return f"""
listen: 127.0.0.1:{self.port}
admin: off
ca: {{publish: {self.folder}/public, roots: []}}
github:
  trust: {self.site.folder}/origin-ca.pem
  connect_to: {{"github.com:443": "127.0.0.1:{self.site.port}"}}
credentials: [{{type: file, path: {self.folder}/token}}]
repositories: [{{match: "acme/*", fetch: true, push: ["refs/heads/agent/*"]}}]
limits: {{connections: {connections_max()}}}
log: {{audit: {self.folder}/audit.jsonl}}
"""

    def launch(self):
        binary = self.site.programs / "proxy/cli/gitlatch"
        self.process = self.site.spawn([binary, "proxy", "-c", self.write("gitlatch.yaml", self.configuration())],
                                       self.name)
        until(lambda: any(self.published()), "gitlatch does not publish its CA", pause=0.0005)

    def published(self):
        return self.folder.joinpath("public").rglob("ca.pem")

    def trust(self):
        return next(self.published())


class GitlatchPair(Gitlatch):
    """Two processes on one port with one CA."""
    name = "gitlatch ×2"
    special = True

    def configuration(self):
        text = super().configuration().replace("ca: {", f"reuse_port: true\nca: {{state: {self.folder}/state, ")
        return text.replace("/audit.jsonl", f"/audit{len(self.processes)}.jsonl").replace("/public", self.public())

    def public(self):
        return f"/public{len(self.processes)}"

    def launch(self):
        self.processes = []
        for _ in range(2):
            super().launch()
            self.processes.append(self.process)

    def published(self):
        return self.folder.joinpath(self.public().lstrip("/")).rglob("ca.pem")

    def trust(self):
        return next(self.folder.rglob("public0/**/ca.pem"))

    @property
    def pids(self):
        return tuple(process.pid for process in self.processes)

    def stop(self):
        for process in self.processes:
            self.site.end(process)


class GitlatchGateway(Gitlatch):
    name = "gitlatch gateway"
    kind = "gateway"

    def load_options(self):
        return ("--gateway", self.port, "--prefix", "/github.com")


class Squid(Peer):
    """Bumps by the CONNECT name (https://wiki.squid-cache.org/Features/SslBump)."""
    name = "squid"
    program = "squid"
    service = f"bench{os.getpid()}"  # names its shared memory, which a crash leaves behind

    def load_options(self):
        return (*super().load_options(), "--named-port", self.site.port)

    def stop(self):
        super().stop()
        for path in Path("/dev/shm").glob(f"{self.service}-*"):
            path.unlink()

    def launch(self):
        folder, site = self.folder, self.site
        database = folder / "certificates"
        helper = "/usr/lib/squid/security_file_certgen"
        if not database.exists():
            site.spawn([helper, "-c", "-s", database, "-M", "4MB"], "certgen").wait()
        if os.geteuid() == 0:  # it does not run as root: Debian's own user has it
            site.folder.chmod(0o711)
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, "proxy", "proxy")
        hosts = self.write("hosts", "127.0.0.1 github.com\n")
        configuration = self.write("squid.conf", f"""
http_port 127.0.0.1:{self.port} ssl-bump tls-cert={site.folder}/proxy-ca-both.pem generate-host-certificates=on \
dynamic_cert_mem_cache_size=4MB tls-dh=prime256v1 options=NO_SSLv3,NO_TLSv1,NO_TLSv1_1,NO_TLSv1_2
sslcrtd_program {helper} -s {database} -M 4MB
sslcrtd_children 2 startup=1 idle=1
ssl_bump bump all
tls_outgoing_options cafile={site.folder}/origin-ca.pem default-ca=off min-version=1.3
hosts_file {hosts}
http_access allow all
request_header_access Authorization deny all
request_header_add Authorization "{AUTHORIZATION}" all
cache deny all
cache_mem 0
via off
forwarded_for delete
client_persistent_connections on
server_persistent_connections on
read_ahead_gap 64 KB
client_request_buffer_max_size 128 KB
memory_pools on
max_filedescriptors {descriptors()}
workers 1
pinger_enable off
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
pid_filename none
coredump_dir {folder}
shutdown_lifetime 1 seconds
""")
        self.process = site.spawn(["squid", "-N", "-n", self.service, "-f", configuration], self.name,
                                  env=site.environment(PATH=os.environ["PATH"] + ":/usr/sbin"))


class Mitmproxy(Peer):
    name = "mitmproxy"
    scale = 8

    @classmethod
    def installed(cls):
        return MITMPROXY.exists()

    @classmethod
    def version(cls):
        return machine.version(MITMPROXY, "--version")

    def launch(self):
        both = (self.site.folder / "proxy-ca-both.pem").read_text()
        self.write("mitmproxy-ca.pem", both)
        addon = self.write("addon.py", f"""
def requestheaders(flow):
    flow.request.host, flow.request.port = "127.0.0.1", {self.site.port}
    flow.request.headers["Host"] = "github.com"
    flow.request.headers["Authorization"] = {AUTHORIZATION!r}

def server_connect(data):
    data.server.sni = "github.com"
""")
        self.process = self.site.spawn(
            [MITMPROXY, "--quiet", "--listen-host", "127.0.0.1", "--listen-port", self.port, "--scripts", addon, "--set",
             f"confdir={self.folder}", "--set", f"ssl_verify_upstream_trusted_ca={self.site.folder}/origin-ca.pem",
             "--set", "connection_strategy=lazy", "--set", "http2=false", "--set", "flow_detail=0", "--set",
             "stream_large_bodies=1m"],
            self.name, env=self.site.environment())


class Library(Peer):
    """A small program of peers/ on a library that such proxies are built on, after the library's own example."""
    environment = {}

    @classmethod
    def binary(cls):
        return CACHE / f"gitlatch-bench-{cls.name}"

    @classmethod
    def installed(cls):
        return cls.binary().exists()

    def launch(self):
        folder = self.site.folder
        self.process = self.site.spawn(
            [self.binary(), self.port, folder / "proxy-ca.pem", folder / "proxy-ca.key", folder / "origin-ca.pem",
             self.site.port, AUTHORIZATION], self.name, env=self.site.environment(**self.environment))


class Goproxy(Library):
    """dependabot/proxy's engine."""
    name = "goproxy"
    environment = {"GOMAXPROCS": "1"}

    @classmethod
    def version(cls):
        return re.search(r"goproxy v(\S+)", (PROGRAMS / "goproxy/go.mod").read_text()).group(1)


class Hudsucker(Library):
    """hyper and rustls, on one thread."""
    name = "hudsucker"

    @classmethod
    def version(cls):
        return re.search(r'^hudsucker = .*version = "=([^"]+)"', (PROGRAMS / "hudsucker/Cargo.toml").read_text(),
                         re.M).group(1)


class Nginx(Peer):
    """A reverse proxy (https://nginx.org/en/docs/http/ngx_http_proxy_module.html)."""
    name = "nginx"
    kind = "gateway"
    program = "nginx"

    def launch(self):
        folder, site = self.folder, self.site
        configuration = self.write("nginx.conf", f"""
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile {descriptors()};
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 32768; }}
http {{
    access_log {folder}/access.log combined buffer=64k flush=1s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    upstream origin {{
        server 127.0.0.1:{site.port};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        location / {{
            proxy_pass https://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host github.com;
            proxy_set_header Authorization "{AUTHORIZATION}";
            proxy_request_buffering off;
            proxy_buffers 8 64k;
            proxy_buffer_size 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {site.folder}/origin-ca.pem;
            proxy_ssl_server_name on;
            proxy_ssl_name github.com;
            proxy_ssl_session_reuse on;
        }}
    }}
}}
""")
        self.process = site.spawn(["nginx", "-c", configuration, "-p", folder], self.name,
                                  env=site.environment(PATH=os.environ["PATH"] + ":/usr/sbin"))


class Haproxy(Peer):
    """A reverse proxy (https://docs.haproxy.org/2.6/configuration.html)."""
    name = "haproxy"
    kind = "gateway"
    program = "haproxy"

    def launch(self):
        site = self.site
        configuration = self.write("haproxy.cfg", f"""
global
    nbthread 1
    maxconn {connections_max()}
    ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
    ssl-default-server-options ssl-min-ver TLSv1.3
defaults
    mode http
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    option http-keep-alive
    http-reuse always
listen gateway
    bind 127.0.0.1:{self.port} backlog 4096
    http-request set-header Host github.com
    http-request set-header Authorization "{AUTHORIZATION}"
    server origin 127.0.0.1:{site.port} ssl verify required ca-file {site.folder}/origin-ca.pem \
verifyhost github.com sni str(github.com) pool-max-conn 128
""")
        self.process = site.spawn(["haproxy", "-db", "-f", configuration], self.name,
                                  env=site.environment(PATH=os.environ["PATH"] + ":/usr/sbin"))


ALL = (Direct, Floor, Gitlatch, Goproxy, Hudsucker, Squid, Mitmproxy, GitlatchGateway, Nginx, Haproxy, GitlatchPair)
