#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/appliance.hpp"
#include "compute/driver/simulated.hpp"
#include "network/driver/records.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/log/log.hpp"
#include "support/folder.hpp"

namespace stratolet::test {

/// What came back.
struct Answer {
    int status = 0;
    http::Headers headers;
    std::string body;

    Json json() const { return Json::parse(body); }
};

/// One option of the configuration file.
struct TestOption {
    std::string section, key, value;
};

using HeaderList = std::initializer_list<std::pair<const char*, std::string>>;

class TestAppliance;

/// Somebody with a token who speaks the API. "{project}" in a path is their project's id. Paths are those of the one
/// listener:
/// "/volume/v3/…".
class Member {
public:
    Answer gets(std::string path, HeaderList headers = {}) const {
        return asks(http::Method::Get, std::move(path), "", headers);
    }
    Answer heads(std::string path, HeaderList headers = {}) const {
        return asks(http::Method::Head, std::move(path), "", headers);
    }
    Answer posts(std::string path, std::string body, HeaderList headers = {}) const {
        return asks(http::Method::Post, std::move(path), std::move(body), headers);
    }
    Answer puts(std::string path, std::string body, HeaderList headers = {}) const {
        return asks(http::Method::Put, std::move(path), std::move(body), headers);
    }
    Answer patches(std::string path, std::string body, HeaderList headers = {}) const {
        return asks(http::Method::Patch, std::move(path), std::move(body), headers);
    }
    Answer deletes(std::string path, HeaderList headers = {}) const {
        return asks(http::Method::Delete, std::move(path), "", headers);
    }
    Answer asks(http::Method method, std::string path, std::string body, HeaderList headers = {}) const;

    TestAppliance* appliance = nullptr;
    std::string token, user, project, name, password;
};

/// The real product with the sandbox's drivers, in this process, without a socket. Its folder is gone when it is.
class TestAppliance {
public:
    /// `options` are set over those that every test has. `machine`: where time and randomness come from; outlives this.
    explicit TestAppliance(std::vector<TestOption> options = {}, Ambient& machine = real());
    ~TestAppliance();

    Answer asks(http::Method method, const std::string& path, const std::string& body, HeaderList headers = {},
                const std::string& token = "");

    Member admin();

    /// A new project of this name with a new user of this name, who has `role` there.
    Member member(const std::string& name, const std::string& role = "member");

    /// A user of `peer`'s project with another role.
    Member colleague(const Member& peer, const std::string& name, const std::string& role);

    /// A token for name and password, scoped to the project of this name; `status` other than 201 fails the test.
    std::string logsIn(const std::string& name, const std::string& password, const std::string& project);

    Time now() { return ambient_.now(); }
    void passes(std::chrono::seconds time) { ambient_.passes(time); } ///< as far as the product can tell

    void settle(); ///< until no job and no fact is left; fails the test after 20 s
    /// Stops and starts again on the same state; the simulated hypervisor keeps its guests. `meanwhile` is done in
    /// between.
    void restart(const std::function<void()>& meanwhile = {});
    std::int64_t announced(std::string_view fact);

    /// From its next start on the host has routes to these networks.
    void hostReaches(std::vector<std::string> networks) { reached_ = std::move(networks); }

    compute::SimulatedHypervisor& hypervisor() { return *hypervisor_; }
    compute::SimulatedHypervisor& hypervisor(const std::string& host) { return *others_.at(host); } ///< but the first
    network::RecordsNetworkDriver& network() { return *network_; }
    Appliance& appliance() { return *appliance_; }
    const std::filesystem::path& folder() const { return folder_.path(); }

private:
    static Ambient& real();
    void build();
    Folder folder_;
    std::vector<TestOption> options_;
    ShiftedAmbient ambient_;
    Log log_;
    compute::SimulatedHypervisor* hypervisor_ = nullptr;
    std::map<std::string, compute::SimulatedHypervisor*> others_; ///< by the name of their host
    network::RecordsNetworkDriver* network_ = nullptr;
    std::unique_ptr<Appliance> appliance_;
    std::vector<std::string> reached_;
};

}
