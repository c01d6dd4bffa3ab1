#include "image/data/image_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::image {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view unfinished = ".part";
constexpr std::uint64_t writebackBytes = 8 << 20;

/// An id becomes a file name, so it may only be what an id is.
bool isId(std::string_view text) {
    return text.size() == 36 && std::all_of(text.begin(), text.end(), [](char each) {
               return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f') || (each >= 'A' && each <= 'F') ||
                      each == '-';
           });
}

class FileSink : public ImageSink {
public:
    FileSink(fs::path folder, const std::string& name)
        : folder_(std::move(folder)),
          final_(folder_ / name),
          part_(folder_ / (name + std::string(unfinished))) {
        file_ = Fd(
            static_cast<int>(check(::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600),
                                   "make a file for image data")));
        // A confined program that is given the file opens it once more; all others are kept out by the folder.
        check(::fchmod(file_.get(), 0644), "let image data be read");
    }
    ~FileSink() override {
        if (!committed_) ::unlink(part_.c_str());
    }

    void append(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const auto written = check(::write(file_.get(), bytes.data(), bytes.size()), "write image data");
            bytes = bytes.subspan(static_cast<std::size_t>(written));
            length_ += static_cast<std::uint64_t>(written);
        }
        // The disk begins now, so that little is left to wait for at the end.
        if (length_ - flushing_ >= writebackBytes) {
            ::sync_file_range(file_.get(), static_cast<off_t>(flushing_), static_cast<off_t>(length_ - flushing_),
                              SYNC_FILE_RANGE_WRITE);
            flushing_ = length_;
        }
    }

    void commit() override {
        check(::fdatasync(file_.get()), "flush image data");
        fs::rename(part_, final_);
        committed_ = true;
        syncFolder(folder_);
    }

    fs::path path() const override { return part_; }

private:
    fs::path folder_, final_, part_;
    Fd file_;
    std::uint64_t length_ = 0, flushing_ = 0;
    bool committed_ = false;
};

std::string nameOf(const ImageId& image) {
    if (!isId(image.text)) throw Error(Failure::Broken, "an image id cannot be a file name: ", image);
    return image.text;
}

}

ImageFolder::ImageFolder(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    fs::permissions(folder_, fs::perms::owner_all);
}

std::unique_ptr<ImageSink> ImageFolder::receive(const ImageId& image) const {
    return std::make_unique<FileSink>(folder_, nameOf(image));
}

std::optional<fs::path> ImageFolder::find(const ImageId& image) const {
    auto file = folder_ / nameOf(image);
    if (!fs::exists(file)) return std::nullopt;
    return file;
}

void ImageFolder::discard(const ImageId& image) const {
    fs::remove(folder_ / nameOf(image));
    fs::remove(folder_ / (nameOf(image) + std::string(unfinished)));
}

std::vector<ImageId> ImageFolder::present() const {
    std::vector<ImageId> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        auto name = entry.path().filename().string();
        if (name.ends_with(unfinished)) name.resize(name.size() - unfinished.size());
        if (isId(name)) found.push_back({name});
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

}
