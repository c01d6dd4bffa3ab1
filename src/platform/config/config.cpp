#include "platform/config/config.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <fstream>

#include <stratolet/error.hpp>

namespace stratolet {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string nameOf(std::string_view section, std::string_view key) { return std::string(section).append(1, '.').append(key); }

}

Config::Config(std::vector<ConfigOption> options) : options_(std::move(options)) {
    for (const auto& each : options_) values_[nameOf(each.section, each.key)] = each.otherwise;
}

void Config::load(const std::filesystem::path& file) {
    std::ifstream lines(file);
    if (!lines) throw Error(Failure::Invalid, file.string(), ": cannot be read");
    std::string section = "DEFAULT";
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::string origin = file.string() + ":" + std::to_string(number);
        const auto content = trimmed(line);
        if (content.empty() || content[0] == '#' || content[0] == ';') continue;
        if (content[0] == '[') {
            if (content.back() != ']') throw Error(Failure::Invalid, origin, ": a section is written [name]");
            section = trimmed(content.substr(1, content.size() - 2));
            const bool known = std::any_of(options_.begin(), options_.end(), [&](const auto& each) { return each.section == section; });
            if (!known) throw Error(Failure::Invalid, origin, ": there is no section [", section, "]");
            continue;
        }
        const auto equals = content.find('=');
        if (equals == std::string_view::npos) throw Error(Failure::Invalid, origin, ": expected \"key = value\"");
        set(section, trimmed(content.substr(0, equals)), trimmed(content.substr(equals + 1)), origin);
    }
}

void Config::set(std::string_view section, std::string_view key, std::string_view value, std::string_view origin) {
    const auto option =
        std::find_if(options_.begin(), options_.end(), [&](const auto& each) { return each.section == section && each.key == key; });
    if (option == options_.end()) throw Error(Failure::Invalid, origin, ": there is no option \"", key, "\" in section [", section, "]");
    if (option->complaint) {
        const std::string complaint = option->complaint(std::string(value));
        if (!complaint.empty()) throw Error(Failure::Invalid, origin, ": ", key, " = ", value, ": ", complaint);
    }
    values_[nameOf(section, key)] = value;
}

const std::string& Config::text(std::string_view section, std::string_view key) const {
    const auto found = values_.find(nameOf(section, key));
    assert(found != values_.end()); // an option that nobody declared
    return found->second;
}

std::int64_t Config::integer(std::string_view section, std::string_view key) const {
    const auto& content = text(section, key);
    std::int64_t number = 0;
    std::from_chars(content.data(), content.data() + content.size(), number);
    return number;
}

bool Config::boolean(std::string_view section, std::string_view key) const { return text(section, key) == "true"; }

std::vector<std::string> Config::list(std::string_view section, std::string_view key) const {
    std::vector<std::string> items;
    std::string_view rest = text(section, key);
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const auto item = trimmed(rest.substr(0, comma));
        if (!item.empty()) items.emplace_back(item);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return items;
}

std::function<std::string(const std::string&)> wholeNumber(std::int64_t least, std::int64_t most) {
    return [=](const std::string& text) -> std::string {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return {};
        return "it must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    };
}

std::function<std::string(const std::string&)> trueOrFalse() { return oneOf({"true", "false"}); }

std::function<std::string(const std::string&)> oneOf(std::vector<std::string> words) {
    return [words = std::move(words)](const std::string& text) -> std::string {
        if (std::find(words.begin(), words.end(), text) != words.end()) return {};
        std::string complaint = "it must be one of";
        for (const auto& each : words) complaint += " " + each;
        return complaint;
    };
}

}
