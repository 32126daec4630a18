"""Makes the data set that workloads.py reads, from a seed, or says what it is made of.

  data.py --set full|quick --seed N            its sizes, as JSON
  data.py --set full|quick --seed N FOLDER     makes it there, unless it is there

No content can be compressed and no two files are equal. What a data set was made from stands in
set.json, which is written last: a set without it is not whole, and is made anew.

  big.bin            one file, for sequential and random reads
  parallel/N.bin     four files that are read side by side
  first/NNN.bin      files of which the first byte is read
  flat/NNNN          1000 files in one folder, to be listed and looked up
  small/NN/NN        many small files, 100 to a folder
  repository         a git repository with nothing changed
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

MIB = 1 << 20
SMALL_FILES_A_FOLDER = 100
SOURCES_A_FOLDER = 20
PARTS = ("big.bin", "parallel", "first", "flat", "small", "repository")

SETS: dict[str, dict[str, int]] = {
    "full": {
        "big_bytes": 1024 * MIB,
        "parallel_files": 4,
        "parallel_bytes": 256 * MIB,
        "first_files": 300,
        "first_bytes": 256 << 10,
        "flat_files": 1000,
        "flat_bytes": 4096,
        "small_files": 10_000,
        "small_bytes": 10_240,
        "repository_files": 2000,
        "repository_bytes": 3000,
    },
    "quick": {
        "big_bytes": 32 * MIB,
        "parallel_files": 4,
        "parallel_bytes": 2 * MIB,
        "first_files": 40,
        "first_bytes": 64 << 10,
        "flat_files": 1000,
        "flat_bytes": 1024,
        "small_files": 500,
        "small_bytes": 10_240,
        "repository_files": 100,
        "repository_bytes": 3000,
    },
}


def description(name: str, seed: int) -> dict[str, str | int]:
    sizes = SETS[name]
    kinds = ("parallel", "first", "flat", "small", "repository")
    total = sizes["big_bytes"] + sum(sizes[f"{kind}_files"] * sizes[f"{kind}_bytes"] for kind in kinds)
    return {"set": name, "seed": seed, **sizes, "total_bytes": total}


def write(path: Path, seed: str, size: int) -> None:
    """Bytes that depend on the seed alone, made in pieces that fit into memory."""
    with open(path, "wb") as file:
        for begin in range(0, size, MIB):
            file.write(random.Random(f"{seed}/{begin}").randbytes(min(MIB, size - begin)))


def make_repository(folder: Path, seed: int, sizes: dict[str, int]) -> None:
    for number in range(sizes["repository_files"]):
        path = folder / f"{number // SOURCES_A_FOLDER:02}" / f"{number % SOURCES_A_FOLDER:02}.src"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, f"{seed}/repository/{number}", sizes["repository_bytes"])
        # Older than the index, or git would have to read each file to know that it has not changed.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "bench"), ("EMAIL", "bench@localhost"), ("DATE", "2024-01-01T00:00:00Z"))}
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **who}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "All files"]):
        settings = ["-c", "init.defaultBranch=main", "-c", "gc.auto=0"]
        subprocess.run(["git", *settings, "-C", str(folder), *command], env=environment, check=True)


def make(folder: Path, name: str, seed: int) -> None:
    sizes = SETS[name]
    for part in ("parallel", "first", "flat", "small", "repository"):
        (folder / part).mkdir(parents=True)
    write(folder / "big.bin", f"{seed}/big", sizes["big_bytes"])
    for number in range(sizes["parallel_files"]):
        write(folder / f"parallel/{number}.bin", f"{seed}/parallel/{number}", sizes["parallel_bytes"])
    for number in range(sizes["first_files"]):
        write(folder / f"first/{number:03}.bin", f"{seed}/first/{number}", sizes["first_bytes"])
    for number in range(sizes["flat_files"]):
        write(folder / f"flat/{number:04}", f"{seed}/flat/{number}", sizes["flat_bytes"])
    for number in range(sizes["small_files"]):
        path = folder / f"small/{number // SMALL_FILES_A_FOLDER:02}/{number % SMALL_FILES_A_FOLDER:02}"
        path.parent.mkdir(exist_ok=True)
        write(path, f"{seed}/small/{number}", sizes["small_bytes"])
    make_repository(folder / "repository", seed, sizes)


def found(marker: Path) -> dict[str, str | int] | None:
    try:
        return json.loads(marker.read_text())
    except (OSError, ValueError):
        return None


def prepare(folder: Path, name: str, seed: int) -> None:
    wanted = description(name, seed)
    marker = folder / "set.json"
    if found(marker) == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    begun = folder / "set.begun"
    if any(folder.iterdir()) and not begun.exists():
        sys.exit(f"compare: {folder} has something else in it; name an empty or a new folder with --data")
    begun.touch()
    marker.unlink(missing_ok=True)
    for part in PARTS:
        if (folder / part).is_dir():
            shutil.rmtree(folder / part)
        else:
            (folder / part).unlink(missing_ok=True)
    make(folder, name, seed)
    marker.write_text(json.dumps(wanted) + "\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--set", choices=SETS, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("folder", type=Path, nargs="?")
    given = arguments.parse_args()
    if given.folder is None:
        print(json.dumps(description(given.set, given.seed)))
    else:
        prepare(given.folder, given.set, given.seed)


if __name__ == "__main__":
    main()
