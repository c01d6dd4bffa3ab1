#pragma once

#include <string_view>

namespace stratolet {

/// A file of the source tree, compiled in. The array is in the order of the paths and ends with a null one.
struct EmbeddedFile {
    const char* path;
    const char* begin;
    const char* end;

    std::string_view content() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};
extern const EmbeddedFile embeddedFiles[];

}
