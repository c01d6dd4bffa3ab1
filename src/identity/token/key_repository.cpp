#include "identity/token/key_repository.hpp"

#include <fcntl.h>
#include <limits>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <stratolet/error.hpp>

#include "identity/token/crypto.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/key_file.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

namespace fs = std::filesystem;
using Numbered = std::map<int, fs::path>;

std::optional<int> numberOf(const fs::path& file) {
    const auto number = wholeNumberIn(file.filename().string());
    if (!number || *number < 0 || *number > std::numeric_limits<int>::max()) return std::nullopt;
    return static_cast<int>(*number);
}

Numbered filesIn(const fs::path& folder) {
    Numbered files;
    for (const auto& each : fs::directory_iterator(folder))
        if (const auto number = numberOf(each.path())) files[*number] = each.path();
    return files;
}

Time changedAt(const fs::path& file) {
    struct stat what {};
    check(::stat(file.c_str(), &what), "look at " + file.string());
    return fromMicros(static_cast<std::int64_t>(what.st_mtim.tv_sec) * 1000000 + what.st_mtim.tv_nsec / 1000);
}

/// A key's file says when it became what it is by its time of change.
void setChangedAt(const fs::path& file, Time time) {
    const auto micros = toMicros(time);
    const timespec moment{micros / 1000000, micros % 1000000 * 1000};
    const std::array<timespec, 2> times{moment, moment};
    check(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0), "date " + file.string());
}

/// Held while the folder changes.
Fd lockOf(const fs::path& folder) {
    Fd lock(static_cast<int>(
        check(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "lock " + folder.string())));
    check(::flock(lock.get(), LOCK_EX), "lock " + folder.string());
    return lock;
}

}

KeyRepository::KeyRepository(fs::path folder, Ambient& ambient, bool durable)
    : folder_(std::move(folder)),
      ambient_(ambient),
      durable_(durable) {
    fs::create_directories(folder_);
    fs::permissions(folder_, fs::perms::owner_all);
    {
        const Fd lock = lockOf(folder_);
        if (filesIn(folder_).empty())
            for (const auto* each : {"0", "1"}) {
                writeKeyFile(folder_ / each, ambient_, durable_);
                setChangedAt(folder_ / each, ambient_.now());
            }
    }
    keys_ = std::make_shared<const Keys>(read());
}

KeyRepository::Keys KeyRepository::read() const {
    const auto files = filesIn(folder_);
    Keys keys;
    for (auto each = files.rbegin(); each != files.rend(); ++each) keys.push_back(readKeyFile(each->second));
    if (keys.empty()) throw Error(Failure::Broken, folder_.string(), " has no Fernet key");
    return keys;
}

std::shared_ptr<const KeyRepository::Keys> KeyRepository::keys() const {
    const std::scoped_lock lock(mutex_);
    return keys_;
}

std::string KeyRepository::primaryName() const {
    return base64Url(sha256(keys()->front())).substr(0, 22); // 128 bits tell keys apart
}

Time KeyRepository::primarySince() const {
    const auto files = filesIn(folder_);
    return files.empty() ? Time() : changedAt(files.rbegin()->second);
}

bool KeyRepository::reread() {
    Keys fresh;
    {
        const Fd lock = lockOf(folder_); // a rotation is seen whole
        fresh = read();
    }
    const std::scoped_lock lock(mutex_);
    if (fresh == *keys_) return false;
    keys_ = std::make_shared<const Keys>(std::move(fresh));
    return true;
}

void KeyRepository::rotate(std::size_t keysMax, std::chrono::seconds livesFor) {
    {
        const Fd lock = lockOf(folder_);
        const auto files = filesIn(folder_);
        if (!files.contains(0)) {
            writeKeyFile(folder_ / "0", ambient_,
                         durable_); // somebody took it away: without it there is nothing to promote
            setChangedAt(folder_ / "0", ambient_.now());
        }
        const auto next = folder_ / std::to_string(files.empty() ? 1 : files.rbegin()->first + 1);
        setChangedAt(folder_ / "0", ambient_.now());
        fs::rename(folder_ / "0", next);
        writeKeyFile(folder_ / "0", ambient_, durable_);
        setChangedAt(folder_ / "0", ambient_.now());
    }
    prune(keysMax, livesFor);
    reread();
}

void KeyRepository::prune(std::size_t keysMax, std::chrono::seconds livesFor) {
    const Fd lock = lockOf(folder_);
    auto files = filesIn(folder_);
    while (files.size() > std::max<std::size_t>(keysMax, 3)) {
        const auto oldest = files.upper_bound(0);
        const auto successor = std::next(oldest);
        if (changedAt(successor->second) + livesFor > ambient_.now()) return;
        if (readKeyFile(oldest->second) == keys()->front())
            return; // others may have rotated more than once since we looked: we still use it
        fs::remove(oldest->second);
        files.erase(oldest);
    }
}

}
