#!/usr/bin/env python3
"""Stores every file below the Boost include directory in a three-node cluster and loses none.

The key of a file is its path, the value its bytes. Sixteen connections write over all members. Half
way the leader is killed (SIGKILL); it is restarted while writing goes on. Afterwards every
acknowledged file is read back from each member and compared byte for byte, and once more after all
members were stopped and started again.

    ./example/boost_headers.py                    all files (about 15,000, 180 MB)
    ./example/boost_headers.py --limit 500        a short run
"""

import argparse
import multiprocessing
import os
import pathlib
import signal
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "e2e"))

import cluster as clusters  # noqa: E402 (the folder must be known first)
import wire  # noqa: E402

LARGEST = 1_500_000     # bytes; the server's default limit of a request is 1.5 MiB
CONNECTIONS = 16
DEPTH = 8               # reads in flight on one connection
PATIENCE = 60           # seconds until a request that fails again and again is given up
FORK = multiprocessing.get_context("fork")


class Job:
    """What all processes share: the files, where the members are, and what happened so far."""

    def __init__(self, files, ports):
        self.files = files                                      # (path, key, size), sorted
        self.ports = ports
        self.acknowledged = FORK.RawArray("b", len(files))      # one flag for each file
        self.wrong = FORK.RawArray("b", len(files))             # reads that failed or differed
        self.done = FORK.RawArray("Q", CONNECTIONS)             # steps of each process, in files
        self.moved = FORK.RawArray("Q", CONNECTIONS)            # bytes of each process
        self.retries = FORK.RawArray("Q", CONNECTIONS)
        self.restarted = FORK.Event()                           # the killed leader is up again
        self.held_back = len(files) * 4 // 5                    # files from here on wait for that

    def share(self, worker):
        return range(worker, len(self.files), CONNECTIONS)


def write_share(job, worker):
    """One process: PUTs its share of the files, each until it is acknowledged."""
    session = wire.Session(timeout=15)
    turn = worker
    for index in job.share(worker):
        path, key, size = job.files[index]
        if index >= job.held_back:
            job.restarted.wait(PATIENCE)
        body = pathlib.Path(path).read_bytes()
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            try:
                status = session.request(job.ports[turn % 3], "PUT", key, body).status
            except OSError:
                status = 0
            if status == 204:
                job.acknowledged[index] = 1
                job.moved[worker] += size
                break
            if status not in (0, 429, 503, 504):
                print(f"\nPUT {path}: {status}", file=sys.stderr)
                break
            job.retries[worker] += 1
            turn += 1
            time.sleep(0.02)
        job.done[worker] += 1
    session.close()


def read_share(job, worker):
    """One process: reads its share from each member in turn and compares it with the files."""
    mine = [index for index in job.share(worker) if job.acknowledged[index]]
    for step in range(3):
        port = job.ports[(worker + step) % 3]
        waiting = mine
        give_up = time.monotonic() + PATIENCE
        while waiting:
            left = read_some(job, worker, port, waiting)
            if len(left) < len(waiting):
                give_up = time.monotonic() + PATIENCE
            elif time.monotonic() > give_up:
                for index in left:
                    job.wrong[index] = 1
                break
            waiting = left


def read_some(job, worker, port, waiting):
    """Reads over one connection as long as it lasts; returns the files that are still unread."""
    try:
        with wire.Connection(port, 15) as connection:
            while waiting:
                batch = waiting[:DEPTH]
                heads = [wire.request_head("GET", job.files[index][1]) for index in batch]
                connection.send(b"".join(heads))
                answers = [connection.read_response() for _ in batch]
                again = [index for index, answer in zip(batch, answers)
                         if not judge(job, worker, index, answer)]
                waiting = waiting[DEPTH:] + again
                if len(again) == len(batch):
                    time.sleep(0.05)
                    break
    except OSError:
        job.retries[worker] += 1
        time.sleep(0.05)
    return waiting


def judge(job, worker, index, answer):
    """Compares an answer with the file; False when it says to try again."""
    if answer.status in (429, 503, 504):
        job.retries[worker] += 1
        return False
    path, _, size = job.files[index]
    if answer.status != 200 or answer.body != pathlib.Path(path).read_bytes():
        job.wrong[index] = 1
    job.done[worker] += 1
    job.moved[worker] += size
    return True


class Progress:
    """One updating line on a terminal, a line every few seconds elsewhere."""

    def __init__(self, label, job, total):
        self.label, self.job, self.total = label, job, total
        self.began = self.shown = time.monotonic()
        self.live = sys.stdout.isatty()

    def show(self, final=False):
        now = time.monotonic()
        if not final and now - self.shown < (0.2 if self.live else 3):
            return
        self.shown = now
        text = (f"{self.label}: {sum(self.job.done)} of {self.total} files, "
                f"{sum(self.job.moved) / 1e6:.0f} MB, {now - self.began:.1f} s")
        start, end = ("\r", "\n" if final else "") if self.live else ("", "\n")
        print(f"{start}{text}   ", end=end, flush=True)

    def note(self, text):
        print(f"\n{text}" if self.live else text, flush=True)


def run_phase(label, job, work, total, watch=lambda progress: None):
    """Runs `work` in one process for each connection and shows how it goes; returns seconds."""
    for counters in (job.done, job.moved):
        counters[:] = [0] * CONNECTIONS
    progress = Progress(label, job, total)
    processes = [FORK.Process(target=work, args=(job, worker), daemon=True)
                 for worker in range(CONNECTIONS)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        watch(progress)
        progress.show()
        time.sleep(0.05)
    progress.show(final=True)
    crashed = [process.exitcode for process in processes if process.exitcode != 0]
    if crashed:
        raise SystemExit(f"{len(crashed)} client processes ended with {crashed}")
    return time.monotonic() - progress.began


class LeaderCrash:
    """Called again and again while files are written: kills the leader once, restarts it later."""

    def __init__(self, cluster, job):
        self.cluster, self.job = cluster, job
        self.victim = None
        self.term = 0
        self.killed_at = 0.0

    def __call__(self, progress):
        if self.victim is None:
            if sum(self.job.done) * 2 >= len(self.job.files):
                self._kill(progress)
        elif not self.job.restarted.is_set():
            # Some files are written without the member, the last fifth after its restart.
            share = sum(self.job.done) / len(self.job.files)
            waited = time.monotonic() - self.killed_at
            new_term, new_leader = self.cluster.newest_leader()
            if waited > 15 or (share > 0.65 and new_term > self.term):
                self.cluster.launch(self.victim)
                self.job.restarted.set()
                progress.note(f"member {self.victim} restarted {waited:.1f} s later; "
                              f"member {new_leader} leads in term {new_term}")

    def _kill(self, progress):
        self.term, leader = self.cluster.newest_leader()
        self.cluster.kill(leader)
        self.victim, self.killed_at = leader, time.monotonic()
        progress.note(f"member {leader}, the leader of term {self.term}, killed (SIGKILL)")


def find_files(root, limit):
    """((path, key, size) of the files to store, those too large); sorted by path."""
    small, large = [], []
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                size = os.path.getsize(path)
                key = urllib.parse.quote(os.path.abspath(path), safe="/+,=@~:")
                (small if size <= LARGEST else large).append((path, key, size))
    small.sort()
    if limit and limit < len(small):
        small = small[::len(small) // limit][:limit]
    return small, sorted(large)


def default_bin():
    for folder in ("build/release/bin", "build/example/bin"):
        if (ROOT / folder / "kvstore").exists():
            return str(ROOT / folder)
    return str(ROOT / "build/release/bin")


def parse_arguments():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", default=default_bin(), metavar="DIR", help="folder of kvstore")
    options.add_argument("--root", default="/usr/include/boost", metavar="DIR",
                         help="files to store (default: /usr/include/boost)")
    options.add_argument("--limit", type=int, default=0, metavar="N", help="store N files only")
    options.add_argument("--data-dir", metavar="DIR",
                         help="where to make the members' folders (default: the temporary one)")
    return options.parse_args()


def run(options, files):
    """The whole story; returns (job, seconds for writing, seconds in all)."""
    began = time.monotonic()
    cluster = clusters.Cluster(options.bin, parent=options.data_dir)
    cluster.start()
    job = Job(files, [cluster.port(number) for number in cluster.members])
    cluster.leader()
    writing = run_phase("writing", job, write_share, len(files), LeaderCrash(cluster, job))
    cluster.wait_ready()
    kept = sum(job.acknowledged)
    run_phase("reading from each member", job, read_share, 3 * kept)
    statuses = cluster.stop_all()
    if set(statuses.values()) != {0}:
        raise SystemExit(f"members stopped with {statuses} instead of 0")
    for number in cluster.members:
        cluster.launch(number)
    cluster.wait_ready(seconds=60)
    print("all members stopped and started again", flush=True)
    run_phase("reading from each member", job, read_share, 3 * kept)
    cluster.remove()
    return job, writing, time.monotonic() - began


def main():
    options = parse_arguments()
    if not (pathlib.Path(options.bin) / "kvstore").exists():
        raise SystemExit(f"no kvstore in {options.bin}: build it first, or name its folder (--bin)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    files, large = find_files(options.root, options.limit)
    if len(files) < CONNECTIONS:
        raise SystemExit(f"only {len(files)} files below {options.root}")
    for path, _, size in large:
        print(f"skipped, {size} bytes are over the server's limit: {path}")
    print(f"{len(files)} files, {sum(size for *_, size in files)} bytes, "
          f"{CONNECTIONS} connections over three members", flush=True)
    job, writing, seconds = run(options, files)
    acknowledged, lost = sum(job.acknowledged), sum(job.wrong)
    kept = sum(size for (*_, size), flag in zip(files, job.acknowledged) if flag)
    print(f"files {len(files)}, bytes {kept}, seconds {seconds:.1f} (writing {writing:.1f}), "
          f"acknowledged {acknowledged}, retries {sum(job.retries)}, lost {lost}")
    return 0 if acknowledged == len(files) and lost == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
