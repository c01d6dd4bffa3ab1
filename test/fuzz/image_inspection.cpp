// Feeds the inspector with whatever libFuzzer invents: it may understand a file or refuse it, and do nothing else.
//
//   clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isrc test/fuzz/image_inspection.cpp
//   src/image/inspection.cpp
//       src/platform/os/{fd,netns,process}.cpp src/platform/json/json.cpp -lnl-3 $(pkg-config --cflags libnl-3.0) -o image_inspection
//   ./image_inspection -max_len=262144 -max_total_time=600 CORPUS
//
// A file made by qemu-img create in each format is a good corpus.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <stratolet/error.hpp>

#include "image/inspection.hpp"
#include "platform/os/fd.hpp"

namespace {

struct Scratch {
    std::string path = (std::filesystem::temp_directory_path() / "stratolet-fuzz-XXXXXX").string();
    stratolet::Fd file;
    Scratch() : file(::mkstemp(path.data())) {}
    ~Scratch() { ::unlink(path.c_str()); }
    Scratch(const Scratch&) = delete;
};

}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch scratch;
    if (::ftruncate(scratch.file.get(), 0) != 0 || ::pwrite(scratch.file.get(), data, size, 0) != static_cast<ssize_t>(size)) std::abort();
    for (const char* declared : {"raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop"}) {
        try {
            if (stratolet::image::inspectAs(scratch.path, declared).virtualSize.count < 0) std::abort();
        } catch (const stratolet::Error& refusal) {
            if (refusal.failure() != stratolet::Failure::Invalid) std::abort();
        }
    }
    return 0;
}
