// The inspector of images: it may understand a file or refuse it, and do nothing else.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "image/data/inspection.hpp"
#include "image/unit/hostile_images.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::fuzz {
namespace {

struct Scratch {
    std::string path = (std::filesystem::temp_directory_path() / "stratolet-fuzz-XXXXXX").string();
    Fd file;
    Scratch() : file(::mkstemp(path.data())) {}
    ~Scratch() { ::unlink(path.c_str()); }
    Scratch(const Scratch&) = delete;
};

}

void run(std::string_view input) {
    static const Scratch scratch;
    if (::ftruncate(scratch.file.get(), 0) != 0 ||
        ::pwrite(scratch.file.get(), input.data(), input.size(), 0) != static_cast<ssize_t>(input.size()))
        std::abort();
    for (const char* declared : {"raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop"}) {
        try {
            if (image::inspectAs(scratch.path, declared).virtualSize.count < 0) std::abort();
        } catch (const Error& refusal) {
            if (refusal.failure() != Failure::Invalid) std::abort();
        }
    }
}

std::vector<std::string> seeds() {
    using namespace test;
    return {
        Qcow2{}.bytes(),          Vmdk{}.bytes(), "vhdxfile", "conectix", "<<< Oracle VM VirtualBox Disk Image >>>\n",
        "# Disk DescriptorFile\n"};
}

}
