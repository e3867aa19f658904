// Conformance of a meta_store: the value that was saved last, and no other.
// Flow:       none
// In / Out:   a model type, options → a report
// Invariants: what a finished save made durable is there after opening again
// Source:     doc/concept/meta_store.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_META_STORE_HPP
#define QUORATE_TESTING_CONFORMANCE_META_STORE_HPP

#include <quorate/log/meta_store.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate::testing {

/// One run. `options` name an empty directory, for models that use one, and a limit of at least
/// one byte. `durable` says whether the model is to remember anything.
template <meta_store Meta>
class meta_store_suite {
public:
    meta_store_suite(meta_options options, bool durable)
        : options_(std::move(options)), durable_(durable) {}

    [[nodiscard]] conformance_report run() {
        reopen();
        if (store_ == nullptr) {
            return report_;
        }
        expect_value(std::nullopt, "there is no value at first");
        for (int i = 0; i < 256; ++i) {
            check_save(std::string(1, static_cast<char>(i)));
        }
        check_save("");
        check_save(std::string(static_cast<std::size_t>(options_.max_bytes), 'm'));
        check_limit();
        return report_;
    }

private:
    void reopen() {
        store_.reset();
        result<std::unique_ptr<Meta>> opened = Meta::open(options_);
        if (report_.expect(opened.has_value(), "the store opens")) {
            store_ = std::move(*opened);
        }
    }

    void expect_value(const std::optional<std::string>& want, const char* what) {
        const result<std::optional<std::string>> got = store_->load();
        report_.expect(got.has_value(), "the value can be loaded") &&
            report_.expect(*got == want, what);
    }

    void check_save(const std::string& value) {
        report_.expect(!store_->save(value), "a value can be saved");
        expect_value(value, "it is the one that was saved last");
        if (durable_) {
            reopen();
            expect_value(value, "and after opening again too");
        }
    }

    void check_limit() {
        check_save("x");
        const std::string large(static_cast<std::size_t>(options_.max_bytes) + 1, 'l');
        report_.expect(store_->save(large) == errc::too_large, "a value over the limit is refused");
        expect_value("x", "and the one before stays");
    }

    meta_options options_;
    bool durable_;
    conformance_report report_;
    std::unique_ptr<Meta> store_;
};

} // namespace quorate::testing

#endif
