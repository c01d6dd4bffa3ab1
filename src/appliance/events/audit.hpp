#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"

namespace stratolet {

/// [audit]
std::vector<ConfigOption> auditOptions();

/// What was done, by whom, to what, from where, and how it ended: an event of CADF (DMTF DSP0262) as one line of JSON.
/// Never what a request or an answer said beside the id of what it is about.
std::string auditLine(const http::Site& site, const http::Request& request, const http::Response& response,
                      const std::string& id, const std::string& time);

/// Whether it is one to write down: it wanted to change something, or somebody was not let in.
bool isAudited(const http::Request& request, const http::Response& response);

/// Writes them down in audit.log of the state directory, before the answer is sent. Any thread.
class Audit {
public:
    Audit(const Parts& parts, const std::filesystem::path& stateDir);
    ~Audit();

    void hear(const http::Site& site, const http::Request& request, const http::Response& response);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
