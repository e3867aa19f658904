// The ids of members and of a cluster: computed from their URLs as etcd does, or found on the disk.
#ifndef QUORATED_MEMBER_IDENTITY_HPP
#define QUORATED_MEMBER_IDENTITY_HPP

#include <quorate/base/ids.hpp>
#include <quorate/log/data_directory.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorated {

/// Returns: the first 8 bytes, big-endian, of the SHA-1 of the sorted URLs and the token, one after
/// the other; what etcd gives to a member that is there from the start.
[[nodiscard]] quorate::node_id member_id_of(std::vector<std::string> peer_urls,
                                            std::string_view token);
/// Returns: the same of the members' sorted ids, 8 bytes big-endian each.
[[nodiscard]] quorate::cluster_id cluster_id_of(std::vector<quorate::node_id> members);

/// Returns: whose data a directory holds; nothing for one that is new, or that does not say: then
/// whoever opens it will.
[[nodiscard]] std::optional<quorate::data_identity> identity_in(
    const std::filesystem::path& data_directory);

/// Returns: whether its member has begun, or was sent what the others have: either comes with a
/// snapshot.
[[nodiscard]] bool holds_snapshot(const std::filesystem::path& data_directory);

} // namespace quorated

#endif
