#include "block/unit/driver_conformance.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>

#include <csignal>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "platform/json/json.hpp"
#include "platform/os/process.hpp"

namespace stratolet::test {
namespace {

constexpr std::int64_t mib = 1 << 20;
const VolumeId one{"00000000-0000-4000-8000-000000000001"}, two{"00000000-0000-4000-8000-000000000002"},
    three{"00000000-0000-4000-8000-000000000003"};
const SnapshotId first{"00000000-0000-4000-8000-00000000000a"}, second{"00000000-0000-4000-8000-00000000000b"};

process::Outcome qemuIo(const DiskSource& disk, const std::string& command, bool writes) {
    std::vector<std::string> argv = {"qemu-io", "-f", std::string(nameOf(disk.format))};
    if (!writes) argv.insert(argv.end(), {"-r", "-U"});
    argv.insert(argv.end(), {"-c", command, localPath(disk).string()});
    return process::run({.argv = std::move(argv)});
}

std::string range(int pattern, std::int64_t at, std::int64_t count) {
    return "-P " + std::to_string(pattern) + " " + std::to_string(at) + " " + std::to_string(count);
}

Fd opened(const DiskSource& disk, int flags) {
    Fd file(::open(localPath(disk).c_str(), flags | O_CLOEXEC));
    REQUIRE(file);
    return file;
}

void qemuImg(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "qemu-img");
    process::run({.argv = std::move(arguments)}).expectSuccess();
}

/// A raw image whose first MiB has a pattern.
DiskSource rawImage(const BackEnd& backEnd) {
    const auto file = backEnd.folder / "image.raw";
    std::ofstream(file, std::ios::binary) << std::string(mib + 3, 'i');
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    return {FileDisk{file}, DiskFormat::Raw};
}

void emptyVolumes(VolumeDriver& driver) {
    driver.ensure(one, GiB{1});
    CHECK(sizeOf(driver.source(one)) == GiB{1}.bytes());
    CHECK(reads(driver.source(one), 0, 0, 4 * mib));
    CHECK(reads(driver.source(one), 0, GiB{1}.bytes().count - mib, mib));
    write(driver.source(one), 1, mib, mib);
    driver.ensure(one, GiB{1}); // looking again changes nothing
    driver.ensure(one, GiB{2});
    driver.ensure(one, GiB{2});
    CHECK(sizeOf(driver.source(one)) == GiB{2}.bytes());
    CHECK(reads(driver.source(one), 1, mib, mib));
    CHECK(reads(driver.source(one), 0, GiB{1}.bytes().count, mib));
    CHECK_THROWS_AS(driver.ensure(one, GiB{1}), Error); // never smaller
    CHECK(driver.present() == std::vector{one});
    driver.discard(one);
    driver.discard(one);
    CHECK(driver.present().empty());
    CHECK_THROWS_AS(driver.source(one), Error);
    driver.ensure(one, GiB{1}); // what was there before reaches nobody
    CHECK(reads(driver.source(one), 0, 0, 4 * mib));
    driver.discard(one);
}

void filledVolumes(VolumeDriver& driver, const BackEnd& backEnd) {
    const auto raw = rawImage(backEnd);
    const auto qcow2 = DiskSource{FileDisk{backEnd.folder / "image.qcow2"}, DiskFormat::Qcow2};
    qemuImg({"convert", "-f", "raw", "-O", "qcow2", localPath(raw).string(), localPath(qcow2).string()});
    for (const auto& image : {raw, qcow2}) {
        driver.ensure(one, GiB{1});
        write(driver.source(one), 7, 5 * mib, mib);
        for (int twice = 0; twice < 2; ++twice) {
            driver.fill(one, GiB{1}, image, {});
            CHECK(sizeOf(driver.source(one)) == GiB{1}.bytes());
            CHECK(reads(driver.source(one), 'i', 0, mib));
            CHECK(reads(driver.source(one), 0, 5 * mib, mib));
        }
        std::filesystem::remove(localPath(image)); // the volume doesn't need it
        CHECK(reads(driver.source(one), 'i', 0, mib));
        write(driver.source(one), 2, 0, mib);
        CHECK(reads(driver.source(one), 2, 0, mib));
        driver.discard(one);
    }
    std::ofstream(localPath(raw)) << "x";
    std::filesystem::resize_file(localPath(raw), GiB{1}.bytes().count + 1);
    driver.ensure(one, GiB{1});
    CHECK_THROWS_AS(driver.fill(one, GiB{1}, raw, {}), Error); // it doesn't fit
    CHECK(reads(driver.source(one), 0, 0, mib));
    driver.discard(one);
}

void snapshots(VolumeDriver& driver, Layout layout, bool small) {
    const GiB larger{small ? 1 : 2}, largest{small ? 1 : 3};
    const auto beyond = [&](const VolumeId& volume) {
        return small || reads(driver.source(volume), 0, GiB{1}.bytes().count, mib);
    };
    driver.ensure(one, GiB{1}, layout);
    write(driver.source(one), 1, 0, 2 * mib);
    driver.snapshot(first, one, {});
    driver.snapshot(first, one, {});
    write(driver.source(one), 2, 0, mib);
    driver.snapshot(second, one, {});
    write(driver.source(one), 3, 0, mib);
    CHECK(std::set<SnapshotId>{first, second} == [&] {
        const auto found = driver.presentSnapshots();
        return std::set<SnapshotId>(found.begin(), found.end());
    }());
    CHECK(driver.source(first).readOnly);
    CHECK(reads(driver.source(first), 1, 0, 2 * mib));
    CHECK(reads(driver.source(second), 2, 0, mib));
    CHECK(reads(driver.source(second), 1, mib, mib));
    CHECK(reads(driver.source(one), 3, 0, mib));

    driver.ensure(one, largest, layout); // larger than what it has been
    CHECK(beyond(one));
    driver.ensure(two, larger, layout); // as the job that makes a volume does
    for (int twice = small ? 1 : 0; twice < 2; ++twice) {
        driver.restore(two, larger, first, {});
        CHECK(sizeOf(driver.source(two)) == larger.bytes());
        CHECK(reads(driver.source(two), 1, 0, 2 * mib));
        CHECK(beyond(two));
    }
    write(driver.source(two), 4, 0, mib);
    CHECK(reads(driver.source(first), 1, 0, 2 * mib));

    driver.ensure(three, largest, layout);
    for (int twice = small ? 1 : 0; twice < 2; ++twice) driver.clone(three, largest, one, {});
    write(driver.source(three), 5, mib, mib);
    CHECK(reads(driver.source(three), 3, 0, mib));
    CHECK(reads(driver.source(one), 1, mib, mib));

    for (int twice = small ? 1 : 0; twice < 2; ++twice) driver.revert(one, largest, second, {});
    CHECK(sizeOf(driver.source(one)) == largest.bytes());
    CHECK(reads(driver.source(one), 2, 0, mib));
    CHECK(beyond(one));
    write(driver.source(one), 6, 2 * mib, mib);

    for (int twice = 0; twice < 2; ++twice) driver.discard(first, one, {});
    CHECK(driver.presentSnapshots() == std::vector{second});
    CHECK(reads(driver.source(second), 2, 0, mib));
    CHECK(reads(driver.source(second), 1, mib, mib));
    driver.discard(second, one, {});
    CHECK(driver.presentSnapshots().empty());
    CHECK(reads(driver.source(one), 2, 0, mib));
    CHECK(reads(driver.source(one), 1, mib, mib));
    CHECK(reads(driver.source(one), 6, 2 * mib, mib));
    CHECK(reads(driver.source(two), 4, 0, mib));
    CHECK(reads(driver.source(two), 1, mib, mib));
    CHECK(reads(driver.source(three), 3, 0, mib));
    CHECK(reads(driver.source(three), 5, mib, mib));
    driver.discard(one); // what was made from it keeps its bytes
    CHECK(reads(driver.source(two), 1, mib, mib));
    CHECK(reads(driver.source(three), 3, 0, mib));
    driver.discard(two);
    driver.discard(three);
}

void flatVolumes(VolumeDriver& driver) {
    driver.ensure(one, GiB{1}, Layout::Flat);
    const auto place = driver.source(one);
    CHECK(place.format == DiskFormat::Raw);
    driver.snapshot(first, one, {});
    driver.clone(two, GiB{1}, one, {});
    driver.restore(three, GiB{1}, first, {});
    driver.snapshot(second, three, {});
    for (const auto& each : {one, two, three}) CHECK(driver.source(each).format == DiskFormat::Raw);
    CHECK(driver.source(one) == place); // for good
    driver.discard(second, three, {});
    driver.discard(first, one, {});
    for (const auto& each : {one, two, three}) driver.discard(each);
}

void manySnapshots(VolumeDriver& driver, int most) {
    driver.ensure(one, GiB{1});
    std::vector<SnapshotId> all;
    for (int count = 0; count < most; ++count) {
        write(driver.source(one), count + 1, count * 65536, 65536);
        all.push_back({"00000000-0000-4000-9000-0000000000" + std::to_string(10 + count)});
        driver.snapshot(all.back(), one, {});
    }
    for (int count = 0; count < most; count += 7) {
        CHECK(reads(driver.source(one), count + 1, count * 65536, 65536));
        CHECK(reads(driver.source(all[static_cast<std::size_t>(count)]), count + 1, count * 65536, 65536));
        CHECK(reads(driver.source(all[static_cast<std::size_t>(count)]), 0, (count + 1) * 65536, 65536));
    }
    for (const auto& each : all) driver.discard(each, one, {});
    CHECK(reads(driver.source(one), most, (most - 1) * 65536, 65536));
    driver.discard(one);
}

void takenOver(VolumeDriver& driver) {
    driver.ensure(one, GiB{1});
    write(driver.source(one), 1, 0, mib);
    driver.release(one);
    driver.release(one);
    CHECK(driver.present().empty());
    const auto found = driver.manageable();
    REQUIRE(found.size() == 1);
    CHECK(found[0].reference == "volume-" + one.text);
    CHECK(found[0].size == GiB{1}.bytes());
    CHECK(found[0].reason.empty());
    for (int twice = 0; twice < 2; ++twice) CHECK(driver.adopt(two, "volume-" + one.text) == GiB{1});
    CHECK(driver.present() == std::vector{two});
    CHECK(reads(driver.source(two), 1, 0, mib));

    driver.snapshot(first, two, {});
    write(driver.source(two), 2, 0, mib);
    driver.release(first, two);
    CHECK(driver.presentSnapshots().empty());
    std::string reference;
    for (const auto& each : driver.manageable())
        if (each.snapshot == first) reference = each.reference;
    for (int twice = 0; twice < 2; ++twice) driver.adopt(second, two, reference);
    CHECK(driver.presentSnapshots() == std::vector{second});
    CHECK(reads(driver.source(second), 1, 0, mib));
    driver.discard(second, two, {});
    for (const auto* each : {"nothing", "../../etc/passwd", "/etc/passwd", "", ".", "-n"})
        CHECK_THROWS_AS(driver.adopt(three, each), Error);
    driver.discard(two);
}

void stoppedCopies(VolumeDriver& driver, const BackEnd& backEnd) {
    const auto image = rawImage(backEnd);
    driver.ensure(one, GiB{1});
    try {
        driver.fill(one, GiB{1}, image, [] { return true; });
        CHECK(reads(driver.source(one), 'i', 0, mib)); // it had nothing to copy
    } catch (const Error& stopped) {
        CHECK(stopped.failure() == Failure::Busy);
        CHECK(reads(driver.source(one), 0, 0, mib));
    }
    driver.discard(one);
    CHECK(driver.capacity().count >= driver.free().count);
    CHECK(driver.free().count > 0);
    for (const auto* each : {"../../etc/passwd", "", "-n"}) CHECK_THROWS_AS(driver.ensure({each}, GiB{1}), Error);
}

// Before which system calls a verb is cut off (x86-64): those that change what is on disk.
bool changes(unsigned long long call) {
    switch (call) {
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_rmdir:
    case SYS_ftruncate:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_copy_file_range:
    case SYS_clone3:
    case SYS_clone:
    case SYS_vfork: return true;
    default: return false;
    }
}

/// Runs `verb` in a process that dies before the `most`th such call. True where it came to its end.
bool diesBefore(int most, const std::function<void()>& verb) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        int code = 0;
        try {
            verb();
        } catch (const std::exception&) {
            code = 3;
        }
        ::_exit(code);
    }
    int status = 0, seen = 0;
    ::waitpid(child, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    bool entering = true;
    for (int signal = 0;;) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, signal);
        ::waitpid(child, &status, 0);
        if (WIFEXITED(status)) {
            CHECK(WEXITSTATUS(status) == 0);
            return true;
        }
        if (WIFSIGNALED(status)) return false;
        signal = 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
            continue;
        }
        user_regs_struct registers{};
        ::ptrace(PTRACE_GETREGS, child, nullptr, &registers);
        if (entering && changes(registers.orig_rax) && ++seen == most) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            return false;
        }
        entering = !entering;
    }
}

}

void write(const DiskSource& disk, int pattern, std::int64_t at, std::int64_t count) {
    if (disk.format != DiskFormat::Raw) {
        qemuIo(disk, "write " + range(pattern, at, count), true).expectSuccess();
        return;
    }
    const auto file = opened(disk, O_WRONLY);
    const std::string bytes(static_cast<std::size_t>(count), static_cast<char>(pattern));
    REQUIRE(::pwrite(file.get(), bytes.data(), bytes.size(), at) == count);
    REQUIRE(::fsync(file.get()) == 0);
}

bool reads(const DiskSource& disk, int pattern, std::int64_t at, std::int64_t count) {
    if (disk.format != DiskFormat::Raw) {
        const auto done = qemuIo(disk, "read " + range(pattern, at, count), false);
        if (done.out.find("Pattern verification failed") != std::string::npos) return false;
        done.expectSuccess();
        return true;
    }
    const auto file = opened(disk, O_RDONLY);
    std::string bytes(static_cast<std::size_t>(count), '?');
    REQUIRE(::pread(file.get(), bytes.data(), bytes.size(), at) == count);
    return bytes.find_first_not_of(static_cast<char>(pattern)) == std::string::npos;
}

Bytes sizeOf(const DiskSource& disk) {
    if (disk.format == DiskFormat::Raw) return {::lseek(opened(disk, O_RDONLY).get(), 0, SEEK_END)};
    const auto said = qemuIo(disk, "length", false);
    said.expectSuccess();
    // "1 GiB" is what it says of whole ones.
    const auto amount = std::stoll(said.out);
    return said.out.find("GiB") != std::string::npos ? GiB{amount}.bytes() : Bytes{amount};
}

void FakeGuest::begin() {
    if (++asked == failOn) throw Error(Failure::Broken, "the guest was told to refuse");
}

bool FakeGuest::end() {
    if (asked == killedOn) throw Error(Failure::Busy, "nobody heard the guest");
    return true;
}

bool FakeGuest::switchTo(const DiskSource& overlay) {
    begin();
    disk_ = overlay;
    return end();
}

bool FakeGuest::mergeInto(const DiskSource& base, const Cancelled&) {
    begin();
    if (disk_ != base)
        qemuImg({"commit", "-q", "-d", "-f", std::string(nameOf(disk_.format)), "-b",
                 localPath(base).filename().string(), localPath(disk_).string()});
    disk_ = base;
    return end();
}

bool FakeGuest::moveTo(const DiskSource& to, const Cancelled&) {
    begin();
    if (disk_ != to)
        qemuImg({"convert", "-n", "-f", std::string(nameOf(disk_.format)), "-O", std::string(nameOf(to.format)),
                 localPath(disk_).string(), localPath(to).string()});
    disk_ = to;
    return end();
}

bool FakeGuest::resize(Bytes size) {
    begin();
    qemuImg({"resize", "-q", "-f", std::string(nameOf(disk_.format)), localPath(disk_).string(),
             std::to_string(size.count)});
    return end();
}

void conforms(const BackEnd& backEnd) {
    const auto driver = backEnd.start();
    CHECK(driver->present().empty());
    CHECK(driver->presentSnapshots().empty());
    emptyVolumes(*driver);
    filledVolumes(*driver, backEnd);
    snapshots(*driver, Layout::Any, backEnd.small);
    if (backEnd.flat) {
        snapshots(*driver, Layout::Flat, backEnd.small);
        flatVolumes(*driver);
    }
    takenOver(*driver);
    stoppedCopies(*driver, backEnd);
    manySnapshots(*driver, backEnd.snapshotsMax);
    CHECK(driver->present().empty());
    CHECK(driver->presentSnapshots().empty());
}

void cutOffAnywhere(const BackEnd& backEnd, const std::function<void(VolumeDriver&)>& prepare,
                    const std::function<void(VolumeDriver&)>& verb, const std::function<void(VolumeDriver&)>& mended) {
    constexpr int callsMax = 200;
    for (int most = 1; most <= callsMax; ++most) {
        INFO("cut off before its change number " << most);
        const auto before = backEnd.start();
        prepare(*before);
        const bool ended = diesBefore(most, [&] { verb(*before); });
        const auto after = backEnd.start();
        mended(*after);
        if (ended) {
            CHECK(most > 1);
            return;
        }
    }
    FAIL("it never came to its end");
}

}
