#include "image/digests.hpp"

#include <openssl/evp.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::image {
namespace {

using Piece = std::shared_ptr<const std::string>;
constexpr std::size_t behindMax = 16; // pieces; each is what the session hands over at once, about 1 MiB

class Hasher {
public:
    explicit Hasher(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm, nullptr) != 1)
            throw Error(Failure::Broken, "could not begin a checksum");
        thread_ = std::thread([this] { work(); });
    }
    ~Hasher() {
        {
            const std::lock_guard lock(mutex_);
            pieces_.clear();
            ended_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }
    Hasher(const Hasher&) = delete;

    void append(Piece piece) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return pieces_.size() < behindMax; });
        pieces_.push_back(std::move(piece));
        changed_.notify_all();
    }

    std::string finish() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        thread_.join();
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        unsigned length = 0;
        if (broken_ || EVP_DigestFinal_ex(context_.get(), digest.data(), &length) != 1)
            throw Error(Failure::Broken, "could not make a checksum");
        constexpr std::string_view hex = "0123456789abcdef";
        std::string text;
        for (unsigned each = 0; each < length; ++each) text.append(1, hex[digest[each] >> 4]).append(1, hex[digest[each] & 15]);
        return text;
    }

private:
    void work() {
        for (;;) {
            Piece piece;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [&] { return ended_ || !pieces_.empty(); });
                if (pieces_.empty()) return;
                piece = std::move(pieces_.front());
                pieces_.pop_front();
            }
            changed_.notify_all();
            if (EVP_DigestUpdate(context_.get(), piece->data(), piece->size()) != 1) broken_ = true;
        }
    }

    Handle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Piece> pieces_;
    bool ended_ = false;
    bool broken_ = false; // written by the thread, read after it has ended
    std::thread thread_;
};

}

struct Digests::Impl {
    Hasher md5{EVP_md5()}, sha512{EVP_sha512()};
};

Digests::Digests() : impl_(std::make_unique<Impl>()) {}
Digests::~Digests() = default;

void Digests::append(std::span<const std::byte> bytes) {
    const auto piece = std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    impl_->md5.append(piece);
    impl_->sha512.append(piece);
}

Digests::Result Digests::finish() { return {impl_->md5.finish(), impl_->sha512.finish()}; }

}
