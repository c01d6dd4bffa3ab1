#include "platform/log/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <mutex>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

thread_local std::vector<std::pair<std::string, std::string>> scopes;

std::string_view nameOf(Log::Level level) {
    switch (level) {
    case Log::Level::Debug: return "debug";
    case Log::Level::Info: return "info";
    case Log::Level::Warning: return "warning";
    case Log::Level::Error: return "error";
    }
    std::abort();
}

void appendField(std::string& line, std::string_view name, std::string_view value) {
    line.append(1, ' ').append(name).append(1, '=');
    const bool plain = !value.empty() && std::none_of(value.begin(), value.end(), [](unsigned char each) {
        return each <= 0x20 || each == 0x7f || each == '"' || each == '=';
    });
    line += plain ? std::string(value) : jsonText(value);
}

}

struct Log::Impl {
    explicit Impl(Options given) : level(given.level), options(given) {}
    explicit Impl(Impl& itsWhole) : whole(&itsWhole), level(itsWhole.level.load()) {}

    Impl& output() { return whole ? *whole : *this; }

    Impl* const whole = nullptr;        ///< null: this is one
    std::atomic<Level> level;           ///< what holds; options.level is what it was configured with
    std::atomic<unsigned> setSince = 0; ///< of a part: the configuration in which `level` was set; another: it has none
    std::atomic<unsigned> configuration = 1;
    std::mutex mutex; ///< of the options
    Options options;  ///< not of a part
};

Log::Log(Options options) : impl_(std::make_unique<Impl>(options)) {}
Log::Log(Log& whole) : impl_(std::make_unique<Impl>(whole.impl_->output())) {}
Log::~Log() = default;

void Log::reconfigure(Options options) {
    assert(!impl_->whole);
    const std::lock_guard guard(impl_->mutex);
    impl_->options = options;
    impl_->level = options.level;
    ++impl_->configuration;
}

Log::Level Log::level() const {
    const auto& output = impl_->output();
    return impl_->setSince == output.configuration ? impl_->level : output.level;
}

void Log::setLevel(Level level) {
    impl_->level = level;
    impl_->setSince = impl_->output().configuration.load();
}

void Log::write(Level level, std::string_view message, Fields fields) {
    if (level < this->level()) return;
    auto& output = impl_->output();
    const std::lock_guard guard(output.mutex);
    const std::string time = isoMicrosZ(RealAmbient().now());
    std::string line;
    if (output.options.json) {
        JsonWriter out(line);
        const auto object = out.object();
        out.field("time", time);
        out.field("level", nameOf(level));
        out.field("message", message);
        for (const auto& [name, value] : scopes) out.field(name, value);
        for (const auto& [name, value] : fields) out.field(name, value);
    } else {
        line.append(time).append(1, ' ').append(nameOf(level)).append(1, ' ').append(message);
        for (const auto& [name, value] : scopes) appendField(line, name, value);
        for (const auto& [name, value] : fields) appendField(line, name, value);
        for (auto& each : line)
            if (const auto byte = static_cast<unsigned char>(each); byte < 0x20 || byte == 0x7f)
                each = ' '; // one event, one line
        if (!isUtf8(line)) line = asUtf8(line);
    }
    line += '\n';
    // A log that can't be written must not stop the cloud.
    if (::write(output.options.fd, line.data(), line.size()) < 0) return;
}

LogScope::LogScope(std::string_view name, std::string_view value) { scopes.emplace_back(name, value); }
LogScope::~LogScope() { scopes.pop_back(); }

}
