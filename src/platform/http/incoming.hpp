#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace stratolet::http {

/// Bytes that have come and belong to nobody yet. Room for more is not filled with zeros first, which an upload would
/// pay for with every byte.
class Incoming {
public:
    std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }

    /// `count` more bytes may be put here; came() then tells how many were.
    std::span<char> room(std::size_t count) {
        if (capacity_ - end_ < count) {
            const auto kept = bytes();
            if (capacity_ < kept.size() + count) {
                auto larger = std::make_unique_for_overwrite<char[]>(kept.size() + count);
                std::copy(kept.begin(), kept.end(), larger.get());
                data_ = std::move(larger);
                capacity_ = kept.size() + count;
            } else {
                std::memmove(data_.get(), kept.data(), kept.size());
            }
            end_ -= begin_;
            begin_ = 0;
        }
        return {data_.get() + end_, count};
    }
    void came(std::size_t count) { end_ += count; }

    void drop(std::size_t count) { ///< from the front
        begin_ += count;
        if (empty()) clear();
    }
    void clear() { begin_ = end_ = 0; }

    /// Gives back room that only a large body needed; nothing may be here.
    void shrink(std::size_t bytesMax) {
        if (capacity_ <= bytesMax) return;
        data_.reset();
        capacity_ = 0;
    }

private:
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}
