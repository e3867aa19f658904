// basic_node: from a data directory to a member that takes part.
#ifndef QUORATE_IMPL_NODE_START_HPP
#define QUORATE_IMPL_NODE_START_HPP

#include <quorate/node.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace quorate {
namespace detail {

/// Returns: ids and peer URLs, as a list for people.
inline std::string described_members(const member_table& members) {
    std::string text;
    for (const member_info& m : members) {
        text.append(text.empty() ? "" : ", ")
            .append(std::to_string(m.id.value()))
            .append(" at ")
            .append(joined_peer_urls(m));
    }
    return text;
}

/// Returns: a number to count on from, that other lives of this member do not come near, even when
/// the clock went back in between.
template <class Runtime>
std::uint64_t first_number(Runtime& runtime) {
    return runtime.fresh() >> 1;
}

} // namespace detail

template <class Policies>
basic_node<Policies>::basic_node(const context_type& context, node_options options,
                                 std::unique_ptr<transport_type> wire)
    : runtime_(context, options.seed),
      options_(detail::with_peer_url(std::move(options))),
      wire_(std::move(wire)),
      ids_(runtime_.fresh()),
      requests_(detail::first_number(runtime_)),
      reads_(detail::first_number(runtime_)),
      calls_(detail::first_number(runtime_)),
      answering_(std::make_shared<basic_node*>(this)),
      traces_(options_.id, [this] { return runtime_.now(); }) {
    options_.engine.id = options_.id;
    options_.engine.tick_units = static_cast<std::uint64_t>(
        std::chrono::microseconds(options_.tick_interval).count()); // the unit of boot_time
    requests_.watch_slow(options_.slow_request,
                         [this](const request_timing& took) { say_slow(took); });
    requests_.explain_timeouts([this](clock::time_point began) { return why_timed_out(began); });
}

template <class Policies>
basic_node<Policies>::~basic_node() {
    stopping_ = true;
    *answering_ = nullptr;
    wire_->stop();
    ends_asides_ = true;
    join_walks();
    log_worker_.join();
    snapshot_worker_.join();
    if constexpr (durable) {
        database_worker_.join();
    }
    alive_.cut(); // no thread guards a handler any more
}

template <class Policies>
error_code basic_node<Policies>::start(handler ended) {
    QUORATE_ASSERT(!started_);
    ended_ = std::move(ended);
    explanation_ = option_problem();
    if (!explanation_.empty()) {
        return errc::invalid_option;
    }
    error_code failed = open_storage();
    if (!failed) {
        failed = build_engine();
    }
    if (!failed) {
        failed = adopt_members();
    }
    if (failed) {
        return failed;
    }
    if ((failed = wire_->start(*this))) {
        explanation_ = "cannot listen for peers at " + options_.peer_url + ": " + failed.message();
        return failed;
    }
    started_ = true;
    arm_timer();
    schedule_pump();
    return {};
}

// Returns: which option is out of range or contradicts another; empty: none.
template <class Policies>
std::string basic_node<Policies>::option_problem() const {
    if (options_.check() || options_.engine.check()) {
        return "an option of the node or its engine is out of range";
    }
    const std::string problem = switch_problem(options_.engine);
    return problem.empty() ? limit_problem(options_, frame_bytes_max(), durable) : problem;
}

template <class Policies>
std::uint64_t basic_node<Policies>::frame_bytes_max() const noexcept {
    if constexpr (limits_frames<transport_type>) {
        return wire_->frame_bytes_max();
    } else {
        return frame_bytes_limit;
    }
}

template <class Policies>
error_code basic_node<Policies>::open_storage() {
    log_options log;
    log.cluster = options_.cluster;
    log.member = options_.id;
    log.segments_kept = options_.wal_files_kept;
    log.failure = &explanation_;
    snapshot_options snapshots;
    snapshots.keep = options_.snapshots_kept;
    snapshots.cluster = options_.cluster;
    snapshots.member = options_.id;
    if constexpr (blocking || durable) {
        result<data_directory> directory =
            data_directory::open(options_.data_directory, &explanation_, options_.wal_directory);
        if (!directory) {
            return directory.error();
        }
        directory_.emplace(std::move(*directory));
        if (const error_code failed = directory_->check_labels(options_.labels, &explanation_)) {
            return failed;
        }
        const data_identity own{options_.cluster, options_.id};
        if (const error_code failed = directory_->claim(own, &explanation_)) {
            return failed;
        }
        load_lives();
        log.directory = directory_->wal();
        snapshots.directory = directory_->snap();
    }
    auto opened_snapshots = snapshots_type::open(snapshots);
    if (!opened_snapshots) {
        explanation_ = "cannot open the snapshots in " + snapshots.directory.string() + ": " +
                       opened_snapshots.error().message();
        return opened_snapshots.error();
    }
    snapshots_ = std::move(*opened_snapshots);
    if constexpr (requires { snapshots_->note(); }) {
        if (!snapshots_->note().empty()) {
            say(severity::warning, snapshots_->note());
        }
    }
    return open_log(std::move(log));
}

// Whether anybody may hold what the disk here lost.
template <class Policies>
bool basic_node<Policies>::has_peers() const noexcept {
    if (options_.force_new_group) {
        return false; // nobody who will be asked
    }
    const snapshot_ptr newest = snapshots_->newest();
    if (newest != nullptr) {
        const id_set voters = newest->members.all_voters();
        return voters.size() > (voters.contains(options_.id) ? 1U : 0U);
    }
    return options_.join || options_.initial_members.size() > 1;
}

template <class Policies>
error_code basic_node<Policies>::open_log(log_options options) {
    options.accept_data_loss = options_.accept_data_loss;
    options.if_damaged = has_peers() ? on_damage::salvage : on_damage::refuse;
    // A snapshot, or the mark of an earlier start, comes after a log. One that is missing, as on a
    // disk that is not mounted, is damaged and not new.
    const bool started = directory_ && directory_->mark() && directory_->mark()->starts > 0;
    options.must_exist = started || snapshots_->newest() != nullptr;
    options.examine = [this](std::span<const entry> entries) { return examine(entries); };
    auto opened = log_type::open(options);
    if (!opened) {
        explanation_ = "cannot open the log in " + options.directory.string() + ": " +
                       (explanation_.empty() ? opened.error().message() : explanation_);
        return opened.error();
    }
    log_ = std::move(*opened);
    return {};
}

template <class Policies>
error_code basic_node<Policies>::build_engine() {
    recovered_log recovered = log_->take_recovered();
    if (!recovered.note.empty()) {
        say(severity::warning, recovered.note);
    }
    compacted_ = recovered.base.index;
    if (!recovered.damage.empty()) {
        say(severity::error, recovered.damage);
    }
    const std::string damage = std::move(recovered.damage);
    const bool salvage = has_peers() || options_.accept_data_loss;
    result<start_state> start =
        make_start_state(snapshots_->newest(), std::move(recovered), salvage);
    if (!start) {
        explanation_ = "the log and the newest snapshot in " + options_.data_directory.string() +
                       " contradict each other";
        return start.error();
    }
    explanation_ = held_entry_problem(start->engine.entries, frame_bytes_max());
    if (!explanation_.empty()) {
        return errc::invalid_option;
    }
    if (options_.accept_data_loss ||
        (options_.force_new_group && start->engine.hard.lost == stale_copy)) {
        start->engine.hard.lost = {};
    }
    if (start->engine.hard.lost.index && !has_peers()) {
        explanation_ = "the log in " + options_.data_directory.string() +
                       " lost what it had acknowledged, and there is no other member to give it "
                       "back. " +
                       damage;
        return errc::corrupt;
    }
    const bool stale = starts_stale(*start);
    result<std::vector<entry>> appended = force_group(*start);
    if (!appended) {
        return appended.error();
    }
    if (const error_code failed = find_start_table(*start)) {
        return failed;
    }
    if (const error_code failed = open_machine()) {
        return failed;
    }
    adopt_database(start->engine);
    if (start->fresh && !options_.join) {
        if (const error_code failed = bootstrap(*start)) {
            return failed;
        }
    }
    if (start->engine.base != nullptr) {
        if (const error_code failed = install(start->engine.base)) {
            explanation_ = "the newest snapshot cannot be restored: " + failed.message();
            return failed;
        }
    }
    if (stale) {
        start->engine.hard.lost = stale_copy;
    }
    note_fence(start->engine.hard);
    fence_durable_ = fenced_; // with the next line, and before any message
    if (const error_code failed = write_start(*start, *appended)) {
        return failed;
    }
    engine_ = std::make_unique<engine_type>(options_.engine, std::move(start->engine),
                                            static_cast<std::uint32_t>(runtime_.random()));
    tell_time();
    soft_ = engine_->status().soft;
    return {};
}

// The members as of the commit index, of which some entries are not applied yet.
template <class Policies>
error_code basic_node<Policies>::find_start_table(const start_state& start) {
    const std::vector<entry>& entries = start.engine.entries;
    const auto end = std::find_if(entries.begin(), entries.end(), [&](const entry& e) {
        return e.index > start.engine.hard.commit;
    });
    result<group_members> known = latest_members(start.engine.base, {entries.begin(), end});
    if (!known) {
        explanation_ = "the newest snapshot names no members: " + known.error().message();
        return known.error();
    }
    start_commit_ = start.engine.hard.commit;
    start_table_ = std::move(known->table);
    return {};
}

// Whether the directory may hold less than this member promised: see consensus/impl/raft_stale.ipp.
template <class Policies>
bool basic_node<Policies>::starts_stale(const start_state& start) {
    if constexpr (blocking || durable) {
        const bool copy = directory_->is_copy();
        // One that joins may have been stopped before it received anything; its peers know.
        const bool emptied =
            start.fresh && !options_.join && directory_->mark() && directory_->mark()->starts > 0;
        if (!copy && !emptied) {
            return false;
        }
        const std::string what =
            options_.data_directory.string() +
            (copy
                 ? " is a copy, or was restored from one: it may lack what this member acknowledged"
                 : " lost log and snapshots of this member");
        if (options_.accept_data_loss || options_.force_new_group) {
            say(severity::warning, what + "; it is taken as it is, as asked for");
            return false;
        }
        const bool alone = is_only_voter(start);
        loss_is_final_ = copy && alone;
        say(severity::warning, what + (alone ? "; there is no other member that could know" : ""));
        return !alone;
    }
    return false;
}

template <class Policies>
bool basic_node<Policies>::is_only_voter(const start_state& start) const {
    if (start.fresh) {
        return !options_.join && options_.initial_members.size() == 1;
    }
    const id_set voters = found_members_.config.all_voters();
    return voters.size() == 1 && voters.contains(options_.id);
}

// The directory decides who the members are. Those in the options only help to notice a directory
// of another group. Members may have come and gone, and moved, since the first start. A member that
// joins may have been stopped while it received the log from the time before it was added: then the
// directory names former members alone, and a member that it does not name decides nothing.
template <class Policies>
error_code basic_node<Policies>::examine(std::span<const entry> entries) {
    if (const auto known = latest_members(snapshots_->newest(), entries)) {
        found_members_ = *known;
    }
    const member_table& table = found_members_.table;
    if (options_.force_new_group || table.find(options_.id) == nullptr ||
        !table.removed().empty()) {
        return {};
    }
    const auto is_known = [&](const member_info& listed) {
        const auto same = [&](const member_info& m) {
            return m.id == listed.id || joined_peer_urls(m) == joined_peer_urls(listed) ||
                   (!m.name.empty() && m.name == listed.name);
        };
        return std::any_of(table.begin(), table.end(), same);
    };
    const auto& all = options_.initial_members;
    const auto known = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_known));
    const bool alone = found_members_.config.all_voters().size() == 1;
    if (all.size() <= 1 || (alone ? known == all.size() : known > 0)) {
        return {};
    }
    explanation_ = options_.data_directory.string() +
                   " holds a group of other members: " + detail::described_members(table) +
                   "; given are " + detail::described_members(member_table(all)) +
                   ". Start with the members of that group, or with another data directory";
    return errc::wrong_cluster;
}

template <class Policies>
error_code basic_node<Policies>::write_start(const start_state& start,
                                             std::span<const entry> appended) {
    if (start.restart_log) {
        log_->restart(start.engine.base == nullptr ? log_id{} : start.engine.base->last);
    }
    log_->append(appended);
    log_->save(start.engine.hard);
    typename log_type::sync_job job = log_->begin_sync();
    const error_code failed = job.run();
    log_->finish_sync(std::move(job), failed);
    if (failed) {
        explanation_ = "cannot write the log: " + failed.message();
        return failed;
    }
    // Only now: a start that ended before has lost nothing of what the mark stands for.
    if constexpr (blocking || durable) {
        const bool anew = !directory_->mark() || directory_->mark()->starts == 0 ||
                          start.engine.hard.lost.index || options_.accept_data_loss;
        return directory_->mark_start(options_.labels, &explanation_,
                                      anew ? start_number_at(runtime_.wall_time()) : 0);
    } else {
        return {};
    }
}

// Returns: what has to be appended to the log.
template <class Policies>
result<std::vector<entry>> basic_node<Policies>::force_group(start_state& start) {
    if (!options_.force_new_group) {
        return std::vector<entry>();
    }
    if (start.fresh) {
        explanation_ = "there is no data in " + options_.data_directory.string() +
                       " that a group could be made of";
        return errc::invalid_option;
    }
    std::string why;
    result<lone_start> made =
        make_alone(start.engine, options_.id, why, birth_mark(runtime_.fresh() | 1));
    if (!made) {
        explanation_ = "no group can be made of " + options_.data_directory.string() + ": " + why;
        return made.error();
    }
    if (made->term_set_back) {
        say(severity::warning, "the term is set back to " +
                                   std::to_string(start.engine.hard.term.value()) +
                                   ": it was far beyond that of the last entry");
    }
    say(severity::warning,
        made->changed
            ? "this member becomes a group of its own: " + std::to_string(made->appended.size()) +
                  " changes remove all others and give it a new birth mark; the others must never "
                  "be started again"
            : "this member is a group of its own already; nothing was changed");
    return std::move(made->appended);
}

// Every first member makes the same snapshot: the group begins at index 1.
template <class Policies>
error_code basic_node<Policies>::bootstrap(start_state& start) {
    explanation_ = problem_of(options_.initial_members, options_.id);
    if (explanation_.empty() && !member_table(options_.initial_members).within_limits()) {
        explanation_ = "initial_members is longer than " +
                       std::to_string(member_table_bytes_limit) + " bytes, encoded";
    }
    if (!explanation_.empty()) {
        return errc::invalid_option;
    }
    start.engine =
        first_state(options_.initial_members, state_with(member_table(options_.initial_members)));
    if (const error_code failed = snapshots_->save(*start.engine.base)) {
        explanation_ = "cannot write the first snapshot: " + failed.message();
        return failed;
    }
    start.engine.base = as_stored(start.engine.base);
    start.restart_log = true;
    return {};
}

template <class Policies>
error_code basic_node<Policies>::adopt_members() {
    if (options_.force_new_group) {
        return {}; // the log removes all others before anything else happens
    }
    // A member that joins knows nobody yet but those it was told of, and has to answer them.
    const member_table known =
        members_.size() > 0 ? members_ : member_table(options_.initial_members);
    for (const member_info& m : known) {
        const std::string urls = joined_peer_urls(m);
        if (m.id == options_.id) {
            continue;
        }
        if (const error_code failed = wire_->add_peer(m.id, urls)) {
            explanation_ = "not a peer URL: " + urls;
            return failed;
        }
    }
    return {};
}

template <class Policies>
void basic_node<Policies>::stop(handler done) {
    if (!stopping_) {
        stopping_ = true;
        timer_.cancel();
        farewell_.cancel();
        abandon_all();
        *answering_ = nullptr;
        wire_->stop();
        ends_asides_ = true;
        join_walks();
        log_worker_.join(); // at most the job under way
        snapshot_worker_.join();
        if (started_ && !failed_ && !job_under_way_ && !held_ && log_->idle()) {
            typename log_type::sync_job job = log_->begin_sync();
            const error_code failed = job.run(); // nothing new; and nobody is left to be told
            log_->finish_sync(std::move(job), failed);
        }
        close_database();
    }
    runtime_.post([done = std::move(done)] { done({}); });
}

template <class Policies>
node_status basic_node<Policies>::status() const noexcept {
    node_status status;
    if (engine_ != nullptr) {
        status.engine = engine_->status();
    }
    status.applied = applied_.index;
    // An engine that leads from its start on need not have an entry of its own term.
    const bool own_term = applied_.term == status.engine.hard.term;
    const bool whole = applied_.index == status.engine.last;
    status.leads_fresh = soft_.role == role_kind::leader && (own_term || whole);
    status.requests = requests_.size();
    status.reads = reads_.size();
    status.ended = static_cast<bool>(failed_);
    status.disk_full = disk_full_ || database_full_;
    status.database_full = database_full_;
    status.disk_hangs = disk_hangs_;
    status.defragmenting = defragmenting_;
    status.fenced = fenced_ || fence_durable_;
    return status;
}

template <class Policies>
void basic_node<Policies>::say(severity level, const std::string& text) const {
    if (options_.log) {
        options_.log(level, text);
    }
}

} // namespace quorate

#endif
