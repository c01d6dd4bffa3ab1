#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace stratolet {

/// Lines on standard error, as text or JSON. Never a secret: tokens, passwords and keys have no business in a field.
class Log {
public:
    enum class Level { Debug, Info, Warning, Error };
    using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    struct Options {
        Level level = Level::Info;
        bool json = false;
        int fd = 2;
    };

    explicit Log(Options options);

    /// A part's: its lines go where those of `whole` go, which outlives it; its level is that of `whole` until it gets
    /// one of its own.
    explicit Log(Log& whole);
    ~Log();

    void debug(std::string_view message, Fields fields = {}) { write(Level::Debug, message, fields); }
    void info(std::string_view message, Fields fields = {}) { write(Level::Info, message, fields); }
    void warning(std::string_view message, Fields fields = {}) { write(Level::Warning, message, fields); }
    void error(std::string_view message, Fields fields = {}) { write(Level::Error, message, fields); }

    void reconfigure(Options options); ///< of no part

    Level level() const;        ///< the least that is written; any thread
    void setLevel(Level level); ///< until reconfigure(), or that of the whole, or the end of the process; any thread

private:
    void write(Level level, std::string_view message, Fields fields);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// While it lives, every line that this thread logs carries this field ("request", "job").
class LogScope {
public:
    LogScope(std::string_view name, std::string_view value);
    ~LogScope();
    LogScope(const LogScope&) = delete;
};

}
