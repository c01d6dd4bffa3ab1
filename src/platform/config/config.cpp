#include "platform/config/config.hpp"

#include <algorithm>
#include <cassert>
#include <fstream>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet {
namespace {

std::string nameOf(std::string_view section, std::string_view key) {
    return std::string(section).append(1, '.').append(key);
}

/// Whether a section of a file is the one that an option names: "backend *" is [backend fast] too.
bool isSection(std::string_view named, std::string_view section) {
    if (named == section || !named.ends_with(" *")) return named == section;
    const auto before = named.substr(0, named.size() - 1);
    return section.starts_with(before) && plainName().complaint(std::string(section.substr(before.size()))).empty();
}

/// A type whose only complaint is its description.
ConfigType checked(const std::string& description, std::function<bool(const std::string&)> accepts) {
    return {description, [description, accepts = std::move(accepts)](const std::string& text) {
                return accepts(text) ? std::string() : "it must be " + description;
            }};
}

/// Whether all are ASCII letters, digits or of `others`.
bool all(std::string_view text, std::string_view others) {
    return std::all_of(text.begin(), text.end(), [&](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9') ||
               others.find(each) != std::string_view::npos;
    });
}

/// RFC 3986 without user, query and fragment; no name but ASCII, and addresses of IPv6 in brackets.
bool isHttpAddress(const std::string& text) {
    std::string_view rest = text;
    if (rest.starts_with("http://"))
        rest.remove_prefix(7);
    else if (rest.starts_with("https://"))
        rest.remove_prefix(8);
    else
        return false;
    const auto slash = std::min(rest.find('/'), rest.size());
    auto authority = rest.substr(0, slash);
    const auto path = rest.substr(slash);
    std::string_view port;
    bool hasPort = false;
    if (const auto colon = authority.rfind(':');
        colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
        hasPort = true;
        port = authority.substr(colon + 1);
        authority = authority.substr(0, colon);
    }
    const auto number = wholeNumberIn(port);
    if (hasPort && (!number || port[0] == '-' || *number < 1 || *number > 65535)) return false;
    const bool host = authority.starts_with('[')
                          ? authority.ends_with(']') && authority.size() > 3 &&
                                authority.find_first_not_of("0123456789abcdefABCDEF:.", 1) == authority.size() - 1
                          : !authority.empty() && all(authority, ".-_");
    return host && all(path, "/-._~") && path.find("//") == std::string_view::npos;
}

}

std::vector<std::string> itemsOf(std::string_view list) {
    std::vector<std::string> items;
    for (const auto each : split(list, ','))
        if (const auto item = trimmed(each); !item.empty()) items.emplace_back(item);
    return items;
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
            const bool known = std::any_of(options_.begin(), options_.end(),
                                           [&](const auto& each) { return isSection(each.section, section); });
            if (!known) throw Error(Failure::Invalid, origin, ": there is no section [", section, "]");
            continue;
        }
        const auto equals = content.find('=');
        if (equals == std::string_view::npos) throw Error(Failure::Invalid, origin, ": expected \"key = value\"");
        set(section, trimmed(content.substr(0, equals)), trimmed(content.substr(equals + 1)), origin);
    }
}

void Config::set(std::string_view section, std::string_view key, std::string_view value, std::string_view origin) {
    const auto* option = optionOf(section, key);
    if (!option) throw Error(Failure::Invalid, origin, ": there is no option \"", key, "\" in section [", section, "]");
    if (value != option->otherwise) {
        const std::string complaint = option->type.complaint(std::string(value));
        if (!complaint.empty()) throw Error(Failure::Invalid, origin, ": ", key, " = ", value, ": ", complaint);
    }
    values_[nameOf(section, key)] = value;
    given_.insert(nameOf(section, key));
}

const ConfigOption* Config::optionOf(std::string_view section, std::string_view key) const {
    const auto found = std::find_if(options_.begin(), options_.end(), [&](const auto& each) {
        return each.key == key && isSection(each.section, section);
    });
    return found == options_.end() ? nullptr : &*found;
}

bool Config::given(std::string_view section, std::string_view key) const {
    return given_.contains(nameOf(section, key));
}

const std::string& Config::text(std::string_view section, std::string_view key) const {
    if (const auto found = values_.find(nameOf(section, key)); found != values_.end()) return found->second;
    const auto* option = optionOf(section, key); // a section of which the file says nothing, or not this
    assert(option);                              // an option that nobody declared
    return option->otherwise;
}

std::int64_t Config::integer(std::string_view section, std::string_view key) const {
    return wholeNumberIn(text(section, key)).value_or(0);
}

bool Config::boolean(std::string_view section, std::string_view key) const { return text(section, key) == "true"; }

std::vector<std::string> Config::list(std::string_view section, std::string_view key) const {
    return itemsOf(text(section, key));
}

ConfigType wholeNumber(std::int64_t least, std::int64_t most) {
    return checked("a whole number from " + std::to_string(least) + " to " + std::to_string(most),
                   [=](const std::string& text) {
                       const auto number = wholeNumberIn(text);
                       return number && *number >= least && *number <= most;
                   });
}

ConfigType trueOrFalse() { return oneOf({"true", "false"}); }

ConfigType oneOf(std::vector<std::string> words) {
    std::string description = "one of";
    for (const auto& each : words) description += each.empty() ? " nothing" : " " + each;
    return checked(description, [words = std::move(words)](const std::string& text) {
        return std::find(words.begin(), words.end(), text) != words.end();
    });
}

ConfigType anyText() {
    return checked("a text", [](const std::string& text) { return isUtf8(text); });
}

ConfigType plainName() {
    return checked("a name of letters, digits, \".\", \"_\" and \"-\"", [](const std::string& text) {
        return !text.empty() && text.size() <= 255 && text[0] != '-' && all(text, "._-");
    });
}

ConfigType httpAddress() {
    return checked("http:// or https:// with a host, perhaps a port and a path", isHttpAddress);
}

ConfigType readableFile() {
    return checked("the absolute path of a file that can be read", [](const std::string& text) {
        std::error_code failed;
        return std::filesystem::path(text).is_absolute() && !std::filesystem::is_directory(text, failed) &&
               std::ifstream(text).good();
    });
}

ConfigType existingFolder() {
    return checked("the absolute path of a folder that is there", [](const std::string& text) {
        std::error_code failed;
        return std::filesystem::path(text).is_absolute() && std::filesystem::is_directory(text, failed);
    });
}

ConfigType folderName() {
    return checked("the absolute path of a folder", [](const std::string& text) {
        std::error_code failed;
        return std::filesystem::path(text).is_absolute() &&
               (!std::filesystem::exists(text, failed) || std::filesystem::is_directory(text, failed));
    });
}

ConfigType listOf(ConfigType each) {
    const std::string description = each.description + ", several with commas";
    return {description, [description, each = std::move(each)](const std::string& text) -> std::string {
                const auto items = itemsOf(text);
                if (items.empty()) return "it must be " + description;
                for (const auto& item : items)
                    if (auto complaint = each.complaint(item); !complaint.empty()) return complaint;
                return {};
            }};
}

ConfigType orNothing(ConfigType type) {
    return {type.description + ", or nothing",
            [type](const std::string& text) { return text.empty() ? std::string() : type.complaint(text); }};
}

}
