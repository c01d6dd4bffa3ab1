#include "platform/resources.hpp"

#include <charconv>
#include <string>

#include "platform/embedded.hpp"

namespace stratolet {

std::vector<store::Migration> migrationsOf(std::string_view module) {
    const std::string folder = "src/" + std::string(module) + "/migrations/";
    std::vector<store::Migration> found;
    for (const auto* file = embeddedFiles; file->path; ++file) {
        std::string_view path = file->path;
        if (!path.starts_with(folder)) continue;
        path.remove_prefix(folder.size());
        int number = 0;
        std::from_chars(path.data(), path.data() + path.size(), number);
        found.push_back({module, number, file->content()});
    }
    return found;
}

std::string_view embedded(std::string_view path) {
    for (const auto* file = embeddedFiles; file->path; ++file)
        if (path == file->path) return file->content();
    return {};
}

std::string_view policyDefaults(std::string_view service) {
    return embedded("config/policy/" + std::string(service) + ".yaml");
}

std::vector<std::string_view> shippedMetadefs() {
    std::vector<std::string_view> found;
    for (const auto* file = embeddedFiles; file->path; ++file)
        if (std::string_view(file->path).starts_with("config/metadefs/")) found.push_back(file->content());
    return found;
}

}
