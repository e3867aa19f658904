#!/usr/bin/env python3
"""Shows each checker of tools/ accepting a small sound tree and refusing one with a fault."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def header(guard, body="", preamble="// A sentence.\n// Flow:    none\n"):
    return f"{preamble}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


ERROR_HPP = header("QUORATE_BASE_ERROR_HPP", """
enum class errc {
    no_leader = 1, ///< Nobody leads.
    corrupt,       ///< Wrong bytes.
    too_large,     ///< Too long.
};
""")
ERROR_IPP = header("QUORATE_BASE_IMPL_ERROR_IPP", """
#include <quorate/base/error.hpp>

inline condition condition_of(errc code) noexcept {
    switch (code) {
    case errc::no_leader: return condition::retry;
    case errc::corrupt: return condition::corrupt;
    default: return condition::rejected;
    }
}
""")
ERROR_ROWS = ("| `no_leader` | `retry` | x |\n| `corrupt` | `corrupt` | x |\n"
              "| `too_large` | `rejected` | x |\n")
VERSION_HPP = header("QUORATE_VERSION_HPP", """
#define QUORATE_VERSION_MAJOR 1
#define QUORATE_VERSION_MINOR 2
#define QUORATE_VERSION_PATCH 3
#define QUORATE_VERSION_STRING "1.2.3"
""")
TREE = {
    "include/quorate/base/error.hpp": ERROR_HPP,
    "include/quorate/base/impl/error.ipp": ERROR_IPP,
    "include/quorate/consensus/raft.hpp": header(
        "QUORATE_CONSENSUS_RAFT_HPP", "#include <quorate/base/error.hpp>\n#include <vector>"),
    "include/quorate/net/tcp_transport.hpp": header(
        "QUORATE_NET_TCP_TRANSPORT_HPP", "#include <boost/asio/ip/tcp.hpp>"),
    "include/quorate/version.hpp": VERSION_HPP,
    "include/quorate/node.hpp": header(
        "QUORATE_NODE_HPP", "#include <quorate/net/tcp_transport.hpp>"),
    "example/embed.cpp": "int main() {\n    // [body\n    int kept = 1;\n    // body]\n}\n",
    "test/base/error.cpp": "#include <quorate/base/error.hpp>\n#include <vector>\n",
    "test/tools/none.py": "\n",
    "cmake/none.cmake": "\n",
    "doc/errors.md": "# Errors\n\n" + ERROR_ROWS,
    "doc/index.md": ("# Index\n\n[errors](errors.md#errors)\n\n"
                     "<!-- from: example/embed.cpp#body -->\n```cpp\nint kept = 1;\n```\n"),
    "meson.build": "project('quorate', 'cpp', version: '1.2.3')\n",
}


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="quorate-tools-"))
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in TREE.items():
            self.write(name, text)
        (self.root / "tools").mkdir()
        shutil.copy(TOOLS / "layers.txt", self.root / "tools")
        self.run_tool("make_src.py")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def append(self, name, text):
        """Puts `text` before the final #endif of a header, or at the end of another file."""
        path = self.root / name
        old = path.read_text(encoding="utf-8")
        end = "#endif\n" if old.endswith("#endif\n") else ""
        self.write(name, old.removesuffix(end) + text + end)

    def run_tool(self, tool, *options):
        command = [str(TOOLS / tool), "--root", str(self.root), *options]
        if tool.endswith(".py"):
            command = [sys.executable, "-B", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def accepts(self, tool, *options):
        status, output = self.run_tool(tool, *options)
        self.assertEqual(status, 0, output)
        return output

    def refuses(self, tool, *expected, options=()):
        status, output = self.run_tool(tool, *options)
        self.assertNotEqual(status, 0, output)
        for text in expected:
            self.assertIn(text, output)


class Layers(ToolTest):
    def test_sound_tree(self):
        self.accepts("check_layers.py")

    def test_include_against_the_layers(self):
        self.append("include/quorate/base/error.hpp", "#include <quorate/consensus/raft.hpp>\n")
        self.refuses("check_layers.py", "base may not include from consensus", "include cycle",
                     "include/quorate/base/error.hpp")

    def test_body_belongs_to_the_folder_around_it(self):
        self.append("include/quorate/base/impl/error.ipp",
                    "#include <quorate/consensus/raft.hpp>\n")
        self.refuses("check_layers.py", "base may not include from consensus")

    def test_root_header_from_a_folder(self):
        self.append("include/quorate/consensus/raft.hpp", "#include <quorate/version.hpp>\n")
        self.refuses("check_layers.py", "may not include the root header <quorate/version.hpp>")

    def test_asio_outside_the_transport(self):
        self.write("include/quorate/net/framer.hpp", header(
            "QUORATE_NET_FRAMER_HPP", "#include <boost/asio/buffer.hpp>"))
        self.refuses("check_layers.py", "framer.hpp:5: <boost/asio/buffer.hpp> is not for this")

    def test_clock_in_the_consensus(self):
        self.append("include/quorate/consensus/raft.hpp", "#include <chrono>\n")
        self.refuses("check_layers.py", "consensus is pure and may not include <chrono>")

    def test_clock_beside_the_runtime(self):
        for text in ("clock::now()", "std::random_device{}()", "boost::asio::thread_pool(1)"):
            self.write("include/quorate/impl/node_clock.hpp", header(
                "QUORATE_IMPL_NODE_CLOCK_HPP", "inline auto outer() { return " + text + "; }"))
            self.refuses("check_layers.py", "node_clock.hpp:5", "is for a runtime")
        self.write("include/quorate/impl/node_clock.hpp", header(
            "QUORATE_IMPL_NODE_CLOCK_HPP", "// not clock::now()"))
        self.accepts("check_layers.py")

    def test_system_header_in_the_consensus(self):
        self.append("include/quorate/consensus/raft.hpp", "#include <sys/socket.h>\n")
        self.refuses("check_layers.py", "may not include <sys/socket.h>")

    def test_unknown_folder(self):
        self.write("include/quorate/misc/thing.hpp", header("QUORATE_MISC_THING_HPP"))
        self.refuses("check_layers.py", "the folder misc is not in tools/layers.txt")

    def test_missing_header(self):
        self.append("include/quorate/consensus/raft.hpp", "#include <quorate/base/gone.hpp>\n")
        self.refuses("check_layers.py", "<quorate/base/gone.hpp> does not exist")

    def test_quoted_include(self):
        self.append("include/quorate/consensus/raft.hpp", '#include "entry.hpp"\n')
        self.refuses("check_layers.py", "headers include with <>")


class Style(ToolTest):
    def test_sound_tree(self):
        self.accepts("check_style.py")

    def test_guard(self):
        self.write("include/quorate/base/ids.hpp", header("QUORATE_IDS_HPP"))
        self.refuses("check_style.py", "the include guard is not QUORATE_BASE_IDS_HPP")

    def test_guard_of_a_test_header(self):
        self.write("test/base/support.hpp", header("SUPPORT_HPP"))
        self.refuses("check_style.py", "the include guard is not QUORATE_TEST_BASE_SUPPORT_HPP")

    def test_no_preamble(self):
        self.write("include/quorate/base/ids.hpp", header("QUORATE_BASE_IDS_HPP", preamble=""))
        self.refuses("check_style.py", "does not open with a sentence")

    def test_no_flow(self):
        self.write("include/quorate/base/ids.hpp",
                   header("QUORATE_BASE_IDS_HPP", preamble="// A sentence.\n"))
        self.refuses("check_style.py", "no Flow key")

    def test_keys_out_of_order(self):
        self.write("include/quorate/base/ids.hpp", header(
            "QUORATE_BASE_IDS_HPP", preamble="// A sentence.\n// Threads: any\n// Flow: none\n"))
        self.refuses("check_style.py", "preamble keys are not in the order")

    def test_unknown_key(self):
        self.write("include/quorate/base/ids.hpp", header(
            "QUORATE_BASE_IDS_HPP", preamble="// A sentence.\n// Flow: none\n// Author: me\n"))
        self.refuses("check_style.py", "unknown preamble key 'Author'")

    def test_headline(self):
        self.write("include/quorate/base/ids.hpp",
                   header("QUORATE_BASE_IDS_HPP", preamble="// What ids are.\n// Flow:    none\n"))
        self.refuses("check_style.py", "the headline is no noun phrase")

    def test_prose_beyond_its_budget(self):
        budget = "include noun 1\ninclude opening 0\ninclude negation 2\n"
        self.write("tools/prose_budget.txt", budget)
        self.append("include/quorate/net/tcp_transport.hpp",
                    "/// Returns: what it is. Empty: none.\n")
        self.accepts("check_style.py")
        self.append("include/quorate/net/tcp_transport.hpp", "\nint n; ///< Who asks.\n")
        self.refuses("check_style.py", "2 sentences of kind 'noun', at most 1",
                     "1 sentences of kind 'opening', at most 0")

    def test_lines(self):
        for fault, expected in ((f"// {'x' * 98}\n", "101 columns"), ("\tint x;\n", "a tab"),
                                ("int x; \n", "blanks at the end"),
                                ("// TO" "DO: more\n", "unfinished work"),
                                ("\n" * 800, "lines, at most 800")):
            with self.subTest(expected):
                self.write("test/base/error.cpp", TREE["test/base/error.cpp"] + fault)
                self.refuses("check_style.py", expected, "test/base/error.cpp")

    def test_width_counts_characters(self):
        self.write("test/base/error.cpp", TREE["test/base/error.cpp"] + f"// {'§' * 97}\n")
        self.accepts("check_style.py")

    def test_umbrella_include(self):
        self.append("include/quorate/net/tcp_transport.hpp", "#include <boost/asio.hpp>\n")
        self.refuses("check_style.py", "<boost/asio.hpp>: include the parts")

    def test_header_not_included(self):
        self.write("test/base/error.cpp", "#include <quorate/consensus/raft.hpp>\n")
        self.refuses("check_style.py", "<quorate/base/error.hpp> is not among the first includes")

    def test_header_not_first(self):
        self.write("test/base/error.cpp",
                   "#include <vector>\n\n#include <quorate/base/error.hpp>\n")
        self.refuses("check_style.py", "<quorate/base/error.hpp> is not among the first includes")

    def test_long_function(self):
        body = "inline void grow(int a) {\n" + "    ++a;\n" * 80 + "}\n"
        self.append("include/quorate/base/impl/error.ipp", body)
        self.refuses("check_style.py", "grow has 82 lines, at most 70")
        self.write("tools/long_functions.txt", "include/quorate/base/impl/error.ipp grow 82\n")
        self.accepts("check_style.py")


class Source(ToolTest):
    def test_sound_tree(self):
        self.accepts("make_src.py", "--check")

    def test_new_body(self):
        self.write("include/quorate/base/impl/ids.ipp", header("QUORATE_BASE_IMPL_IDS_IPP"))
        self.refuses("make_src.py", "out of date", options=["--check"])
        self.accepts("make_src.py")
        self.accepts("make_src.py", "--check")


class Docs(ToolTest):
    def test_sound_tree(self):
        self.assertIn("2 pages, 1 quoted blocks", self.accepts("check_docs.py"))

    def test_quote_differs(self):
        self.write("example/embed.cpp", TREE["example/embed.cpp"].replace("= 1", "= 2"))
        self.refuses("check_docs.py", "differs from example/embed.cpp#body")
        self.accepts("check_docs.py", "--write")
        self.accepts("check_docs.py")
        self.assertIn("kept = 2", (self.root / "doc/index.md").read_text(encoding="utf-8"))

    def test_quote_of_nothing(self):
        self.write("example/embed.cpp", "int main() {}\n")
        self.refuses("check_docs.py", "example/embed.cpp has no region body")

    def test_quote_without_block(self):
        self.append("doc/index.md", "\n<!-- from: example/embed.cpp#body -->\n\ntext\n")
        self.refuses("check_docs.py", "no code block follows")

    def test_broken_link(self):
        self.append("doc/index.md", "\n[gone](gone.md)\n")
        self.refuses("check_docs.py", "doc/index.md:10: broken link: gone.md")

    def test_link_to_missing_heading(self):
        self.append("doc/index.md", "\n[gone](errors.md#gone)\n")
        self.refuses("check_docs.py", "no such heading: errors.md#gone")

    def test_named_file(self):
        self.append("doc/index.md", "\n`base/error.hpp` and `tools/layers.txt`\n")
        self.accepts("check_docs.py")
        self.append("doc/index.md", "\n`base/gone.hpp`\n")
        self.refuses("check_docs.py", "no such file: base/gone.hpp")

    def test_named_test(self):
        self.write("test/e2e/doors.py", "def opens(options):\n    pass\n")
        self.write("test/log/wal.cpp", "BOOST_FIXTURE_TEST_CASE(grows, fixture) {}\n")
        self.append("doc/index.md", "\n`e2e/doors.py#opens`, `log/wal.cpp#grows`\n")
        self.assertIn("2 named tests", self.accepts("check_docs.py"))
        for gone in ("e2e/doors.py#open", "log/wal.cpp#grow", "log/gone.cpp#grows"):
            self.append("doc/index.md", f"\n`{gone}`\n")
            self.refuses("check_docs.py", f"no such test: {gone}")

    def test_promises(self):
        self.write("test/e2e/doors.py", "def opens(options):\n    pass\n")
        rows = "| promise | tests |\n|---|---|\n| It opens. | `e2e/doors.py#opens` |\n"
        page = f"# Security\n\n{rows}\n## Doors\n\n{rows}\n## Threats\n\nx\n"
        self.write("doc/security.md", page)
        self.accepts("check_docs.py")
        self.append("doc/security.md", "\n## Windows\n\nThey open.\n")
        self.refuses("check_docs.py", "the section 'Windows' has no promise with a test")
        self.append("doc/security.md", "\n| promise | tests |\n|---|---|\n| They open. | later |\n")
        self.refuses("check_docs.py", "no test is named")

    def test_errors(self):
        for rows, expected in (
                (ERROR_ROWS.replace("too_large", "too_big"), "no row for too_large"),
                (ERROR_ROWS.replace("too_large", "too_big"), "too_big is not an error code"),
                (ERROR_ROWS.replace("`retry`", "`corrupt`"), "no_leader with condition retry"),
                ("".join(reversed(ERROR_ROWS.splitlines(True))), "not in the order of errc")):
            with self.subTest(expected):
                self.write("doc/errors.md", "# Errors\n\n" + rows)
                self.refuses("check_docs.py", expected)

    def test_version(self):
        self.write("meson.build", TREE["meson.build"].replace("1.2.3", "1.2.4"))
        self.refuses("check_docs.py", "the version is not 1.2.3")
        self.write("meson.build", TREE["meson.build"])
        self.write("include/quorate/version.hpp", VERSION_HPP.replace('"1.2.3"', '"1.3.0"'))
        self.refuses("check_docs.py", "the string is not 1.2.3")


class Headers(ToolTest):
    """Headers that many others include, so that these are started from their compiled form."""

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.root / "include")
        self.write("include/quorate/name.hpp", header(
            "QUORATE_NAME_HPP", "#include <string>\n#include <vector>\nusing name = std::string;"))
        for number in range(3):
            self.write(f"include/quorate/user_{number}.hpp", header(
                f"QUORATE_USER_{number}_HPP",
                f"#include <quorate/name.hpp>\ninline name name_{number};"))

    def test_sound_tree(self):
        output = self.accepts("check_headers.py")
        self.assertIn("4 compiled alone", output)

    def test_missing_include(self):
        self.write("include/quorate/lone.hpp", header("QUORATE_LONE_HPP", "inline name lonely;"))
        self.refuses("check_headers.py", "FAIL quorate/lone.hpp", "unknown type name 'name'"
                     if shutil.which("clang++") else "does not name a type", "1 finding(s)")

    def test_missing_include_that_an_earlier_one_hides(self):
        self.write("include/quorate/lone.hpp", header("QUORATE_LONE_HPP", "inline name lonely;"))
        self.append("include/quorate/user_0.hpp", "#include <quorate/lone.hpp>\n")
        self.refuses("check_headers.py", "FAIL quorate/lone.hpp", "1 finding(s)")

    def test_include_behind_what_needs_it(self):
        self.write("include/quorate/user_0.hpp", header(
            "QUORATE_USER_0_HPP", "inline name first;\n#include <quorate/name.hpp>"))
        self.refuses("check_headers.py", "FAIL quorate/user_0.hpp", "1 finding(s)")

    def test_fault_in_what_others_start_from(self):
        self.append("include/quorate/name.hpp", "inline int wrong = nothing;\n")
        self.refuses("check_headers.py", "FAIL quorate/name.hpp", "4 finding(s)")


class Count(unittest.TestCase):
    def test_closing_lines(self):
        for log, expected in (
                ("80% tests passed, 2 tests failed out of 10\n", "8 2"),
                ("Ok:                 5   \nExpected Fail:      1   \nFail:               2   \n"
                 "Unexpected Pass:    0   \nSkipped:            4   \nTimeout:            1   \n",
                 "6 3"),
                ("1 passed, 9 failed\nmore\n7 passed, 0 failed\n", "7 0"),
                ("it said 7 passed, 0 failed\n", "0 0"),
                ("", "0 0")):
            with self.subTest(log), tempfile.NamedTemporaryFile("w", suffix=".log") as file:
                file.write(log)
                file.flush()
                command = [sys.executable, "-B", str(TOOLS / "count_cases.py"), file.name]
                done = subprocess.run(command, capture_output=True, text=True, check=True,
                                      timeout=60)
                self.assertEqual(done.stdout.strip(), expected)


class Format(ToolTest):
    def setUp(self):
        super().setUp()
        shutil.copy(TOOLS.parent / ".clang-format", self.root)
        if "skipped" in self.run_tool("check_format.sh")[1]:
            self.skipTest("clang-format 14 is not installed")

    def test_fault(self):
        self.accepts("check_format.sh", "--write")
        self.accepts("check_format.sh")
        self.write("example/embed.cpp", "int  main( ){}\n")
        self.refuses("check_format.sh", "embed.cpp:1")


if __name__ == "__main__":
    unittest.main()
