#include "platform/config/config.hpp"

#include <algorithm>
#include <cassert>
#include <fstream>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet {
namespace {

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

std::int64_t Config::integer(std::string_view section, std::string_view key) const { return wholeNumberIn(text(section, key)).value_or(0); }

bool Config::boolean(std::string_view section, std::string_view key) const { return text(section, key) == "true"; }

std::vector<std::string> Config::list(std::string_view section, std::string_view key) const {
    std::vector<std::string> items;
    for (const auto each : split(text(section, key), ','))
        if (const auto item = trimmed(each); !item.empty()) items.emplace_back(item);
    return items;
}

std::function<std::string(const std::string&)> wholeNumber(std::int64_t least, std::int64_t most) {
    return [=](const std::string& text) -> std::string {
        if (const auto number = wholeNumberIn(text); number && *number >= least && *number <= most) return {};
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
