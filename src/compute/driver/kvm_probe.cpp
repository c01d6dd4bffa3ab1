#include "compute/driver/kvm_probe.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "platform/os/boot.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/file.hpp"

namespace stratolet::compute {
namespace {

// What the child found out, as its exit code.
enum Finding : int { Runs = 0, NoDevice = 1, NoMachine = 2, NoCpu = 3, DidNotRun = 4, WrongExit = 5 };

constexpr std::uint64_t memoryBytes = 64 << 10;
constexpr std::uint64_t codeAt = 0x1000, tablesAt = 0x2000;

// mov ecx, 4000000; dec ecx; jnz back; hlt. The operand-size prefix makes the first two 32 bits wide in real mode.
constexpr unsigned char realModeCode[] = {0x66, 0xb9, 0x00, 0x09, 0x3d, 0x00, 0x66, 0x49, 0x75, 0xfc, 0xf4};
constexpr unsigned char longModeCode[] = {0xb9, 0x00, 0x09, 0x3d, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xf4};

// Everything below runs in a child forked from a process with threads: system calls only.

bool countsTo(int cpu, kvm_run* state) {
    for (int entry = 0; entry < 1000; ++entry) { // a signal or the scheduler may end an entry early
        if (ioctl(cpu, KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (state->exit_reason == KVM_EXIT_HLT) return true;
        if (state->exit_reason != KVM_EXIT_INTR) return false;
    }
    return false;
}

bool inRealMode(int cpu, kvm_run* state, char* memory) {
    std::memcpy(memory + codeAt, realModeCode, sizeof realModeCode);
    kvm_sregs segments{};
    if (ioctl(cpu, KVM_GET_SREGS, &segments) < 0) return false;
    segments.cs.base = 0;
    segments.cs.selector = 0;
    kvm_regs registers{};
    registers.rip = codeAt;
    registers.rflags = 2;
    return ioctl(cpu, KVM_SET_SREGS, &segments) >= 0 && ioctl(cpu, KVM_SET_REGS, &registers) >= 0 &&
           countsTo(cpu, state);
}

bool inLongMode(int cpu, kvm_run* state, char* memory) {
    std::memcpy(memory + codeAt, longModeCode, sizeof longModeCode);
    auto* tables = reinterpret_cast<std::uint64_t*>(memory + tablesAt);
    tables[0] = (tablesAt + 0x1000) | 3;   // level 4 → level 3, present and writable
    tables[512] = (tablesAt + 0x2000) | 3; // level 3 → level 2
    tables[1024] = 0x83;                   // the first 2 MiB as they are
    kvm_sregs segments{};
    if (ioctl(cpu, KVM_GET_SREGS, &segments) < 0) return false;
    segments.cr3 = tablesAt;
    segments.cr4 = 0x20;       // PAE
    segments.cr0 = 0x80050033; // paging, protected mode
    segments.efer = 0x500;     // long mode, enabled and active
    kvm_segment code{};
    code.limit = 0xffffffff;
    code.selector = 8;
    code.type = 11;
    code.present = code.s = code.l = code.g = 1;
    segments.cs = code;
    code.type = 3;
    code.selector = 16;
    code.l = 0;
    code.db = 1;
    segments.ds = segments.es = segments.fs = segments.gs = segments.ss = code;
    kvm_regs registers{};
    registers.rip = codeAt;
    registers.rflags = 2;
    registers.rsp = memoryBytes;
    return ioctl(cpu, KVM_SET_SREGS, &segments) >= 0 && ioctl(cpu, KVM_SET_REGS, &registers) >= 0 &&
           countsTo(cpu, state);
}

int freshCpu(int kvm, kvm_run*& state, char*& memory) {
    const int machine = ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine < 0) return -1;
    void* pages = mmap(nullptr, memoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return -1;
    memory = static_cast<char*>(pages);
    kvm_userspace_memory_region region{};
    region.memory_size = memoryBytes;
    region.userspace_addr = reinterpret_cast<std::uint64_t>(pages);
    if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) < 0) return -1;
    const int cpu = ioctl(machine, KVM_CREATE_VCPU, 0);
    const int stateBytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (cpu < 0 || stateBytes <= 0) return -1;
    void* shared = mmap(nullptr, static_cast<std::size_t>(stateBytes), PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (shared == MAP_FAILED) return -1;
    state = static_cast<kvm_run*>(shared);
    return cpu;
}

Finding tryIt() {
    const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) return NoDevice;
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return NoMachine;
    for (const auto mode : {inRealMode, inLongMode}) {
        kvm_run* state = nullptr;
        char* memory = nullptr;
        const int cpu = freshCpu(kvm, state, memory);
        if (cpu < 0) return NoCpu;
        if (!mode(cpu, state, memory)) return DidNotRun;
    }
    return Runs;
}

std::string textOf(int finding) {
    switch (finding) {
    case Runs: return "a virtual CPU ran";
    case NoDevice: return "/dev/kvm can't be opened";
    case NoMachine: return "/dev/kvm speaks another version";
    case NoCpu: return "no virtual CPU could be made";
    case DidNotRun: return "a virtual CPU stopped where it should not";
    default: return "the probe ended in a way of its own";
    }
}

}

namespace {

/// This start of the machine, and this making of the device (random(4), stat(2)).
std::string thisKvm() {
    struct stat device {};
    ::stat("/dev/kvm", &device);
    return bootId() + " " + std::to_string(device.st_ino) + " " + std::to_string(device.st_ctim.tv_sec) + "." +
           std::to_string(device.st_ctim.tv_nsec);
}

}

KvmVerdict probeKvm(std::chrono::milliseconds patience) {
    const pid_t child = fork();
    if (child < 0) return {false, "the probe could not be started"};
    if (child == 0) _exit(tryIt());
    const auto end = std::chrono::steady_clock::now() + patience;
    int status = 0;
    while (std::chrono::steady_clock::now() < end) {
        if (waitpid(child, &status, WNOHANG) == child) {
            const int finding = WIFEXITED(status) ? WEXITSTATUS(status) : WrongExit;
            return {finding == Runs, textOf(finding)};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    kill(child, SIGKILL);
    // Killed for certain, but perhaps not at once: KVM may hold on to it for a while. A child not reaped is harmless.
    for (int look = 0; look < 500 && waitpid(child, &status, WNOHANG) != child; ++look)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return {false, "a virtual CPU was started and got nowhere", true};
}

KvmVerdict probeKvm(const std::filesystem::path& file) {
    const auto here = thisKvm();
    std::string known;
    if (std::ifstream in(file); std::getline(in, known) && known == here)
        return {false, "a virtual CPU got nowhere before, on this start of the machine"};
    const auto verdict = probeKvm();
    std::error_code none;
    std::filesystem::remove(file, none);
    if (verdict.waited) writeFile(file, here + "\n", {.onDisk = false});
    return verdict;
}

}
