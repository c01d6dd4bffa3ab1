// A request's head and body, chunked or not: what is whole is the same in one piece and in many.

#include <cstdlib>
#include <limits>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "platform/http/request_parser.hpp"

namespace stratolet::fuzz {
namespace {

const std::string refused = "refused";

/// What came of it, as text: empty where it is not whole.
std::string outcome(std::string_view input, std::size_t piece) {
    http::RequestParser parser(4096, 1 << 16);
    std::string pending, said;
    try {
        while (!parser.done() && !input.empty()) {
            const auto part = input.substr(0, piece);
            input.remove_prefix(part.size());
            pending += part;
            for (;;) {
                const auto taken = parser.feed(pending);
                if (taken > pending.size()) std::abort();
                pending.erase(0, taken);
                if (taken == 0 || parser.done()) break;
            }
            if (pending.size() > (1 << 16) + 4096) std::abort(); // it must not wait for ever
        }
        if (!parser.done()) return ""; // what is wrong further on may be seen sooner or later
        said = parser.methodName() + " " + parser.target() + (parser.keepAlive() ? " keep" : "");
        for (const auto& [name, value] : parser.headers()) said += "\n" + name + ": " + value;
        said += "\n" + parser.body();
    } catch (const Error& refusal) {
        if (refusal.failure() != Failure::Invalid && refusal.failure() != Failure::TooLarge) std::abort();
        return refused;
    }
    return said;
}

}

void run(std::string_view input) {
    const auto whole = outcome(input, std::numeric_limits<std::size_t>::max());
    for (const std::size_t piece : {1, 3, 17})
        if (const auto cut = outcome(input, piece);
            cut != whole && !(cut.empty() && whole == refused) && !(whole.empty() && cut == refused))
            std::abort();
}

std::vector<std::string> seeds() { return {}; }

}
