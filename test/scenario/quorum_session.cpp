// Scripts about quorums: what is committed, who has won. Also checks that other ways to compute
// the same give the same.
#include <quorate/consensus/quorum.hpp>

#include <algorithm>
#include <map>
#include <optional>

#include "printers.hpp"
#include "session.hpp"

namespace quorate::scenario {
namespace {

// Zero stands for "no information"; scripts may not name it as a number.
using inputs = std::map<node_id, std::uint64_t>;

constexpr std::uint64_t vote_no = 1;
constexpr std::uint64_t vote_yes = 2;

struct quorum_question {
    membership members;
    bool joint = false;
    std::vector<node_id> order; // distinct, as they first appear
    std::vector<std::uint64_t> values;
    std::vector<std::string> values_text;
};

std::uint64_t to_index(const std::string& text) {
    const std::uint64_t index = text == "_" ? 0 : to_number(text);
    if (text != "_" && index == 0) {
        throw script_error("cannot use 0 as idx");
    }
    return index;
}

std::uint64_t to_vote(const std::string& text) {
    if (text == "_") {
        return 0;
    }
    if (text != "y" && text != "n") {
        throw script_error("unknown vote: " + text);
    }
    return text == "y" ? vote_yes : vote_no;
}

void read_argument(const argument& arg, quorum_question& question, std::vector<node_id>& incoming,
                   std::vector<node_id>& outgoing) {
    question.joint = question.joint || arg.key == "cfgj";
    for (const std::string& value : arg.values) {
        if (arg.key == "cfg") {
            incoming.emplace_back(to_number(value));
        } else if (arg.key == "cfgj" && value == "zero") {
            if (arg.values.size() != 1) {
                throw script_error("cannot mix 'zero' into configuration");
            }
        } else if (arg.key == "cfgj") {
            outgoing.emplace_back(to_number(value));
        } else if (arg.key == "idx") {
            question.values.push_back(to_index(value));
            question.values_text.push_back(value);
        } else if (arg.key == "votes") {
            question.values.push_back(to_vote(value));
            question.values_text.push_back(value);
        } else {
            throw script_error("unknown arg " + arg.key);
        }
    }
}

membership halves(const id_set& incoming, const id_set& outgoing) {
    membership members;
    members.voters = incoming;
    members.outgoing = outgoing;
    return members;
}

quorum_question read_question(const script_case& directive) {
    quorum_question question;
    std::vector<node_id> incoming;
    std::vector<node_id> outgoing;
    for (const argument& arg : directive.arguments) {
        read_argument(arg, question, incoming, outgoing);
    }
    incoming.insert(incoming.end(), outgoing.begin(), outgoing.end());
    const auto outgoing_begin = incoming.size() - outgoing.size();
    id_set seen;
    for (std::size_t i = 0; i < incoming.size(); ++i) {
        (i < outgoing_begin ? question.members.voters : question.members.outgoing)
            .insert(incoming[i]);
        if (seen.insert(incoming[i])) {
            question.order.push_back(incoming[i]);
        }
    }
    return question;
}

std::string mismatch(const quorum_question& question) {
    std::string text = "error: mismatched input (explicit or _) for voters map[";
    const char* blank = "";
    for (node_id id : question.members.all_voters()) {
        text += blank + std::to_string(id.value()) + ":{}";
        blank = " ";
    }
    text += "]: [";
    blank = "";
    for (const std::string& value : question.values_text) {
        text += blank + value;
        blank = " ";
    }
    return text + "]";
}

log_index committed(const membership& members, const inputs& acked) {
    return committed_index(members, [&](node_id id) -> std::optional<log_index> {
        const auto place = acked.find(id);
        return place == acked.end() ? std::nullopt : std::optional(log_index{place->second});
    });
}

/// The definition, word for word: the largest index that a majority holds.
log_index committed_by_counting(const id_set& voters, const inputs& acked) {
    log_index best = voters.empty() ? log_index_max : log_index{};
    for (const auto& [candidate, index] : acked) {
        const auto holds = [&, least = index](node_id id) {
            const auto place = acked.find(id);
            return place != acked.end() && place->second >= least;
        };
        const auto count = std::count_if(voters.begin(), voters.end(), holds);
        if (static_cast<std::size_t>(count) > voters.size() / 2) {
            best = std::max(best, log_index{index});
        }
    }
    return best;
}

std::string describe_index(log_index index) {
    return index == log_index_max ? "∞" : std::to_string(index.value());
}

std::string describe_bar(const std::vector<node_id>& by_index, const inputs& acked, node_id id) {
    const auto value = [&](node_id of) {
        const auto place = acked.find(of);
        return place == acked.end() ? std::uint64_t{0} : place->second;
    };
    if (!acked.contains(id)) {
        return "?" + std::string(by_index.size(), ' ');
    }
    std::size_t bar = 0;
    for (std::size_t k = 1; k < by_index.size(); ++k) {
        bar = value(by_index[k]) > value(by_index[k - 1]) ? k : bar;
        if (by_index[k] == id) {
            break;
        }
    }
    bar = by_index.front() == id ? 0 : bar;
    return std::string(bar, 'x') + ">" + std::string(by_index.size() - bar, ' ');
}

std::string describe_progress(const id_set& voters, const inputs& acked) {
    if (voters.empty()) {
        return "<empty majority quorum>";
    }
    std::vector<node_id> by_index(voters.begin(), voters.end());
    const auto value = [&](node_id id) {
        const auto place = acked.find(id);
        return place == acked.end() ? std::uint64_t{0} : place->second;
    };
    std::stable_sort(by_index.begin(), by_index.end(),
                     [&](node_id a, node_id b) { return value(a) < value(b); });
    std::string text(voters.size() + 4, ' ');
    text += "idx\n";
    for (node_id id : voters) {
        const std::string index = std::to_string(value(id));
        text += describe_bar(by_index, acked, id) + " ";
        text += std::string(index.size() < 5 ? 5 - index.size() : 0, ' ') + index;
        text += "    (id=" + hex(id) + ")\n";
    }
    return text;
}

/// Collects results that should have been equal and are not.
class cross_check {
public:
    template <class Result>
    void expect(const Result& expected, const Result& found, const std::string& shown,
                const std::string& how) {
        if (expected != found) {
            text_ += shown + " <-- " + how + "\n";
        }
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

void check_lowered(const membership& members, const inputs& acked, log_index index,
                   cross_check& cross) {
    for (const auto& [id, at] : acked) {
        if (index <= log_index{at}) {
            continue;
        }
        // Below the committed index already: lowering it further must change nothing.
        for (std::uint64_t lower : {at - 1, std::uint64_t{0}}) {
            inputs changed = acked;
            changed[id] = lower;
            const log_index found = committed(members, changed);
            cross.expect(index, found, describe_index(found),
                         "overlaying " + std::to_string(id.value()) + "->" + std::to_string(lower));
        }
    }
}

std::string check_committed(const quorum_question& question, const inputs& acked, log_index index) {
    const membership& members = question.members;
    cross_check cross;
    const auto expect = [&](log_index found, const char* how) {
        cross.expect(index, found, describe_index(found), how);
    };
    expect(std::min(committed_by_counting(members.voters, acked),
                    committed_by_counting(members.outgoing, acked)),
           "via alternative computation");
    expect(committed(halves(members.outgoing, members.voters), acked), "via symmetry");
    if (!question.joint) {
        expect(committed_index(members.voters,
                               [&](node_id id) -> std::optional<log_index> {
                                   return acked.contains(id)
                                              ? std::optional(log_index{acked.at(id)})
                                              : std::nullopt;
                               }),
               "via zero-joint quorum");
        expect(committed(halves(members.voters, members.voters), acked), "via self-joint quorum");
        check_lowered(members, acked, index, cross);
    }
    return cross.text();
}

std::string run_committed(const quorum_question& question, const inputs& acked) {
    const log_index index = committed(question.members, acked);
    return describe_progress(question.members.all_voters(), acked) +
           check_committed(question, acked, index) + describe_index(index) + "\n";
}

vote_result count_votes(const membership& members, const inputs& votes) {
    return tally(members, [&](node_id id) -> std::optional<bool> {
        const auto place = votes.find(id);
        return place == votes.end() ? std::nullopt : std::optional(place->second == vote_yes);
    });
}

std::string run_vote(const quorum_question& question, const inputs& votes) {
    const membership& members = question.members;
    const vote_result outcome = count_votes(members, votes);
    cross_check cross;
    const auto expect = [&](const membership& other, const char* how) {
        const vote_result found = count_votes(other, votes);
        cross.expect(outcome, found, std::string(name_of(found)), how);
    };
    expect(halves(members.outgoing, members.voters), "via symmetry");
    if (!question.joint) {
        expect(halves(members.voters, members.voters), "via self-joint quorum");
    }
    return cross.text() + std::string(name_of(outcome)) + "\n";
}

class quorum_session final : public session {
public:
    std::string run(const script_case& directive) override {
        if (!is_quorum_command(directive.command)) {
            throw script_error("unknown command: " + directive.command);
        }
        const quorum_question question = read_question(directive);
        if (question.order.size() != question.values.size()) {
            return mismatch(question);
        }
        inputs known;
        for (std::size_t i = 0; i < question.order.size(); ++i) {
            if (question.values[i] != 0) {
                known[question.order[i]] = question.values[i];
            }
        }
        return directive.command == "vote" ? run_vote(question, known)
                                           : run_committed(question, known);
    }
};

} // namespace

bool is_quorum_command(std::string_view command) noexcept {
    return command == "committed" || command == "vote";
}

std::unique_ptr<session> make_quorum_session() {
    return std::make_unique<quorum_session>();
}

} // namespace quorate::scenario
