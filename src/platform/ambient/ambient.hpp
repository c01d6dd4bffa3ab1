#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace stratolet {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// The one seam through which time, randomness and ids enter, so that a test can fix them.
class Ambient {
public:
    virtual ~Ambient() = default;
    virtual Time now() = 0;
    virtual void randomize(std::span<std::byte> bytes) = 0;

    std::string uuid();              ///< random (version 4), dashed, lower case
    std::string hexId();             ///< the same without dashes, as identity writes ids
    std::string secret(std::size_t); ///< that many random characters of A–Z a–z 0–9
};

/// The machine's clock and getrandom(2).
class RealAmbient : public Ambient {
public:
    Time now() override;
    void randomize(std::span<std::byte> bytes) override;
};

/// Another's, with a clock that can be put forward. Any thread.
class ShiftedAmbient : public Ambient {
public:
    explicit ShiftedAmbient(Ambient& of, std::chrono::microseconds shift = {}) : of_(of), shift_(shift.count()) {}
    Time now() override { return of_.now() + shift(); }
    void randomize(std::span<std::byte> bytes) override { of_.randomize(bytes); }

    void passes(std::chrono::microseconds time) { shift_ += time.count(); }
    std::chrono::microseconds shift() const { return std::chrono::microseconds(shift_.load()); }

private:
    Ambient& of_;
    std::atomic<std::int64_t> shift_;
};

std::int64_t toMicros(Time time);
Time fromMicros(std::int64_t micros);

/// "2022-01-01T00:00:00" followed by `suffix`; with `micros` also ".000000" before it.
std::string isoTime(Time time, bool micros, std::string_view suffix);

inline std::string isoSecondsZ(Time time) { return isoTime(time, false, "Z"); } // compute, network, image
inline std::string isoMicrosZ(Time time) { return isoTime(time, true, "Z"); }   // identity
inline std::string isoMicros(Time time) { return isoTime(time, true, ""); }     // block storage

/// Reads "2022-01-01", "2022-01-01T00:00:00", with optional fraction and "Z" or "+00:00"; nothing where the text is no
/// such time.
std::optional<Time> parseIsoTime(std::string_view text);

}
