#include "member_identity.hpp"

#include <boost/uuid/detail/sha1.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <system_error>

namespace quorated {
namespace {

/// Returns: never zero, which no member and no cluster may have.
std::uint64_t first_bytes_of_digest(std::string_view bytes) {
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(bytes.data(), bytes.size());
    boost::uuids::detail::sha1::digest_type words{};
    hash.get_digest(words);
    const std::uint64_t id = (std::uint64_t{words[0]} << 32) | words[1];
    return id == 0 ? 1 : id;
}

} // namespace

quorate::node_id member_id_of(std::vector<std::string> peer_urls, std::string_view token) {
    std::sort(peer_urls.begin(), peer_urls.end());
    std::string bytes;
    for (const std::string& url : peer_urls) {
        bytes += url;
    }
    return quorate::node_id(first_bytes_of_digest(bytes.append(token)));
}

quorate::cluster_id cluster_id_of(std::vector<quorate::node_id> members) {
    std::sort(members.begin(), members.end());
    std::string bytes;
    for (const quorate::node_id id : members) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes += static_cast<char>((id.value() >> shift) & 0xff);
        }
    }
    return quorate::cluster_id(first_bytes_of_digest(bytes));
}

std::optional<quorate::data_identity> identity_in(const std::filesystem::path& data_directory) {
    std::ifstream file(data_directory / "identity", std::ios::binary);
    std::string bytes(64, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    const auto identity = quorate::decode_identity(bytes);
    return identity ? std::optional(*identity) : std::nullopt;
}

bool holds_snapshot(const std::filesystem::path& data_directory) {
    std::error_code failed;
    for (std::filesystem::directory_iterator one(data_directory / "snap", failed), end;
         !failed && one != end; one.increment(failed)) {
        if (one->path().extension() == ".snap") {
            return true;
        }
    }
    return false;
}

} // namespace quorated
