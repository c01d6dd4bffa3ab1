#include "appliance/fresh_store/fresh_store.hpp"

#include <stratolet/error.hpp>
#include <zstd.h>

// FRESH_STORE is the packed file, as make_fresh_store has written it.
asm(".pushsection .rodata\nfresh_store: .incbin \"" FRESH_STORE "\"\nfresh_store_end: .byte 0\n.popsection");
extern "C" {
extern const char freshStoreBegin asm("fresh_store");
extern const char freshStoreEnd asm("fresh_store_end");
}

namespace stratolet {

std::string freshStore() {
    const auto packed = static_cast<std::size_t>(&freshStoreEnd - &freshStoreBegin);
    std::string file(ZSTD_getFrameContentSize(&freshStoreBegin, packed), '\0');
    const auto size = ZSTD_decompress(file.data(), file.size(), &freshStoreBegin, packed);
    if (ZSTD_isError(size) || size != file.size())
        throw Error(Failure::Broken, "the fresh store in this program can't be unpacked");
    return file;
}

}
