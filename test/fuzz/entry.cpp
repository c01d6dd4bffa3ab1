// What libFuzzer calls. Seeds that a target has to make (a sealed token, an image) are written into the folder that
// FUZZ_SEEDS names, which libFuzzer then reads beside the corpus.

#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "fuzz/target.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    const char* folder = std::getenv("FUZZ_SEEDS");
    if (!folder) return 0;
    int number = 0;
    for (const auto& each : stratolet::fuzz::seeds())
        std::ofstream(std::string(folder) + "/seed-" + std::to_string(number++), std::ios::binary) << each;
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stratolet::fuzz::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
