// The requests of both interfaces, made by filling in prepared ones, and what their answers mean.
#ifndef QUORATE_LOAD_PROTOCOL_HPP
#define QUORATE_LOAD_PROTOCOL_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "options.hpp"
#include "stamped_value.hpp"

namespace quorate_load {

enum class request_kind { put, get };

/// Key, value and length of the body are as long in one request as in the next, so that only the
/// key and the end of the value are made anew; what stands around them is prepared.
class request_maker {
public:
    explicit request_maker(const options& chosen);

    void append_put(std::uint64_t key, const stamp& its, std::string& out) const;
    void append_get(std::uint64_t key, std::string& out) const;
    /// Returns: a slash and the number, in --key-size characters.
    [[nodiscard]] std::string key_text(std::uint64_t key) const;

private:
    struct parts {
        std::string head;   ///< up to the key
        std::string middle; ///< from the key to the end of the value
        std::string tail;
    };

    void prepare_kvstore(const std::string& fields);
    void prepare_json(const std::string& fields, bool serializable);
    void append_key(std::uint64_t key, std::string& out) const;

    api api_;
    std::size_t key_size_;
    value_maker values_;
    parts put_;
    parts get_;
    std::string unaligned_; ///< the end of the filler that makes no whole group of base64
};

enum class answer_kind {
    done,    ///< a PUT that was acknowledged
    found,   ///< a GET with a value
    absent,  ///< a GET of a key that is not there
    refused, ///< another status than those
    malformed
};

/// Effects: after `found`, `value` refers to the value, in `body` or in `storage`.
[[nodiscard]] answer_kind read_answer(api spoken, request_kind asked, unsigned status,
                                      std::string_view body, std::string& storage,
                                      std::string_view& value);

} // namespace quorate_load

#endif
