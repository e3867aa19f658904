#include "saved_snapshot.hpp"

#include <quorate/format/auth_contents.hpp>
#include <quorate/format/machine_state.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/log/plain_file.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "encryption.hpp"

namespace quorated {
namespace {

using quorate::bulk_bytes;
using quorate::bulk_reader;

constexpr std::uint64_t sum_bytes = 32;

/// Returns: the first bytes of the file, all but so many.
quorate::result<bulk_bytes> all_but(std::uint64_t last, const std::filesystem::path& path) {
    auto file = quorate::open_plain_file(path);
    if (!file) {
        return file.error();
    }
    const auto size = file->size();
    if (!size) {
        return size.error();
    }
    if (*size <= last) {
        return bulk_bytes();
    }
    return bulk_bytes(std::make_shared<quorate::plain_file>(std::move(*file), *size - last));
}

/// Returns: what a file is that does not begin as a state does; empty for one that may be one.
std::string foreign(const bulk_bytes& file) {
    const auto begin = file.empty()
                           ? quorate::result<quorate::shared_bytes>(quorate::shared_bytes())
                           : file.read(0, 4);
    if (!begin) {
        return "cannot be read: " + begin.error().message();
    }
    if (begin->empty()) {
        return "is empty";
    }
    if (begin->view().front() == '{') {
        return "is an answer as it came, in JSON; its blobs are to be taken out and decoded first";
    }
    quorate::byte_reader in(begin->view());
    const std::uint32_t magic = in.u32();
    const bool known = magic == quorate::machine_magic || magic == quorate::auth_contents_magic;
    return !in.failed() && known ? "" : "is no snapshot of a quorated server";
}

enum class sum_check { fits, differs, unknown };

/// Returns: whether the end of the file is the sum of what is in front of it.
sum_check check_sum(const bulk_bytes& whole, std::string& problem) {
    const auto digest = make_digest();
    if (digest == nullptr) {
        problem = "its hash cannot be checked, as this program was built without OpenSSL";
        return sum_check::unknown;
    }
    bulk_reader in(whole);
    problem =
        "its end is not the hash of the rest: it is damaged or cut off, or was saved "
        "without a hash";
    while (in.remaining() > sum_bytes) {
        const auto piece =
            in.take(std::min<std::uint64_t>(in.remaining() - sum_bytes, quorate::bulk_block_bytes));
        if (!piece) {
            problem = "cannot be read: " + piece.error().message();
            return sum_check::unknown;
        }
        digest->add(piece->view());
    }
    const auto said = in.take(in.remaining());
    return said && said->view() == digest->finish() ? sum_check::fits : sum_check::differs;
}

/// Returns: whether a machine takes all of these bytes.
bool restores(const bulk_bytes& state, saved_snapshot& into, std::string& problem) {
    quorate::auth_machine<> machine;
    if (const quorate::error_code failed = machine.restore(state)) {
        problem = "holds no whole state: " + failed.message();
        return false;
    }
    into.state = state;
    into.machine = std::move(machine);
    return true;
}

bool open_checked(const std::filesystem::path& path, bool skip_hash_check, saved_snapshot& into,
                  std::string& problem) {
    const auto whole = all_but(0, path);
    if (!whole) {
        problem = "cannot be opened: " + whole.error().message();
        return false;
    }
    problem = foreign(*whole);
    if (!problem.empty()) {
        return false;
    }
    const bool fits = check_sum(*whole, problem) == sum_check::fits;
    if (!fits && !skip_hash_check) {
        problem += "; --skip-hash-check takes it all the same, if it holds a whole state";
        return false;
    }
    // Without the sum's word, the end may be a sum or none.
    if (!fits && restores(*whole, into, problem)) {
        return true;
    }
    const auto state = all_but(sum_bytes, path);
    if (!state) {
        problem = "cannot be opened: " + state.error().message();
        return false;
    }
    return restores(*state, into, problem);
}

} // namespace

std::optional<saved_snapshot> open_saved_snapshot(const std::filesystem::path& path,
                                                  bool skip_hash_check, std::string& problem) {
    saved_snapshot opened;
    if (!open_checked(path, skip_hash_check, opened, problem)) {
        problem = path.string() + ": " + problem;
        return std::nullopt;
    }
    return opened;
}

} // namespace quorated
