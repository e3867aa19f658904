"""The JSON API v3 of `quorated serve` against etcd's, answer by answer and field by field.

Needs `etcd` 3.4 on the path; without it there is nothing to compare with, and nothing is tested.
Each story of json_requests.py, and each sequence of random requests, is asked of a fresh server of
both kinds. `--self-check` compares etcd with itself instead, and with answers that were altered on
purpose, every one of which has to be noticed.
"""

import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

import etcd_differential
import json_requests
from json_api import Ask, Side, compare
from suite import Suite, expect, expect_equal, parser

suite = Suite()

# What differs on purpose: the request, the difference (both as regular expressions), the reason.
KNOWN = (
    (r"ZmFyIHRvbyBsYXJnZQ",
     r"^answer.(body.(code: 8 and 3$|(error|message): )|headers\.|status: 429 and 413$)",
     "a body over the limit is refused by the HTTP server, before any of it is read"),
    (r"^GET /health ", r"^answer.body.reason: only the second",
     "health that is false has a reason, as in later releases"),
    (r'"(sort_order|target|result)": ?(9|7|-1)\b',
     r"^answer.(body.(code|error|message): only the second|status: 200 and 400$|"
     r"body.(header|succeeded|kvs|count): only the first|headers.grpc-metadata-content-type: only)",
     "numbers that no enumeration has are refused, as later releases do"),
    (r"request_txn.*request_txn.*\.\.\.$", r"^answer.body.(error|message): .*exceeded max depth.$",
     "400 levels of nesting are enough"),
    (r"^POST /v3/watch b'({}|{\"cancel_request\".*|)'$",
     r"^answer.(body.error: only the first has it: \['no answer'\]$|status: 0 and 200$|"
     r"headers.[a-z-]+: only the second|body: )",
     "the head of a stream is sent at once and not with its first message"),
    (r"^POST /v3/lease/keepalive $", r"^answer.headers.grpc-metadata-content-type: only the second",
     "the same: the head is sent before it is known that no message follows"),
    (r"/v3/(maintenance/hashkv|auth/status) ",
     r"^answer.(body: 'Not Found\\n' and {|headers|status: 404 and )", "etcd has it from 3.5 on"),
    (r"/v3/maintenance/(alarm|status) ", r"memberID'?: ?'?77", "an alarm of no kind is none"),
    (r"/v3/kv/range ",
     r"^answer.(body.(code: only the second has it: 15$|(error|message): .*corrupt cluster.$|"
     r"(header|kvs|count): only the first)|status: 200 and 500$|"
     r"headers.grpc-metadata-content-type: only the first)",
     "a store that is known to be corrupt answers no reads either"),
    (r"/v3/auth/authenticate .*\"bob\"",
     r"^answer.(body.(code: 2 and 3$|(error|message): )|status: 500 and 400$)",
     "a user without a password is answered like one with another password"),
    (r"/v3/cluster/member/update ", r"^answer.body.members\[1\].isLearner: only the second",
     "a learner stays one when its address changes"),
    (r"^(GET|POST) (/v3|//v3/kv/range) ",
     r"^answer.(body: .* and '404 page not found\\n'$|headers|status: 301 and 404$)",
     "no redirections to other spellings of a path"),
    (r"^(GET|POST) / ", r"^answer.(body: '404 page not found|headers|status: 404 and (200|405)$)",
     "a page for people"),
    (r"/v3/(election|lock)/", r"^answer.(body.code: 2 and [35]|status: 500 and 40[04])$",
     "errors keep their code; etcd loses it on the way through its own client"),
    (r"/v3/election/campaign ", r"^answer.body.header.revision: '(2' and '3|6' and '7)'$",
     "the header has the revision of the answer, not that of the first of several steps"),
    (r'/v3/kv/range {"key": "YQ=="}',
     r"^answer.(body.(code: only the second has it: 16$|(error|message): .*invalid auth token.$|"
     r"(header|kvs|count): only the first)|status: 200 and 401$|"
     r"headers.grpc-metadata-content-type: only the first)",
     "tokens end with the process; in etcd the log brings some of them back"),
)
MET = set()


def program(options):
    return pathlib.Path(options.bin).resolve() / "quorated"


@contextlib.contextmanager
def pair(options, flags=()):
    """etcd, and what it is compared with."""
    other = ["etcd"] if options.self_check else [program(options), "serve"]
    with Side("etcd", ["etcd"], flags) as left, Side("quorated", other, flags) as right:
        yield left, right


def unknown(ask, found):
    """Those of the differences that are not on the list."""
    left = []
    for what in found:
        met = [one for one in KNOWN if re.search(one[0], str(ask)) and re.search(one[1], what)]
        MET.update(met)
        if not met:
            left.append(what)
    return left


def ask_both(sides, ask):
    """Asks; a description of the differences that nobody knows of, or nothing."""
    found = unknown(ask, compare(sides, ask))
    return [str(ask) + "".join(f"\n      {what}" for what in found)] if found else []


def play(options, requests):
    """Asks both sides everything; (number of requests, those answered differently)."""
    asked, found = 0, []
    with pair(options) as sides:
        for ask in requests:
            asked += 1
            found += [f"{asked}. {why}" for why in ask_both(sides, ask)]
    return asked, found


def report(name, asked, found):
    print(f"  {name}: {asked} requests, {len(found)} answered differently", flush=True)
    for one in found[:40]:
        print(f"    {one}", flush=True)
    expect(not found, f"{len(found)} of {asked} answers differ")


def add_story(story):
    def run(options):
        report(story.__name__, *play(options, story()))
    run.__name__ = story.__name__
    suite.case(240)(run)


for one_story in json_requests.STORIES:
    add_story(one_story)


def random_requests(seed, steps):
    """Random requests to the key-value store; revisions are followed by what they do to it."""
    generator = etcd_differential.Generator(seed, many_keys=False)
    for _ in range(steps):
        name, body = generator.request()
        if name == "txn" and etcd_differential.replaces_in_one_write(body):
            continue
        yield generator, Ask(f"/v3/{etcd_differential.PATHS[name]}",
                             etcd_differential.for_etcd(name, body))


def play_random(options, seed):
    """One sequence, then the whole history that is left; (number of requests, differences)."""
    asked, found = 0, []
    with pair(options) as sides:
        for generator, ask in random_requests(seed, options.steps):
            asked += 1
            found += ask_both(sides, ask)
            head = sides[0].ask(Ask("/v3/kv/range", {"key": "AA=="})).body["header"]
            generator.current = int(head["revision"])
            if ask.path.endswith("/compaction") and ask.body["revision"] <= generator.current:
                generator.compacted = max(generator.compacted, ask.body["revision"])
        first = max(generator.compacted, 1)
        for revision in range(first, generator.current + 1, 7):
            found += ask_both(sides, json_requests.everything(revision=revision))
        everything = json_requests.create("\0", "\0", start_revision=first + 1, prev_kv=True)
        found += ask_both(sides, json_requests.watch(everything))
    return asked, found


@suite.case(240)
def random_sequences(options):
    for seed in range(options.seed, options.seed + options.rounds):
        report(f"random, seed {seed}", *play_random(options, seed))


@suite.case()
def known_differences_are_still_there(options):
    """What no longer differs has to leave the list, since it would hide the next difference."""
    if options.self_check or options.only:
        return
    for about, what, reason in KNOWN:
        expect((about, what, reason) in MET, f"not met: {reason} ({about}, {what})")


@suite.case(120)
def altered_answers_are_noticed(options):
    """Only with --self-check: one change in each kind of place, and each is told."""
    if not options.self_check:
        return
    put, get = json_requests.put("a", "1"), json_requests.get("a")

    def status(answer):
        answer.status += 1

    def header(answer):
        answer.headers["content-type"] = "text/plain"

    def value(answer):
        answer.body["kvs"][0]["value"] = "Mg=="

    def kind(answer):
        answer.body["count"] = int(answer.body["count"])

    def missing(answer):
        del answer.body["header"]["revision"]

    def added(answer):
        answer.body["kvs"][0]["lease"] = "0"

    def member(answer):
        answer.body["header"]["member_id"] = "1"

    with pair(options) as sides:
        expect_equal(compare(sides, put), [], "an honest PUT")
        for change in (status, header, value, kind, missing, added, member):
            expect(compare(sides, get, change), f"{change.__name__} was not noticed")
        watch = json_requests.watch(json_requests.create("a", start_revision=1))

        def event(answer):
            answer.body[-1]["result"]["events"][0]["kv"]["version"] = "2"

        def silence(answer):
            del answer.body[-1]

        for change in (event, silence):
            expect(compare(sides, watch, change), f"{change.__name__} was not noticed")
        expect_equal(compare(sides, watch), [], "an honest watch")


def main():
    options = parser(__doc__)
    options.add_argument("--self-check", action="store_true", help="compare etcd with etcd")
    options.add_argument("--seed", type=int, default=1, help="of the first random sequence")
    options.add_argument("--rounds", type=int, default=2, help="number of random sequences")
    options.add_argument("--steps", type=int, default=300, help="requests in each")
    options = options.parse_args()
    if shutil.which("etcd") is None:
        print("etcd is not installed: nothing to compare with\n0 passed, 0 failed")
        return 0
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True)
    if not version.stdout.startswith("etcd Version: 3.4."):
        print(f"{version.stdout.splitlines()[0]}: compared is with 3.4\n0 passed, 0 failed")
        return 0
    return suite.run(options)


if __name__ == "__main__":
    sys.exit(main())
