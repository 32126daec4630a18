"""Reads a mounted data set (data.py) in the ways that programs do, and prints each figure as a line of JSON.

  workloads.py MOUNT --set SET.JSON --run NAME,NAME... [--scale full|wan|poor] [--seconds S] [--seed N]
               [--processes-in NETWORK_NAMESPACE]...

MOUNT may be any file system. What is named cold is so only if nothing of it was read since it was mounted; the
workloads of one group of benches/compare read different files, or say in their name that they read warm ones.
Each workload ends after S seconds, commands after a few times that, with the rate so far; so a slow file
system costs no more time than a fast one. With --processes-in, the CPU time of all processes in those
namespaces stands beside what was read. A workload that fails says so in its line, and the others go on.
"""

import argparse
import dataclasses
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

MIB = 1 << 20
SMALL_FILES_A_FOLDER = 100
SCRUB_READ_BYTES = 128 << 10
# Below this the clock of CPU time, which ticks a hundred times a second, says nothing.
CPU_BYTES_MIN = 20_000_000
COMMAND_LIMIT_FACTOR = 2.5


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much a workload touches at most, and at once, so that a slow link is not given what it cannot carry."""

    read_kib: int
    sequential_mib: int
    parallel_mib: int
    jumps: int
    jump_mib: int
    first_files: int
    looked_up_files: int


SCALES = {
    "full": Scale(1024, 1024, 256, 48, 2, 300, 1000),
    "wan": Scale(1024, 64, 16, 32, 2, 100, 300),
    "poor": Scale(64, 8, 2, 12, 1, 40, 100),
}

Details = dict[str, Any]


def figure(value: float, unit: str, better: str, **details: Any) -> Details:
    return {"value": value, "unit": unit, "better": better, **details}


def milliseconds(seconds: list[float]) -> Details:
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]
    return figure(statistics.median(ordered) * 1e3, "ms", "lower", count=len(ordered), p95=high * 1e3)


def throughput(read_bytes: int, seconds: float) -> Details:
    return figure(read_bytes / 1e6 / seconds, "MB/s", "higher", bytes=read_bytes, seconds=seconds)


class Workloads:
    """The workloads on one mount. Each method of a workload's name gives its figures by their rows' names."""

    def __init__(self, mount: Path, sizes: dict[str, int], scale: Scale, seconds: float, seed: int) -> None:
        self.mount = mount
        self.sizes = sizes
        self.scale = scale
        self.seconds = seconds
        self.seed = seed
        self.random = random.Random(seed)
        self.first_read: list[Path] = []
        self.looked_up: list[Path] = []
        self.sequential_bytes = 0

    # --- one operation after the other, each timed ---------------------------------------------------------------------

    def timed(self, paths: Iterable[Path], operation: Callable[[Path], object]) -> list[float]:
        end = time.monotonic() + self.seconds
        took: list[float] = []
        for path in paths:
            begin = time.monotonic()
            operation(path)
            took.append(time.monotonic() - begin)
            if time.monotonic() > end:
                break
        return took

    def some_of(self, folder: str, name: str, count: int, most: int) -> list[Path]:
        return [self.mount / folder / name.format(number) for number in self.random.sample(range(count), min(count, most))]

    @staticmethod
    def read_first_byte(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if len(os.pread(descriptor, 1, 0)) != 1:
                raise OSError(f"{path.name} is empty")
        finally:
            os.close(descriptor)

    def first_byte_cold(self) -> Details:
        paths = self.some_of("first", "{:03}.bin", self.sizes["first_files"], self.scale.first_files)
        took = self.timed(paths, self.read_first_byte)
        self.first_read = paths[: len(took)]
        return {"first_byte_cold": milliseconds(took)}

    def first_byte_warm(self) -> Details:
        return {"first_byte_warm": milliseconds(self.timed(self.first_read, self.read_first_byte))}

    def stat_cold(self) -> Details:
        paths = self.some_of("flat", "{:04}", self.sizes["flat_files"], self.scale.looked_up_files)
        took = self.timed(paths, os.stat)
        self.looked_up = paths[: len(took)]
        return {"stat_cold": milliseconds(took)}

    def stat_warm(self) -> Details:
        return {"stat_warm": milliseconds(self.timed(self.looked_up, os.stat))}

    # --- contents ------------------------------------------------------------------------------------------------------

    def read_on(self, path: Path, most: int, end: float) -> int:
        """Reads from the beginning, once at least, until there are so many bytes or the time is over."""
        buffer = bytearray(self.scale.read_kib << 10)
        read_bytes = 0
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while count := os.readv(descriptor, [buffer]):
                read_bytes += count
                if read_bytes >= most or time.monotonic() > end:
                    break
        finally:
            os.close(descriptor)
        return read_bytes

    def sequential(self, most: int) -> Details:
        begin = time.monotonic()
        self.sequential_bytes = self.read_on(self.mount / "big.bin", most, begin + self.seconds)
        return throughput(self.sequential_bytes, time.monotonic() - begin)

    def seq_read(self) -> Details:
        return {"seq_read": self.sequential(self.scale.sequential_mib * MIB)}

    def seq_read_warm(self) -> Details:
        return {"seq_read_warm": self.sequential(self.sequential_bytes)}

    def side_by_side(self, readers: int, read: Callable[[int, float], int]) -> tuple[int, float]:
        """The sum of what the readers report, and the seconds until the last of them was done."""
        done: list[int] = []
        failures: list[BaseException] = []
        begin = time.monotonic()

        def run(reader: int) -> None:
            try:
                done.append(read(reader, begin + self.seconds))
            except OSError as failure:
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(reader,)) for reader in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return sum(done), time.monotonic() - begin

    def par4_seq(self) -> Details:
        most = self.scale.parallel_mib * MIB
        files = self.sizes["parallel_files"]
        read = self.side_by_side(files, lambda reader, end: self.read_on(self.mount / f"parallel/{reader}.bin", most, end))
        return {"par4_seq": throughput(*read)}

    def small(self, readers: int) -> Details:
        def read(reader: int, end: float) -> int:
            files = 0
            for number in range(reader, self.sizes["small_files"], readers):
                name = f"small/{number // SMALL_FILES_A_FOLDER:02}/{number % SMALL_FILES_A_FOLDER:02}"
                with open(self.mount / name, "rb", buffering=0) as file:
                    if len(file.read(SCRUB_READ_BYTES)) != self.sizes["small_bytes"]:
                        raise OSError(f"{name} is not whole")
                files += 1
                if time.monotonic() > end:
                    break
            return files

        files, seconds = self.side_by_side(readers, read)
        return figure(files / seconds, "files/s", "higher", bytes=files * self.sizes["small_bytes"], seconds=seconds)

    def small_files(self) -> Details:
        return {"small_files": self.small(1)}

    def small_files_4(self) -> Details:
        return {"small_files_4": self.small(4)}

    def random_reads(self, jobs: int) -> Details:
        command = [
            "fio", "--name=random", f"--filename={self.mount}/big.bin", "--readonly", "--rw=randread", "--bs=4k",
            "--ioengine=psync", "--direct=0", "--fadvise_hint=0", "--invalidate=0", "--norandommap",
            f"--randseed={self.seed * 10 + jobs}", f"--numjobs={jobs}", "--thread", "--group_reporting", "--time_based",
            f"--runtime={round(self.seconds * 1000)}ms", "--output-format=json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 3 * self.seconds, check=False)
        if done.returncode != 0 or "{" not in done.stdout:
            raise OSError((done.stderr or done.stdout).strip()[-200:] or "fio said nothing")
        read = json.loads(done.stdout[done.stdout.index("{") :])["jobs"][0]["read"]
        if read["total_ios"] == 0:
            raise OSError("no read came to its end")
        p95 = read["clat_ns"]["percentile"]["95.000000"] / 1e6
        return figure(read["iops"], "reads/s", "higher", bytes=read["total_ios"] * 4096, seconds=read["runtime"] / 1e3, p95=p95)

    def rand4k_j1(self) -> Details:
        return {"rand4k_j1": self.random_reads(1)}

    def rand4k_j8(self) -> Details:
        return {"rand4k_j8": self.random_reads(8)}

    def scrub(self) -> Details:
        """Jumps, and reads on for a while. What a jump waits for is 4 KiB and 128 KiB in turns."""
        jump = min(self.scale.jump_mib * MIB, self.sizes["big_bytes"] // 32)
        # So far apart that what is read ahead of one is not the next; and at no round offset.
        room = 4 * jump
        count = self.sizes["big_bytes"] // room
        places = [place * room + self.random.randrange(room - jump)
                  for place in self.random.sample(range(count), min(self.scale.jumps, count))]
        waits: dict[int, list[float]] = {4096: [], SCRUB_READ_BYTES: []}
        end = time.monotonic() + self.seconds
        descriptor = os.open(self.mount / "big.bin", os.O_RDONLY)
        try:
            for number, place in enumerate(places):
                wanted = SCRUB_READ_BYTES if number % 2 else 4096
                begin = time.monotonic()
                came = len(os.pread(descriptor, wanted, place))
                if came != wanted:
                    raise OSError(f"{came} of {wanted} bytes came")
                waits[wanted].append(time.monotonic() - begin)
                offset = place + came
                while offset < place + jump and time.monotonic() < end:
                    offset += len(os.pread(descriptor, SCRUB_READ_BYTES, offset))
                if time.monotonic() > end and number > 0:
                    break
        finally:
            os.close(descriptor)
        return {"scrub_4k": milliseconds(waits[4096]), "scrub_128k": milliseconds(waits[SCRUB_READ_BYTES])}

    # --- commands ------------------------------------------------------------------------------------------------------

    def command(self, *command: str, **environment: str) -> Details:
        begin = time.monotonic()
        cut = False
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **environment},
                timeout=self.seconds * COMMAND_LIMIT_FACTOR,
                check=False,
            )
            if done.returncode != 0:
                raise OSError(done.stderr.decode(errors="replace").strip()[-200:] or f"exit code {done.returncode}")
        except subprocess.TimeoutExpired:
            cut = True
        return figure((time.monotonic() - begin) * 1e3, "ms", "lower", cut=cut)

    def ls_1000(self) -> Details:
        return {"ls_1000": self.command("ls", "-1U", f"{self.mount}/flat")}

    def ls_l_1000(self) -> Details:
        return {"ls_l_1000": self.command("ls", "-ln", f"{self.mount}/flat")}

    def find_10k(self) -> Details:
        return {"find_10k": self.command("find", f"{self.mount}/small", "-type", "f")}

    def git_status(self) -> Details:
        # Inode numbers and change times are another file system's here; sizes and dates are what git can compare.
        command = ["git", "-c", "safe.directory=*", "-c", "core.checkStat=minimal", "-c", "core.trustctime=false"]
        command += ["-C", f"{self.mount}/repository", "status", "--porcelain"]
        quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
        return {"git_status": self.command(*command, **quiet)}


def cpu_seconds(namespaces: list[Path]) -> float:
    """User and system time so far of all processes in the namespaces."""
    inodes = {path.stat().st_ino for path in namespaces}
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if (process / "ns/net").stat().st_ino in inodes:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # It has ended since.
    return ticks / os.sysconf("SC_CLK_TCK")


def run(workloads: Workloads, name: str, namespaces: list[Path]) -> Iterator[Details]:
    before = cpu_seconds(namespaces)
    try:
        rows = getattr(workloads, name)()
    except (OSError, ValueError, KeyError, statistics.StatisticsError, subprocess.SubprocessError) as failure:
        yield {"workload": name, "failed": str(failure)[:200] or type(failure).__name__}
        return
    used = cpu_seconds(namespaces) - before
    for row, details in rows.items():
        if namespaces and details.get("bytes", 0) >= CPU_BYTES_MIN:
            details["cpu_seconds_per_gb"] = used / (details["bytes"] / 1e9)
        yield {"workload": name, "row": row, **details}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("mount", type=Path)
    arguments.add_argument("--set", type=Path, required=True)
    arguments.add_argument("--run", required=True)
    arguments.add_argument("--scale", choices=SCALES, default="full")
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--processes-in", type=Path, action="append", default=[])
    arguments.add_argument("--label", type=json.loads, default={}, help="a JSON object whose members each line begins with")
    given = arguments.parse_args()
    workloads = Workloads(given.mount, json.loads(given.set.read_text()), SCALES[given.scale], given.seconds, given.seed)
    for name in given.run.split(","):
        for line in run(workloads, name, given.processes_in):
            print(json.dumps({**given.label, **line}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
