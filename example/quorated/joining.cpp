#include "joining.hpp"

#include <quorate/net/peer_address.hpp>
#include <quorate/net/tcp_discovery.hpp>
#include <quorate/server/joining.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "encryption.hpp"

namespace quorated {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds answer_limit{2000};
/// First members are started at about the same time: most of them are not there yet.
constexpr std::chrono::milliseconds short_answer_limit{500};
constexpr std::chrono::milliseconds pause_between_rounds{200};
constexpr std::chrono::seconds patience_with_silence{5};
/// A member that follows may not know yet what its leader has acknowledged.
constexpr std::chrono::seconds patience_with_refusals{2};

std::vector<std::string> urls_of_others(const serve_options& told) {
    std::vector<std::string> urls;
    for (const initial_member& one : told.initial_cluster) {
        if (one.name != told.name) {
            urls.insert(urls.end(), one.peer_urls.begin(), one.peer_urls.end());
        }
    }
    return urls;
}

quorate::newcomer newcomer_of(const serve_options& told) {
    quorate::newcomer who;
    who.peer_urls = told.advertise_peer_urls;
    for (const initial_member& one : told.initial_cluster) {
        who.expected.emplace_back(quorate::node_id(), one.peer_urls, one.name);
    }
    who.id = told.identified ? told.id : quorate::node_id();
    return who;
}

/// Returns: what encrypts questions; null where nothing does, or why not stands in `problem`.
std::shared_ptr<quorate::secure_layer> security_of(const serve_options& told,
                                                   std::string& problem) {
    return told.peer_tls.cert_file.empty() ? nullptr : open_encryption(told.peer_tls, {}, problem);
}

struct answer {
    quorate::cluster_id cluster;
    quorate::member_table members;
};

/// Returns: what the member at that URL says; nothing, and why in `silence`, if it says nothing.
std::optional<answer> ask(const std::string& url, std::chrono::milliseconds limit,
                          quorate::secure_layer* security, std::string& silence) {
    quorate::error_code why = quorate::errc::invalid_option;
    if (const auto address = quorate::parse_peer_url(url)) {
        const auto group = quorate::discover_members(*address, limit, security);
        if (group) {
            if (auto members = quorate::member_table::decode(group->members.view())) {
                return answer{group->cluster, std::move(*members)};
            }
        }
        why = group ? quorate::make_error_code(quorate::errc::corrupt) : group.error();
    }
    silence.append(silence.empty() ? "" : "; ").append(url + ": " + why.message());
    return std::nullopt;
}

void adopt(const answer& heard, quorate::node_id self, serve_options& told) {
    told.id = self;
    told.cluster = heard.cluster;
    told.initial_cluster.clear();
    for (const quorate::member_info& m : heard.members) {
        told.initial_cluster.push_back({m.id, m.name, m.peer_urls});
    }
}

/// Returns: whether somebody took this member in; else `silence` and `refusal` say why not.
bool ask_all(serve_options& told, const std::vector<std::string>& urls,
             quorate::secure_layer* security, std::string& silence, std::string& refusal) {
    const quorate::newcomer who = newcomer_of(told);
    for (const std::string& url : urls) {
        const std::optional<answer> heard = ask(url, answer_limit, security, silence);
        if (!heard) {
            continue;
        }
        quorate::joining joined = quorate::match_newcomer(who, heard->members);
        if (joined.problem.empty() && told.cluster && told.cluster != heard->cluster) {
            joined.problem = "the data directory is that of another cluster";
        }
        if (joined.problem.empty()) {
            adopt(*heard, joined.id, told);
            return true;
        }
        refusal = joined.problem + " (says " + url + ")";
    }
    return false;
}

} // namespace

std::string join_cluster(serve_options& told) {
    const std::vector<std::string> urls = urls_of_others(told);
    if (urls.empty()) {
        return "--initial-cluster: names no other member that could be asked about the cluster";
    }
    std::string problem;
    const auto security = security_of(told, problem);
    if (!problem.empty()) {
        return problem;
    }
    const clock::time_point began = clock::now();
    for (;;) {
        std::string silence;
        std::string refusal;
        if (ask_all(told, urls, security.get(), silence, refusal)) {
            return "";
        }
        const auto waited = clock::now() - began;
        if (!refusal.empty() && waited >= patience_with_refusals) {
            return "cannot join the cluster: " + refusal;
        }
        if (waited >= patience_with_silence) {
            return "cannot fetch cluster info from peer urls: " + silence;
        }
        std::this_thread::sleep_for(pause_between_rounds);
    }
}

std::string why_not_begin(const serve_options& told) {
    std::string useless; // whoever begins says so soon
    const auto security = security_of(told, useless);
    for (const std::string& url : urls_of_others(told)) {
        std::string silence;
        const std::optional<answer> heard = ask(url, short_answer_limit, security.get(), silence);
        if (heard && heard->cluster == told.cluster) {
            const std::string problem = quorate::problem_of_return(told.id, heard->members);
            // Each is asked: one that has just begun, too, knows less than one that has data.
            if (!problem.empty()) {
                return "cannot begin: " + problem + " (says " + url + ")";
            }
        }
    }
    return "";
}

} // namespace quorated
