#pragma once

#include <stratolet/driver/image_store.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/image_record.hpp"

namespace stratolet::image {

/// The stores of this cloud, at least one; the first is where data goes unless somebody asks for another.
class Stores {
public:
    explicit Stores(const std::vector<std::unique_ptr<ImageStore>>& all);

    ImageStore& first() const { return *all_.front(); }
    const std::vector<ImageStore*>& all() const { return all_; }
    ImageStore* find(std::string_view name) const;    ///< null where there is none of that name
    ImageStore& named(const std::string& name) const; ///< Error(Invalid) where there is none of that name
    std::vector<std::string> names() const;

    /// The data of an image in the first of its stores that has it.
    std::optional<std::filesystem::path> locate(const ImageRecord& image) const;

    void discard(const ImageId& image) const; ///< from all of them

private:
    std::vector<ImageStore*> all_;
};

std::string
storesComplaint(const std::string& option); ///< what is wrong with the option "stores", empty where nothing is

}
