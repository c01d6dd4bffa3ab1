// Runs a target with inputs made from its seeds by changes that a fixed seed of the generator decides: every run is the same run.
//
//   fuzz_NAME [SECONDS [SEED]]      5 seconds and seed 1 by default; a crash leaves the input in fuzz_NAME.input

#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>

#include "fuzz/target.hpp"

namespace {

std::string current, inputFile;

/// What was tried last, for whoever looks at the crash.
void keep(int signal) {
    std::ofstream(inputFile, std::ios::binary) << current; // not async-signal-safe, but the process is lost anyway
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

std::string changed(std::string input, const std::vector<std::string>& seeds, std::mt19937_64& random) {
    const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
    for (auto steps = 1 + below(6); steps > 0; --steps) {
        const auto at = below(input.size() + 1);
        switch (below(8)) {
        case 0: input.insert(at, 1, static_cast<char>(random())); break;
        case 1: input.erase(at, 1 + below(8)); break;
        case 2:
            if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
            break;
        case 3:
            if (at < input.size()) input[at] = static_cast<char>(random());
            break;
        case 4: input.resize(at); break;
        case 5: input.insert(at, input.substr(below(input.size() + 1), below(32))); break; // a part twice
        case 6: {
            const auto& other = seeds[below(seeds.size())];
            input = input.substr(0, at) + other.substr(below(other.size() + 1)); // two seeds crossed
            break;
        }
        case 7: input.insert(at, std::string(below(64), "([{\"'\\%:\xff\0"[below(10)])); break;
        }
    }
    return input.substr(0, 1 << 16);
}

}

int main(int count, char** words) {
    const auto seconds = std::chrono::seconds(count > 1 ? std::atoi(words[1]) : 5);
    std::mt19937_64 random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
    inputFile = std::string(words[0]) + ".input";
    for (const int each : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(each, keep);
    auto corpus = stratolet::fuzz::seeds();
    const auto known = corpus.size();
    for (const auto& each : corpus) {
        current = each;
        stratolet::fuzz::run(current);
    }
    const auto until = std::chrono::steady_clock::now() + seconds;
    unsigned long inputs = known;
    while (std::chrono::steady_clock::now() < until)
        for (int each = 0; each < 256; ++each, ++inputs) {
            current = changed(corpus[random() % corpus.size()], corpus, random);
            ::alarm(10); // hanging is a crash, too
            stratolet::fuzz::run(current);
            ::alarm(0);
            if (random() % 64 == 0 && corpus.size() < 4096) corpus.push_back(current); // changes of changes
        }
    std::printf("%s: %lu inputs in %ld s\n", words[0], inputs, static_cast<long>(seconds.count()));
    return 0;
}
