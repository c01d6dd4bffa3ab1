#include "image/driver/file_store.hpp"

#include "image/data/image_folder.hpp"

namespace stratolet::image {
namespace {

class FileStore : public ImageStore {
public:
    FileStore(std::string name, const std::filesystem::path& folder) : name_(std::move(name)), folder_(folder) {}

    std::string_view name() const override { return name_; }
    std::unique_ptr<ImageSink> receive(const ImageId& image) override { return folder_.receive(image); }
    std::optional<std::filesystem::path> find(const ImageId& image) override { return folder_.find(image); }
    void discard(const ImageId& image) override { folder_.discard(image); }
    std::vector<ImageId> present() override { return folder_.present(); }

private:
    std::string name_;
    ImageFolder folder_;
};

}

std::unique_ptr<ImageStore> fileImageStore(const std::filesystem::path& folder, std::string name) {
    return std::make_unique<FileStore>(std::move(name), folder);
}

}
