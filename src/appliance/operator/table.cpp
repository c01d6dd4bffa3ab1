#include "appliance/operator/table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "platform/ambient/ambient.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

std::string oneLine(std::string text) {
    for (char& each : text)
        if (static_cast<unsigned char>(each) < ' ' || each == 0x7f) each = ' '; // names are strangers' texts
    return text;
}

std::string formatted(const char* format, double number) {
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), format, number);
    return text.data();
}

}

void Table::add(std::vector<std::string> row) {
    row.resize(head_.size());
    for (auto& each : row) each = oneLine(std::move(each));
    rows_.push_back(std::move(row));
}

void Table::print(std::ostream& out, const std::string& indent) const {
    std::vector<std::size_t> widths;
    for (const auto& each : head_) widths.push_back(lengthInCharacters(each));
    for (const auto& row : rows_)
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], lengthInCharacters(row[column]));
    const auto line = [&](const std::vector<std::string>& row) {
        std::string text = indent;
        for (std::size_t column = 0; column < row.size(); ++column)
            text += row[column] + std::string(widths[column] - lengthInCharacters(row[column]) + 2, ' ');
        while (text.ends_with(' ')) text.pop_back();
        out << text << '\n';
    };
    line(head_);
    for (const auto& row : rows_) line(row);
}

std::string cell(const Json& object, std::string_view name) {
    const auto value = object.find(name);
    if (!value || value->isNull()) return {};
    return value->isText() ? value->text() : value->dump();
}

std::string durationText(std::int64_t micros) {
    constexpr std::int64_t second = 1'000'000, minute = 60 * second;
    if (micros < second) return formatted("%.1f ms", static_cast<double>(micros) / 1e3);
    if (micros < minute) return formatted("%.2f s", static_cast<double>(micros) / 1e6);
    return std::to_string(micros / minute) + " min " + std::to_string(micros % minute / second) + " s";
}

std::string timeBetween(const std::string& from, const std::string& until) {
    const auto begin = parseIsoTime(from), end = parseIsoTime(until);
    return begin && end ? durationText(toMicros(*end) - toMicros(*begin)) : std::string();
}

std::string sizeText(std::int64_t bytes) {
    constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    auto number = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (number >= 1024 && unit + 1 < units.size()) number /= 1024, ++unit;
    return unit == 0 ? std::to_string(bytes) + " B" : formatted("%.1f ", number) + units[unit];
}

}
