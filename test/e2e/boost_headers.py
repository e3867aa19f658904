"""Every Boost header through a cluster whose leader is killed half way: example/boost_headers.py.

Takes the example's result as it is printed, and checks that it means what it should.
"""

import pathlib
import re
import subprocess
import sys

from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()


@suite.case(seconds=600)
def no_header_is_lost(options):
    expect(pathlib.Path(options.root).is_dir(), f"{options.root} is not installed")
    words = [sys.executable, str(REPOSITORY / "example/boost_headers.py"), "--bin", options.bin,
             "--root", options.root, "--limit", str(options.limit)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = []
    try:
        for line in process.stdout:
            print(f"    {line}", end="", flush=True)
            output.append(line)
        status = process.wait(30)
    finally:
        # SIGTERM lets the example end its members; its own limits bound how long that takes.
        process.terminate()
        process.wait(30)
    text = "".join(output)
    summary = re.search(r"files (\d+), bytes (\d+), .*acknowledged (\d+), .*lost (\d+)", text)
    expect(summary is not None, f"no summary; the last line was {output[-1:]}")
    files, size, acknowledged, lost = map(int, summary.groups())
    expect_equal(lost, 0, "files lost")
    expect_equal(acknowledged, files, "files acknowledged")
    expect_equal(status, 0, "exit status")
    expect(size > 0 and files >= 16, f"only {files} files with {size} bytes")
    expect("killed (SIGKILL)" in text and "restarted" in text, "no leader was killed and restarted")


def main():
    options = parser(__doc__)
    options.add_argument("--root", default="/usr/include/boost", help="files to store")
    options.add_argument("--limit", type=int, default=0, help="store so many files only")
    return suite.run(options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
