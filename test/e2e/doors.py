"""The doors of both programs: what each serves, to which web pages, and to whom.

Pages of other origins are played with the fields that browsers send and pages cannot change. The
table of paths in doc/security.md is read, and every line of it is tried with no token, with one
that is none, as a user without roles, and as root.
"""

import base64
import contextlib
import http.client
import json
import re
import socket
import sys

import cluster
import flags
import peer_port
import tls
import wire
from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()

CALLS = REPOSITORY / "include/quorate/gateway/impl/api_call.ipp"
PAGE = REPOSITORY / "doc/security.md"
JSON = {"Content-Type": "application/json"}
CHECKS = ("/metrics", "/health", "/livez", "/readyz")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def calls():
    """All paths of the API, as the code has them."""
    rows = re.search(r"api_rows\{\{(.*?)\}\};", CALLS.read_text(), re.DOTALL)[1]
    paths = ["/v3/" + path for path in re.findall(r'\{"([a-z/-]+)", "', rows)]
    expect(len(paths) > 40, f"only {len(paths)} calls in {CALLS}")
    return paths


def ask(port, method, path, body=None, head=()):
    """(status, fields, body) of one request; `head` may hold Host. A stream ends after its head."""
    head = dict(head)
    connection = http.client.HTTPConnection(wire.HOST, port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        text = json.dumps(body).encode() if isinstance(body, dict) else body
        if text is not None:
            head["Content-Length"] = str(len(text))
        for name, value in {"Host": f"{wire.HOST}:{port}", **head}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(text)
        answer = connection.getresponse()
        goes_on = answer.getheader("Transfer-Encoding") == "chunked"
        return answer.status, answer, b"" if goes_on else answer.read()
    finally:
        connection.close()


def post(port, path, body, **head):
    """(status, message of the error)"""
    fields = {name.replace("_", "-"): value for name, value in head.items()}
    status, _, told = ask(port, "POST", path, body, fields)
    with contextlib.suppress(ValueError):
        return status, json.loads(told).get("message", "")
    return status, told.decode()


@contextlib.contextmanager
def member(options, **more):
    """A member of quorated that serves; gives its place."""
    with flags.place() as where:
        settings = {**where.settings(), **{name.replace("_", "-"): value
                                           for name, value in more.items()}}
        with flags.running(where, flags.words_of(flags.server(options), settings)):
            yield where


# ---- what each door serves ---------------------------------------------------------------------

def expect_checks_only(port):
    for path in CHECKS:
        expect_equal(ask(port, "GET", path)[0], 200, f"GET {path}")
        expect_equal(ask(port, "POST", path, {})[0], 405, f"POST {path}")
    for path in (*calls(), "/v3beta/kv/range", "/", "/version", "/v3", "/metrics/x", "/healthy",
                 "/livezz", "/debug/vars", "/v2/keys", "//metrics"):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            status, _, body = ask(port, method, path, {"key": b64("secret")}, JSON)
            expect_equal(status, 404, f"{method} {path}")
            expect(b"dmFsdWU" not in body and b"value" not in body, f"{path}: {body!r}")


@suite.case()
def metrics_door_answers_health_and_metrics_alone(options):
    metrics_port, = cluster.free_ports(1)
    with member(options, listen_metrics_urls=f"http://{wire.HOST}:{metrics_port}") as where:
        flags.ask(where.port, "/v3/kv/put", {"key": b64("secret"), "value": b64("value")})
        expect_checks_only(metrics_port)
        found = flags.ask(where.port, "/v3/kv/range", {"key": b64("secret")})
        expect_equal(found["count"], "1", "keys after all that")


@suite.case()
def metrics_door_in_plaintext_leads_past_no_certificate(options):
    with tls.World(options) as world:
        metrics_port, = cluster.free_ports(1)
        (server,) = world.add(1, client_cert_auth="true", trusted_ca_file=world.authority.ca,
                              listen_metrics_urls=f"http://{wire.HOST}:{metrics_port}")
        client = tls.Client(world.authority, world.authority.issue("ann", "ann"))
        world.serve(client, [server])
        expect_equal(client.put(server, "secret", "value")[0], 200, "a put with a certificate")
        expect_checks_only(metrics_port)
        expect(tls.Client(world.authority).is_refused(server), "a client without a certificate")


@suite.case()
def client_door_serves_all_and_peer_door_no_http(options):
    with member(options) as where:
        for path in (*CHECKS, "/", "/version"):
            expect_equal(ask(where.port, "GET", path)[0], 200, f"GET {path}")
        for path in calls():
            # An empty lock or campaign waits; that it is a call is enough.
            status = ask(where.port, "GET", path)[0]
            expect_equal(status, 405, f"GET {path}")
        for path in (*CHECKS, "/", "/version", "/members", "/v3/kv/range"):
            with socket.create_connection((wire.HOST, where.peer_port), timeout=10) as peer:
                peer.sendall(wire.request_head("GET", path) + b"\r\n\r\n")
                told = b""
                with contextlib.suppress(ConnectionResetError):
                    while more := peer.recv(4096):
                        told += more
                expect(b"HTTP/" not in told, f"the peer door answers {path}: {told[:80]!r}")


# ---- web pages ---------------------------------------------------------------------------------

def put_of_page(port, key, **head):
    return post(port, "/v3/kv/put", {"key": b64(key), "value": b64("x")}, **head)


def is_there(port, key):
    return flags.ask(port, "/v3/kv/range", {"key": b64(key)}).get("count") == "1"


@suite.case()
def pages_of_other_origins_change_nothing(options):
    with member(options) as where:
        own = f"http://{wire.HOST}:{where.port}"
        for origin in ("http://evil.example", "null", "https://127.0.0.1",
                       f"http://localhost:{where.port}", f"{own}.evil.example", f"{own}/"):
            for kind in ("application/json", "text/plain", None):
                status, why = put_of_page(where.port, "k", Origin=origin, Content_Type=kind)
                expect_equal(status, 403, f"a put of {origin}, {kind}")
                expect("--cors" in why, why)
        for path in calls():
            status, _ = post(where.port, path, {}, Origin="http://evil.example", **JSON)
            expect_equal(status, 403, f"{path} of another origin")
        # A domain that leads here by its owner's will is no name of this member.
        status, _ = put_of_page(where.port, "k", Origin=f"http://evil.example:{where.port}",
                                Host=f"evil.example:{where.port}", **JSON)
        expect_equal(status, 403, "a page of a rebound domain")
        expect(not is_there(where.port, "k"), "a page of another origin stored a key")
        status, _ = put_of_page(where.port, "own", Origin=own, **JSON)
        expect_equal(status, 200, "the member's own page")
        status, why = put_of_page(where.port, "text", Origin=own, Content_Type="text/plain")
        expect_equal(status, 415, why)
        expect(is_there(where.port, "own") and not is_there(where.port, "text"), "what is stored")
        for kind in ("text/plain", "application/x-www-form-urlencoded", None):
            status, _ = put_of_page(where.port, "no page", Content_Type=kind)
            expect_equal(status, 200, f"a client without an origin, {kind}")


@suite.case()
def answers_name_an_origin_only_where_it_is_allowed(options):
    def allowed(port, method, path, origin):
        status, answer, _ = ask(port, method, path, None, {"Origin": origin} if origin else {})
        expect_equal(answer.getheader("Vary"), "Origin", f"Vary of {path}")
        return status, answer.getheader("Access-Control-Allow-Origin")

    with member(options) as where:
        for path in ("/health", "/metrics", "/version", "/", "/v3/kv/range", "/nothing"):
            for method in ("GET", "OPTIONS"):
                for origin in ("http://evil.example", "null"):
                    expect_equal(allowed(where.port, method, path, origin)[1], None, path)
                # No browser asks so, and programs get what etcd sends.
                expect_equal(allowed(where.port, method, path, None)[1], "*", path)
        page = ask(where.port, "GET", "/")[1]
        expect("frame-ancestors 'none'" in page.getheader("Content-Security-Policy"), "CSP")
        expect_equal(page.getheader("X-Frame-Options"), "DENY", "X-Frame-Options")
    ops = "https://ops.example"
    with member(options, cors=f"{ops},http://b.example") as where:
        expect_equal(allowed(where.port, "OPTIONS", "/v3/kv/put", ops), (200, ops), "preflight")
        expect_equal(allowed(where.port, "GET", "/health", ops), (200, ops), "a page")
        expect_equal(allowed(where.port, "GET", "/health", "http://c.example")[1], None, "another")
        expect_equal(allowed(where.port, "GET", "/health", None)[1], None, "no origin, as etcd")
        expect_equal(put_of_page(where.port, "k", Origin=ops, **JSON)[0], 200, "a listed origin")
        expect_equal(put_of_page(where.port, "k", Origin=ops)[0], 415, "without its kind")
        expect_equal(put_of_page(where.port, "k", Origin="http://c.example", **JSON)[0], 403, "c")
    with member(options, cors="*") as where:
        expect_equal(allowed(where.port, "GET", "/health", "http://c.example"), (200, "*"), "all")
        expect_equal(allowed(where.port, "GET", "/health", None), (200, "*"), "as etcd")
        expect_equal(put_of_page(where.port, "k", Origin="null", **JSON)[0], 200, "any origin")
        expect_equal(put_of_page(where.port, "k", Origin="null", Content_Type="text/plain")[0],
                     415, "what needs no preflight")


@suite.case()
def host_whitelist_holds_at_each_door(options):
    metrics_port, = cluster.free_ports(1)
    with member(options, host_whitelist="127.0.0.1,kv.example",
                listen_metrics_urls=f"http://{wire.HOST}:{metrics_port}") as where:
        for port, path in ((where.port, "/health"), (where.port, "/"), (metrics_port, "/metrics")):
            for host, status in (("kv.example", 200), ("KV.Example:1", 200), ("127.0.0.1:9", 200),
                                 ("evil.example", 421), ("localhost", 421)):
                found = ask(port, "GET", path, None, {"Host": host})[0]
                expect_equal(found, status, f"{path} at {host}")
        expect_equal(put_of_page(where.port, "k", Host="evil.example", **JSON)[0], 421, "a put")
        expect_equal(put_of_page(where.port, "k", Host="kv.example", Origin="http://kv.example",
                                 **JSON)[0], 200, "the page under the listed name")


@suite.case()
def kvstore_serves_no_pages_and_no_strange_names(options):
    with cluster.Cluster(options.bin, 1, ("--host-whitelist", "kv.example,b.example")) as group:
        port = group.port(1)
        wire.once(port, "PUT", "/kept", b"value")
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example",
                     "localhost."):
            for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"):
                status, _, body = ask(port, method, "/kept", b"http://127.0.0.1:1", {"Host": host})
                expect_equal(status, 421, f"{method} at {host}: {body!r}")
        for host in ("127.0.0.1", f"[::1]:{port}", "localhost", "LocalHost:1", "kv-1",
                     "kv.example:80", "B.example"):
            status, _, body = ask(port, "GET", "/kept", None, {"Host": host})
            expect_equal((status, body), (200, b"value"), f"at {host}")
        for origin in ("http://evil.example", "null", f"http://localhost:{port}",
                       "https://127.0.0.1"):
            for method, target in (("PUT", "/kept"), ("POST", "/2"), ("DELETE", "/1"),
                                   ("GET", "/kept")):
                status, _, _ = ask(port, method, target, b"http://127.0.0.1:1", {"Origin": origin})
                expect_equal(status, 403, f"{method} of {origin}")
        expect_equal(wire.once(port, "GET", "/kept").body, b"value", "the value after all that")
        status, _, _ = ask(port, "PUT", "/own", b"x", {"Origin": f"http://127.0.0.1:{port}"})
        expect_equal(status, 204, "a page of the same server")


# ---- who may ask -------------------------------------------------------------------------------

def table():
    """path -> what doc/security.md says that it asks for"""
    rows = re.findall(r"^\| `(/[a-z0-9/-]*)` \| ([a-z ]+) \|", PAGE.read_text(), re.MULTILINE)
    expect_equal(len(rows), len(dict(rows)), "rows and paths")
    return dict(rows)


def enable_authentication(port):
    """Returns the tokens of root, and of a user without roles."""
    for path, body in (("user/add", {"name": "root", "password": "r"}),
                       ("user/add", {"name": "low", "password": "l"}),
                       ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
        flags.ask(port, f"/v3/auth/{path}", body)
    return [flags.ask(port, "/v3/auth/authenticate", {"name": name, "password": name[0]})["token"]
            for name in ("root", "low")]


# What a call needs so that it gets as far as its permission; all others are empty. No call of root
# changes who the members are.
BODIES = {
    "/v3/watch": {"create_request": {"key": b64("k")}},
    "/v3/kv/range": {"key": b64("k")}, "/v3/kv/put": {"key": b64("k")},
    "/v3/kv/deleterange": {"key": b64("k")},
    "/v3/kv/txn": {"success": [{"request_range": {"key": b64("k")}}]},
    "/v3/kv/compaction": {"revision": "1"}, "/v3/lease/grant": {"TTL": "60"},
    "/v3/lease/revoke": {"ID": "7"}, "/v3/lease/keepalive": {"ID": "7"},
    "/v3/lease/timetolive": {"ID": "7", "keys": True},
    "/v3/cluster/member/add": {"peerURLs": ["no URL"]},
    "/v3/cluster/member/remove": {"ID": "1"}, "/v3/cluster/member/promote": {"ID": "1"},
    "/v3/cluster/member/update": {"ID": "1", "peerURLs": ["http://127.0.0.1:1"]},
    "/v3/maintenance/transfer-leadership": {"targetID": "1"},
    "/v3/auth/authenticate": {"name": "low", "password": "l"},
    "/v3/auth/user/add": {"name": "n", "password": "p"}, "/v3/auth/user/get": {"name": "root"},
    "/v3/auth/user/delete": {"name": "n"}, "/v3/auth/user/changepw": {"name": "n", "password": "q"},
    "/v3/auth/user/grant": {"user": "n", "role": "r"},
    "/v3/auth/user/revoke": {"name": "n", "role": "r"}, "/v3/auth/role/add": {"name": "r"},
    "/v3/auth/role/get": {"role": "r"}, "/v3/auth/role/delete": {"role": "r"},
    "/v3/auth/role/grant": {"name": "r", "perm": {"key": b64("k")}},
    "/v3/auth/role/revoke": {"role": "r", "key": b64("k")},
    "/v3/election/campaign": {"name": b64("e"), "lease": "7"},
    "/v3/election/proclaim": {"leader": {"name": b64("e"), "key": b64("e/7"), "lease": "7"}},
    "/v3/election/leader": {"name": b64("e")}, "/v3/election/observe": {"name": b64("e")},
    "/v3/election/resign": {"leader": {"name": b64("e"), "key": b64("e/7"), "lease": "7"}},
    "/v3/lock/lock": {"name": b64("l"), "lease": "7"}, "/v3/lock/unlock": {"key": b64("l/7")},
}
NO_USER, NO_TOKEN, DENIED = "user name is empty", "invalid auth token", "permission denied"


def outcome(port, path, token):
    """How a call ends: refused for want of a user or a permission, or not for that."""
    head = {**JSON, "Connection": "close", **({"Authorization": token} if token else {})}
    body = json.dumps(BODIES.get(path, {})).encode()
    with wire.Connection(port, 10) as connection:
        connection.send_request("POST", path, body, tuple(head.items()))
        told = b""
        while b"\r\n\r\n" not in told:
            told += connection.socket.recv(4096)
        # A stream has its reason behind its head; one that is permitted may have nothing to tell.
        connection.socket.settimeout(1 if b"chunked" in told else 10)
        with contextlib.suppress(TimeoutError):
            while (more := connection.socket.recv(4096)) and b'"error"' not in told:
                told += more
    text = told.decode("latin-1")
    for words in (NO_USER, NO_TOKEN, DENIED):
        if words in text:
            return words
    return "done"


EXPECTED = {            # no token, an invalid one, a user without roles, root
    "nothing": ("done", "done", "done", "done"),
    "a user": (NO_USER, NO_TOKEN, "done", "done"),
    "root": (NO_USER, NO_TOKEN, DENIED, "done"),
    "a permission": (NO_USER, NO_TOKEN, DENIED, "done"),
}


@suite.case(120)
def each_path_asks_for_what_the_table_has(options):
    rows = table()
    with member(options) as where:
        pages = {"/", "/health", "/livez", "/readyz", "/metrics", "/version"}
        expect_equal(set(rows), {*calls(), *pages}, "paths of doc/security.md")
        root, low = enable_authentication(where.port)
        for path in sorted(pages):
            expect_equal(rows[path], "nothing", path)
            expect_equal(ask(where.port, "GET", path)[0], 200, f"GET {path}")
        # The last ones change who may ask.
        last = ("/v3/auth/enable", "/v3/auth/disable")
        wrong = []
        for path in [*sorted(set(rows) - pages - set(last)), *last]:
            found = tuple(outcome(where.port, path, token) for token in (None, "none", low, root))
            if found != EXPECTED[rows[path]]:
                wrong.append(f"{path} asks for {rows[path]}, but {found}")
        expect(not wrong, "; ".join(wrong))


@suite.case()
def member_list_status_and_alarms_are_for_users(options):
    with member(options) as where:
        root, low = enable_authentication(where.port)
        for path, body in (("/v3/cluster/member/list", {}),
                           ("/v3/cluster/member/list", {"linearizable": True}),
                           ("/v3/maintenance/status", {}), ("/v3/maintenance/alarm", {}),
                           ("/v3/maintenance/alarm", {"action": "GET", "alarm": "NOSPACE"})):
            for head, status in (({}, 400), ({"Authorization": "none"}, 401),
                                 ({"Authorization": low}, 200), ({"Authorization": root}, 200)):
                found, _, told = ask(where.port, "POST", path, body, {**JSON, **head})
                expect_equal(found, status, f"{path} {body} {head}: {told[:100]!r}")
                expect(status == 200 or b"127.0.0.1" not in told, f"{path} tells: {told!r}")
        for action in ("ACTIVATE", "DEACTIVATE"):
            for kind in ("NONE", "NOSPACE"):
                body = {"action": action, "alarm": kind, "memberID": "1"}
                status, _, told = ask(where.port, "POST", "/v3/maintenance/alarm", body,
                                      {**JSON, "Authorization": low})
                expect_equal(status, 403, f"{action} {kind} by a user: {told!r}")


# ---- what strangers leave in the log -----------------------------------------------------------

def knock(port, data):
    """Sends bytes on a connection of its own and reads until it has an answer, or the end."""
    with contextlib.suppress(OSError), socket.create_connection((wire.HOST, port), 10) as one:
        one.sendall(data)
        one.settimeout(0.05)
        one.recv(4096)


def strange_requests(port):
    """Requests of strangers to a client door."""
    put = json.dumps({"key": b64("k"), "value": b64("v")}).encode()
    size = f"Content-Length: {len(put)}\r\n\r\n".encode() + put
    head = f"POST /v3/kv/put HTTP/1.1\r\nHost: {wire.HOST}:{port}\r\n".encode()
    return (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
            b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", head + size,
            head + b"Origin: http://evil.example\r\n" + size,
            head + b"Authorization: guessed\r\n" + size, head + b"Content-Length: 9\r\n\r\n{")


def strange_frames(cluster_id, own):
    """What strangers send to a peer door, with the id of an invented member and the member's."""
    invented = peer_port.hello(cluster_id, peer_port.INVENTED, own)    # the kind that is logged
    return (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"\xff" * 64, *[invented] * 10,
            peer_port.hello(cluster_id ^ 1, peer_port.INVENTED, own),
            peer_port.hello(cluster_id, peer_port.INVENTED, own ^ 1),
            peer_port.hello(cluster_id, own, own), peer_port.hello(0, 0, 0) * 3,
            peer_port.hello(cluster_id, peer_port.INVENTED, own)
            + peer_port.heartbeat(peer_port.INVENTED, own, 1 << 62) * 50,
            peer_port.frame(peer_port.HEARTBEAT, b"x"), peer_port.frame(99, b"x" * 100))


@suite.case(150)
def strangers_fill_no_log(options):
    rounds = 40
    metrics_port, = cluster.free_ports(1)
    with member(options, listen_metrics_urls=f"http://{wire.HOST}:{metrics_port}") as where:
        told = flags.ask(where.port, "/v3/maintenance/status", {})["header"]
        enable_authentication(where.port)
        log = where.folder / "log"
        before, attempts = log.read_bytes().count(b"\n"), 0
        doors = [(where.port, one) for one in strange_requests(where.port)]
        doors += [(metrics_port, one) for one in strange_requests(where.port)]
        doors += [(where.peer_port, one) for one in
                  strange_frames(int(told["cluster_id"]), int(told["member_id"]))]
        for turn in range(rounds):
            for port, data in doors:
                knock(port, data)
                attempts += 1
            post(where.port, "/v3/auth/authenticate", {"name": f"u{turn}", "password": "guess"})
        lines = log.read_bytes().count(b"\n") - before
        # Eleven attempts of each round are logged: a line for each would be more.
        expect(lines * 6 < attempts, f"{lines} lines for {attempts} attempts: "
               f"{log.read_text(errors='replace')[-1500:]}")
        expect(b"guess" not in log.read_bytes(), "a token or a password is in the log")
        expect_equal(post(where.port, "/v3/kv/put", {"key": b64("k")})[0], 400, "it serves on")


if __name__ == "__main__":
    OPTIONS = parser(__doc__).parse_args()
    if not flags.has_serve(OPTIONS):
        print("FAIL quorated: it has no subcommand serve\n0 passed, 1 failed")
        sys.exit(1)
    sys.exit(suite.run(OPTIONS))
