// The replicated key-value store: command bytes in, replies out.
// Flow:       11 to 13. committed command → revision → reply
// In / Out:   command bytes → reply; reads outside the log → reply
// Invariants: a pure function of the commands applied; bytes that are no command get an error
// Source:     models state_machine; etcd's apply
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KV_MACHINE_HPP
#define QUORATE_STORE_KV_MACHINE_HPP

#include <quorate/base/ids.hpp>
#include <quorate/command/validate.hpp>
#include <quorate/format/command.hpp>
#include <quorate/store/memory_backend.hpp>
#include <quorate/store/mvcc_store.hpp>
#include <quorate/store/ordered_index.hpp>
#include <quorate/store/state_machine.hpp>

#include <utility>
#include <variant>

namespace quorate {

template <class Index = ordered_index, class Backend = memory_backend>
class kv_machine {
public:
    using request_type = request;
    using reply_type = reply;
    using store_type = mvcc_store<Index, Backend>;

    /// Returns: the command of a request, the free bytes in front zeroed. Copies each value once.
    /// Requires: it is shorter than 4 GiB (see validate()).
    [[nodiscard]] static draft encode(const request& asked) {
        return encode_command(asked, command_header_bytes);
    }

    /// Total: any bytes get a reply. A failed command changes nothing.
    /// Errors, in the reply: command_invalid, key_empty, revision_compacted, revision_in_future.
    /// Lifetime: a value may stay a slice of `command`.
    reply apply(log_index, const shared_bytes& command) {
        const result<request> asked = decode_command(command.view());
        if (!asked) {
            return failure(errc::command_invalid);
        }
        return std::visit([&](const auto& one) { return carry_out(one, command); }, *asked);
    }

    /// Reads outside the log, at any revision that is not compacted.
    /// Errors, in the reply: key_empty, revision_compacted, revision_in_future.
    [[nodiscard]] reply range(const quorate::range& asked) const {
        if (asked.key.empty()) {
            return failure(errc::key_empty);
        }
        result<range_reply> found = store_.range(asked);
        return found ? success(*std::move(found)) : failure(code_of(found.error()));
    }
    /// Returns: the key as it is now; nothing when it is not there.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const { return store_.get(key); }

    [[nodiscard]] rope snapshot() const { return store_.snapshot(); }
    /// Errors: see mvcc_store; the old state stays.
    error_code restore(const rope& state) { return store_.restore(state); }

    [[nodiscard]] const store_type& store() const noexcept { return store_; }

private:
    reply carry_out(const put& asked, const shared_bytes& command) {
        if (asked.key.empty()) {
            return failure(errc::key_empty);
        }
        return success(store_.put(asked, slice_of(command, asked.value)));
    }
    reply carry_out(const quorate::range& asked, const shared_bytes&) { return range(asked); }
    reply carry_out(const delete_range& asked, const shared_bytes&) {
        if (asked.key.empty()) {
            return failure(errc::key_empty);
        }
        return success(store_.delete_range(asked));
    }
    reply carry_out(const compact& asked, const shared_bytes&) {
        const error_code failed = store_.compact(asked.revision);
        return failed ? failure(code_of(failed)) : success(compact_reply{});
    }

    template <class Body>
    [[nodiscard]] reply success(Body&& body) const {
        return {{store_.current_revision()}, std::forward<Body>(body)};
    }
    [[nodiscard]] reply failure(errc reason) const {
        return {{store_.current_revision()}, error_reply{reason}};
    }
    /// The store fails with codes of this library only.
    static errc code_of(const error_code& failed) noexcept {
        return static_cast<errc>(failed.value());
    }

    store_type store_;
};

static_assert(state_machine<kv_machine<>>);

} // namespace quorate

#endif
