// A checksum of a store's state, and the same as a job for another thread.
// Flow:       beside 12
// In / Out:   changes → a number
// Invariants: equal states have equal hashes, however far compaction is swept
// Source:     etcd's HashKV
// Threads:    a job: any
#ifndef QUORATE_STORE_STORE_HASH_HPP
#define QUORATE_STORE_STORE_HASH_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/checksum.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/base/result.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/format/state.hpp>

#include <cstdint>
#include <functional>
#include <utility>

namespace quorate {

/// What two members with the same state agree in, whatever their memory looks like.
struct store_hash {
    std::uint32_t hash = 0;
    std::uint64_t compact_revision = 0;
    std::uint64_t revision = 0; ///< Whose state it is.

    /// Effects: counts the next change in, unless it is a deletion at or before the compacted
    /// revision. Requires: changes come in the order of their revisions.
    void add(const state_row& row) {
        if (row.version == 0 && row.main <= compact_revision) {
            return;
        }
        char fixed[56];
        byte_writer out(fixed, sizeof(fixed));
        out.u64(row.main).u64(row.sub).u64(row.create_revision).u64(row.version);
        out.u64(row.lease.value()).u64(row.key.size()).u64(row.value.size());
        hash = crc32c({fixed, sizeof(fixed)}, hash);
        hash = crc32c(row.key.view(), hash);
        hash = crc32c(row.value.view(), hash);
    }

    friend bool operator==(const store_hash&, const store_hash&) noexcept = default;
};

/// Computes the hash from the bytes of format/state.hpp.
class store_hash_job {
public:
    /// `wanted`: the revisions, and no hash yet.
    store_hash_job(const store_hash& wanted, bulk_bytes state)
        : wanted_(wanted), state_(std::move(state)) {}

    /// Errors: of the bytes; stopped once `stopped` returns true, which is called now and then.
    [[nodiscard]] result<store_hash> run(const std::function<bool()>& stopped) const {
        state_reader in(state_);
        const result<state_header> header = in.header();
        if (!header) {
            return header.error();
        }
        store_hash made = wanted_;
        for (std::uint64_t i = 0; i < header->rows; ++i) {
            const result<state_row> row = in.next();
            if (!row) {
                return row.error();
            }
            if (row->main > made.revision) {
                break;
            }
            made.add(*row);
            if (i % rows_between_looks == 0 && stopped()) {
                return errc::stopped;
            }
        }
        return made;
    }

private:
    static constexpr std::uint64_t rows_between_looks = 1024;

    store_hash wanted_;
    bulk_bytes state_;
};

} // namespace quorate

#endif
