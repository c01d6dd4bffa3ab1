#include "appliance/operator/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/os/folder.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t pieceBytes = 256 << 10, textBytesMax = 1 << 20;

using Entry = Handle<archive_entry, archive_entry_free>;
using Reading = Handle<archive, archive_read_free>;

/// The parts of a file that are no holes (lseek(2)), in their order: from where until where.
std::vector<std::pair<off_t, off_t>> filledOf(const Fd& file, off_t size) {
    std::vector<std::pair<off_t, off_t>> parts;
    for (off_t at = 0; at < size;) {
        const off_t from = ::lseek(file.get(), at, SEEK_DATA);
        if (from < 0 || from >= size) break;
        at = std::min(::lseek(file.get(), from, SEEK_HOLE), size);
        if (at <= from) at = size;
        parts.emplace_back(from, at);
    }
    return parts;
}

[[noreturn]] void failWriting(archive* writer) {
    const int code = archive_errno(writer);
    throw Error(code == ENOSPC || code == EDQUOT ? Failure::Full : Failure::Broken,
                "could not write the archive: ", archive_error_string(writer));
}

}

struct ArchiveWriter::Impl {
    Handle<archive, archive_write_free> writer{archive_write_new()};
    std::map<std::pair<dev_t, ino_t>, std::string> linked; ///< files with several names, by the first that was written

    void need(la_ssize_t result) const {
        if (result < ARCHIVE_WARN) failWriting(writer.get());
    }

    Entry entry(const std::string& name) const {
        Entry made(archive_entry_new());
        archive_entry_set_pathname(made.get(), name.c_str());
        return made;
    }

    void addZeros(off_t count) const {
        static const std::string zeros(pieceBytes, '\0');
        for (off_t left = count; left > 0;) {
            const auto now = std::min<std::size_t>(zeros.size(), static_cast<std::size_t>(left));
            need(archive_write_data(writer.get(), zeros.data(), now));
            left -= static_cast<off_t>(now);
        }
    }

    /// Where it stopped: before `until` where the file has become shorter.
    off_t addBytes(const Fd& in, off_t from, off_t until, const fs::path& place) const {
        std::string piece(pieceBytes, '\0');
        while (from < until) {
            const auto wanted = std::min<std::size_t>(piece.size(), static_cast<std::size_t>(until - from));
            const auto got = check(::pread(in.get(), piece.data(), wanted, from), "read " + place.string());
            if (got == 0) break;
            need(archive_write_data(writer.get(), piece.data(), static_cast<std::size_t>(got)));
            from += got;
        }
        return from;
    }

    void addFile(const fs::path& place, const std::string& name) {
        const Fd in(::open(place.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
        struct stat found {};
        if (!in || ::fstat(in.get(), &found) != 0) return; // it has gone meanwhile
        const auto made = entry(name);
        archive_entry_copy_stat(made.get(), &found);
        archive_entry_set_uid(made.get(), 0);
        archive_entry_set_gid(made.get(), 0);
        if (found.st_nlink > 1) {
            const auto [known, first] = linked.emplace(std::pair(found.st_dev, found.st_ino), name);
            if (!first) {
                archive_entry_set_hardlink(made.get(), known->second.c_str());
                archive_entry_unset_size(made.get());
                return need(archive_write_header(writer.get(), made.get()));
            }
        }
        const auto filled = filledOf(in, found.st_size);
        for (const auto& [from, until] : filled) archive_entry_sparse_add_entry(made.get(), from, until - from);
        if (filled.empty() && found.st_size > 0) archive_entry_sparse_add_entry(made.get(), 0, 0);
        need(archive_write_header(writer.get(), made.get()));
        // The library wants all bytes, and keeps none of the holes.
        off_t at = 0;
        for (const auto& [from, until] : filled) {
            addZeros(from - at);
            at = addBytes(in, from, until, place);
        }
        addZeros(found.st_size - at);
        need(archive_write_finish_entry(writer.get()));
    }

    void addLink(const fs::path& place, const std::string& name) {
        std::error_code gone;
        const auto target = fs::read_symlink(place, gone);
        if (gone) return;
        const auto made = entry(name);
        archive_entry_set_filetype(made.get(), AE_IFLNK);
        archive_entry_set_symlink(made.get(), target.c_str());
        archive_entry_set_perm(made.get(), 0777);
        need(archive_write_header(writer.get(), made.get()));
    }

    void addFolder(const fs::path& place, const std::string& name) {
        struct stat found {};
        if (::lstat(place.c_str(), &found) != 0) return;
        const auto made = entry(name);
        archive_entry_set_filetype(made.get(), AE_IFDIR);
        archive_entry_set_perm(made.get(), found.st_mode & 07777);
        need(archive_write_header(writer.get(), made.get()));
    }
};

ArchiveWriter::ArchiveWriter(const Fd& out) : impl_(std::make_unique<Impl>()) {
    auto* writer = impl_->writer.get();
    impl_->need(archive_write_set_format_pax_restricted(writer));
    impl_->need(archive_write_add_filter_zstd(writer));
    impl_->need(archive_write_open_fd(writer, out.get()));
}
ArchiveWriter::~ArchiveWriter() = default;

void ArchiveWriter::addText(const std::string& name, const std::string& text) {
    const auto made = impl_->entry(name);
    archive_entry_set_filetype(made.get(), AE_IFREG);
    archive_entry_set_perm(made.get(), 0600);
    archive_entry_set_size(made.get(), static_cast<la_int64_t>(text.size()));
    impl_->need(archive_write_header(impl_->writer.get(), made.get()));
    impl_->need(archive_write_data(impl_->writer.get(), text.data(), text.size()));
    impl_->need(archive_write_finish_entry(impl_->writer.get()));
}

void ArchiveWriter::add(const fs::path& place, const std::string& name,
                        const std::function<bool(const fs::path& below)>& wanted) {
    const auto addOne = [&](const fs::path& one, const std::string& called) {
        std::error_code gone;
        switch (fs::symlink_status(one, gone).type()) {
        case fs::file_type::regular: impl_->addFile(one, called); break;
        case fs::file_type::symlink: impl_->addLink(one, called); break;
        case fs::file_type::directory: impl_->addFolder(one, called); break;
        default: break; // a socket, or it has gone meanwhile
        }
    };
    addOne(place, name);
    if (!fs::is_directory(fs::symlink_status(place))) return;
    for (auto each = fs::recursive_directory_iterator(place); each != fs::recursive_directory_iterator(); ++each) {
        const auto below = each->path().lexically_relative(place);
        if (wanted && !wanted(below)) {
            each.disable_recursion_pending();
            continue;
        }
        addOne(each->path(), name + "/" + below.string());
    }
}

void ArchiveWriter::finish() { impl_->need(archive_write_close(impl_->writer.get())); }

namespace {

Reading opened(const fs::path& file) {
    Reading reader(archive_read_new());
    archive_read_support_filter_zstd(reader.get());
    archive_read_support_format_tar(reader.get());
    if (archive_read_open_filename(reader.get(), file.c_str(), pieceBytes) != ARCHIVE_OK)
        throw Error(Failure::Invalid, file.string(), " cannot be read: ", archive_error_string(reader.get()));
    return reader;
}

/// Null at the end.
archive_entry* next(archive* reader, const fs::path& file) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader, &entry);
    if (code == ARCHIVE_EOF) return nullptr;
    if (code < ARCHIVE_WARN)
        throw Error(Failure::Invalid, file.string(), " is no archive, or is damaged: ", archive_error_string(reader));
    return entry;
}

/// Where a name leads, which is below the folder.
fs::path placeOf(const fs::path& folder, const char* name) {
    const fs::path path(name ? name : "");
    const bool leaves = std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
    if (path.empty() || path.is_absolute() || leaves)
        throw Error(Failure::Invalid, "the archive has a name that leads out of it: ", path.string());
    return folder / path.lexically_normal();
}

/// What is all zeros becomes a hole.
void unpackBytes(archive* reader, const Fd& out, la_int64_t size, const fs::path& place) {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    for (;;) {
        const int code = archive_read_data_block(reader, &bytes, &count, &offset);
        if (code == ARCHIVE_EOF) break;
        if (code < ARCHIVE_WARN)
            throw Error(Failure::Invalid, "the archive is damaged at ", place.string(), ": ",
                        archive_error_string(reader));
        const std::string_view piece(static_cast<const char*>(bytes), count);
        if (piece.find_first_not_of('\0') == std::string_view::npos) continue;
        check(::lseek(out.get(), offset, SEEK_SET), "write " + place.string());
        writeAll(out.get(), piece, "write " + place.string());
    }
    check(::ftruncate(out.get(), size), "write " + place.string());
}

void unpackOne(archive* reader, archive_entry* entry, const fs::path& folder) {
    const auto place = placeOf(folder, archive_entry_pathname(entry));
    const auto doing = "restore " + place.string();
    const auto mode = static_cast<mode_t>(archive_entry_perm(entry) & 0777);
    if (const auto* first = archive_entry_hardlink(entry)) {
        check(::link(placeOf(folder, first).c_str(), place.c_str()), doing);
        return;
    }
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        fs::create_directories(place);
        check(::chmod(place.c_str(), mode), doing);
        break;
    case AE_IFREG: {
        fs::create_directories(place.parent_path());
        const Fd out(static_cast<int>(
            check(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), doing)));
        unpackBytes(reader, out, archive_entry_size(entry), place);
        check(::fchmod(out.get(), mode), doing);
        check(::fsync(out.get()), doing);
        break;
    }
    case AE_IFLNK: {
        const fs::path target(archive_entry_symlink(entry));
        if (target.has_parent_path()) // ours name a file beside them
            throw Error(Failure::Invalid, "the archive has a link that leads out of its folder: ", place.string());
        fs::create_symlink(target, place);
        break;
    }
    default: throw Error(Failure::Invalid, "the archive has what is neither file, folder nor link: ", place.string());
    }
}

}

std::string firstTextIn(const fs::path& file, const std::string& name) {
    const auto reader = opened(file);
    auto* entry = next(reader.get(), file);
    if (!entry || archive_entry_pathname(entry) != name)
        throw Error(Failure::Invalid, file.string(), " is no backup of ours: it does not begin with ", name);
    std::string text(textBytesMax, '\0');
    const auto got = archive_read_data(reader.get(), text.data(), text.size());
    if (got < 0) throw Error(Failure::Invalid, file.string(), " is damaged: ", archive_error_string(reader.get()));
    text.resize(static_cast<std::size_t>(got));
    return text;
}

void unpack(const fs::path& file, const fs::path& folder) {
    const auto reader = opened(file);
    while (auto* entry = next(reader.get(), file)) unpackOne(reader.get(), entry, folder);
}

}
