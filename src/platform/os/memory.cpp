#include "platform/os/memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace stratolet {
namespace {

/// Of one object of this process (dl_iterate_phdr(3)). Code is never written to, so nothing of it can be lost.
int giveBackCode(dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int each = 0; each < object->dlpi_phnum; ++each) {
        const auto& segment = object->dlpi_phdr[each];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 || (segment.p_flags & PF_W) != 0) continue;
        const auto begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const auto end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}

void giveBackMemory() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(giveBackCode, nullptr);
}

}
