// Values by spans of keys: which spans hold a key?
// Flow:       beside 12; finds those who watch a key
// In / Out:   key span → its value; key → the values of all spans that hold it
// Invariants: a span is there once; the tree is balanced by height, and each node knows the
//             furthest end below it
// Source:     AVL tree of intervals (Knuth 6.2.3; Cormen et al., 14.3), and a table for single keys
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_INTERVAL_MAP_HPP
#define QUORATE_STORE_INTERVAL_MAP_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/command/key_span.hpp>
#include <quorate/store/ordered_index.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace quorate {

/// A span with its bytes, in one block that copies share; as large as a pointer.
/// Threads: copies must not be used by two at a time, unlike shared_bytes.
class owned_span {
public:
    owned_span() noexcept = default;
    /// Requires: each key is shorter than 4 GiB. Copies both.
    explicit owned_span(const key_span& span) : block_(block::make(span)) {}

    /// Requires: made of a span. Lifetime: of the views, that of this one or any copy.
    [[nodiscard]] key_span view() const noexcept {
        const auto* bytes = reinterpret_cast<const char*>(block_.get() + 1);
        return {block_->kind, {bytes, block_->first}, {bytes + block_->first, block_->end}};
    }

private:
    /// The bytes of both keys follow it.
    struct block {
        std::uint32_t references = 0;
        std::uint32_t first = 0;
        std::uint32_t end = 0;
        key_span::shape kind{};

        static block* make(const key_span& span) {
            const byte_view end = span.kind == key_span::shape::before ? span.end : byte_view();
            QUORATE_ASSERT(span.first.size() <= UINT32_MAX && end.size() <= UINT32_MAX);
            void* place = ::operator new(sizeof(block) + span.first.size() + end.size());
            auto* made = ::new (place) block;
            made->first = static_cast<std::uint32_t>(span.first.size());
            made->end = static_cast<std::uint32_t>(end.size());
            made->kind = span.kind;
            auto* bytes = reinterpret_cast<char*>(made + 1);
            std::copy(end.begin(), end.end(),
                      std::copy(span.first.begin(), span.first.end(), bytes));
            return made;
        }
        friend void intrusive_ptr_add_ref(block* b) noexcept { ++b->references; }
        friend void intrusive_ptr_release(block* b) noexcept {
            if (--b->references == 0) {
                ::operator delete(b);
            }
        }
    };
    boost::intrusive_ptr<block> block_;
};

/// One value for each span. Entries do not move.
///
/// Complexity: a span of one key is found in constant time, any other in logarithmic time. The
/// spans that hold a key are found in time logarithmic in the spans that are ranges, for each one
/// found; spans that do not hold it cost nothing else.
template <class Value, class KeyHash = fixed_key_hash>
class interval_map {
public:
    /// A span and its value.
    class entry {
    public:
        [[nodiscard]] key_span span() const noexcept { return span_.view(); }
        Value value{};

    private:
        friend class interval_map;
        explicit entry(owned_span span) : span_(std::move(span)) {}
        owned_span span_;
    };

    interval_map() = default;
    interval_map(const interval_map&) = delete;
    interval_map& operator=(const interval_map&) = delete;
    ~interval_map() {
        for (entry* one : singles_) {
            delete one;
        }
        destroy(root_);
    }

    /// Returns: the entry of exactly this span; a new one when there was none.
    /// Requires: the span is not empty.
    entry& insert(const owned_span& span) {
        const key_span wanted = span.view();
        if (wanted.kind != key_span::shape::one) {
            QUORATE_ASSERT(wanted.kind == key_span::shape::rest || wanted.first < wanted.end);
            entry* found = nullptr;
            root_ = insert(root_, span, wanted, found);
            return *found;
        }
        if (const auto known = singles_.find(wanted.first); known != singles_.end()) {
            return **known;
        }
        return **singles_.insert(new entry(span)).first;
    }

    /// Effects: removes an entry of this map; references to it end.
    void erase(entry& gone) {
        const key_span span = gone.span();
        if (span.kind == key_span::shape::one) {
            const std::size_t erased = singles_.erase(span.first);
            QUORATE_ASSERT(erased == 1);
            delete &gone;
            return;
        }
        root_ = erase(root_, span);
        QUORATE_AUDIT(sound(root_));
    }

    /// Effects: calls `visit(entry)` for each span that holds the key, in an order that depends on
    /// the spans only. Requires: the visitor neither inserts nor erases.
    template <class Visit>
    void visit(byte_view key, Visit&& visit) {
        if (!singles_.empty()) {
            if (const auto known = singles_.find(key); known != singles_.end()) {
                visit(**known);
            }
        }
        visit_holding(root_, key, visit);
    }

    /// Returns: how many spans there are.
    [[nodiscard]] std::size_t size() const noexcept { return singles_.size() + ranges_; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// Returns: the longest path of the tree, for tests: below 1.45 times the logarithm.
    [[nodiscard]] int height() const noexcept { return height_of(root_); }

private:
    struct node : entry {
        explicit node(owned_span span) : entry(std::move(span)) {}
        node* left = nullptr;
        node* right = nullptr;
        const node* furthest = this; ///< Whose span ends last, of this one and those below.
        int height = 1;
    };
    struct hash_first {
        using is_transparent = void;
        std::size_t operator()(byte_view key) const noexcept { return KeyHash()(key); }
        std::size_t operator()(const entry* one) const noexcept {
            return KeyHash()(one->span().first);
        }
    };
    struct same_first {
        using is_transparent = void;
        bool operator()(byte_view a, const entry* b) const noexcept { return a == b->span().first; }
        bool operator()(const entry* a, byte_view b) const noexcept { return a->span().first == b; }
        bool operator()(const entry* a, const entry* b) const noexcept { return a == b; }
    };

    static void destroy(node* top) noexcept {
        if (top != nullptr) {
            destroy(top->left);
            destroy(top->right);
            delete top;
        }
    }
    static int height_of(const node* top) noexcept { return top == nullptr ? 0 : top->height; }

    /// Returns: whether `a` ends before `b` does.
    static bool ends_before(const key_span& a, const key_span& b) noexcept {
        if (a.kind == key_span::shape::rest) {
            return false;
        }
        return b.kind == key_span::shape::rest || a.end < b.end;
    }
    /// The order of the tree: by the first key, then by the end. Negative, zero or positive.
    static int compare(const key_span& a, const key_span& b) noexcept {
        if (const int order = a.first.compare(b.first); order != 0) {
            return order;
        }
        return ends_before(a, b) ? -1 : ends_before(b, a) ? 1 : 0;
    }

    static void update(node* top) noexcept {
        top->height = 1 + std::max(height_of(top->left), height_of(top->right));
        top->furthest = top;
        for (const node* below : {top->left, top->right}) {
            if (below != nullptr && ends_before(top->furthest->span(), below->furthest->span())) {
                top->furthest = below->furthest;
            }
        }
    }
    static node* rotate_left(node* top) noexcept {
        node* raised = std::exchange(top->right, top->right->left);
        raised->left = top;
        update(top);
        update(raised);
        return raised;
    }
    static node* rotate_right(node* top) noexcept {
        node* raised = std::exchange(top->left, top->left->right);
        raised->right = top;
        update(top);
        update(raised);
        return raised;
    }
    /// Returns: the top of a subtree of the same nodes, balanced, after one of its halves changed
    /// its height by at most one.
    static node* balance(node* top) noexcept {
        update(top);
        const int lean = height_of(top->left) - height_of(top->right);
        if (lean > 1) {
            if (height_of(top->left->left) < height_of(top->left->right)) {
                top->left = rotate_left(top->left);
            }
            return rotate_right(top);
        }
        if (lean < -1) {
            if (height_of(top->right->right) < height_of(top->right->left)) {
                top->right = rotate_right(top->right);
            }
            return rotate_left(top);
        }
        return top;
    }

    node* insert(node* top, const owned_span& span, const key_span& wanted, entry*& found) {
        if (top == nullptr) {
            node* fresh = new node(span);
            found = fresh;
            ++ranges_;
            return fresh;
        }
        const int order = compare(wanted, top->span());
        if (order == 0) {
            found = top;
            return top;
        }
        node*& half = order < 0 ? top->left : top->right;
        half = insert(half, span, wanted, found);
        return balance(top);
    }
    /// Effects: takes the first node of a subtree out. Returns: what is left of it.
    static node* take_first(node* top, node*& first) noexcept {
        if (top->left == nullptr) {
            first = top;
            return top->right;
        }
        top->left = take_first(top->left, first);
        return balance(top);
    }
    node* erase(node* top, const key_span& gone) noexcept {
        QUORATE_ASSERT(top != nullptr);
        const int order = compare(gone, top->span());
        if (order != 0) {
            node*& half = order < 0 ? top->left : top->right;
            half = erase(half, gone);
            return balance(top);
        }
        node* next = top->left;
        if (top->right != nullptr) {
            node* right = take_first(top->right, next);
            next->left = top->left;
            next->right = right;
        }
        delete top;
        --ranges_;
        return next == nullptr ? nullptr : balance(next);
    }

    template <class Visit>
    static void visit_holding(node* top, byte_view key, Visit& visit) {
        while (top != nullptr && top->furthest->span().reaches(key)) {
            visit_holding(top->left, key, visit);
            const key_span span = top->span();
            if (key < span.first) {
                return; // All to the right begin later still.
            }
            if (span.reaches(key)) {
                visit(static_cast<entry&>(*top));
            }
            top = top->right;
        }
    }
    /// Returns: whether heights, order and ends are right.
    static bool sound(const node* top) noexcept {
        if (top == nullptr) {
            return true;
        }
        const node* l = top->left;
        const node* r = top->right;
        bool right = sound(l) && sound(r) && std::abs(height_of(l) - height_of(r)) <= 1;
        right = right && top->height == 1 + std::max(height_of(l), height_of(r));
        right = right && !ends_before(top->furthest->span(), top->span());
        for (const node* below : {l, r}) {
            if (below != nullptr) {
                right = right && !ends_before(top->furthest->span(), below->furthest->span());
                right = right && (compare(below->span(), top->span()) < 0) == (below == l);
            }
        }
        return right;
    }

    boost::unordered_flat_set<entry*, hash_first, same_first> singles_;
    node* root_ = nullptr;
    std::size_t ranges_ = 0;
};

} // namespace quorate

#endif
