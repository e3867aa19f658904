#!/usr/bin/env python3
"""Breaks the consensus core, one rule after the other, and says which tests notice.

Works in a scratch copy. The bodies are compiled apart from the tests, so that most mutants cost one
translation unit. Ends with 1 if a mutant survives, or if the tests fail without one.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CONSENSUS = "include/quorate/consensus/"
FLAGS = ["-std=c++20", "-O0", "-w", "-DQUORATE_SEPARATE_COMPILATION", "-DBOOST_TEST_DYN_LINK",
         "-DQUORATE_AUDIT_ENABLED", "-Iinclude"]
TIMEOUT_SECONDS = 120

# (rule, file below CONSENSUS, text, its replacement). The text stands there exactly once.
MUTANTS = [
    ("1 only entries of the own term are counted", "impl/raft_leader.ipp",
     "index <= log_.committed() || !log_.matches({term_, index})", "index <= log_.committed()"),
    ("2 a joint commit needs both halves", "quorum.hpp",
     "return std::min(committed_index(members.voters, acked),\n"
     "                    committed_index(members.outgoing, acked));",
     "return committed_index(members.voters, acked);"),
    ("2 a joint vote needs both halves", "quorum.hpp",
     "    if (incoming == outgoing) {", "    if (incoming == outgoing || true) {"),
    ("3 a new leader assumes a pending change", "impl/raft_leader.ipp",
     "    leads.pending_change = log_.last();\n", ""),
    ("4 async storage applies what is durable (log)", "impl/raft_log.ipp",
     "return allow_unstable ? committed_ : std::min(committed_, stable_);", "return committed_;"),
    ("4 async storage applies what is durable (engine)", "impl/raft.ipp",
     "batch_.apply = log_.to_apply(!options_.async_storage);",
     "batch_.apply = log_.to_apply(true);"),
    ("5 the apply budget pauses", "impl/raft_log.ipp",
     "    apply_paused_ = apply_bytes_ >= apply_bytes_max_ || applying_ <",
     "    apply_paused_ = false && applying_ <"),
    ("5 the apply budget stays while it is used up", "impl/raft_log.ipp",
     "    apply_paused_ = apply_bytes_ >= apply_bytes_max_;", "    apply_paused_ = false;"),
    ("6 a follower commits up to the last new index", "impl/raft_follower.ipp",
     "log_.commit_to(std::min(m.commit, *covered));", "log_.commit_to(m.commit);"),
    ("7 no vote where a leader is known", "impl/raft.ipp",
     "(!vote_ && !leader_)", "!vote_"),
    ("8 a new leadership knows no match", "impl/raft_leader.ipp",
     "self ? log_.last() : log_index{}", "log_.last()"),
    ("9 an append below the commit index is acknowledged only", "impl/raft_follower.ipp",
     "if (m.index < log_.committed()) {", "if (false) {"),
    ("10 leader traffic resets the timer", "impl/raft_follower.ipp",
     "    election_elapsed_ = 0;\n", ""),
    ("10 a granted vote resets the timer", "impl/raft.ipp",
     "            election_elapsed_ = 0;\n            vote_ = m.from;",
     "            vote_ = m.from;"),
    ("11 a transfer skips the pre-vote", "impl/raft_follower.ipp",
     "start_election(campaign_kind::transfer); return {};",
     "static_cast<void>(campaign()); return {};"),
    ("11 a transfer waives the lease", "impl/raft.ipp",
     "asks_for_vote && !m.transfer && (", "asks_for_vote && ("),
    ("12 a learner does not campaign", "impl/raft.ipp",
     "members_.is_voter(options_.id) && log_.pending",
     "members_.contains(options_.id) && log_.pending"),
    ("13 snapshots go to who was heard of", "impl/raft_leader.ipp",
     "!peer.recently_active() || snap == nullptr", "snap == nullptr"),
    ("14 a new member counts as active", "impl/raft_membership.ipp",
     "learner, true)", "learner, false)"),
    ("15 a snapshot state ends where the log takes over", "impl/raft_leader.ipp",
     "if (peer.match().next() >= log_.first()) {", "if (true) {"),
    ("16 stale rejections while probing", "progress.hpp",
     "if (next_.prev() != rejected) {", "if (false) {"),
    ("16 stale rejections while replicating", "progress.hpp",
     "if (rejected <= match_) {", "if (false) {"),
    ("16 a rejection while replicating goes back to the match", "progress.hpp",
     "            next_ = match_.next();\n        } else {",
     "            next_ = rejected;\n        } else {"),
    ("16 a rejection while replicating leads to probing", "impl/raft_leader.ipp",
     "            peer.become_probe();\n        }\n        send_append(peer, true);",
     "        }\n        send_append(peer, true);"),
    ("17 a rejection forgets the commit index sent", "progress.hpp",
     "        regress_sent_commit();\n        return true;", "        return true;"),
    ("17 probing forgets the commit index sent", "progress.hpp",
     "        next_ = known.next();\n        regress_sent_commit();",
     "        next_ = known.next();"),
    ("17 a heartbeat replaces the commit index sent", "impl/raft_leader.ipp",
     "    peer.on_commit_sent(commit);\n", ""),
    ("17 no commit index beyond what was sent", "progress.hpp",
     "return commit > sent_commit_ && sent_commit_ < next_.prev();",
     "return commit > sent_commit_;"),
    ("18 a joint configuration is left when the change is applied", "impl/raft_membership.ipp",
     " || log_.applied() < lead().pending_change", ""),
    # Beyond the 24: what only this engine does, or what was wrong once.
    ("own vote counts once durable", "impl/raft.ipp",
     "kind == message_kind::append_response || kind == message_kind::vote_response ||\n"
     "           kind == message_kind::pre_vote_response;",
     "kind == message_kind::append_response;"),
    ("heartbeats say no more than is acknowledged", "impl/raft_leader.ipp",
     "const log_index commit = std::min(peer.match(), log_.committed());",
     "const log_index commit = log_.committed();"),
    ("stable marks of another term are void", "impl/raft.ipp",
     "if (mark.last.index && mark.term == term_) {", "if (mark.last.index) {"),
    ("stable marks of replaced entries are void", "impl/raft_log.ipp",
     "if (id.index <= stable_ || !matches(id)) {", "if (id.index <= stable_) {"),
    ("terms are bounded", "impl/raft.ipp",
     " || m.term.value() > detail::number_max", ""),
    ("indices of snapshots are bounded", "impl/raft.ipp",
     " && m.snap->last.index.value() <= number_max", ""),
    ("campaigning ends at the last term", "impl/raft_candidate.ipp",
     " ||\n        term_.value() >= detail::number_max", ""),
    ("a refused batch leaves no change pending", "impl/raft_leader.ipp",
     "            leads.pending_change = pending_before; // nothing of it is appended\n", ""),
    ("any snapshot is taken from the leader", "impl/raft_follower.ipp",
     "options_.join_from_any_snapshot || ", ""),
    ("who left answers no reads", "impl/raft_membership.ipp", "    confirm_reads();\n", ""),
    ("a quorum of one confirms its reads", "impl/raft_reads.ipp",
     "    confirm_reads(); // this", "    // this"),
    ("reads wait for an entry of the own term", "impl/raft_reads.ipp",
     "if (!log_.matches({term_, log_.committed()})) {", "if (false) {"),
    ("queued appends survive truncation", "impl/raft.ipp",
     "    QUORATE_ASSERT(term >= term_);\n    pin_outgoing();",
     "    QUORATE_ASSERT(term >= term_);"),
    ("campaigns wait for unapplied changes", "impl/raft_candidate.ipp",
     " || has_unapplied_change()", ""),
    ("deposed leaders are told", "impl/raft.ipp",
     "if (from_deposed && cannot_win) {", "if (false) {"),
    ("a read needs answers to its own round", "impl/raft_leader.ipp",
     "peer.on_read_ack(m.context);", "peer.on_read_ack(lead().read_newest());"),
    ("lost: a fenced member does not vote", "impl/raft.ipp",
     "if (free && !fenced() && log_", "if (free && log_"),
    ("lost: a fenced member does not campaign", "impl/raft.ipp",
     "log_.pending_snapshot() == nullptr && !fenced() &&", "log_.pending_snapshot() == nullptr &&"),
    ("lost: what was lost must be durable again", "impl/raft_recovering.ipp",
     "term_ == lost_.term && durable >= lost_.index;", "term_ == lost_.term;"),
    ("lost: a later leader commits an entry of its own first", "impl/raft_recovering.ipp",
     "log_.known_term(committed) == term_;", "true;"),
    ("lost: the leader starts over", "impl/raft_recovering.ipp",
     "        peer.on_lost(std::min(m.reject_hint, peer.match()));\n", ""),
    ("lost: reads are confirmed by whoever holds its log", "impl/raft_follower.ipp",
     ".context = fenced() ? 0 : m.context", ".context = m.context"),
    ("lost: the extent is what the leader counts", "impl/raft_recovering.ipp",
     "std::max({m.commit, covered, log_index(1)})", "std::max({covered, log_index(1)})"),
    ("lost: older entries that came back do not count", "impl/raft_recovering.ipp",
     " || unfit) {", ") {"),
    ("two changes prove the first", "impl/raft.ipp",
     "options.validate_changes ? proven_commit(state.entries) : log_index{};", "log_index{};"),
    ("a candidacy is durable before votes are asked for", "impl/raft.ipp",
     "(m.kind == message_kind::vote && options_.durable_candidacy);", "false;"),
    ("a refused leave is proposed again", "impl/raft_leader.ipp",
     "        maybe_leave_joint(); // where it was refused before\n", ""),
    ("lost: the leader says how far it goes", "impl/raft_leader.ipp",
     "                  .lost = peer.repairing(),\n                  .to", "                  .to"),
    ("lease: a promise binds in every term", "impl/raft.ipp", "(promised() || (", "(false || ("),
    ("lease: a promise binds the own vote", "impl/raft_candidate.ipp",
     "if (promised() && kind", "if (false && kind"),
    ("lease: a member that starts keeps still", "impl/raft_lease.ipp",
     "if (started && uses_leases())", "if (false)"),
    ("lease: timeout_now ends it", "impl/raft_leader.ipp", "    lead().lease_void = true;\n", ""),
    ("lease: counted from the sending", "impl/raft_lease.ipp",
     "peer.extend_lease(sent + ", "peer.extend_lease(time_ + "),
    ("lease: ends", "impl/raft_lease.ipp", "peer->lease_end() > time_", "peer->lease_end() > 0"),
    ("lease: a recovering member promises nothing", "impl/raft_lease.ipp",
     "!heartbeat.index || fenced()", "!heartbeat.index"),
    ("disk: a leader bounds what waits", "impl/raft_leader.ipp",
     "waiting_max != 0 && waiting > 0", "false && waiting > 0"),
    ("disk: a follower bounds what waits", "impl/raft_follower.ipp",
     "waiting + held_size({fresh, entries.end()}) > limit", "false"),
    ("disk: bytes that are replaced wait no more", "impl/raft_log.ipp",
     "        unstable_bytes_ -= held_size(range(unstable,", "        held_size(range(unstable,"),
    ("disk: a stuck member does not campaign", "impl/raft.ipp",
     "!fenced() &&\n           writable_;", "!fenced();"),
    ("disk: a stuck peer gets no entries", "impl/raft_leader.ipp",
     "peer.paused() || peer.stuck()", "peer.paused()"),
    ("transfer: ends when the target cannot lead", "impl/raft_leader.ipp",
     "if (!peer.able() && lead().transferee == peer.id())", "if (false)"),
    ("transfer: the quorum check has its own timer", "impl/raft_leader.ipp",
     "        leads.transfer_elapsed = 0; //", "        election_elapsed_ = 0; //"),
]


def run(command, cwd, **options):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)


class workshop:
    """A scratch copy with the objects of its tests."""

    def __init__(self, root, scratch, compiler):
        self.scratch = scratch
        self.compiler = compiler
        for part in ["include", "test/consensus"]:
            shutil.copytree(root / part, scratch / part)
        bodies = sorted((scratch / "include/quorate").glob("base/impl/*.ipp"))
        bodies += sorted((scratch / "include/quorate").glob("consensus/impl/*.ipp"))
        bodies.append(scratch / "include/quorate/log/impl/recovery.ipp")  # of the model disk
        text = "".join(f"#include <{b.relative_to(scratch / 'include')}>\n" for b in bodies)
        (scratch / "bodies.cpp").write_text(text)
        self.tests = sorted((scratch / "test/consensus").glob("*.cpp"))

    def compile(self, source):
        result = run([self.compiler, *FLAGS, "-c", str(source), "-o", f"{source.stem}.o"],
                     self.scratch)
        return result.returncode == 0

    def build(self, everything):
        sources = [self.scratch / "bodies.cpp", *(self.tests if everything else [])]
        if not all(self.compile(source) for source in sources):
            return False
        objects = ["bodies.o", *(f"{test.stem}.o" for test in self.tests)]
        return run([self.compiler, *objects, "-lboost_unit_test_framework", "-o", "tests"],
                   self.scratch).returncode == 0

    def run_tests(self, chosen):
        """Returns the names of the tests that failed; ["(hangs)"] if they did not end."""
        environment = dict(os.environ, QUORATE_SEEDS="100")
        try:
            result = run(["./tests", "--color_output=no", f"--run_test={chosen}"], self.scratch,
                         timeout=TIMEOUT_SECONDS, env=environment)
        except subprocess.TimeoutExpired:
            return ["(hangs)"]
        found = re.findall(r'error: in "([^"]+)"', result.stdout + result.stderr)
        failed = list(dict.fromkeys(found))
        return failed if failed or result.returncode == 0 else ["(aborts)"]

    def test(self):
        """Runs the tests of the rules, and the others where these notice nothing."""
        # A changed fingerprint says that something changed, not that it is wrong.
        return self.run_tests("raft_rules") or self.run_tests(
            "!raft_rules:!determinism/every_compiler_gives_the_same_effects")

    def try_mutant(self, name, before, after):
        path = self.scratch / CONSENSUS / name
        original = path.read_text()
        if original.count(before) != 1:
            return None
        path.write_text(original.replace(before, after))
        try:
            everything = path.suffix == ".hpp"
            return self.test() if self.build(everything) else ["(does not compile)"]
        finally:
            path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--only", default="", help="mutants whose rule matches this expression")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    chosen = [m for m in MUTANTS if re.search(arguments.only, m[0])]
    # Mutants of headers come last: they cost a build of all tests.
    chosen.sort(key=lambda mutant: mutant[1].endswith(".hpp"))
    survivors = 0
    with tempfile.TemporaryDirectory() as scratch:
        shop = workshop(root, pathlib.Path(scratch), arguments.compiler)
        if not shop.build(True):
            sys.exit("the tests do not compile")
        if failed := shop.test():
            sys.exit("the tests fail without a mutant: " + ", ".join(failed))
        for rule, name, before, after in chosen:
            failed = shop.try_mutant(name, before, after)
            killed = failed and failed != ["(does not compile)"]
            verdict = "killed" if killed else "SURVIVED"
            if failed is None:
                verdict = "NOT FOUND"
            survivors += 0 if killed else 1
            print(f"{verdict}: {rule} [{name}]: {', '.join(failed or [])}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
