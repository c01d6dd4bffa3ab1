#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// What an option's value may be: in words, for people, and as the check that holds them to it.
struct ConfigType {
    std::string description;                                  ///< "a whole number from 1 to 64"
    std::function<std::string(const std::string&)> complaint; ///< what is wrong with a value, empty where nothing is
};

/// An option that exists. A file that sets any other is refused. All that is known of it stands here: what it is
/// called, what it is where nobody says anything, and of which type it is.
struct ConfigOption {
    std::string section; ///< "block"; "backend *" for the sections [backend NAME], one for each NAME that a file has
    std::string key;
    std::string otherwise; ///< the default, which is never complained of: a folder in it may be missing
    ConfigType type;
};

/// stratolet.conf: sections, `key = value` lines, "#" comments. Values are checked when read, so that a typing error is
/// named with its line.
class Config {
public:
    explicit Config(std::vector<ConfigOption> options);

    /// Error(Invalid) "FILE:LINE: …" for an unknown section, an unknown key, a line that is neither, or a value its
    /// option complains about.
    void load(const std::filesystem::path& file);

    /// As a line of a file would, but from the command line; the message names `origin` instead.
    void set(std::string_view section, std::string_view key, std::string_view value, std::string_view origin);

    const std::string& text(std::string_view section, std::string_view key) const;
    bool given(std::string_view section, std::string_view key) const; ///< somebody has set it, be it to its default
    std::int64_t integer(std::string_view section, std::string_view key) const;
    bool boolean(std::string_view section, std::string_view key) const;
    std::vector<std::string> list(std::string_view section, std::string_view key) const; ///< comma separated
    std::chrono::seconds seconds(std::string_view section, std::string_view key) const {
        return std::chrono::seconds(integer(section, key));
    }

private:
    const ConfigOption* optionOf(std::string_view section, std::string_view key) const; ///< null where there is none

    std::vector<ConfigOption> options_;
    std::map<std::string, std::string, std::less<>> values_; // "section.key"
    std::set<std::string, std::less<>> given_;
};

/// The items of a list with commas, as Config::list() gives them.
std::vector<std::string> itemsOf(std::string_view list);

// Common types.
ConfigType wholeNumber(std::int64_t least, std::int64_t most);
ConfigType trueOrFalse();
ConfigType oneOf(std::vector<std::string> words);
ConfigType anyText();
ConfigType plainName();      ///< letters, digits, ".", "_" and "-": fit for a shell, YAML and a URL as it is
ConfigType httpAddress();    ///< http:// or https://, a host, perhaps a port and a path; no query, no user
ConfigType readableFile();   ///< an absolute path of a file that is there and can be read
ConfigType existingFolder(); ///< an absolute path of a folder that is there
ConfigType folderName();     ///< an absolute path of a folder that may still be missing
ConfigType orNothing(ConfigType type);
ConfigType listOf(ConfigType each); ///< one or several with commas, as Config::list() reads them

}
