#include "platform/http/range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

Error notUnderstood() { return Error(Failure::Unsupported, "The range is not understood.").as("range"); }
Error outside() { return Error(Failure::Unsupported, "The range lies outside of the image.").as("range"); }

std::uint64_t numberIn(std::string_view text) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (stopped != end || error == std::errc::invalid_argument) throw notUnderstood();
    return error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max() : number;
}

}

ByteRange rangeIn(std::string_view header, std::uint64_t size) {
    constexpr std::string_view unit = "bytes="; // a name without case (RFC 9110, 14.1)
    if (!sameWithoutCase(header.substr(0, unit.size()), unit) || header.find(',') != std::string_view::npos)
        throw notUnderstood();
    header.remove_prefix(unit.size());
    const auto dash = header.find('-');
    if (dash == std::string_view::npos) throw notUnderstood();
    const auto begin = header.substr(0, dash), end = header.substr(dash + 1);
    if (begin.empty()) {
        const auto last = std::min(numberIn(end), size);
        if (last == 0) throw outside();
        return {size - last, last};
    }
    const auto first = numberIn(begin);
    const auto last = end.empty() ? std::numeric_limits<std::uint64_t>::max() : numberIn(end); // counted in
    if (first >= size || last < first) throw outside();
    return {first, std::min(last, size - 1) - first + 1};
}

}
