#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"
#include "platform/web/web.hpp"

namespace stratolet {

/// The cloud that runs on this host with a state directory, asked by its operator's socket: the operator's own routes
/// (/operator/v1/…), and all of the API. For the commands of the program; blocks the calling thread.
class LocalCloud {
public:
    /// Error(NotFound) where none runs there, Error(Forbidden) where we may not ask it; it says what to do.
    explicit LocalCloud(const std::filesystem::path& stateDir);

    static bool runsIn(const std::filesystem::path& stateDir);

    /// What came back, as JSON. Error with what the cloud said, and of that kind, where it is no success.
    Json gets(const std::string& path) const { return asks("GET", path); }
    Json asks(std::string method, const std::string& path, std::string body = "") const;

    /// Speaks the API from now on with the administrator's token; "{project}" in a path is their project.
    void becomesAdministrator();

    /// A file as the body of a PUT. `progress`: bytes of bytes, now and then.
    void sends(const std::string& path, const std::filesystem::path& file,
               const std::function<void(std::int64_t, std::int64_t)>& progress = {}) const;

private:
    web::Answer exchange(web::Ask ask, std::string path) const;
    std::filesystem::path stateDir_;
    Fd folder_; ///< an address of a socket has 108 bytes, a path may have more: it is reached by this
    std::string token_, project_;
};

}
