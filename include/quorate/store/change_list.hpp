// The changes of one key, small: sixteen bytes while there is one, a block of their own when more.
// Flow:       12. command → revision; what store/key_history.hpp is made of
// In / Out:   changes in order → the same, by number
// Invariants: a lone change that began its life lies in place; all else lies in a block, with where
//             the life of its first change began
// Source:     most keys of most stores are put once between two compactions
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_CHANGE_LIST_HPP
#define QUORATE_STORE_CHANGE_LIST_HPP

#include <quorate/base/assert.hpp>
#include <quorate/store/revision.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace quorate {

/// One change of a key.
struct key_change {
    std::uint64_t main;
    std::uint32_t sub;
    bool tombstone;
    std::uint64_t version; ///< Which change of its life, from one; tombstones count.

    [[nodiscard]] revision at() const noexcept { return {main, sub}; }
};

/// Changes in order, and where the life of the first of them began.
/// Complexity: `push_back` constant, amortised; `forget` linear in what it forgets, amortised; all
/// else constant.
class change_list {
public:
    change_list() = default;
    /// A list of one.
    change_list(const key_change& only, revision created) {
        if (only.version == 1 && only.at() == created) {
            keep_in_place(only);
            return;
        }
        adopt(allocate(1));
        at_.many->set_created(created);
        at_.many->begin()[at_.many->size++] = only;
    }
    change_list(const change_list& other) {
        if (other.form_ == form::many) {
            adopt(other.copied(other.size()));
        } else if (!other.empty()) {
            keep_in_place(other[0]);
        }
    }
    change_list(change_list&& other) noexcept { swap(other); }
    // Not one operator by value: see shared_bytes.
    change_list& operator=(const change_list& other) {
        change_list(other).swap(*this);
        return *this;
    }
    change_list& operator=(change_list&& other) noexcept {
        change_list(std::move(other)).swap(*this);
        return *this;
    }
    ~change_list() { clear(); }

    void swap(change_list& other) noexcept {
        std::swap(at_, other.at_);
        std::swap(sub_, other.sub_);
        std::swap(form_, other.form_);
    }

    [[nodiscard]] bool empty() const noexcept { return form_ == form::empty; }
    [[nodiscard]] std::size_t size() const noexcept {
        return form_ == form::many ? at_.many->size : form_ == form::empty ? 0 : 1;
    }
    /// Requires: there are more than `i`.
    [[nodiscard]] key_change operator[](std::size_t i) const noexcept {
        if (form_ == form::many) {
            return at_.many->begin()[i];
        }
        return {at_.main, sub_, form_ == form::tombstone, 1};
    }
    /// Requires: not empty.
    [[nodiscard]] key_change back() const noexcept { return (*this)[size() - 1]; }
    /// Returns: where the life of the first change began. Requires: not empty.
    [[nodiscard]] revision created() const noexcept {
        return form_ == form::many ? at_.many->created() : revision{at_.main, sub_};
    }
    /// Returns: how many changes there are up to and including the write `main`.
    /// Complexity: logarithmic; constant when that is all of them.
    [[nodiscard]] std::size_t upto(std::uint64_t main) const noexcept {
        if (empty() || back().main <= main) {
            return size();
        }
        if (form_ != form::many) {
            return 0;
        }
        const auto later = [](std::uint64_t m, const key_change& c) noexcept { return m < c.main; };
        const key_change* first = at_.many->begin();
        const key_change* found = std::upper_bound(first, first + at_.many->size, main, later);
        return static_cast<std::size_t>(found - first);
    }

    /// Requires: it is later than the last, and the first one of an empty list begins its life.
    void push_back(const key_change& next) {
        if (empty()) {
            QUORATE_ASSERT(next.version == 1);
            keep_in_place(next);
            return;
        }
        if (form_ != form::many || at_.many->full()) {
            replace(copied(2 * size()));
        }
        at_.many->begin()[at_.many->size++] = next;
    }
    /// Effects: drops the first `count`; `created`: where the life of the first one left began.
    /// Requires: 0 < count <= size().
    void forget(std::size_t count, revision created) {
        const std::size_t left = size() - count;
        if (left == 0) {
            clear();
            return;
        }
        // A busy key may be forgotten change by change: what is left stays where it is.
        block& from = *at_.many;
        from.forgotten += static_cast<std::uint32_t>(count);
        from.size = static_cast<std::uint32_t>(left);
        from.set_created(created);
        const key_change only = from.begin()[0];
        if (left == 1 && only.version == 1 && only.at() == created) {
            clear();
            keep_in_place(only);
        } else if (from.capacity / 4 > left) {
            replace(copied(left)); // A key that was busy once must not stay large for ever.
        }
    }

private:
    /// The changes follow it, behind the places of those that are forgotten.
    struct block {
        std::uint64_t created_main = 0;
        std::uint32_t created_sub = 0;
        std::uint32_t forgotten = 0;
        std::uint32_t size = 0;
        std::uint32_t capacity = 0;

        [[nodiscard]] key_change* begin() noexcept {
            return reinterpret_cast<key_change*>(this + 1) + forgotten;
        }
        [[nodiscard]] bool full() const noexcept { return forgotten + size == capacity; }
        [[nodiscard]] revision created() const noexcept { return {created_main, created_sub}; }
        void set_created(revision at) noexcept {
            created_main = at.main;
            created_sub = at.sub;
        }
    };
    static_assert(sizeof(block) % alignof(key_change) == 0);
    static_assert(sizeof(block) == 24);

    enum class form : std::uint32_t {
        empty,
        put,       ///< A lone change, in place.
        tombstone, ///< The same, a deletion.
        many,
    };

    [[nodiscard]] static block* allocate(std::size_t capacity) {
        QUORATE_ASSERT(capacity <= UINT32_MAX);
        void* place = ::operator new(sizeof(block) + capacity * sizeof(key_change));
        auto* made = ::new (place) block;
        made->capacity = static_cast<std::uint32_t>(capacity);
        return made;
    }
    void keep_in_place(const key_change& only) noexcept {
        at_.main = only.main;
        sub_ = only.sub;
        form_ = only.tombstone ? form::tombstone : form::put;
    }
    void adopt(block* fresh) noexcept {
        at_.many = fresh;
        form_ = form::many;
    }
    /// Returns: a block with room for `capacity` changes, and with these. Requires: not empty.
    [[nodiscard]] block* copied(std::size_t capacity) const {
        block* fresh = allocate(capacity);
        fresh->set_created(created());
        for (std::size_t i = 0; i < size(); ++i) {
            fresh->begin()[fresh->size++] = (*this)[i];
        }
        return fresh;
    }
    void replace(block* fresh) noexcept {
        clear();
        adopt(fresh);
    }
    void clear() noexcept {
        if (form_ == form::many) {
            ::operator delete(at_.many);
        }
        form_ = form::empty;
    }

    union {
        std::uint64_t main = 0;
        block* many;
    } at_;
    std::uint32_t sub_ = 0;
    form form_ = form::empty;
};

} // namespace quorate

#endif
