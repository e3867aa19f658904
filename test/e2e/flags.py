"""The flags of `quorated serve`, and what the program does about wrong ones.

What each flag turns into is tested in test/quorated; here is what only the program shows: its help,
exit statuses, the environment, the file, and that a member is who etcd would be with its flags.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import cluster
from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()


def clean_environment(extra=()):
    """The environment without what would be taken for flags."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ETCD_", "QUORATE_"))}
    return {**kept, **dict(extra)}


def run(options, *words, environment=()):
    """Runs `quorated serve` with what makes it end at once."""
    return subprocess.run([f"{options.bin}/quorated", "serve", *words], text=True, timeout=20,
                          env=clean_environment(environment), capture_output=True)


def has_serve(options):
    """Whether the program is there and has the subcommand."""
    program = pathlib.Path(options.bin) / "quorated"
    return program.exists() and run(options, "--help").returncode == 0


def ask(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=2) as answer:
        return json.load(answer)


class Place:
    """A temporary folder and ports for one member."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port, self.peer_port = cluster.free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.peer_url = f"http://127.0.0.1:{self.peer_port}"

    def settings(self, name="default"):
        return {"name": name, "data-dir": str(self.folder / "data"),
                "listen-client-urls": self.url, "advertise-client-urls": self.url,
                "listen-peer-urls": self.peer_url, "initial-advertise-peer-urls": self.peer_url,
                "initial-cluster": f"{name}={self.peer_url}"}


@contextlib.contextmanager
def place():
    with tempfile.TemporaryDirectory(prefix="quorate_flags_") as folder:
        yield Place(folder)


@contextlib.contextmanager
def running(place, words, environment=()):
    """A server; gives its log. It answers and leads when the block begins."""
    log = place.folder / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(words, env=clean_environment(environment), cwd=place.folder,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError, urllib.error.URLError, ValueError):
                if ask(place.port, "/v3/maintenance/status", {}).get("leader"):
                    break
            expect(process.poll() is None, f"it ended: {log.read_text()[-600:]}")
            expect(time.monotonic() < until, f"no leader in 20 s: {log.read_text()[-600:]}")
            time.sleep(0.1)
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def words_of(program, settings):
    return [*program, *(f"--{name}={value}" for name, value in settings.items())]


def server(options):
    return [str(pathlib.Path(options.bin).resolve() / "quorated"), "serve"]


def name_of_member(port):
    return ask(port, "/v3/cluster/member/list", {})["members"][0]["name"]


@suite.case()
def the_help_and_the_page_name_every_flag(options):
    told = run(options, "--help")
    expect_equal((told.returncode, told.stderr), (0, ""), "status and complaints")
    flags = re.findall(r"^  --([a-z0-9-]+) '", told.stdout, re.MULTILINE)
    expect(len(flags) > 70, f"only {len(flags)} flags")
    page = (REPOSITORY / "doc/configuration.md").read_text()
    missing = [flag for flag in flags if f"| `{flag}` |" not in page]
    expect_equal(missing, [], "flags that doc/configuration.md lacks")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)
    expect_equal(sorted(rows), sorted(flags), "flags of doc/configuration.md")


@suite.case()
def every_flag_of_etcd_is_known(options):
    if shutil.which("etcd") is None:
        print("skipped: etcd is not installed")
        return
    told = subprocess.run(["etcd", "--help"], text=True, capture_output=True, timeout=20)
    flags = set(re.findall(r"^  --([a-z0-9-]+)", told.stdout + told.stderr, re.MULTILINE))
    flags -= {"version"}
    expect(len(flags) > 70, f"only {len(flags)} flags")
    # Whatever a flag says, it may be wrong or refused, but it is known.
    unknown = [flag for flag in sorted(flags)
               if "no such flag" in run(options, f"--{flag}=", "--name=").stderr]
    expect_equal(unknown, [], "unknown flags")


@suite.case()
def wrong_flags_end_with_two_and_one_line(options):
    for words, complaint in (
            (["--nonsense"], "--nonsense: there is no such flag"),
            (["word"], "'word' is not a valid flag"),
            (["--name"], "--name: needs a value"),
            (["--election-timeout=100", "--heartbeat-interval=100"], "--election-timeout: 100 ms"),
            (["--listen-client-urls=http://0.0.0.0:2379",
              "--advertise-client-urls=http://10.0.0.1:2379"], "--listen-client-urls: "),
            (["--listen-client-urls=http://127.0.0.1:1"], "--advertise-client-urls: is needed"),
            (["--max-wals=many"], "--max-wals: 'many'"),
            (["--discovery=http://x"], "--discovery: "),
            (["--peer-cert-file=x"], "--peer-cert-file: "),
            (["--config-file=/no/such/file"], "--config-file: cannot read '/no/such/file'")):
        told = run(options, *words)
        expect_equal(told.returncode, 2, f"exit status of {words}")
        expect_equal(told.stdout, "", f"output of {words}")
        lines = told.stderr.splitlines()
        expect(lines[0].startswith(f"quorated: {complaint}"), f"{words}: {lines[0]}")
        expect_equal(lines[1:], ["quorated: see quorated serve --help"], f"the rest of {words}")


@suite.case()
def a_cluster_without_this_member_is_no_start(options):
    with place() as where:
        settings = {**where.settings(), "initial-cluster": "other=http://127.0.0.1:1"}
        told = subprocess.run(words_of(server(options), settings), text=True, timeout=20,
                              env=clean_environment(), capture_output=True, cwd=where.folder)
        expect_equal(told.returncode, 2, "exit status")
        expect("--initial-cluster: does not name this member" in told.stderr, told.stderr)


@suite.case()
def the_environment_names_a_member(options):
    with place() as where:
        variables = {f"ETCD_{name.upper().replace('-', '_')}": value
                     for name, value in where.settings("from-etcd").items()}
        variables["QUORATE_NAME"] = "from-quorate"
        variables["QUORATE_INITIAL_CLUSTER"] = f"from-flag={where.peer_url}"
        variables["ETCD_BACKEND_BATCH_LIMIT"] = "7"
        with running(where, [*server(options), "-name", "from-flag"], variables) as log:
            expect_equal(name_of_member(where.port), "from-flag", "the name")
            told = log.read_text()
            expect("no effect has --backend-batch-limit" in told, told[:600])
        told = run(options, environment={"ETCD_MAX_TXN_OPS": "many"})
        expect_equal(told.returncode, 2, "exit status")
        expect("--max-txn-ops: 'many'" in told.stderr, told.stderr)


@suite.case()
def a_file_replaces_flags_and_environment(options):
    with place() as where:
        file = where.folder / "conf.yml"
        lines = [f"{name}: '{value}'" for name, value in where.settings("from-file").items()]
        file.write_text("\n".join([*lines, "log-outputs: [stderr]", "wal-dir:", ""]))
        told = run(options, f"--config-file={file}", "--help")
        expect_equal(told.returncode, 0, "exit status")
        probe = where.folder / "probe.yml"
        probe.write_text("name: ''\n")
        if "without yaml-cpp" in run(options, f"--config-file={probe}").stderr:
            print("skipped: built without yaml-cpp")
            return
        words = [*server(options), f"--config-file={file}", "--name=from-flag"]
        with running(where, words, {"ETCD_NAME": "from-etcd"}):
            expect_equal(name_of_member(where.port), "from-file", "the name")


@suite.case()
def flags_or_variables_alone_serve(options):
    program = [str(pathlib.Path(options.bin).resolve() / "quorated")]
    for kind in ("flags", "one dash", "environment"):
        with place() as where:
            settings = where.settings(kind.replace(" ", "-"))
            words, variables = words_of(program, settings), {}
            if kind == "one dash":
                words = [program[0], *(part for name, value in settings.items()
                                       for part in (f"-{name}", value))]
            if kind == "environment":
                words = program
                variables = {f"ETCD_{name.upper().replace('-', '_')}": value
                             for name, value in settings.items()}
            with running(where, words, variables):
                expect_equal(name_of_member(where.port), settings["name"], f"the name, by {kind}")
    for words, status, text in (([], 2, "Usage: quorated SUBCOMMAND"),
                                (["--nonsense"], 2, "--nonsense: there is no such flag"),
                                (["nonsense"], 2, "no subcommand 'nonsense'"),
                                (["--help"], 0, "Subcommands:"), (["--version"], 0, "quorated 0.")):
        told = subprocess.run([*program, *words], text=True, capture_output=True, timeout=20,
                              env=clean_environment({"ETCDCTL_API": "3"}))
        expect_equal(told.returncode, status, f"exit status of {words}")
        expect(text in told.stdout + told.stderr, f"{words}: {told.stdout} {told.stderr}")


@suite.case()
def what_is_missing_in_the_program_is_told(options):
    for words in (["version"], ["serve", "--version"]):
        told = subprocess.run([f"{options.bin}/quorated", *words], text=True, timeout=20,
                              capture_output=True)
        each = [f"(with|without) {part}" for part in ("TLS", "LMDB", "--config-file")]
        parts = re.search(f"^{', '.join(each)}$", told.stdout, re.MULTILINE)
        expect(parts is not None, told.stdout)
        refused = run(options, "--config-file=/no/such/file").stderr
        expect_equal("without yaml-cpp" in refused, parts[3] == "without", refused)


@suite.case()
def capital_letters_of_schemes_are_the_same_member(options):
    with place() as where:
        ids = []
        for change in (str, lambda value: value.replace("http:", "HTTP:")):
            settings = {name: change(value) for name, value in where.settings("a").items()}
            with running(where, words_of(server(options), settings)):
                found = ask(where.port, "/v3/cluster/member/list", {})
                ids.append(found["header"]["member_id"])
                expect_equal(found["members"][0]["peerURLs"], [where.peer_url], "peer URLs")
                expect_equal(found["members"][0]["clientURLs"], [where.url], "client URLs")
        expect_equal(ids[0], ids[1], "ids")
        with running(where, words_of(server(options), where.settings("a"))):
            added = ask(where.port, "/v3/cluster/member/add",
                        {"peerURLs": ["HtTp://127.0.0.1:1"], "isLearner": True})
            expect_equal(added["member"]["peerURLs"], ["http://127.0.0.1:1"], "a learner's URL")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def put_all(port, count):
    for number in range(count):
        ask(port, "/v3/kv/put", {"key": b64(f"k{number}"), "value": b64("x" * 3000)})


@suite.case()
def log_lives_in_wal_dir(options):
    with place() as where:
        elsewhere = where.folder / "fast disk" / "wal"
        settings = {**where.settings(), "wal-dir": str(elsewhere)}
        with running(where, words_of(server(options), settings)):
            put_all(where.port, 20)
        expect(list(elsewhere.glob("*.wal")), f"no log in {elsewhere}")
        expect_equal((where.folder / "data/wal").resolve(), elsewhere.resolve(), "where wal leads")
        verify = [f"{options.bin}/quorated", "verify", "--data-dir", settings["data-dir"]]
        verified = subprocess.run(verify, text=True, capture_output=True, timeout=20)
        expect_equal(verified.returncode, 0, verified.stdout + verified.stderr)
        for later in (settings, where.settings()):     # with the flag or without
            with running(where, words_of(server(options), later)):
                found = ask(where.port, "/v3/kv/range", {"key": "AA==", "range_end": "AA=="})
                expect_equal(found["count"], "20", "keys")
        # A disk that is not mounted, and another place, are no empty log.
        elsewhere.rename(where.folder / "unmounted")
        elsewhere.mkdir()
        for later in (settings, where.settings(), {**settings, "wal-dir": str(where.folder / "w")}):
            told = subprocess.run(words_of(server(options), later), text=True, timeout=20,
                                  env=clean_environment(), capture_output=True, cwd=where.folder)
            expect_equal(told.returncode, 1, f"exit status: {told.stderr[-300:]}")
        expect(not (where.folder / "w").exists(), "a second place was made")


@suite.case()
def files_stay_up_to_their_bounds(options):
    for flags_given, snapshots in (({}, 2), ({"max-snapshots": "4", "max-wals": "9"}, 4)):
        with place() as where:
            settings = {**where.settings(), "snapshot-count": "10", **flags_given}
            with running(where, words_of(server(options), settings)):
                put_all(where.port, 80)
                snap = where.folder / "data/snap"
                until = time.monotonic() + 20
                while len(list(snap.glob("*.snap"))) != snapshots:
                    expect(time.monotonic() < until, f"{list(snap.iterdir())}")
                    time.sleep(0.1)


@suite.case()
def file_size_limit_is_no_space_and_no_end(options):
    with place() as where:
        with running(where, words_of(server(options), where.settings())) as log:
            process = int(subprocess.run(["pgrep", "-f", f"quorated serve.*{where.folder}/data"],
                                         text=True, capture_output=True).stdout.split()[0])
            put_all(where.port, 5)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            refused = ""
            with contextlib.suppress(OSError):
                ask(where.port, "/v3/kv/put", {"key": b64("k"), "value": b64("x" * 9000)})
                refused = "it was stored"
            expect_equal(refused, "", "a put that no file takes")
            resource.prlimit(process, resource.RLIMIT_FSIZE,
                             (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            until = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError):
                    put_all(where.port, 6)
                    break
                expect(time.monotonic() < until, f"no put in 20 s: {log.read_text()[-600:]}")
            found = ask(where.port, "/v3/kv/range", {"key": b64("k5")})
            expect_equal(found["count"], "1", "a key that was put after all")


@suite.case()
def doors_that_cannot_open_are_found_before_the_member_takes_part(options):
    with place() as where, socket.create_server(("127.0.0.1", 0)) as taken:
        used = f"http://127.0.0.1:{taken.getsockname()[1]}"
        tls_url = where.url.replace("http:", "https:")
        encrypted = {"listen-client-urls": tls_url, "advertise-client-urls": tls_url,
                     "cert-file": "/no/such/file", "key-file": "/no/such/key"}
        encrypted_metrics = {"listen-metrics-urls": f"https://127.0.0.1:{where.port + 1}",
                             "cert-file": "/no/such/file", "key-file": "/no/such/key"}
        for more, complaint in (
                (encrypted, "/no/such/"), (encrypted_metrics, "/no/such/"),
                ({"listen-client-urls": used, "advertise-client-urls": used}, used),
                ({"listen-metrics-urls": used}, used),
                ({"listen-peer-urls": used}, used)):
            words = words_of(server(options), {**where.settings(), **more})
            told = subprocess.run(words, text=True, env=clean_environment(), capture_output=True,
                                  timeout=20)
            expect_equal(told.returncode, 1, f"exit status with {more}: {told.stderr[-300:]}")
            expect(complaint in told.stderr, told.stderr)
            expect(not (where.folder / "data").exists(), f"{more}: it made its data directory")


@suite.case()
def ids_are_those_of_etcd(options):
    if shutil.which("etcd") is None:
        print("skipped: etcd is not installed")
        return
    with place() as where:
        settings = {**where.settings("a"), "initial-cluster-token": "some token"}
        headers = []
        for program in (["etcd"], server(options)):
            with running(where, words_of(program, settings)):
                headers.append(ask(where.port, "/v3/maintenance/status", {})["header"])
            shutil.rmtree(settings["data-dir"])
        for name in ("member_id", "cluster_id"):
            expect_equal(headers[1][name], headers[0][name], name)


@suite.case()
def data_goes_before_what_a_cluster_began_as(options):
    with place() as where:
        settings = where.settings()
        with running(where, words_of(server(options), settings)):
            before = ask(where.port, "/v3/maintenance/status", {})["header"]
        settings["initial-cluster"] = "other=http://127.0.0.1:1"
        with running(where, words_of(server(options), settings)):
            after = ask(where.port, "/v3/maintenance/status", {})["header"]
        for name in ("member_id", "cluster_id"):
            expect_equal(after[name], before[name], name)


if __name__ == "__main__":
    OPTIONS = parser(__doc__).parse_args()
    if not has_serve(OPTIONS):
        print("FAIL quorated: it has no subcommand serve\n0 passed, 1 failed")
        sys.exit(1)
    sys.exit(suite.run(OPTIONS))
