#include "image/data/stores.hpp"

#include <cassert>

#include <stratolet/error.hpp>

#include "image/image.hpp"
#include "platform/config/config.hpp"

namespace stratolet::image {

Stores::Stores(const std::vector<std::unique_ptr<ImageStore>>& all) {
    assert(!all.empty());
    for (const auto& each : all) all_.push_back(each.get());
}

ImageStore* Stores::find(std::string_view name) const {
    for (auto* each : all_)
        if (each->name() == name) return each;
    return nullptr;
}

ImageStore& Stores::named(const std::string& name) const {
    auto* store = find(name);
    if (!store) throw Error(Failure::Invalid, "There is no store '", name, "'; see /v2/info/stores.");
    return *store;
}

std::vector<std::string> Stores::names() const {
    std::vector<std::string> names;
    for (const auto* each : all_) names.emplace_back(each->name());
    return names;
}

std::optional<std::filesystem::path> Stores::locate(const ImageRecord& image) const {
    for (const auto& location : image.locations)
        if (auto* store = find(location.store))
            if (auto file = store->find(image.id)) return file;
    return std::nullopt;
}

void Stores::discard(const ImageId& image) const {
    for (auto* each : all_) each->discard(image);
}

std::vector<StoreOption> storesIn(const Config& config) {
    std::vector<StoreOption> stores;
    for (const auto& each : config.list("image", "stores")) {
        const auto colon = each.find(':');
        StoreOption store{each.substr(0, colon), colon == std::string::npos ? "" : each.substr(colon + 1)};
        const bool plain = !store.name.empty() && store.name.size() <= 64 &&
                           store.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
        if (!plain)
            throw Error(Failure::Invalid, "\"", store.name,
                        "\" is no name of a store: small letters, digits, \"-\" and \"_\"");
        if (colon != std::string::npos && !store.folder.is_absolute())
            throw Error(Failure::Invalid, "the folder of store \"", store.name, "\" must be an absolute path");
        for (const auto& other : stores)
            if (other.name == store.name) throw Error(Failure::Invalid, "store \"", store.name, "\" is there twice");
        stores.push_back(std::move(store));
    }
    if (stores.empty()) throw Error(Failure::Invalid, "there must be one store at least");
    return stores;
}

std::string storesComplaint(const std::string& option) {
    try {
        storesIn(Config({{"image", "stores", option, anyText()}}));
        return {};
    } catch (const Error& problem) {
        return problem.what();
    }
}

}
