#include "platform/ambient/ambient.hpp"

#include <sys/random.h>

#include <array>
#include <charconv>

#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

/// Reads exactly `digits` decimal digits at the front of `text` and takes them off.
std::optional<int> takeNumber(std::string_view& text, std::size_t digits) {
    int number = 0;
    if (text.size() < digits) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
    if (error != std::errc() || end != text.data() + digits || text[0] == '-') return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char wanted) {
    if (text.empty() || text[0] != wanted) return false;
    text.remove_prefix(1);
    return true;
}

}

std::string Ambient::hexId() {
    std::array<std::byte, 16> bytes;
    randomize(bytes);
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40}; // version 4, RFC 9562
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80}; // variant
    return hexOf({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string Ambient::uuid() { return dashed(hexId()); }

std::string Ambient::secret(std::size_t length) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string text;
    while (text.size() < length) {
        std::array<std::byte, 64> bytes;
        randomize(bytes);
        for (const auto each : bytes) {
            const auto number = std::to_integer<std::size_t>(each);
            if (number < 4 * alphabet.size() && text.size() < length)
                text += alphabet[number % alphabet.size()]; // the rest would favour some
        }
    }
    return text;
}

Time RealAmbient::now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

void RealAmbient::randomize(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const auto got = check(getrandom(bytes.data(), bytes.size(), 0), "read random bytes");
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

std::int64_t toMicros(Time time) { return time.time_since_epoch().count(); }
Time fromMicros(std::int64_t micros) { return Time(std::chrono::microseconds(micros)); }

std::string isoTime(Time time, bool micros, std::string_view suffix) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    std::string text = micros ? "0000-00-00T00:00:00.000000" : "0000-00-00T00:00:00";
    const auto put = [&](std::size_t end, std::int64_t number) { // lists have hundreds of these: too many for printf
        for (; number > 0; number /= 10) text[end--] = static_cast<char>('0' + number % 10);
    };
    put(3, static_cast<int>(date.year()));
    put(6, static_cast<unsigned>(date.month()));
    put(9, static_cast<unsigned>(date.day()));
    put(12, clock.hours().count());
    put(15, clock.minutes().count());
    put(18, clock.seconds().count());
    if (micros) put(25, clock.subseconds().count());
    return text.append(suffix);
}

std::optional<Time> parseIsoTime(std::string_view text) {
    using namespace std::chrono;
    const auto year = takeNumber(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = takeNumber(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = takeNumber(text, 2);
    if (!day) return std::nullopt;
    const year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    Time time = sys_days(date);
    if (text.empty()) return time;

    if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
    const auto hour = takeNumber(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = takeNumber(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    time += hours(*hour) + minutes(*minute);
    if (take(text, ':')) {
        const auto second = takeNumber(text, 2);
        if (!second || *second > 60) return std::nullopt;
        time += seconds(*second);
        if (take(text, '.')) {
            microseconds unit(100000);
            int digits = 0;
            while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
                time += (text[0] - '0') * unit;
                unit /= 10;
                text.remove_prefix(1);
                ++digits;
            }
            if (digits == 0) return std::nullopt;
        }
    }
    if (text == "Z" || text.empty()) return time;
    const bool east = text[0] == '+';
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const auto offsetHours = takeNumber(text, 2);
    if (!offsetHours) return std::nullopt;
    take(text, ':');
    const auto offsetMinutes = takeNumber(text, 2);
    if (!offsetMinutes || !text.empty()) return std::nullopt;
    const auto offset = hours(*offsetHours) + minutes(*offsetMinutes);
    return east ? time - offset : time + offset;
}

}
