"""The status page in a real browser, against a member that does as it is told.

The member is a stub of the four requests that the page makes, so that it can be slow, leaderless or
gone when a case wants that. Without Chromium all cases are skipped, which is said.
"""

import base64
import contextlib
import http.server
import itertools
import json
import pathlib
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import browser
import flags
from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()
SOURCE = REPOSITORY / "example/quorated/status_page.cpp"
POLICY = "default-src 'self' 'unsafe-inline'"
SELF, OTHER = 0xbdae9bbc11dd390d, 0x1b


def page():
    """The document, as the program serves it."""
    return "".join(re.findall(r'R"page\((.*?)\)page"', SOURCE.read_text(), re.DOTALL))


class Stub(http.server.ThreadingHTTPServer):
    """A member; cases change its fields."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.steps = itertools.count(1)
        self.step = 0
        self.leader = SELF
        self.errors = []
        self.name = "alpha"
        self.store = {}
        self.delay = 0
        self.refuse_put = None
        self.connections = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        """A browser that gives up waiting is no error here."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def stop(self):
        """Ends as a process that is killed: its connections end too."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def header(self):
        return {"cluster_id": "15118495548433857066", "member_id": str(SELF),
                "revision": str(10 + len(self.store)), "raft_term": "4"}

    def status(self):
        self.step = next(self.steps)
        told = {"header": self.header(), "version": "3.4.23", "dbSize": str(3 << 20),
                "raftIndex": str(1000 + 120 * self.step),
                "raftAppliedIndex": str(997 + 120 * self.step), "raftTerm": "4"}
        if self.leader:
            told["leader"] = str(self.leader)
        if self.errors:
            told["errors"] = self.errors
        return told

    def members(self):
        return {"header": self.header(), "members": [
            {"ID": str(SELF), "name": self.name, "peerURLs": ["http://127.0.0.1:2380"],
             "clientURLs": [self.url.rstrip("/")]},
            {"ID": str(OTHER), "name": "beta", "peerURLs": ["http://127.0.0.1:2480"],
             "clientURLs": ["http://127.0.0.1:2479", "javascript:alert(1)"]},
            {"ID": "28", "peerURLs": ["http://127.0.0.1:2580"], "isLearner": True}]}

    def metrics(self):
        step = self.step
        lines = [f'etcd_network_active_peers{{Remote="{OTHER:x}"}} 1',
                 'etcd_network_active_peers{Remote="1c"} 0',
                 "etcd_debugging_mvcc_keys_total 1234567",
                 "etcd_server_quota_backend_bytes 2147483648",
                 "etcd_debugging_mvcc_watcher_total 12",
                 "process_resident_memory_bytes 25378816",
                 f"quorate_read_duration_seconds_count {40 * step}"]
        below = 0
        for bound, growth in (("0.0001", 0), ("0.0002", 20), ("0.0004", 80), ("0.0008", 15),
                              ("0.0016", 4), ("+Inf", 1)):
            below += growth * step
            lines.append(f'quorate_write_duration_seconds_bucket{{le="{bound}"}} {below}')
        lines.append(f"quorate_write_duration_seconds_count {below}")
        return "# HELP x a comment\n" + "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the JSON API and the pages of a member."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self):
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_):
        pass

    def answer(self, status, kind, body):
        raw = body.encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(raw)

    def do_GET(self):
        if self.path == "/":
            self.answer(200, "text/html; charset=utf-8", page())
        elif self.path == "/metrics":
            self.answer(200, "text/plain; version=0.0.4", self.server.metrics())
        else:
            self.answer(404 if self.path != "/favicon.ico" else 200, "text/plain", "")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.delay)
        status, told = self.reply(asked)
        self.answer(status, "application/json", json.dumps(told))

    def reply(self, asked):
        stub = self.server
        if self.path == "/v3/maintenance/status":
            return 200, stub.status()
        if self.path == "/v3/cluster/member/list":
            return 200, stub.members()
        if self.path == "/v3/kv/put":
            if stub.refuse_put:
                return 429, {"error": stub.refuse_put, "message": stub.refuse_put, "code": 8}
            stub.store[asked["key"]] = asked.get("value", "")
            return 200, {"header": stub.header()}
        if self.path == "/v3/kv/range":
            told = {"header": stub.header()}
            if asked["key"] in stub.store:
                told["kvs"] = [{"key": asked["key"], "value": stub.store[asked["key"]],
                                "version": "1", "mod_revision": "11"}]
            return 200, told
        return 404, {"error": "Not Found", "message": "Not Found", "code": 5}


@contextlib.contextmanager
def looking():
    """A member, and a browser that shows its page."""
    stub = Stub()
    try:
        with browser.Browser() as shown:
            shown.look(1200, 900, "light")
            shown.open(stub.url)
            shown.wait("document.getElementById('state') && "
                       "document.getElementById('state').innerText !== 'asking'")
            yield stub, shown
    finally:
        with contextlib.suppress(OSError):
            stub.stop()


def keep_picture(options, shown, name):
    if options.screenshots:
        folder = pathlib.Path(options.screenshots)
        folder.mkdir(parents=True, exist_ok=True)
        shown.screenshot(folder / f"{name}.png")


@suite.case()
def it_shows_the_member_and_asks_nobody_else(options):
    with looking() as (stub, shown):
        shown.wait("document.querySelectorAll('#members tr').length === 3")
        for element, text in (("state", "leader"), ("name", "alpha"), ("leader", "alpha (this)"),
                              ("term", "4"), ("lag", "3"), ("keys", "1,234,567"),
                              ("size", "3.0 MiB of 2.0 GiB"), ("watchers", "12"),
                              ("memory", "24.2 MiB")):
            expect_equal(shown.text(element), text, element)
        expect("bdae9bbc11dd390d" in shown.text("identity"), shown.text("identity"))
        rows = shown.run("[...document.querySelectorAll('#members tr')].map((row) => "
                         "[...row.cells].slice(0, 4).map((cell) => cell.innerText))")
        expect_equal(rows, [["alpha", "bdae9bbc11dd390d", "leader", "this member"],
                            ["beta", "1b", "voter", "connected"],
                            ["(not started)", "1c", "learner", "not connected"]], "members")
        expect_equal(shown.run("document.querySelectorAll('a[href^=javascript]').length"), 0,
                     "links that are none")
        before = stub.step
        time.sleep(3.5)
        expect(2 <= stub.step - before <= 4, f"asked {stub.step - before} times in 3.5 s")
        strangers = [url for url in shown.requests if not url.startswith(stub.url)]
        expect_equal(strangers, [], "requests to others")
        expect_equal(shown.complaints, [], "the browser's complaints")


@suite.case()
def charts_are_drawn_and_can_be_read_by_key(options):
    with looking() as (_, shown):
        shown.wait("document.querySelectorAll('#latency path')[1].getAttribute('d')"
                   ".split('L').length > 3")
        for chart, label in (("through", "Committed and read per second"),
                             ("latency", "Median and 99th percentile of writes")):
            told = shown.run(f"document.querySelector('#{chart} svg').getAttribute('aria-label')")
            expect(re.match(rf"{label}; \d+ s ago: [\d.]+", told), told)
            shown.run(f"document.querySelector('#{chart} svg').focus()")
            shown.press("ArrowLeft")
            read = shown.run(f"document.querySelector('#{chart} .readout').innerText")
            expect(re.match(r"\d+ s ago: [\d.]+", read), read)
        # Of each 120 writes, half took less than 0.4 ms and all but one less than 1.6 ms.
        median, high = re.findall(r"([\d.]+) ms", told)
        expect(0.2 <= float(median) <= 0.4 and 0.8 <= float(high) <= 1.6, told)
        rate = float(re.search(r"ago: ([\d.]+)", shown.run(
            "document.querySelector('#through svg').getAttribute('aria-label')"))[1])
        expect(90 <= rate <= 130, f"{rate} committed per second, not about 119")


@suite.case()
def keys_are_put_and_got_without_a_mouse(options):
    with looking() as (stub, shown):
        shown.run("document.getElementById('key').focus()")
        shown.type("gr\u00fc\u00dfe/\u20ac")
        shown.press("Tab")
        shown.type("one\ntwo \U0001f600 <b>")
        shown.press("Tab")
        shown.press("Tab")
        shown.press("Enter")
        shown.wait("document.getElementById('answer').innerText.startsWith('Stored')")
        stored = {base64.b64decode(key).decode(): base64.b64decode(value).decode()
                  for key, value in stub.store.items()}
        expect_equal(stored, {"gr\u00fc\u00dfe/\u20ac": "one\ntwo \U0001f600 <b>"}, "the store")
        shown.run("document.getElementById('key').focus()")
        shown.press("Enter")    # asks, and never stores by accident
        shown.wait("document.getElementById('answer').innerText.includes('two \U0001f600 <b>')")
        expect("Version 1" in shown.text("answer"), shown.text("answer"))

        key = base64.b64encode("gr\u00fc\u00dfe/\u20ac".encode()).decode()
        stub.store[key] = base64.b64encode(b"\xff\x00").decode()
        shown.press("Enter")
        shown.wait("document.getElementById('answer').innerText.includes('/wA=')")
        stub.store.clear()
        shown.press("Enter")
        shown.wait("document.getElementById('answer').innerText.startsWith('There is no such key')")
        stub.refuse_put = "etcdserver: mvcc: database space exceeded"
        for _ in range(3):
            shown.press("Tab")
        shown.press("Enter")
        shown.wait("document.getElementById('answer').innerText.endsWith('space exceeded')")


@suite.case()
def a_member_that_is_down_is_said_to_be(options):
    with looking() as (stub, shown):
        shown.wait("document.querySelectorAll('#members tr').length === 3")
        expect_equal(shown.text("down-text"), "", "before")
        stub.stop()
        shown.wait("document.getElementById('state').innerText === 'down'", 8)
        shown.wait("!document.getElementById('down').hidden")
        expect("does not answer" in shown.text("down-text"), shown.text("down-text"))
        expect(shown.run("document.title").startswith("down"), "the title")
        keep_picture(options, shown, "down")
        again = Stub(stub.server_address[1])
        try:
            shown.wait("document.getElementById('state').innerText === 'leader'", 8)
            expect_equal(shown.run("document.getElementById('down').hidden"), True, "the notice")
        finally:
            again.stop()


@suite.case()
def a_member_that_hangs_is_down_too(options):
    with looking() as (stub, shown):
        stub.delay = 6
        shown.wait("document.getElementById('state').innerText === 'down'", 12)
        expect("three seconds" in shown.text("down-text"), shown.text("down-text"))
        stub.delay = 0
        shown.wait("document.getElementById('state').innerText === 'leader'", 12)


@suite.case()
def trouble_is_told(options):
    with looking() as (stub, shown):
        stub.leader = 0
        shown.wait("document.getElementById('state').innerText === 'no leader'")
        expect("No leader is known" in shown.text("trouble-text"), shown.text("trouble-text"))
        expect_equal(shown.text("leader"), "none", "the leader")
        stub.leader, stub.errors = OTHER, ["memberID:1 alarm:NOSPACE "]
        shown.wait("document.getElementById('state').innerText === 'follower'")
        expect_equal(shown.text("leader"), "beta", "the leader")
        expect("NOSPACE" in shown.text("trouble-text"), shown.text("trouble-text"))
        stub.errors = []
        shown.wait("document.getElementById('trouble').hidden")


@suite.case()
def names_are_text_and_nothing_else(options):
    with looking() as (stub, shown):
        stub.name = "<img src=x onerror=alert(1)><script>1</script>"
        shown.wait("document.getElementById('name').innerText.startsWith('<img')")
        expect_equal(shown.run("document.images.length"), 0, "images")
        row = shown.run("document.querySelector('#members th').innerText")
        expect_equal(row, stub.name, "the row")
        expect_equal(shown.complaints, [], "the browser's complaints")


@suite.case()
def it_fits_narrow_and_dark_windows(options):
    with looking() as (_, shown):
        shown.wait("document.querySelectorAll('#latency path')[1].getAttribute('d')"
                   ".split('L').length > 4", 20)
        grounds = {}
        for width, scheme in ((1200, "light"), (1200, "dark"), (360, "light"), (360, "dark")):
            shown.look(width, 900, scheme)
            wide = shown.run("document.documentElement.scrollWidth")
            expect(wide <= width, f"{wide} wide in a window of {width}")
            grounds[scheme] = shown.run("getComputedStyle(document.body).backgroundColor")
            shown.wait(f"Math.abs(document.querySelector('#through svg').clientWidth - "
                       "document.querySelector('#through svg').viewBox.baseVal.width) < 2", 5)
            keep_picture(options, shown, f"{scheme}_{width}")
        expect(grounds["light"] != grounds["dark"], f"the same ground: {grounds}")


def serves_its_page(where):
    """Whether the member answers at `/` with the page."""
    with contextlib.suppress(urllib.error.HTTPError):
        with urllib.request.urlopen(f"{where.url}/", timeout=5) as answer:
            return POLICY in answer.headers.get("Content-Security-Policy", "")
    return False


@suite.case()
def a_real_member_shows_itself(options):
    if not flags.has_serve(options):
        print("skipped: quorated has no subcommand serve")
        return
    with flags.place() as where:
        words = flags.words_of(flags.server(options), where.settings("real"))
        with flags.running(where, words), browser.Browser() as shown:
            expect(serves_its_page(where), "there is no page at /")
            shown.look(1200, 900, "light")
            shown.open(f"{where.url}/")
            shown.wait("document.getElementById('leader') && "
                       "document.getElementById('leader').innerText === 'real (this)'")
            for number in range(40):
                key = base64.b64encode(b"key %d" % number).decode()
                flags.ask(where.port, "/v3/kv/put", {"key": key, "value": "dmFsdWU="})
                flags.ask(where.port, "/v3/kv/range", {"key": key})
                time.sleep(0.1)
            shown.wait("document.getElementById('keys').innerText === '40'")
            shown.wait("document.querySelectorAll('#latency path')[1].getAttribute('d') !== ''")
            shown.run("document.getElementById('key').focus()")
            shown.type("key 7")
            shown.press("Enter")
            shown.wait("document.getElementById('answer').innerText.startsWith('value')")
            keep_picture(options, shown, "real")
            strangers = [url for url in shown.requests if not url.startswith(where.url)]
            expect_equal(strangers, [], "requests to others")
            complaints = [one for one in shown.complaints if "favicon" not in one]
            expect_equal(complaints, [], "the browser's complaints")


if __name__ == "__main__":
    OPTIONS = parser(__doc__)
    OPTIONS.add_argument("--screenshots", default="", metavar="DIR", help="keep pictures there")
    OPTIONS = OPTIONS.parse_args()
    if browser.program() is None:
        print("skipped: there is no Chromium\n0 passed, 0 failed")
        sys.exit(0)
    sys.exit(suite.run(OPTIONS))
