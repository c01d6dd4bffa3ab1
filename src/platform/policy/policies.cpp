#include "platform/policy/policy.hpp"

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/log/log.hpp"

namespace stratolet {
namespace {

using FileTime = std::filesystem::file_time_type;

struct Service {
    std::string_view defaults;
    std::shared_ptr<const Policy> policy;
    std::filesystem::path file; // the override that was read last, empty where there was none
    FileTime changed{};
    std::uintmax_t size = 0;
};

std::string contentOf(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw Error(Failure::Invalid, file.string(), ":1: cannot be read");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}

struct Policies::Impl {
    std::filesystem::path overrides;
    Log& log;
    bool enforceScope;
    mutable std::mutex mutex;
    std::condition_variable stop;
    bool stopping = false;
    std::map<std::string, Service, std::less<>> services;
    std::thread watcher;

    Impl(std::filesystem::path folder, Log& given, bool scopes)
        : overrides(std::move(folder)),
          log(given),
          enforceScope(scopes) {}

    std::filesystem::path overrideOf(const std::string& service) const {
        for (const auto* ending : {".yaml", ".json"}) {
            auto file = overrides / (service + ending);
            std::error_code absent;
            if (std::filesystem::is_regular_file(file, absent)) return file;
        }
        return {};
    }

    /// True where there was something new; throws where it is broken, and remembers what it saw so that it is said
    /// once.
    bool read(const std::string& name, Service& service) const {
        std::error_code absent;
        const auto file = overrideOf(name);
        const auto changed = file.empty() ? FileTime() : std::filesystem::last_write_time(file, absent);
        const auto size = file.empty() ? 0 : std::filesystem::file_size(file, absent);
        if (service.policy && file == service.file && changed == service.changed && size == service.size) return false;
        service.file = file;
        service.changed = changed;
        service.size = size;
        service.policy = Policy::parse(service.defaults, name + " policy defaults",
                                       file.empty() ? std::string() : contentOf(file), file.string(), enforceScope);
        return true;
    }

    void watch() {
        std::unique_lock lock(mutex);
        while (!stop.wait_for(lock, std::chrono::milliseconds(500), [&] { return stopping; })) rereadLocked();
    }

    void rereadLocked() {
        for (auto& [name, service] : services) {
            try {
                if (read(name, service)) log.info("policy read again", {{"service", name}});
            } catch (const Error& wrong) {
                log.error("policy refused, the old rules stay", {{"service", name}, {"reason", wrong.what()}});
            }
        }
    }
};

Policies::Policies(std::filesystem::path overrides, Log& log, bool enforceScope)
    : impl_(std::make_unique<Impl>(std::move(overrides), log, enforceScope)) {
    if (!impl_->overrides.empty()) impl_->watcher = std::thread([this] { impl_->watch(); });
}

Policies::~Policies() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->stop.notify_all();
    if (impl_->watcher.joinable()) impl_->watcher.join();
}

void Policies::add(std::string service, std::string_view defaults) {
    const std::lock_guard guard(impl_->mutex);
    Service added;
    added.defaults = defaults;
    impl_->read(service, added);
    impl_->services[std::move(service)] = std::move(added);
}

std::shared_ptr<const Policy> Policies::of(std::string_view service) const {
    const std::lock_guard guard(impl_->mutex);
    const auto found = impl_->services.find(service);
    return found == impl_->services.end() ? nullptr : found->second.policy;
}

void Policies::reread() {
    const std::lock_guard guard(impl_->mutex);
    impl_->rereadLocked();
}

}
