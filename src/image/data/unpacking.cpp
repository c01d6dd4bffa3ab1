#include "image/data/unpacking.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <string>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::image {
namespace {

[[noreturn]] void refuse(const char* why) { throw Error(Failure::Invalid, "Image content is refused: ", why, "."); }

void good(int result, const char* why) {
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) refuse(why);
}

}

void unpack(const std::filesystem::path& packed, std::int64_t bytesMax,
            const std::function<void(std::span<const std::byte>)>& take) {
    constexpr const char* broken = "it is no sound gzip, xz or zip file";
    constexpr std::size_t blockBytes = 256 << 10;
    const Handle<archive, archive_read_free> reader(archive_read_new());
    auto* in = reader.get();
    if (!in) throw Error(Failure::Broken, "could not begin to unpack");
    // These and no others: each format that is not known here can't be attacked.
    good(archive_read_support_filter_gzip(in), "gzip is not supported here");
    good(archive_read_support_filter_xz(in), "xz is not supported here");
    good(archive_read_support_format_zip_seekable(in), "zip is not supported here");
    good(archive_read_support_format_raw(in), broken);
    good(archive_read_open_filename(in, packed.c_str(), blockBytes), broken);
    archive_entry* entry = nullptr;
    good(archive_read_next_header(in, &entry), broken);
    const bool zip = (archive_format(in) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
    if (!zip && archive_filter_count(in) < 2) refuse(broken); // raw without a filter: it isn't packed at all
    if (!zip && archive_filter_count(in) > 2) refuse("it is packed more than once");
    if (zip && (archive_entry_filetype(entry) != AE_IFREG || archive_entry_is_encrypted(entry)))
        refuse("a zip file must hold one plain file");
    std::string piece(1 << 20, '\0');
    std::int64_t bytes = 0;
    for (;;) {
        const auto got = archive_read_data(in, piece.data(), piece.size());
        if (got < 0) refuse(broken);
        if (got == 0) break;
        bytes += got;
        if (bytes > bytesMax)
            throw Error(Failure::TooLarge, "Image content is refused: it unpacks to more than ", bytesMax, " bytes.");
        take(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(got))));
    }
    const int next = archive_read_next_header(in, &entry);
    if (next == ARCHIVE_OK) refuse("a zip file must hold one file only");
    if (next != ARCHIVE_EOF) refuse(broken);
}

}
