"""What the suites share that boot Debian's own kernel in an emulated machine: the kernel, an initramfs, processor time."""
import contextlib
import gzip
import os
import shutil
import subprocess

from cloud import TOP, Failed

BUSYBOX = "bin/busybox"


def kernel():
    """Its version and the folder with its package and busybox, unpacked."""
    said = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=True).stdout
    name = next((line.split()[1] for line in said.splitlines() if "Depends: linux-image-" in line), None)
    if not name:
        raise Failed("apt does not know linux-image-amd64: run apt-get update")
    folder = os.path.join(TOP, "build", "lab", name)
    if not os.path.exists(os.path.join(folder, "whole")):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name, "busybox-static"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, timeout=120)
        for deb in [each for each in os.listdir(folder) if each.endswith(".deb")]:
            subprocess.run(["dpkg-deb", "-x", deb, "."], cwd=folder, check=True)
            os.unlink(os.path.join(folder, deb))
        version = name.removeprefix("linux-image-")
        subprocess.run([os.path.join(folder, BUSYBOX), "depmod", "-b", folder, version], check=True)
        open(os.path.join(folder, "whole"), "w").close()
    return name.removeprefix("linux-image-"), folder


def initramfs(version, folder, into, names, init):
    """One with these modules, in this order, and what they need; `init` is its first program."""
    modules = os.path.join(folder, "lib", "modules", version)
    needs = {}
    with open(os.path.join(modules, "modules.dep")) as lines:
        for line in lines:
            path, _, others = line.partition(":")
            needs[path] = others.split()
    by_name = {os.path.basename(path).partition(".")[0].replace("-", "_"): path for path in needs}
    order = []

    def take(path):
        if path not in order:
            for other in needs[path]:
                take(other)
            order.append(path)
    for name in names:
        if name in by_name:     # else the kernel has it built in
            take(by_name[name])
    root = os.path.join(into, "initramfs")
    os.makedirs(os.path.join(root, "lib", "modules"))
    os.makedirs(os.path.join(root, "bin"))
    shutil.copy(os.path.join(folder, BUSYBOX), os.path.join(root, BUSYBOX))
    shutil.copy(init, os.path.join(root, "init"))
    for path in order:
        shutil.copy(os.path.join(modules, path), os.path.join(root, "lib", "modules"))
    with open(os.path.join(root, "lib", "modules", "order"), "w") as file:
        file.writelines(os.path.basename(path) + "\n" for path in order)
    names = "".join(os.path.relpath(os.path.join(where, each), root) + "\n" for where, folders, files in os.walk(root) for each in folders + files)
    archive = subprocess.run([os.path.join(folder, BUSYBOX), "cpio", "-o", "-H", "newc"], cwd=root, input=names.encode(), capture_output=True, check=True)
    image = os.path.join(into, "initrd")
    with gzip.open(image, "wb", 1) as file:
        file.write(archive.stdout)
    return image


def give_processor(pid):
    """A guest has to hold its own against whatever else runs here. What was made for it, to be removed; nothing where there are no such groups."""
    group = f"/sys/fs/cgroup/cpu/stratolet-lab-{pid}"
    with contextlib.suppress(OSError):
        os.mkdir(group)
        for name, value in (("cpu.shares", "16384"), ("cgroup.procs", str(pid))):
            with open(os.path.join(group, name), "w") as file:
                file.write(value)
    return group


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as file:
            return file.read().splitlines()[-lines:]
    except OSError:
        return []


def qemu_starts():
    done = subprocess.run(["qemu-system-x86_64", "-accel", "tcg", "-M", "none", "-display", "none", "-nodefaults", "-S", "-monitor", "stdio"],
                          input=b"quit\n", capture_output=True, timeout=20) if shutil.which("qemu-system-x86_64") else None
    return done is not None and done.returncode == 0
