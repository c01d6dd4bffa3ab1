// The header Range (RFC 9110, 14.2): what is taken lies within the thing, and is not empty.

#include <cstdlib>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "platform/http/range.hpp"

namespace stratolet::fuzz {

void run(std::string_view input) {
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        try {
            const auto range = http::rangeIn(input, size);
            if (range.length == 0 || range.first >= size || range.length > size - range.first) std::abort();
        } catch (const Error& refusal) {
            if (refusal.failure() != Failure::Unsupported || refusal.type() != "range") std::abort();
        }
    }
}

std::vector<std::string> seeds() { return {}; }

}
