#include "block/backup/archive.hpp"

#include <openssl/evp.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::block::archive {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers of the format are little-endian, copied as they are");

using Digest = std::array<std::byte, 32>;
using Bytes = std::vector<std::byte>;

constexpr std::size_t idBytes = 36;
constexpr std::int64_t objectBytes =
    32 << 20;                              // an object is closed once it holds as much, which is in memory until then
constexpr std::size_t entriesMost = 65536; // or as many entries
constexpr std::size_t batchChunks = 16;    // are compressed side by side
constexpr std::array<char, 8> mark{'S', 'T', 'R', 'L', 'B', 'A', 'K', '1'};

enum class Holds : std::uint32_t { Zeros, Data };

/// A chunk, or a run of chunks that are all zeros, as it stands in an object's list.
struct Entry {
    std::uint64_t chunk = 0, count = 1;
    Holds holds = Holds::Zeros;
    std::uint32_t object = 0; ///< where it lies: of `holder`
    std::uint64_t offset = 0;
    std::uint32_t length = 0, plain = 0; ///< compressed, and not
    std::array<char, idBytes> holder{};
    std::uint32_t reserved = 0;
    Digest digest{}; ///< SHA-256 of the plain bytes
};
static_assert(sizeof(Entry) == 112 && std::is_trivially_copyable_v<Entry>);

/// The end of an object.
struct Trailer {
    std::uint64_t diskBytes = 0;
    std::uint64_t next = 0; ///< the first chunk that this object and those before it don't cover
    std::uint32_t entries = 0;
    std::uint32_t last = 0; ///< 1: the backup is complete
    Digest digest{};        ///< SHA-256 of the list, and of what stands above
    std::array<char, 8> mark = archive::mark;
};
static_assert(sizeof(Trailer) == 64 && std::is_trivially_copyable_v<Trailer>);

Digest sha256(std::initializer_list<std::span<const std::byte>> parts) {
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    Digest digest;
    bool well = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    for (const auto& part : parts) well = well && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    well = well && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1;
    if (!well) throw Error(Failure::Broken, "could not compute a SHA-256");
    return digest;
}

Digest digestOf(const Trailer& trailer, std::span<const Entry> entries) {
    return sha256({std::as_bytes(entries), std::as_bytes(std::span(&trailer, 1)).first(offsetof(Trailer, digest))});
}

Error damaged(const BackupId& backup, const auto&... what) {
    return Error(Failure::Broken, "backup ", backup, " is damaged: ", what...);
}

/// The list of an object; nothing where there is no such object.
struct Listed {
    Trailer trailer;
    std::vector<Entry> entries;
};
std::optional<Listed> listOf(BackupStore& store, const BackupId& backup, int object) {
    const auto length = store.lengthOf(backup, object);
    if (!length) return std::nullopt;
    Listed found;
    if (*length < static_cast<std::int64_t>(sizeof(Trailer))) throw damaged(backup, "object ", object, " is cut off");
    store.get(backup, object, *length - static_cast<std::int64_t>(sizeof(Trailer)),
              std::as_writable_bytes(std::span(&found.trailer, 1)));
    const auto listBytes = static_cast<std::int64_t>(found.trailer.entries * sizeof(Entry));
    if (found.trailer.mark != mark || found.trailer.entries > entriesMost ||
        listBytes > *length - static_cast<std::int64_t>(sizeof(Trailer)))
        throw damaged(backup, "object ", object, " has no list");
    found.entries.resize(found.trailer.entries);
    store.get(backup, object, *length - static_cast<std::int64_t>(sizeof(Trailer)) - listBytes,
              std::as_writable_bytes(std::span(found.entries)));
    if (digestOf(found.trailer, found.entries) != found.trailer.digest)
        throw damaged(backup, "the list of object ", object, " is not what it was");
    return found;
}

/// Calls `each` with every list of a complete backup, in order; the number of objects.
template <class Each> int forEachList(BackupStore& store, const BackupId& backup, Each each) {
    std::uint64_t covered = 0;
    for (int object = 1;; ++object) {
        const auto listed = listOf(store, backup, object);
        if (!listed) throw damaged(backup, "object ", object, " is missing");
        for (const auto& entry : listed->entries) {
            if (entry.chunk != covered) throw damaged(backup, "chunk ", covered, " is missing");
            covered += entry.count;
        }
        if (covered != listed->trailer.next) throw damaged(backup, "chunk ", covered, " is missing");
        each(*listed);
        if (listed->trailer.last != 0) return object;
    }
}

/// Runs work(i) for i from 0 to `count` on as many threads as there are cores, four at most; throws what one of them
/// threw.
template <class Work> void sideBySide(std::size_t count, Work work) {
    std::atomic<std::size_t> next = 0;
    std::exception_ptr problem;
    std::mutex guard;
    const auto go = [&] {
        try {
            for (auto i = next++; i < count; i = next++) work(i);
        } catch (...) {
            next = count;
            const std::lock_guard lock(guard);
            if (!problem) problem = std::current_exception();
        }
    };
    const auto threads = std::min<std::size_t>({std::max(1U, std::thread::hardware_concurrency()), 4, count});
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < threads; ++i) others.emplace_back(go);
        go();
    }
    if (problem) std::rethrow_exception(problem);
}

bool allZero(std::span<const std::byte> bytes) {
    return bytes.empty() ||
           (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

Bytes compressed(std::span<const std::byte> plain) {
    Bytes packed(ZSTD_compressBound(plain.size()));
    const auto length = ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1);
    if (ZSTD_isError(length)) throw Error(Failure::Broken, "could not compress: ", ZSTD_getErrorName(length));
    packed.resize(length);
    return packed;
}

std::string textOf(const std::array<char, idBytes>& id) { return {id.data(), id.size()}; }

void stopIf(const Cancelled& cancelled) {
    if (cancelled && cancelled()) throw Error(Failure::Busy, "the copy was stopped");
}

/// Where each chunk of the backup before lies.
std::unordered_map<std::uint64_t, Entry> chunksOf(BackupStore& store, const BackupId& backup) {
    std::unordered_map<std::uint64_t, Entry> found;
    if (backup.empty()) return found;
    forEachList(store, backup, [&](const Listed& listed) {
        for (const auto& entry : listed.entries)
            if (entry.holds == Holds::Data) found.emplace(entry.chunk, entry);
    });
    return found;
}

/// The object that is being filled.
class Filling {
public:
    Filling(BackupStore& store, const BackupId& backup, std::int64_t diskBytes) : store_(store), backup_(backup) {
        trailer_.diskBytes = static_cast<std::uint64_t>(diskBytes);
        // What is there already, and how far it goes.
        while (const auto listed = listOf(store, backup, number_)) {
            if (listed->trailer.diskBytes != trailer_.diskBytes) throw damaged(backup, "the disk has another size now");
            trailer_.next = listed->trailer.next;
            complete_ = listed->trailer.last != 0;
            kept_ += *store.lengthOf(backup, number_);
            ++number_;
        }
    }

    std::uint64_t next() const { return trailer_.next; }
    bool complete() const { return complete_; }
    Result result() const { return {number_ - 1, kept_}; }

    void zeros(std::uint64_t chunk, std::uint64_t count) {
        if (count == 0) return;
        if (!entries_.empty() && entries_.back().holds == Holds::Zeros)
            entries_.back().count += count;
        else
            entries_.push_back({.chunk = chunk, .count = count});
        trailer_.next = chunk + count;
    }

    void elsewhere(const Entry& entry) {
        entries_.push_back(entry);
        trailer_.next = entry.chunk + 1;
        closeIfFull();
    }

    void data(std::uint64_t chunk, std::span<const std::byte> packed, std::size_t plain, const Digest& digest) {
        Entry entry{.chunk = chunk,
                    .holds = Holds::Data,
                    .object = static_cast<std::uint32_t>(number_),
                    .offset = bytes_.size(),
                    .length = static_cast<std::uint32_t>(packed.size()),
                    .plain = static_cast<std::uint32_t>(plain),
                    .digest = digest};
        std::copy_n(backup_.text.begin(), idBytes, entry.holder.begin());
        bytes_.insert(bytes_.end(), packed.begin(), packed.end());
        elsewhere(entry);
    }

    void close(bool last) {
        trailer_.entries = static_cast<std::uint32_t>(entries_.size());
        trailer_.last = last ? 1 : 0;
        trailer_.digest = digestOf(trailer_, entries_);
        const auto add = [&](std::span<const std::byte> more) {
            bytes_.insert(bytes_.end(), more.begin(), more.end());
        };
        add(std::as_bytes(std::span(entries_)));
        add(std::as_bytes(std::span(&trailer_, 1)));
        store_.put(backup_, number_, bytes_);
        kept_ += static_cast<std::int64_t>(bytes_.size());
        ++number_;
        bytes_.clear();
        entries_.clear();
    }

private:
    void closeIfFull() {
        if (static_cast<std::int64_t>(bytes_.size()) >= objectBytes || entries_.size() >= entriesMost) close(false);
    }

    BackupStore& store_;
    BackupId backup_;
    int number_ = 1;
    bool complete_ = false;
    std::int64_t kept_ = 0;
    Trailer trailer_;
    std::vector<Entry> entries_;
    Bytes bytes_;
};

/// A chunk on its way in.
struct Chunk {
    std::uint64_t number = 0;
    Bytes plain;
    bool zero = false;
    const Entry* same = nullptr; ///< in the backup before
    Digest digest{};
    Bytes packed;
};

}

Result write(BackupStore& store, const BackupId& backup, const BackupId& parent, DiskBytes& disk,
             const Cancelled& cancelled, const std::function<void(std::int64_t, std::int64_t)>& progress) {
    if (backup.text.size() != idBytes) throw Error(Failure::Broken, "not the id of a backup: ", backup);
    const auto size = disk.size();
    const auto chunks = static_cast<std::uint64_t>((size + chunkBytes - 1) / chunkBytes);
    Filling filling(store, backup, size);
    if (filling.complete()) return filling.result();
    const auto before = chunksOf(store, parent);

    std::vector<Chunk> batch;
    std::size_t used = 0;
    const auto finish = [&] {
        sideBySide(used, [&](std::size_t i) {
            auto& chunk = batch[i];
            chunk.zero = allZero(chunk.plain);
            chunk.same = nullptr;
            if (chunk.zero) return;
            chunk.digest = sha256({chunk.plain});
            const auto found = before.find(chunk.number);
            if (found != before.end() && found->second.digest == chunk.digest &&
                found->second.plain == chunk.plain.size())
                chunk.same = &found->second;
            else
                chunk.packed = compressed(chunk.plain);
        });
        for (std::size_t i = 0; i < used; ++i) {
            const auto& chunk = batch[i];
            filling.zeros(filling.next(), chunk.number - filling.next());
            if (chunk.zero)
                filling.zeros(chunk.number, 1);
            else if (chunk.same)
                filling.elsewhere(*chunk.same);
            else
                filling.data(chunk.number, chunk.packed, chunk.plain.size(), chunk.digest);
        }
        used = 0;
        if (progress) progress(static_cast<std::int64_t>(filling.next()) * chunkBytes, size);
        stopIf(cancelled);
    };

    batch.resize(batchChunks);
    std::optional<DiskBytes::Stretch> stretch;
    for (auto chunk = filling.next(); chunk < chunks; ++chunk) {
        const auto at = static_cast<std::int64_t>(chunk) * chunkBytes;
        if (!stretch || stretch->end <= at) {
            stretch = disk.data(at);
            if (!stretch) break; // zeros are all that follows
            if (stretch->begin >= at + chunkBytes) chunk = static_cast<std::uint64_t>(stretch->begin / chunkBytes);
        }
        const auto begin = static_cast<std::int64_t>(chunk) * chunkBytes;
        auto& next = batch[used++];
        next.number = chunk;
        next.plain.resize(static_cast<std::size_t>(std::min(chunkBytes, size - begin)));
        disk.read(begin, next.plain);
        if (used == batchChunks) finish();
    }
    finish();
    filling.zeros(filling.next(), chunks - filling.next());
    filling.close(true);
    if (progress) progress(size, size);
    return filling.result();
}

void read(BackupStore& store, const BackupId& backup, DiskBytes& disk, bool zeroed, const Cancelled& cancelled,
          const std::function<void(std::int64_t, std::int64_t)>& progress) {
    struct Unpacked {
        Entry entry;
        Bytes packed, plain;
    };
    // While one batch is written the next is read and unpacked. One thread writes: more of them would only wait for
    // each other at the file.
    std::vector<Unpacked> batch(batchChunks), written(batchChunks);
    for (auto* each : {&batch, &written})
        for (auto& chunk : *each) {
            chunk.packed.resize(ZSTD_compressBound(static_cast<std::size_t>(chunkBytes)));
            chunk.plain.resize(static_cast<std::size_t>(chunkBytes));
        }
    std::size_t used = 0;
    std::int64_t size = 0;
    std::future<void> writing;
    const auto finish = [&] {
        sideBySide(used, [&](std::size_t i) {
            auto& [entry, packed, plain] = batch[i];
            const auto length = ZSTD_decompress(plain.data(), entry.plain, packed.data(), entry.length);
            if (ZSTD_isError(length) || length != entry.plain ||
                sha256({std::span(plain).first(length)}) != entry.digest)
                throw damaged(backup, "chunk ", entry.chunk, " is not what it was");
        });
        if (writing.valid()) writing.get();
        stopIf(cancelled);
        if (used == 0) return;
        if (progress) progress(static_cast<std::int64_t>(batch[0].entry.chunk) * chunkBytes, size);
        batch.swap(written);
        writing = std::async(std::launch::async, [&disk, &written, count = std::exchange(used, 0)] {
            for (const auto& [entry, packed, plain] : std::span(written).first(count))
                disk.write(static_cast<std::int64_t>(entry.chunk) * chunkBytes, std::span(plain).first(entry.plain));
        });
    };
    forEachList(store, backup, [&](const Listed& listed) {
        size = static_cast<std::int64_t>(listed.trailer.diskBytes);
        if (size > disk.size()) throw Error(Failure::Broken, "the disk is smaller than what backup ", backup, " is of");
        for (const auto& entry : listed.entries) {
            const auto at = static_cast<std::int64_t>(entry.chunk) * chunkBytes;
            if (entry.holds == Holds::Zeros) {
                if (!zeroed) disk.zero(at, std::min(static_cast<std::int64_t>(entry.count) * chunkBytes, size - at));
                continue;
            }
            if (entry.plain > chunkBytes || at + entry.plain > size ||
                entry.length > ZSTD_compressBound(static_cast<std::size_t>(chunkBytes)))
                throw damaged(backup, "chunk ", entry.chunk, " can't be as large as it says");
            auto& next = batch[used++];
            next.entry = entry;
            store.get({textOf(entry.holder)}, static_cast<int>(entry.object), static_cast<std::int64_t>(entry.offset),
                      std::span(next.packed).first(entry.length));
            if (used == batchChunks) finish();
        }
    });
    finish();
    if (writing.valid()) writing.get();
    if (!zeroed && disk.size() > size) disk.zero(size, disk.size() - size);
    disk.flush();
    if (progress) progress(size, size);
}

Result inspect(BackupStore& store, const BackupId& backup) {
    Result result;
    result.objects = forEachList(store, backup, [](const Listed&) {});
    for (int object = 1; object <= result.objects; ++object)
        result.bytesKept += store.lengthOf(backup, object).value_or(0);
    return result;
}

}
