#include "block/driver/luks.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/disk_bytes.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"

namespace stratolet::block::luks {
namespace {

// LUKS On-Disk Format Specification, version 1.2.3: numbers are big-endian, offsets are sectors. Where things lie is as
// QEMU lays them out.
constexpr std::size_t sectorBytes = 512, keyBytes = 64, digestBytes = 20, saltBytes = 32, stripes = 4000, slots = 8;
constexpr std::uint32_t firstSlot = 8, slotSectors = 504, slotEnabled = 0x00AC71F3, slotDisabled = 0x0000DEAD;
static_assert((firstSlot + slots * slotSectors) * sectorBytes == static_cast<std::size_t>(luksHeaderBytes.count));
/// A passphrase of 256 random bits is not guessed, however fast one guess is.
constexpr int iterations = 1000;

using Octets = std::vector<unsigned char>;

void require(bool well, std::string_view doing) {
    if (!well) throw Error(Failure::Broken, "could not ", doing, " for LUKS");
}

Octets random(Ambient& ambient, std::size_t count) {
    Octets octets(count);
    ambient.randomize(std::as_writable_bytes(std::span(octets)));
    return octets;
}

Octets stretched(std::span<const unsigned char> secret, const Octets& salt, std::size_t count) {
    Octets key(count);
    require(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(secret.data()), static_cast<int>(secret.size()),
                              salt.data(), static_cast<int>(salt.size()), iterations, EVP_sha256(),
                              static_cast<int>(count), key.data()) == 1,
            "derive a key");
    return key;
}

/// H1 of the specification: each digest's length of it, hashed behind its number.
void diffuse(Octets& block) {
    constexpr std::size_t length = 32;
    for (std::size_t at = 0; at < block.size(); at += length) {
        std::array<unsigned char, 4 + length> input{0, 0, 0, static_cast<unsigned char>(at / length)};
        std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(at), length, input.begin() + 4);
        require(EVP_Digest(input.data(), input.size(), block.data() + at, nullptr, EVP_sha256(), nullptr) == 1, "hash");
    }
}

/// The anti-forensic stripes of a key: without any one of them it is lost.
Octets split(Ambient& ambient, const Octets& key) {
    auto all = random(ambient, key.size() * stripes);
    Octets sum(key.size());
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        auto* at = all.data() + stripe * key.size();
        if (stripe + 1 == stripes)
            for (std::size_t i = 0; i < key.size(); ++i) at[i] = sum[i] ^ key[i];
        for (std::size_t i = 0; i < key.size(); ++i) sum[i] ^= at[i];
        diffuse(sum);
    }
    return all;
}

/// AES-256-XTS, each sector by its number.
void encrypt(Octets& sectors, const Octets& key) {
    const Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
    for (std::size_t sector = 0; sector * sectorBytes < sectors.size(); ++sector) {
        std::array<unsigned char, 16> tweak{};
        for (std::size_t i = 0; i < 8; ++i) tweak[i] = static_cast<unsigned char>(sector >> (8 * i));
        auto* at = sectors.data() + sector * sectorBytes;
        int written = 0;
        require(context &&
                    EVP_EncryptInit_ex(context.get(), EVP_aes_256_xts(), nullptr, key.data(), tweak.data()) == 1 &&
                    EVP_EncryptUpdate(context.get(), at, &written, at, static_cast<int>(sectorBytes)) == 1,
                "encrypt a key");
    }
}

/// The header, as it is written.
class Header {
public:
    void text(std::string_view text, std::size_t room) {
        octets_.insert(octets_.end(), text.begin(), text.end());
        octets_.insert(octets_.end(), room - text.size(), 0);
    }
    void number(std::uint32_t number) {
        for (int shift = 24; shift >= 0; shift -= 8) octets_.push_back(static_cast<unsigned char>(number >> shift));
    }
    void octets(const Octets& more) { octets_.insert(octets_.end(), more.begin(), more.end()); }
    std::span<const std::byte> bytes() const { return std::as_bytes(std::span(octets_)); }

private:
    Octets octets_;
};

/// The passphrase in a file that is nowhere: arguments are everybody's to read (proc(5)).
Fd lent(const std::string& passphrase) {
    Fd file(static_cast<int>(check(::memfd_create("passphrase", MFD_CLOEXEC), "keep a passphrase")));
    writeAll(file.get(), passphrase, "keep a passphrase");
    return file;
}

}

void format(const DiskSource& disk, const std::string& passphrase, Ambient& ambient) {
    const auto key = random(ambient, keyBytes), keySalt = random(ambient, saltBytes), salt = random(ambient, saltBytes);
    const std::span secret(reinterpret_cast<const unsigned char*>(passphrase.data()), passphrase.size());
    auto material = split(ambient, key);
    encrypt(material, stretched(secret, salt, keyBytes));

    Header header;
    header.text("LUKS\xba\xbe", 6);
    header.octets({0, 1}); // version
    header.text("aes", 32);
    header.text("xts-plain64", 32);
    header.text("sha256", 32);
    header.number(firstSlot + slots * slotSectors); // where the payload begins
    header.number(keyBytes);
    header.octets(stretched(key, keySalt, digestBytes));
    header.octets(keySalt);
    header.number(iterations);
    header.text(ambient.uuid(), 40);
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        header.number(slot == 0 ? slotEnabled : slotDisabled);
        header.number(slot == 0 ? iterations : 0);
        header.octets(slot == 0 ? salt : Octets(saltBytes));
        header.number(firstSlot + slot * slotSectors);
        header.number(stripes);
    }

    const auto bytes = openDisk(disk, DiskUse::Write);
    if (bytes->size() <= luksHeaderBytes.count) throw Error(Failure::Broken, "a disk is too small to be sealed");
    bytes->zero(0, luksHeaderBytes.count);
    bytes->write(firstSlot * sectorBytes, std::as_bytes(std::span(material)));
    bytes->write(0, header.bytes());
    bytes->flush();
}

void fill(const DiskSource& disk, const std::string& passphrase, const DiskSource& image, const Cancelled& cancelled) {
    const Fd from(static_cast<int>(check(::open(localPath(image).c_str(), O_RDONLY | O_CLOEXEC), "open an image")));
    const Fd to(
        static_cast<int>(check(::open(localPath(disk).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
    const Fd key = lent(passphrase);
    const std::string driver = std::holds_alternative<BlockDisk>(disk.at) ? "host_device" : "file";
    process::run(
        {.argv = {"qemu-img", "convert", "-n", "--object", "secret,id=key,file=" + process::pathOf(key), "-f",
                  std::string(nameOf(image.format)), "--target-image-opts", process::pathOf(from),
                  "driver=luks,key-secret=key,file.driver=" + driver + ",file.filename=" + process::pathOf(to)},
         .timeout = std::chrono::hours(1),
         .cancelled = cancelled,
         .limits = {.memoryBytesMax = std::int64_t{4} << 30, .cpuSecondsMax = 3600},
         .confined = true,
         .reads = {from.get(), key.get()},
         .writes = {to.get()}})
        .expectSuccess();
}

}
