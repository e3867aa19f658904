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
    /// Effects: whatever the command, also frees a little of what compaction has left.
    /// Errors, in the reply: command_invalid; those of check(); key_not_found, revision_compacted,
    /// revision_in_future.
    /// Lifetime: a value may stay a slice of `command`.
    reply apply(log_index, const shared_bytes& command) {
        const result<request> asked = decode_command(command.view());
        if (!asked) {
            return failure(errc::command_invalid);
        }
        reply answer = std::visit(
            [&](const auto& one) {
                const error_code failed = check(one);
                return failed ? failure(code_of(failed)) : carry_out(one, command);
            },
            *asked);
        store_.sweep(sweep_rows);
        return answer;
    }

    /// Effects: frees some of what compaction has left, for owners that have nothing else to do.
    /// Returns: whether more is left.
    bool sweep() { return store_.sweep(sweep_rows); }

    /// Reads outside the log, at any revision that is not compacted.
    /// Errors, in the reply: key_empty, revision_compacted, revision_in_future.
    [[nodiscard]] reply range(const quorate::range& asked) const {
        const error_code failed = check(asked);
        return failed ? failure(code_of(failed)) : made(store_.range(asked));
    }
    /// Returns: the key as it is now; nothing when it is not there.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const { return store_.get(key); }

    [[nodiscard]] rope snapshot() const { return store_.snapshot(); }
    /// Errors: see mvcc_store; the old state stays.
    error_code restore(bulk_reader state) { return store_.restore(std::move(state)); }

    [[nodiscard]] const store_type& store() const noexcept { return store_; }

private:
    /// How many changes one command looks at for compaction: few enough to be no pause, more than
    /// it makes itself, so that compaction always ends.
    static constexpr std::size_t sweep_rows = 16;

    reply carry_out(const put& asked, const shared_bytes& command) {
        return made(store_.put(asked, slice_of(command, asked.value)));
    }
    reply carry_out(const quorate::range& asked, const shared_bytes&) {
        return made(store_.range(asked));
    }
    reply carry_out(const delete_range& asked, const shared_bytes&) {
        return success(store_.delete_range(asked));
    }
    reply carry_out(const txn& asked, const shared_bytes& command) {
        return made(store_.txn(asked, command));
    }
    reply carry_out(const compact& asked, const shared_bytes&) {
        if (const error_code failed = store_.compact(asked.revision)) {
            return failure(code_of(failed));
        }
        while (asked.physical && store_.sweep(physical_rows)) {
        }
        return success(compact_reply{});
    }
    /// How many changes are collected at a time when all are looked at; bounds the memory of it.
    static constexpr std::size_t physical_rows = 1024;

    template <class Body>
    [[nodiscard]] reply made(result<Body> done) const {
        return done ? success(*std::move(done)) : failure(code_of(done.error()));
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
