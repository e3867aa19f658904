// A backend in a directory of its own that commits now and then, for suites that build their own.
// Flow:    none
#ifndef QUORATE_TEST_LMDB_SCRATCH_BACKEND_HPP
#define QUORATE_TEST_LMDB_SCRATCH_BACKEND_HPP

#include <quorate/lmdb/lmdb_backend.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "../scratch_directory.hpp"

namespace quorate_test {

/// A place for one database; in memory where there is such a place, as what is tested here does not
/// depend on how long a sync takes.
class database_directory : public scratch_directory {
public:
    [[nodiscard]] quorate::database_options options() const {
        quorate::database_options made;
        made.directory = (path() / "db").string();
        return made;
    }
};

/// Every few changes a commit begins, and ends a few changes later, or finds no space; so what is
/// read lies in the database, in the batch that is being written, or in memory. Files of a
/// default-built one begin with the first commit, since most suites build many and use few.
class scratch_backend : public quorate::lmdb_backend {
public:
    scratch_backend() = default;

    void put(quorate::revision at, quorate::row entered) {
        begin();
        lmdb_backend::put(at, std::move(entered));
        step();
    }
    bool erase(quorate::revision at) {
        const bool erased = lmdb_backend::erase(at);
        step();
        return erased;
    }
    [[nodiscard]] static quorate::result<scratch_backend> open(
        const quorate::database_options& options) {
        auto opened = lmdb_backend::open(options);
        return opened ? quorate::result<scratch_backend>(scratch_backend(std::move(*opened)))
                      : opened.error();
    }
    [[nodiscard]] scratch_backend successor() {
        begin();
        scratch_backend next(lmdb_backend::successor());
        next.directory_ = directory_;
        return next;
    }

private:
    explicit scratch_backend(lmdb_backend opened) : lmdb_backend(std::move(opened)) {}

    void begin() {
        if (directory_ == nullptr && size() == 0) {
            directory_ = std::make_shared<database_directory>();
            *static_cast<lmdb_backend*>(this) = lmdb_backend::open(directory_->options()).value();
        }
    }
    void step() {
        if (++steps_ % 5 == 0 && can_commit()) {
            job_ = std::make_shared<quorate::lmdb_commit>(
                begin_commit({{quorate::term_id(1), quorate::log_index(steps_)}, {}}));
        } else if (job_ != nullptr && steps_ % 5 == 3) {
            const bool full = steps_ % 3 == 0; // the next commit writes what this one does not
            const quorate::error_code failed = full ? quorate::errc::no_space : job_->run();
            static_cast<void>(finish_commit(std::move(*job_), failed));
            job_ = nullptr;
        }
    }

    std::shared_ptr<database_directory>
        directory_; // what is left there when the database closes goes too
    std::shared_ptr<quorate::lmdb_commit> job_;
    std::uint64_t steps_ = 0;
};

static_assert(quorate::durable_backend<scratch_backend>);

} // namespace quorate_test

#endif
