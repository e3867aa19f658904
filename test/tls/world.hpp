// An authority in a directory of its own, and options that name its files.
#ifndef QUORATE_TEST_TLS_WORLD_HPP
#define QUORATE_TEST_TLS_WORLD_HPP

#include <quorate/tls/layer.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "../scratch_directory.hpp"
#include "authority.hpp"

namespace quorate::tls::test {

/// An authority, what it issued to a server, and options that name the files.
struct world {
    world() : ca("the authority") {
        ca.save(at("ca.pem"));
        serial = ca.issue(at("server"), {.common_name = "server", .hostname = "localhost"});
    }
    [[nodiscard]] std::string at(const std::string& name) const {
        return (files.path() / name).string();
    }
    [[nodiscard]] options plain() const {
        return {.certificate_file = at("server.pem"),
                .key_file = at("server.key"),
                .reload_interval = std::chrono::milliseconds(0)};
    }
    [[nodiscard]] options mutual() const {
        options o = plain();
        o.trusted_ca_file = at("ca.pem");
        o.client_cert_auth = true;
        return o;
    }
    /// Returns: the path of a client's certificate and key.
    std::string client(const wish& w) {
        ca.issue(at("client-" + w.common_name), w);
        return at("client-" + w.common_name);
    }

    quorate_test::scratch_directory files;
    authority ca;
    long serial = 0;
};

inline std::shared_ptr<layer> opened(const options& o) {
    auto made = std::make_shared<layer>(o);
    const error_code ec = made->open();
    BOOST_TEST_REQUIRE(!ec, ec.message() << " " << made->failed_file());
    return made;
}

} // namespace quorate::tls::test

#endif
