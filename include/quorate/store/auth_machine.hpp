// A key-value machine behind users and permissions: every request is checked, then handed on.
// Flow:       11 to 13. committed command, and who asked for it → checked → reply
// In / Out:   command bytes, in an envelope or not → reply
// Invariants: what permits() refuses changes nothing, and its reply tells nothing of what is
//             stored; as long as authentication was never used, commands and snapshots are those
//             of the machine behind, byte by byte
// Source:     models state_machine; etcd's applier for authentication
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_AUTH_MACHINE_HPP
#define QUORATE_STORE_AUTH_MACHINE_HPP

#include <quorate/command/reply.hpp>
#include <quorate/format/auth_command.hpp>
#include <quorate/store/auth_check.hpp>
#include <quorate/store/auth_store.hpp>
#include <quorate/store/durable_machine.hpp>
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/state_machine.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace quorate {

/// `Machine` is a kv_machine, or has the same requests, replies, `store()`, `auth()`,
/// `administer()`, parts of commands and sweeps. With a durable one this models durable_machine
/// too.
template <class Machine = kv_machine<>>
class auth_machine {
public:
    static constexpr bool detachable = detachable_machine<Machine>;

    using request_type = issued_request;
    using reply_type = reply;
    using machine_type = Machine;

    /// Returns: the command of a request, the free bytes in front zeroed; of nobody's request the
    /// command that `Machine` would make. Requires: it is shorter than 4 GiB (see validate()).
    [[nodiscard]] static draft encode(const issued_request& asked) {
        return encode_command(asked, command_header_bytes);
    }

    /// As those of `Machine`; users and roles count for nothing.
    [[nodiscard]] static bool grows(const issued_request& asked) noexcept {
        const auto* one = std::get_if<request>(&asked.asked);
        return one != nullptr && Machine::grows(*one);
    }
    [[nodiscard]] static bool grows(byte_view command) {
        const result<opened_command> opened = open_command(command);
        return opened && !is_auth_command(opened->command) && Machine::grows(opened->command);
    }

    /// Total: any bytes get a reply. A failed command changes nothing.
    /// Errors, in the reply: those of `Machine` and of auth_store; command_invalid.
    /// Complexity: that of `Machine`; while enabled the request is decoded twice.
    /// Lifetime: a value may stay a slice of `command`.
    reply apply(log_index index, const shared_bytes& command) {
        std::optional<reply> done;
        while (!done) {
            done = apply_part(index, command);
        }
        return *std::move(done);
    }
    /// Effects: as that of `Machine`. The request is checked before its first part.
    std::optional<reply> apply_part(log_index index, const shared_bytes& command) {
        if (applying()) {
            return machine_.apply_part(index, command); // it has the command
        }
        const result<opened_command> opened = open_command(command.view());
        if (!opened) {
            return failure(errc::command_invalid);
        }
        if (is_auth_command(opened->command)) {
            return apply_auth(*opened);
        }
        if (auth().enabled()) {
            // What does not decode is nothing that could be refused: the machine will.
            const result<request> asked = decode_command(opened->command);
            const error_code refused = asked ? permits(opened->by, *asked) : error_code();
            if (refused) {
                return failure(reason_for(*asked, refused));
            }
        }
        return machine_.apply_part(index, slice_of(command, opened->command));
    }
    [[nodiscard]] bool applying() const noexcept { return machine_.applying(); }

    /// Whether the issuer may ask this now: for reads outside the log, before each of them, and to
    /// refuse early what would be refused when it is applied.
    /// Errors: user_empty, auth_old_revision, permission_denied; user_not_found.
    [[nodiscard]] error_code permits(const issuer& by, const request& asked) const {
        return quorate::permits(auth(), by, asked, written_keys(by));
    }
    [[nodiscard]] error_code permits(const issuer& by, const auth_request& asked) const {
        return auth().permits(by, asked);
    }
    /// Whether the issuer may see the keys of a lease. Errors: as permits().
    [[nodiscard]] error_code permits_lease_keys(const issuer& by, lease_id lease) const {
        return quorate::permits_lease_keys(auth(), by, lease,
                                           [this](lease_id id, const auto& holds) {
                                               checked_keys none;
                                               return store().every_key_of(id, none, holds);
                                           });
    }

    /// Reads outside the log.
    /// Errors, in the reply: as permits(), and those of `Machine`.
    [[nodiscard]] reply range(const quorate::range& asked, const issuer& by = {}) const {
        const error_code refused = permits(by, request(asked));
        return refused ? failure(reason_for(asked, refused)) : machine_.range(asked);
    }

    [[nodiscard]] reply peek(const txn& asked, const issuer& by = {}) const {
        const error_code refused = permits(by, request(asked));
        return refused ? failure(reason_for(asked, refused)) : machine_.peek(asked);
    }

    bool sweep() { return machine_.sweep(); }
    [[nodiscard]] bool swept() const noexcept { return machine_.swept(); }
    [[nodiscard]] static bool answers_when_swept(const issued_request& asked) noexcept {
        const auto* one = std::get_if<request>(&asked.asked);
        return one != nullptr && Machine::answers_when_swept(*one);
    }

    [[nodiscard]] auto snapshot() const { return machine_.snapshot(); }
    /// Errors: those of `Machine`, which keeps the users and roles too. The old state stays then.
    error_code restore(bulk_reader state) {
        checked_.clear();
        return machine_.restore(std::move(state));
    }

    /// Effects, errors: as those of `Machine`, which has to have it.
    error_code bump(std::uint64_t revisions) { return machine_.bump(revisions); }

    [[nodiscard]] const auth_store& auth() const noexcept { return machine_.auth(); }
    /// Returns: the machine behind, which checks nothing.
    [[nodiscard]] const Machine& machine() const noexcept { return machine_; }
    [[nodiscard]] decltype(auto) store() const noexcept { return machine_.store(); }

    [[nodiscard]] static result<auth_machine> open(const database_options& options) requires
        durable_machine<Machine> {
        result<Machine> opened = Machine::open(options);
        if (!opened) {
            return opened.error();
        }
        auth_machine guarded;
        guarded.machine_ = *std::move(opened);
        return guarded;
    }
    [[nodiscard]] log_id held() const noexcept requires durable_machine<Machine> {
        return machine_.held();
    }
    [[nodiscard]] shared_bytes held_members() const requires durable_machine<Machine> {
        return machine_.held_members();
    }
    [[nodiscard]] error_code error() const noexcept requires durable_machine<Machine> {
        return machine_.error();
    }
    [[nodiscard]] bool can_commit() const noexcept requires durable_machine<Machine> {
        return machine_.can_commit();
    }
    [[nodiscard]] bool wants_commit() const noexcept requires durable_machine<Machine> {
        return machine_.wants_commit();
    }
    [[nodiscard]] auto begin_commit(log_id at, const shared_bytes& members = {}) requires
        durable_machine<Machine> {
        return machine_.begin_commit(at, members);
    }
    template <class Commit>
    error_code finish_commit(Commit&& job, error_code failed) requires durable_machine<Machine> {
        return machine_.finish_commit(std::forward<Commit>(job), failed);
    }
    [[nodiscard]] auto begin_defragmentation() requires durable_machine<Machine> {
        return machine_.begin_defragmentation();
    }
    template <class Job>
    error_code finish_defragmentation(Job&& job,
                                      error_code failed) requires durable_machine<Machine> {
        return machine_.finish_defragmentation(std::forward<Job>(job), failed);
    }
    [[nodiscard]] auth_machine successor() requires durable_machine<Machine> {
        auth_machine next;
        next.machine_ = machine_.successor();
        return next;
    }
    void reset() requires durable_machine<Machine> {
        checked_.clear();
        machine_.reset();
    }

private:
    reply apply_auth(const opened_command& opened) {
        const result<auth_request> asked = decode_auth_command(opened.command);
        if (!asked) {
            return failure(errc::command_invalid);
        }
        if (const error_code refused = auth().permits(opened.by, *asked)) {
            return failure(code_of(refused));
        }
        if (const error_code failed = check(*asked)) {
            return failure(code_of(failed));
        }
        result<auth_reply> done = machine_.administer(*asked);
        return done ? reply{{store().current_revision()}, *std::move(done)}
                    : failure(code_of(done.error()));
    }

    /// What is wrong with a request by itself is said first, as by a server that checks it before
    /// anybody looks at who asks.
    [[nodiscard]] static errc reason_for(const request& asked, const error_code& refused) {
        const error_code failed = std::visit([](const auto& one) { return check(one); }, asked);
        return code_of(failed ? failed : refused);
    }
    [[nodiscard]] reply failure(errc reason) const {
        return {{store().current_revision()}, error_reply{reason}};
    }
    /// Checks and stores fail with codes of this library only.
    [[nodiscard]] static errc code_of(const error_code& failed) noexcept {
        return static_cast<errc>(failed.value());
    }

    /// Returns: what permits() asks for the keys of a lease, of the same user with the same
    /// predicate each time: so each key of a lease is looked at once, until permissions change.
    [[nodiscard]] auto written_keys(const issuer& by) const {
        return [this, &by](lease_id lease, const auto& holds) {
            if (checked_at_ != auth().revision() || checked_.size() >= checked_max) {
                checked_.clear();
                checked_at_ = auth().revision();
            }
            checked_keys& done = checked_[{lease, std::string(by.user)}];
            return store().every_key_of(lease, done, holds);
        };
    }

    /// Users with a lease each, whose checks are remembered.
    static constexpr std::size_t checked_max = 4096;

    Machine machine_;
    // Nothing that is applied depends on it: a check only begins further on.
    mutable std::map<std::pair<lease_id, std::string>, checked_keys> checked_;
    mutable std::uint64_t checked_at_ = 0;
};

static_assert(state_machine<auth_machine<>>);
static_assert(detachable_machine<auth_machine<>>);

} // namespace quorate

#endif
