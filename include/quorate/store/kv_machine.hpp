// The replicated key-value store: command bytes in, replies out.
// Flow:       11 to 13. committed command → revision → reply
// In / Out:   command bytes → reply; reads outside the log → reply
// Invariants: a pure function of the commands applied; bytes that are no command get an error;
//             what an alarm forbids is not carried out
// Source:     models state_machine; etcd's apply
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KV_MACHINE_HPP
#define QUORATE_STORE_KV_MACHINE_HPP

#include <quorate/base/bulk_join.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/command/cost.hpp>
#include <quorate/command/validate.hpp>
#include <quorate/format/auth_contents.hpp>
#include <quorate/format/command.hpp>
#include <quorate/format/machine_state.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/store/alarm_set.hpp>
#include <quorate/store/auth_store.hpp>
#include <quorate/store/memory_backend.hpp>
#include <quorate/store/mvcc_store.hpp>
#include <quorate/store/ordered_index.hpp>
#include <quorate/store/state_machine.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quorate {

namespace detail {

/// Whether a part of the store promises that its const functions may run on several threads.
template <class Part>
inline constexpr bool reads_concurrently = requires {
    requires Part::concurrent_reads;
};

} // namespace detail

template <class Index = ordered_index, class Backend = memory_backend>
class kv_machine {
public:
    /// See detachable_machine. A durable backend shares its environment with its successor.
    static constexpr bool detachable = detail::reads_concurrently<Index> &&
                                       detail::reads_concurrently<Backend> &&
                                       !durable_backend<Backend>;

    using request_type = request;
    using reply_type = reply;
    using store_type = mvcc_store<Index, Backend>;

    /// Returns: the command of a request, the free bytes in front zeroed. Copies each value once.
    /// Requires: it is shorter than 4 GiB (see validate()).
    [[nodiscard]] static draft encode(const request& asked) {
        return encode_command(asked, command_header_bytes);
    }

    /// Returns: whether what is asked may make the state larger; what takes away does not.
    [[nodiscard]] static bool grows(const request& asked) noexcept { return cost_of(asked) > 0; }
    /// The same of a command; what does not decode changes nothing.
    [[nodiscard]] static bool grows(byte_view command) {
        const result<request> asked = decode_command(command);
        return asked && grows(*asked);
    }

    /// Total: any bytes get a reply. A failed command changes nothing.
    /// Effects: whatever the command, also frees some of what compaction has left: more than the
    /// command made.
    /// Errors, in the reply: command_invalid; those of check(), of the alarms and of the store.
    /// Lifetime: a value may stay a slice of `command`.
    reply apply(log_index index, const shared_bytes& command) {
        std::optional<reply> done;
        while (!done) {
            done = apply_part(index, command);
        }
        return *std::move(done);
    }
    /// Effects: the same in parts that are no pause, where a range of keys is deleted or a lease is
    /// revoked. See stepwise_machine.
    std::optional<reply> apply_part(log_index, const shared_bytes& command) {
        if (!store_.deleting()) {
            rows_before_ = store_.row_count();
        }
        std::optional<reply> done = store_.deleting() ? go_on() : begin(command);
        if (done) {
            const std::size_t made = store_.row_count() - rows_before_;
            store_.sweep(std::min(sweep_rows + 2 * made, sweep_rows_max));
        }
        return done ? std::optional(trusted(*std::move(done))) : std::nullopt;
    }
    [[nodiscard]] bool applying() const noexcept { return store_.deleting(); }

    /// Effects: frees some of what compaction has left, in a step that is no pause. See
    /// sweeping_machine. Returns: whether more is left.
    bool sweep() { return store_.sweep(sweep_step_rows); }
    [[nodiscard]] bool swept() const noexcept { return store_.swept(); }
    /// Returns: whether whoever asked this is answered only once nothing is left to be freed. It is
    /// the owner who sweeps and answers then.
    [[nodiscard]] static bool answers_when_swept(const request& asked) noexcept {
        const auto* one = std::get_if<compact>(&asked);
        return one != nullptr && one->physical;
    }

    /// Reads outside the log, at any revision that is not compacted.
    /// Errors, in the reply: key_empty, revision_compacted, revision_in_future, cluster_corrupt.
    [[nodiscard]] reply range(const quorate::range& asked) const {
        error_code failed = check(asked);
        if (!failed && alarms_.raised(alarm_kind::corrupt)) {
            failed = errc::cluster_corrupt;
        }
        return failed ? failure(code_of(failed)) : trusted(made(store_.range(asked)));
    }
    /// The same for a transaction that only reads. Requires: is_read_only(asked).
    /// Errors, in the reply: those of check(), revision_compacted, revision_in_future,
    /// cluster_corrupt.
    [[nodiscard]] reply peek(const txn& asked) const {
        error_code failed = check(asked);
        if (!failed && alarms_.raised(alarm_kind::corrupt)) {
            failed = errc::cluster_corrupt;
        }
        return failed ? failure(code_of(failed)) : trusted(made(store_.peek(asked)));
    }
    /// Returns: the key as it is now; nothing when it is not there, or a durable backend failed.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const { return store_.get(key); }

    [[nodiscard]] typename store_type::snapshot_type snapshot() const {
        return join_bulk(front(), store_.snapshot());
    }
    /// Errors: see mvcc_store and take_machine_state(); corrupt when alarms or leases contradict
    /// themselves or the rows. The old state stays.
    error_code restore(bulk_reader state) {
        result<tables> fresh = take_tables(state);
        if (!fresh) {
            return fresh.error();
        }
        if (const error_code failed = store_.restore(std::move(state), std::move(fresh->leases))) {
            return failed;
        }
        alarms_ = std::move(fresh->alarms);
        auth_ = std::move(fresh->auth);
        tables_bytes_.reset();
        return {};
    }

    /// Effects, errors: as mvcc_store::bump. For a state that a new cluster begins with.
    error_code bump(std::uint64_t revisions) { return store_.bump(revisions); }

    [[nodiscard]] const store_type& store() const noexcept { return store_; }
    [[nodiscard]] const alarm_set& alarms() const noexcept { return alarms_; }
    /// Users and permissions are kept with the state, but not looked at here: see auth_machine.
    [[nodiscard]] const auth_store& auth() const noexcept { return auth_; }
    /// Effects, errors: as auth_store::apply(). Requires: as there.
    result<auth_reply> administer(const auth_request& asked) {
        tables_bytes_.reset();
        return auth_.apply(asked);
    }

    // With a durable backend, this models durable_machine.

    [[nodiscard]] static result<kv_machine> open(const database_options& options) requires
        durable_backend<Backend> {
        result<Backend> backend = Backend::open(options);
        if (!backend) {
            return backend.error();
        }
        kv_machine opened;
        const state_mark held = backend->held();
        if (!held.at.index && backend->size() == 0) {
            opened.store_ = store_type(std::move(*backend));
            return opened;
        }
        bulk_reader bytes(rope{held.tables});
        result<tables> kept = take_tables(bytes);
        if (!kept) {
            return kept.error();
        }
        const std::optional<byte_view> progress = progress_in(held.context.view());
        if (!progress || bytes.remaining() > 0) {
            return errc::corrupt;
        }
        result<store_type> store =
            store_type::adopt(std::move(*backend), *progress, std::move(kept->leases));
        if (!store) {
            return store.error();
        }
        opened.store_ = std::move(*store);
        opened.alarms_ = std::move(kept->alarms);
        opened.auth_ = std::move(kept->auth);
        return opened;
    }
    [[nodiscard]] log_id held() const noexcept requires durable_backend<Backend> {
        return store_.backend().held().at;
    }
    /// Returns: the bytes that were committed with what is held; none when nothing is.
    [[nodiscard]] shared_bytes held_members() const requires durable_backend<Backend> {
        const shared_bytes& context = store_.backend().held().context;
        const std::optional<byte_view> progress = progress_in(context.view());
        return progress ? context.slice(4, context.size() - progress->size() - 4) : shared_bytes();
    }
    [[nodiscard]] error_code error() const noexcept requires durable_backend<Backend> {
        return store_.backend().error();
    }
    [[nodiscard]] bool can_commit() const noexcept requires durable_backend<Backend> {
        return store_.backend().can_commit();
    }
    [[nodiscard]] bool wants_commit() const noexcept requires durable_backend<Backend> {
        return store_.backend().wants_commit();
    }
    [[nodiscard]] auto begin_commit(log_id at, const shared_bytes& members = {}) requires
        durable_backend<Backend> {
        if (!tables_bytes_) {
            tables_bytes_ = front();
        }
        return store_.backend().begin_commit({at, context_with(members), *tables_bytes_});
    }
    error_code finish_commit(typename detail::commit_of<Backend>::type job,
                             error_code failed) requires durable_backend<Backend> {
        return store_.backend().finish_commit(std::move(job), failed);
    }
    [[nodiscard]] kv_machine successor() requires durable_backend<Backend> {
        kv_machine next;
        next.store_ = store_type(store_.backend().successor());
        return next;
    }
    void reset() requires durable_backend<Backend> {
        store_ = store_type(store_.backend().successor());
        alarms_ = alarm_set();
        auth_ = auth_store();
        tables_bytes_.reset();
    }
    /// As of a backend that can. Requires: can_commit(), and something is held.
    [[nodiscard]] auto begin_defragmentation() requires durable_backend<Backend> {
        return store_.backend().begin_defragmentation();
    }
    template <class Job>
    error_code finish_defragmentation(Job&& job,
                                      error_code failed) requires durable_backend<Backend> {
        return store_.backend().finish_defragmentation(std::forward<Job>(job), failed);
    }
    /// For owners that look at sizes.
    [[nodiscard]] Backend& backend() noexcept requires durable_backend<Backend> {
        return store_.backend();
    }

private:
    /// What is in the machine besides rows, and read from bytes that may say anything.
    struct tables {
        alarm_set alarms;
        lease_table leases;
        auth_store auth;
    };
    [[nodiscard]] static result<tables> take_tables(bulk_reader& bytes) {
        result<auth_store> auth = auth_store::take(bytes);
        if (!auth) {
            return auth.error();
        }
        result<machine_state> read = take_machine_state(bytes);
        if (!read) {
            return read.error();
        }
        tables fresh;
        if (!fresh.alarms.restore(std::move(read->alarms))) {
            return errc::corrupt;
        }
        result<lease_table> leases =
            lease_table::restored(read->leases, read->lease_epoch, read->grants);
        if (!leases) {
            return leases.error();
        }
        fresh.leases = *std::move(leases);
        fresh.auth = *std::move(auth);
        return fresh;
    }
    [[nodiscard]] shared_bytes front() const {
        const lease_table& leases = store_.leases();
        const shared_bytes state = encode_machine_state(
            {alarms_.all(), leases.records(), leases.epoch(), leases.grants()});
        return auth_.in_front_of(state);
    }
    /// Returns: whether a command may change what is in the machine besides rows.
    [[nodiscard]] static bool changes_tables(const request& asked) noexcept {
        return !std::holds_alternative<put>(asked) &&
               !std::holds_alternative<delete_range>(asked) &&
               !std::holds_alternative<txn>(asked) && !std::holds_alternative<compact>(asked) &&
               !std::holds_alternative<quorate::range>(asked);
    }
    /// Returns: what changes with each commit of a durable backend, besides rows.
    [[nodiscard]] shared_bytes context_with(const shared_bytes& members) const {
        std::string bytes;
        byte_writer out(bytes);
        out.u32(static_cast<std::uint32_t>(members.size())).bytes(members.view());
        out.bytes(store_.progress().view());
        return shared_bytes::copy_of(bytes);
    }
    /// Returns: the end of a context, behind the members; nothing for bytes that are none.
    [[nodiscard]] static std::optional<byte_view> progress_in(byte_view context) noexcept {
        byte_reader in(context);
        in.skip(in.u32());
        return in.failed() ? std::nullopt : std::optional(in.bytes(in.remaining()));
    }

    /// How many changes one command looks at for compaction, beside twice as many as it makes, so
    /// that compaction always ends; and at most.
    static constexpr std::size_t sweep_rows = 16;
    static constexpr std::size_t sweep_rows_max = 4096;
    static constexpr std::size_t sweep_step_rows = 64;

    /// How many keys of a deletion or a revoke are one part.
    static constexpr std::size_t part_keys = 512;

    std::optional<reply> begin(const shared_bytes& command) {
        const result<request> asked = decode_command(command.view());
        if (!asked) {
            return failure(errc::command_invalid);
        }
        if (changes_tables(*asked)) {
            tables_bytes_.reset();
        }
        const auto* many = std::get_if<delete_range>(&*asked);
        const auto* ended = std::get_if<lease_revoke>(&*asked);
        if ((many == nullptr || many->range_end.empty()) && ended == nullptr) {
            return std::visit(
                [&](const auto& one) {
                    const error_code failed = check(one);
                    return failed ? failure(code_of(failed)) : admit_and_do(one, *asked, command);
                },
                *asked);
        }
        error_code failed = many != nullptr ? check(*many) : check(*ended);
        failed = failed ? failed : alarms_.admit(*asked);
        if (!failed && many != nullptr) {
            store_.begin_delete(*many);
        } else if (!failed) {
            failed = store_.begin_revoke(*ended);
        }
        return failed ? std::optional(failure(code_of(failed))) : go_on();
    }
    std::optional<reply> go_on() {
        return store_.revoking() ? outcome(store_.continue_revoke(part_keys))
                                 : outcome(store_.continue_delete(part_keys));
    }
    template <class Body>
    std::optional<reply> outcome(std::optional<result<Body>> done) const {
        return done ? std::optional(made(*std::move(done))) : std::nullopt;
    }

    /// What an alarm forbids is refused here, not only at the door: the alarm may have been raised
    /// between the two, and all members must do alike.
    template <class Asked>
    reply admit_and_do(const Asked& one, const request& asked, const shared_bytes& command) {
        const error_code refused = alarms_.admit(asked);
        return refused ? failure(code_of(refused)) : carry_out(one, command);
    }

    reply carry_out(const put& asked, const shared_bytes& command) {
        return made(store_.put(asked, slice_of(command, asked.value)));
    }
    reply carry_out(const quorate::range& asked, const shared_bytes&) {
        return made(store_.range(asked));
    }
    reply carry_out(const delete_range& asked, const shared_bytes&) {
        return made(store_.delete_range(asked));
    }
    reply carry_out(const txn& asked, const shared_bytes& command) {
        return made(store_.txn(asked, command));
    }
    reply carry_out(const lease_grant& asked, const shared_bytes&) {
        return made(store_.grant(asked));
    }
    reply carry_out(const lease_revoke& asked, const shared_bytes&) {
        return made(store_.revoke(asked));
    }
    reply carry_out(const lease_checkpoint& asked, const shared_bytes&) {
        return made(store_.checkpoint(asked));
    }
    reply carry_out(const lease_takeover& asked, const shared_bytes&) {
        return made(store_.take_over(asked));
    }
    reply carry_out(const alarm_change& asked, const shared_bytes&) {
        auto done = alarms_.change(asked);
        return done ? success(alarm_reply{*std::move(done)}) : failure(code_of(done.error()));
    }
    reply carry_out(const compact& asked, const shared_bytes&) {
        if (const error_code failed = store_.compact(asked.revision)) {
            return failure(code_of(failed));
        }
        return success(compact_reply{});
    }

    template <class Body>
    [[nodiscard]] reply made(result<Body> done) const {
        return done ? success(*std::move(done)) : failure(code_of(done.error()));
    }
    template <class Body>
    [[nodiscard]] reply success(Body&& body) const {
        return {{store_.current_revision()}, std::forward<Body>(body)};
    }
    /// Returns: the answer, unless it may lack rows because a backend failed.
    [[nodiscard]] reply trusted(reply answer) const {
        return detail::lacks_rows(store_.backend()) ? failure(errc::poisoned) : answer;
    }
    [[nodiscard]] reply failure(errc reason) const {
        return {{store_.current_revision()}, error_reply{reason}};
    }
    /// The store fails with codes of this library only.
    static errc code_of(const error_code& failed) noexcept {
        return static_cast<errc>(failed.value());
    }

    store_type store_;
    alarm_set alarms_;
    auth_store auth_;
    std::size_t rows_before_ = 0;              // the command that is being applied
    std::optional<shared_bytes> tables_bytes_; // of the last commit, unless they changed since
};

static_assert(state_machine<kv_machine<>>);
static_assert(detachable_machine<kv_machine<>>);

} // namespace quorate

#endif
