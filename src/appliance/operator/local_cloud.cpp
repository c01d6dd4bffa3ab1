#include "appliance/operator/local_cloud.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include <stratolet/error.hpp>

#include "appliance/operator/operator_site.hpp"

namespace stratolet {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t answerBytesMax = 64 << 20;

std::string placeOf(const Fd& folder) {
    return "/proc/self/fd/" + std::to_string(folder.get()) + "/" + std::string(operatorSocket);
}

/// 0, or the errno of connect(2).
int knock(const std::string& place) {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    place.copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

Fd opened(const std::filesystem::path& stateDir) {
    return Fd(::open(stateDir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

}

bool LocalCloud::runsIn(const std::filesystem::path& stateDir) {
    const auto folder = opened(stateDir);
    return folder && knock(placeOf(folder)) == 0;
}

LocalCloud::LocalCloud(const std::filesystem::path& stateDir) : stateDir_(stateDir), folder_(opened(stateDir)) {
    const auto socket = (stateDir / operatorSocket).string();
    const auto problem = folder_ ? knock(placeOf(folder_)) : errno;
    switch (problem) {
    case 0: return;
    case ENOENT:
    case ECONNREFUSED:
        throw Error(Failure::NotFound, "stratolet does not run here (nobody answers at ", socket,
                    "): start it with \"systemctl start stratolet\" or \"stratolet serve --state-dir ",
                    stateDir.string(), "\", or say by --state-dir where the one that runs keeps its state");
    case EACCES:
        throw Error(Failure::Forbidden, "not allowed to ask ", socket,
                    ": root may, and the user that the cloud runs as; try it with sudo");
    default: throw Error(Failure::Broken, "could not ask ", socket, ": ", std::strerror(problem));
    }
}

web::Answer LocalCloud::exchange(web::Ask ask, std::string path) const {
    constexpr std::string_view mark = "{project}";
    if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), project_);
    ask.url = "http://stratolet" + path;
    ask.localSocket = placeOf(folder_);
    ask.redirectsMax = 0;
    ask.bytesMax = answerBytesMax;
    if (!token_.empty()) ask.headers.push_back("X-Auth-Token: " + token_);
    auto answer = web::ask(ask);
    if (answer.status >= 300) throw Error(failureOf(answer.status), saidIn(answer.status, answer.body));
    return answer;
}

Json LocalCloud::asks(std::string method, const std::string& path, std::string body) const {
    web::Ask ask{.url = {}, .method = std::move(method)};
    ask.timeout = 15min; // what takes long looks at all of a host
    if (ask.method != "GET" && ask.method != "DELETE") ask.post = std::move(body);
    ask.headers = {"Content-Type: application/json", "OpenStack-API-Version: compute 2.87"};
    const auto answer = exchange(std::move(ask), path);
    return Json::parse(answer.body.empty() ? "{}" : answer.body);
}

void LocalCloud::becomesAdministrator() {
    const auto answer = asks("POST", "/operator/v1/token");
    token_ = answer.text("token");
    project_ = answer.text("project");
}

void LocalCloud::sends(const std::string& path, const std::filesystem::path& file,
                       const std::function<void(std::int64_t, std::int64_t)>& progress) const {
    const Fd in(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC), "read " + file.string())));
    struct stat found {};
    check(::fstat(in.get(), &found), "read " + file.string());
    const std::int64_t total = found.st_size;
    std::int64_t sent = 0;
    web::Ask ask{.url = {}};
    ask.upload = web::Ask::Upload{[&](std::span<std::byte> into) {
                                      const auto got =
                                          check(::read(in.get(), into.data(), into.size()), "read " + file.string());
                                      sent += got;
                                      if (progress) progress(sent, total);
                                      return static_cast<std::size_t>(got);
                                  },
                                  total};
    ask.headers = {"Content-Type: application/octet-stream", "Expect:"};
    ask.pace = web::Pace{.bytesPerSecondMin = 1, .window = 10min}; // what stands still comes to an end
    exchange(std::move(ask), path);
}

}
