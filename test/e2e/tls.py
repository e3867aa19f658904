"""TLS as `quorated` processes speak it: with clients, and with one another.

Certificates are made with the `openssl` program, for as long as a case lasts. Each member has a
loopback address of its own, so that its certificate says something. What `tls::layer` and the
transport promise is tested in test/tls; here is what only the program shows.
"""

import base64
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import cluster
from flags import clean_environment, has_serve
from suite import Suite, expect, expect_equal, parser

suite = Suite()
PATIENCE = 40       # seconds that anything may take on a slow machine


class Authority:
    """A certificate authority in a folder of its own."""

    CONFIG = """[ca]\ndefault_ca = a\n[a]\ndatabase = {0}/index\ndefault_md = sha256
certificate = {0}/ca.pem\nprivate_key = {0}/ca.key\ndefault_crl_days = 2\n"""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "index").touch()
        (self.folder / "config").write_text(self.CONFIG.format(self.folder))
        self.openssl("req", "-x509", *self.key("ca"), "-subj", "/CN=the authority", "-days", "2",
                     "-out", self.ca)

    @property
    def ca(self):
        return str(self.folder / "ca.pem")

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                str(self.folder / f"{name}.key")]

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True,
                              timeout=30)
        expect(done.returncode == 0, f"openssl {words[0]}: {done.stderr[-300:]}")

    def issue(self, name, common_name, *alternatives):
        """Makes NAME.pem and NAME.key, or replaces them; returns the paths of both."""
        extensions = self.folder / "extensions"
        extensions.write_text("subjectAltName=" + ",".join(alternatives) if alternatives else "")
        fresh = f"{name}.fresh"
        subject = f"/CN={common_name}" if common_name else "/O=somebody"
        self.openssl("req", *self.key(fresh), "-subj", subject, "-out", "request")
        self.openssl("x509", "-req", "-in", "request", "-CA", self.ca, "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out",
                     f"{fresh}.pem")
        paths = [self.folder / f"{name}.{kind}" for kind in ("pem", "key")]
        for path, kind in zip(paths, ("pem", "key")):
            (self.folder / f"{fresh}.{kind}").replace(path)
        return [str(path) for path in paths]

    def revoke(self, name=None):
        """Revokes a certificate, or none; returns the path of the list."""
        if name is not None:
            self.openssl("ca", "-config", "config", "-revoke", f"{name}.pem")
        self.openssl("ca", "-config", "config", "-gencrl", "-out", "crl.fresh")
        (self.folder / "crl.fresh").replace(self.folder / "crl.pem")
        return str(self.folder / "crl.pem")


class Client:
    """Calls the JSON API over TLS, with a certificate or without."""

    def __init__(self, authority, identity=None):
        self.context = ssl.create_default_context(cafile=authority.ca)
        if identity is not None:
            self.context.load_cert_chain(*identity)

    def call(self, member, path, body, token=None):
        """Returns the status and the body; raises OSError where nobody answers."""
        connection = http.client.HTTPSConnection(member.host, member.port, timeout=10,
                                                 context=self.context)
        try:
            head = {"Authorization": token} if token else {}
            connection.request("POST", path, json.dumps(body), head)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except http.client.HTTPException as cut:
            raise ConnectionError(repr(cut)) from cut
        finally:
            connection.close()

    def serial(self, member):
        """The serial number of the certificate that the member shows."""
        with socket.create_connection((member.host, member.port), timeout=10) as plain:
            with self.context.wrap_socket(plain, server_hostname=member.host) as secure:
                return secure.getpeercert()["serialNumber"]

    def put(self, member, key, value):
        return self.call(member, "/v3/kv/put", {"key": b64(key), "value": b64(value)})

    def get(self, member, key):
        status, body = self.call(member, "/v3/kv/range", {"key": b64(key)})
        expect_equal(status, 200, f"reading {key}: {body}")
        found = body.get("kvs", [])
        return base64.b64decode(found[0]["value"]).decode() if found else None

    def is_refused(self, member):
        """Whether the connection ends before any answer."""
        try:
            self.call(member, "/v3/maintenance/status", {})
        except (OSError, ValueError):
            return True
        return False


def b64(text):
    return base64.b64encode(text.encode()).decode()


def eventually(what, predicate, seconds=PATIENCE):
    """Waits until the predicate holds; an error of the network counts as no."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            if predicate():
                return
        expect(time.monotonic() < until, f"{what}: not within {seconds} s")
        time.sleep(0.1)


class Member:
    """One process, or the place of one."""

    def __init__(self, options, folder, number, name):
        self.words = [str(pathlib.Path(options.bin).resolve() / "quorated"), "serve"]
        self.folder = folder
        self.name = name
        self.host = f"127.0.0.{number}"
        self.port, self.peer_port = cluster.free_ports(2)
        self.peer_url = f"https://{self.host}:{self.peer_port}"
        self.settings = {}
        self.process = None

    def start(self):
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                self.words + [f"--{key}={value}" for key, value in self.settings.items()],
                env=clean_environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def end(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def log(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")


class World:
    """An authority and members; a context manager that leaves nothing behind."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-tls-"))
        self.authority = Authority(self.folder / "authority")
        self.members = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for member in self.members:
            member.end(signal.SIGKILL)
        if kind is not None:
            for member in self.members:
                print(f"# {member.name}: {member.log()[-1500:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, count, **more):
        """Makes members with certificates of their own; nothing is started."""
        fresh = [Member(self.options, self.folder, number + 1, f"m{number + 1}")
                 for number in range(count)]
        self.members += fresh
        everybody = ",".join(f"{member.name}={member.peer_url}" for member in fresh)
        for member in fresh:
            certificate, key = self.authority.issue(member.name, "member", f"IP:{member.host}")
            url = f"https://{member.host}:{member.port}"
            member.settings = {
                "name": member.name, "data-dir": str(self.folder / member.name),
                "listen-client-urls": url, "advertise-client-urls": url,
                "listen-peer-urls": member.peer_url,
                "initial-advertise-peer-urls": member.peer_url, "initial-cluster": everybody,
                "cert-file": certificate, "key-file": key,
                "peer-cert-file": certificate, "peer-key-file": key,
                "peer-trusted-ca-file": self.authority.ca, "peer-client-cert-auth": "true",
                "heartbeat-interval": "50", "election-timeout": "500",
                **{name.replace("_", "-"): value for name, value in more.items()}}
        return fresh

    def serve(self, client, members):
        """Starts members and waits until each answers with a leader."""
        for member in members:
            member.start()
        for member in members:
            self.await_leader(client, member)

    @staticmethod
    def await_leader(client, member):
        def leads():
            expect(member.process.poll() is None, f"it ended: {member.log()[-600:]}")
            # Once there are users, not everybody is told; that is an answer, too.
            status, body = client.call(member, "/v3/kv/range", {"key": "AA=="})
            return status in (200, 400) or body.get("code") == 7
        eventually(f"a leader for {member.name}", leads)


# ---------------------------------------------------------------------------- clients

@suite.case(seconds=120)
def clients_need_a_good_certificate(options):
    with World(options) as world:
        good = world.authority.issue("good", "ann")
        (member,) = world.add(1, client_cert_auth="true", trusted_ca_file=world.authority.ca)
        client = Client(world.authority, good)
        world.serve(client, [member])
        expect_equal(client.put(member, "k", "v")[0], 200, "a put")
        expect_equal(client.get(member, "k"), "v", "the value")
        expect(Client(world.authority).is_refused(member), "came in without a certificate")
        other = Authority(world.folder / "other")
        stranger = Client(world.authority, other.issue("stranger", "ann"))
        expect(stranger.is_refused(member), "came in with another authority's certificate")
        with contextlib.suppress(ssl.SSLCertVerificationError):
            Client(other, good).serial(member)
            raise AssertionError("the member's certificate pleased whoever does not trust it")
        expect_equal(client.get(member, "k"), "v", "the value after all that")


@suite.case(seconds=120)
def revoked_clients_and_other_hosts_stay_out(options):
    with World(options) as world:
        named = [world.authority.issue(name, name, "DNS:client.example.com")
                 for name in ("ann", "bob")]
        elsewhere = world.authority.issue("eve", "eve", "DNS:other.example.com")
        (member,) = world.add(1, client_cert_auth="true", trusted_ca_file=world.authority.ca,
                              client_crl_file=world.authority.revoke("bob"),
                              client_cert_allowed_hostname="client.example.com")
        ann, bob = (Client(world.authority, identity) for identity in named)
        world.serve(ann, [member])
        expect(bob.is_refused(member), "came in with a revoked certificate")
        expect(Client(world.authority, elsewhere).is_refused(member), "came in for another host")
        world.authority.revoke("ann")
        eventually("what is revoked meanwhile is refused", lambda: ann.is_refused(member))


@suite.case(seconds=120)
def changed_certificates_are_shown_without_a_restart(options):
    with World(options) as world:
        (member,) = world.add(1)
        client = Client(world.authority)
        world.serve(client, [member])
        before = client.serial(member)
        world.authority.issue(member.name, "member", f"IP:{member.host}")
        eventually("the new certificate is shown", lambda: client.serial(member) != before)
        shown = client.serial(member)
        path = pathlib.Path(member.settings["key-file"])
        path.write_text("no key")
        eventually("a useless key is told of",
                   lambda: client.serial(member) and "cannot be used" in member.log())
        expect_equal(client.serial(member), shown, "the certificate in force")


@suite.case(seconds=60)
def plaintext_on_a_port_with_tls_ends(options):
    with World(options) as world:
        (member,) = world.add(1)
        world.serve(Client(world.authority), [member])
        for port in (member.port, member.peer_port):
            with socket.create_connection((member.host, port), timeout=20) as plain:
                plain.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = b""
                with contextlib.suppress(ConnectionError):
                    while more := plain.recv(4096):
                        answer += more
                expect(b"HTTP/1.1 200" not in answer, f"port {port} answered {answer!r}")
        eventually("the log says so", lambda: "refused a peer that connected" in member.log())


@suite.case(seconds=120)
def certificates_name_users(options):
    with World(options) as world:
        root, ann, eve, nobody = (Client(world.authority, world.authority.issue(name, common))
                                  for name, common in (("root", "root"), ("ann", "ann"),
                                                       ("eve", "eve"), ("nobody", None)))
        (member,) = world.add(1, client_cert_auth="true", trusted_ca_file=world.authority.ca,
                              bcrypt_cost="4")
        world.serve(root, [member])
        for path, body in (
                ("user/add", {"name": "root", "password": "pw"}), ("role/add", {"name": "root"}),
                ("user/grant", {"user": "root", "role": "root"}),
                ("user/add", {"name": "ann", "password": "pw"}), ("role/add", {"name": "r"}),
                ("role/grant", {"name": "r", "perm": {"permType": "READWRITE", "key": b64("a")}}),
                ("user/grant", {"user": "ann", "role": "r"}), ("enable", {})):
            status, answer = root.call(member, f"/v3/auth/{path}", body)
            expect_equal(status, 200, f"{path}: {answer}")
        expect_equal(ann.put(member, "a", "1")[0], 200, "a key that ann may write")
        expect_equal(ann.put(member, "b", "1")[1]["error"], "etcdserver: permission denied",
                     "a key that ann may not write")
        expect(eve.put(member, "a", "1")[0] != 200, "a user that does not exist wrote")
        expect(nobody.put(member, "a", "1")[0] != 200, "nobody wrote")
        expect_equal(root.call(member, "/v3/auth/user/list", {})[0], 200, "root lists users")
        # A token goes before the certificate.
        login = {"name": "ann", "password": "pw"}
        token = eve.call(member, "/v3/auth/authenticate", login)[1]["token"]
        body = {"key": b64("a"), "value": b64("2")}
        expect_equal(eve.call(member, "/v3/kv/put", body, token)[0], 200, "a put with a token")
        status, answer = root.call(member, "/v3/auth/user/list", {}, token)
        expect(status != 200, f"root's certificate went before ann's token: {answer}")


# ---------------------------------------------------------------------------- members

@suite.case(seconds=240)
def three_members_over_tls_survive_kills(options):
    with World(options) as world:
        members = world.add(3, peer_cert_names_member="true", tls_min_version="TLS1.3")
        client = Client(world.authority)
        world.serve(client, members)
        for number, member in enumerate(members):
            expect_equal(client.put(member, f"k{number}", "v" * 200_000)[0], 200, "a put")
        for turn, member in enumerate(members):
            member.end(signal.SIGKILL)
            alive = members[(turn + 1) % 3]
            eventually("a put without one", lambda: client.put(alive, f"t{turn}", "v")[0] == 200)
            world.serve(client, [member])
            for number in range(3):
                expect_equal(len(client.get(member, f"k{number}") or ""), 200_000, "a value")
            expect_equal(client.get(member, f"t{turn}"), "v", "what was written meanwhile")
        for member in members:
            refused = re.findall(".*refused a peer.*", member.log())
            expect(not refused, f"{member.name} refused a member: {refused}")


def refusals(member):
    return len(re.findall("refused a peer|no connection to member", member.log()))


@suite.case(seconds=240)
def a_member_of_another_authority_stays_out_until_its_files_are_right(options):
    with World(options) as world:
        members = world.add(3)
        last = members[2]
        other = Authority(world.folder / "other")
        wrong = other.issue("m3", "member", f"IP:{last.host}")
        right = [last.settings["peer-cert-file"], last.settings["peer-key-file"]]
        mine = [str(world.folder / name) for name in ("mine.pem", "mine.key")]
        for source, target in zip(wrong, mine):
            shutil.copyfile(source, target)
        last.settings["peer-cert-file"], last.settings["peer-key-file"] = mine
        client = Client(world.authority)
        last.start()
        world.serve(client, members[:2])
        expect_equal(client.put(members[0], "k", "v")[0], 200, "a put without the third")
        began, before = time.monotonic(), refusals(members[0])
        eventually("refusals are told of", lambda: refusals(members[0]) > before + 2)
        told = refusals(members[0]) - before
        expect(told <= time.monotonic() - began + 2, f"{told} lines of refusals in a moment")
        expect("its certificate is refused" in members[0].log(), "the log does not say why")
        expect("became leader" not in last.log(), "a stranger leads")
        for source, target in zip(right, mine):
            fresh = target + ".fresh"
            shutil.copyfile(source, fresh)
            pathlib.Path(fresh).replace(target)
        world.await_leader(client, last)
        eventually("the third has what was written", lambda: client.get(last, "k") == "v")


@suite.case(seconds=120)
def a_revoked_member_is_refused(options):
    with World(options) as world:
        members = world.add(3)
        for member in members:
            member.settings["peer-crl-file"] = world.authority.revoke()
        client = Client(world.authority)
        world.serve(client, members)
        gone = members[2]
        gone.end()
        world.authority.revoke(gone.name)
        time.sleep(1.1)     # what was looked at within a second is not looked at again
        gone.start()
        eventually("it is refused", lambda: "certificate revoked" in members[0].log())
        expect_equal(client.put(members[0], "k", "v")[0], 200, "a put without it")


@suite.case(seconds=240)
def a_new_member_asks_and_joins_over_tls(options):
    with World(options) as world:
        *members, fresh = world.add(3)
        everybody = fresh.settings["initial-cluster"]
        for member in members:
            member.settings["initial-cluster"] = everybody.rsplit(",", 1)[0]
        client = Client(world.authority)
        world.serve(client, members)
        expect_equal(client.put(members[0], "k", "v")[0], 200, "a put")
        status, answer = client.call(members[0], "/v3/cluster/member/add",
                                     {"peerURLs": [fresh.peer_url]})
        expect_equal(status, 200, f"adding it: {answer}")
        right = fresh.settings["peer-trusted-ca-file"]
        fresh.settings["initial-cluster-state"] = "existing"
        fresh.settings["peer-trusted-ca-file"] = Authority(world.folder / "other").ca
        status, said = ended(options, fresh.settings)
        expect_equal(status, 1, f"it asked somebody whom it must not trust: {said}")
        expect("cannot fetch cluster info" in said, said)
        fresh.settings["peer-trusted-ca-file"] = right
        world.serve(client, [fresh])
        expect_equal(client.get(fresh, "k"), "v", "what was written before it came")
        listed = client.call(fresh, "/v3/cluster/member/list", {})[1]["members"]
        expect_equal(len(listed), 3, "members")


@suite.case(seconds=300)
def a_running_cluster_moves_to_tls(options):
    with World(options) as world:
        members = world.add(3)
        client = Client(world.authority)
        plain = {}
        for member in members:
            plain[member.name] = f"http://{member.host}:{cluster.free_ports(1)[0]}"
        begun = ",".join(f"{name}={url}" for name, url in plain.items())
        for member in members:
            member.settings.update({"listen-peer-urls": plain[member.name],
                                    "initial-advertise-peer-urls": plain[member.name],
                                    "initial-cluster": begun})
        world.serve(client, members)
        expect_equal(client.put(members[0], "k", "v")[0], 200, "a put")
        for member in members:      # Both kinds of URLs.
            member.end()
            member.settings["listen-peer-urls"] = f"{plain[member.name]},{member.peer_url}"
            world.serve(client, [member])
        for member in client.call(members[0], "/v3/cluster/member/list", {})[1]["members"]:
            moved = next(one for one in members if one.name == member["name"])
            eventually(f"{moved.name} is moved", lambda: client.call(
                members[0], "/v3/cluster/member/update",
                {"ID": member["ID"], "peerURLs": [moved.peer_url]})[0] == 200)
        for member in members:      # And only encrypted ones.
            member.end()
            member.settings["listen-peer-urls"] = member.peer_url
            member.settings["initial-advertise-peer-urls"] = member.peer_url
            world.serve(client, [member])
        for number, member in enumerate(members):
            eventually("a put", lambda: client.put(member, f"k{number}", "v")[0] == 200)
            expect_equal(client.get(member, "k"), "v", "what was written before")
        for member in client.call(members[0], "/v3/cluster/member/list", {})[1]["members"]:
            expect(member["peerURLs"][0].startswith("https://"), f"{member}")


# ---------------------------------------------------------------------------- starts

def ended(options, settings):
    """Runs a server that cannot start; returns its status and what it said."""
    words = [f"--{key}={value}" for key, value in settings.items()]
    done = subprocess.run([f"{options.bin}/quorated", "serve", *words], text=True, timeout=30,
                          env=clean_environment(), capture_output=True)
    return done.returncode, done.stderr


@suite.case(seconds=120)
def what_cannot_start_says_why(options):
    with World(options) as world:
        (member,) = world.add(1)
        _, other_key = world.authority.issue("other", "other")
        for flag, path, words in (
                ("peer-cert-file", "/nowhere.pem", "/nowhere.pem: No such file"),
                ("peer-key-file", other_key, f"{other_key}: key values mismatch"),
                ("peer-trusted-ca-file", "/nowhere.pem", "/nowhere.pem: No such file"),
                ("key-file", other_key, f"{other_key}: key values mismatch")):
            status, said = ended(options, {**member.settings, flag: path})
            expect_equal(status, 1, f"--{flag}={path}: {said}")
            expect(words in said, f"--{flag}={path} says {said}")
        plain = {**member.settings, "listen-peer-urls": "http://0.0.0.0:1"}
        for flag in ("listen-peer-urls", "listen-client-urls"):
            status, said = ended(options, {**member.settings, flag: "http://0.0.0.0:1"})
            expect_equal(status, 2, f"plaintext for everybody: {said}")
            expect(f"--{flag}" in said and "--allow-plaintext" in said, said)
        del plain["peer-cert-file"]
        status, said = ended(options, plain)
        expect_equal(status, 2, f"no certificate: {said}")


def main():
    options = parser(__doc__.splitlines()[0]).parse_args()
    if not has_serve(options):
        print("FAIL quorated: no program with serve\n0 passed, 1 failed")
        return 1
    _, said = ended(options, {"listen-peer-urls": "https://127.0.0.1:1"})
    if "built without TLS" in said:
        print("ok skipped: built without TLS\n1 passed, 0 failed")
        return 0
    return suite.run(options)


if __name__ == "__main__":
    sys.exit(main())
