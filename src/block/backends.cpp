#include "block/backends.hpp"

#include <algorithm>
#include <cassert>

#include <stratolet/error.hpp>

namespace stratolet::block {

std::vector<BackendOption> backendsIn(const Config& config) {
    std::vector<BackendOption> all;
    for (const auto& name : config.list("block", "backends")) {
        const auto section = "backend " + name;
        BackendOption backend{.name = name,
                              .driver = config.text(section, "driver"),
                              .raw = config.text(section, "format") == "raw",
                              .folder = config.text(section, "folder"),
                              .group = config.text(section, "volume_group"),
                              .pool = config.text(section, "thin_pool"),
                              .thin = config.text(section, "lvm_type") == "thin",
                              .share = config.text(section, "share"),
                              .mountOptions = config.text(section, "mount_options"),
                              .address = config.text(section, "iscsi_address"),
                              .port = static_cast<int>(config.integer(section, "iscsi_port")),
                              .control = static_cast<int>(config.integer(section, "tgt_control_port")),
                              .exportAlways = config.text(section, "export") == "always"};
        if (backend.driver == "lvm" && backend.group.empty())
            throw Error(Failure::Invalid, "back end \"", name, "\" says no volume_group");
        if (backend.driver == "nfs" && backend.share.find(":/") == std::string::npos)
            throw Error(Failure::Invalid, "back end \"", name, "\" says no share, \"host:/path\"");
        for (const auto& other : all) {
            if (other.name == name) throw Error(Failure::Invalid, "back end \"", name, "\" is there twice");
            if (!backend.folder.empty() && other.folder.lexically_normal() == backend.folder.lexically_normal())
                throw Error(Failure::Invalid, "back ends \"", other.name, "\" and \"", name, "\" have the same folder");
        }
        all.push_back(std::move(backend));
    }
    return all;
}

std::string backendsComplaint(const std::string& option) {
    if (auto complaint = listOf(plainName()).complaint(option); !complaint.empty()) return complaint;
    auto names = itemsOf(option);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    return twice == names.end() ? std::string() : "back end \"" + *twice + "\" is there twice";
}

Backends::Backends(const std::vector<std::unique_ptr<VolumeDriver>>& all, std::string host) : host_(std::move(host)) {
    assert(!all.empty());
    for (const auto& each : all) all_.push_back(each.get());
}

std::string Backends::placeOf(const VolumeDriver& driver) const {
    const std::string name(driver.name());
    return host_ + "@" + name + "#" + name;
}

VolumeDriver& Backends::of(const Volume& volume) const {
    const auto name = backendIn(volume.host);
    for (auto* each : all_)
        if (each->name() == name) return *each;
    throw Error(Failure::Broken, "volume ", volume.id, " is in back end \"", name,
                "\", which [block] backends does not name");
}

VolumeDriver* Backends::at(std::string_view host) const {
    for (auto* each : all_)
        if (const auto place = placeOf(*each); host == place || host == hostIn(place)) return each;
    return nullptr;
}

std::string hostIn(std::string_view place) { return std::string(place.substr(0, place.find('#'))); }

std::string_view backendIn(std::string_view place) {
    const auto at = place.find('@');
    if (at == std::string_view::npos) return {};
    place.remove_prefix(at + 1);
    return place.substr(0, place.find('#'));
}

}
