"""Makes the pages of benches/compare from what it has measured so far.

  report.py RESULTS.JSONL FOLDER     writes compare.md and compare.html there
"""

import dataclasses
import html
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

LINKS = ("LOOP", "LAN", "WAN-Good", "WAN-Poor", "WAN-Bad")
PEERS = ("local", "sshfs_default", "sshfs_fast", "rclone_off", "rclone_full", "nfs_default", "nfs_tuned", "wormhole")
OURS = "wormhole"
REFERENCE = "local"

# What each row is called; the words in braces are sizes of the data set. In the order in which they are read.
TITLES = {
    "mount": "mounting",
    "first_byte_cold": "first byte of a file, cold",
    "first_byte_warm": "first byte of a file, warm",
    "stat_cold": "stat, cold",
    "stat_warm": "stat, warm",
    "ls_1000": "`ls` of {flat_files} names",
    "ls_l_1000": "`ls -l` of {flat_files} files",
    "find_10k": "`find` of {small_files} files",
    "git_status": "`git status`, {repository_files} files",
    "small_files": "small files, 1 reader",
    "small_files_4": "small files, 4 readers",
    "seq_read": "sequential read, cold",
    "seq_read_warm": "sequential read, warm",
    "par4_seq": "4 sequential reads at once",
    "rand4k_j1": "random 4 KiB reads, 1 reader",
    "rand4k_j8": "random 4 KiB reads, 8 readers",
    "scrub_4k": "jump in a film, first 4 KiB",
    "scrub_128k": "jump in a film, first 128 KiB",
}
# Else a workload has one row, of its name.
ROWS_OF = {"scrub": ("scrub_4k", "scrub_128k")}
FILES_OF_PEERS = "What stands in the files below WORK is in `benches/src/main/lab/peers.sh`."
ARROWS = {"higher": "↑", "lower": "↓"}


def number(value: float) -> str:
    """Three digits that count, and no more of them behind the point than that."""
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 4)}f}"


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no figure: the step of a whole group that failed, or none if it was the workload, and what was said."""

    step: str
    reason: str

    def short(self) -> str:
        if self.step:
            return self.step
        return self.reason if len(self.reason) <= 40 else self.reason[:39].rstrip() + "…"

    def whole(self) -> str:
        return f"{self.step}: {self.reason}" if self.step else self.reason


@dataclasses.dataclass
class Cell:
    """What the rounds of one workload came to on one peer over one link."""

    values: list[float] = dataclasses.field(default_factory=list)
    cpu: list[float] = dataclasses.field(default_factory=list)
    cut: bool = False
    failures: dict[int, "Failure"] = dataclasses.field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def main(self) -> str:
        if not self.values:
            return next((f"failed: {failure.short()}" for failure in self.failures.values()), "–")
        return ("> " if self.cut else "") + number(self.median)

    def spread(self) -> str:
        parts = []
        if len(self.values) > 1:
            parts.append(f"{number(min(self.values))}–{number(max(self.values))}")
        if self.values and self.failures:
            parts.append(f"failed in {len(self.failures)} of {len(self.values) + len(self.failures)} rounds")
        return "; ".join(parts)


@dataclasses.dataclass
class Row:
    title: str
    unit: str
    better: str
    cells: dict[str, Cell]

    def heading(self) -> str:
        return f"{self.title}, {self.unit} {ARROWS[self.better]}"

    def ratio(self) -> tuple[str, float | None]:
        """How many times better than the best other wormhole is, as text with that one's name, and as a number."""
        ours = self.cells.get(OURS)
        others = {peer: cell for peer, cell in self.cells.items() if peer not in (OURS, REFERENCE) and cell.values}
        if ours is None or not ours.values or not others:
            return "–", None
        best = (min if self.better == "lower" else max)(others, key=lambda peer: others[peer].median)
        if ours.cut and others[best].cut:
            return "–", None
        quotient = (others[best].median, ours.median) if self.better == "lower" else (ours.median, others[best].median)
        if quotient[1] == 0:
            return "–", None
        value = quotient[0] / quotient[1]
        bound = "< " if ours.cut else "> " if others[best].cut else ""
        return f"{bound}{number(value)} ({best})", value


class Results:
    """What stands in the lines of a run, which may have been interrupted."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.run: dict[str, Any] = {}
        self.versions: dict[str, str] = {}
        self.commands: dict[str, list[tuple[str, str]]] = {}
        self.links: dict[str, dict[str, Any]] = {}
        self.cells: dict[tuple[str, str, str], Cell] = {}
        self.units: dict[str, tuple[str, str]] = {}
        self.measured: set[tuple[str, str, int, str]] = set()
        for line in lines:
            self.take(line)

    def take(self, line: dict[str, Any]) -> None:
        match line.get("about"):
            case "run":
                self.run = line
            case "peer":
                self.versions[line["peer"]] = line["version"]
            case "command":
                self.commands.setdefault(line["peer"], []).append((line["end"], line["command"]))
            case "link":
                self.links[line["link"]] = line
            case _:
                self.take_figure(line)

    def take_figure(self, line: dict[str, Any]) -> None:
        link, peer, round_number = line["link"], line["peer"], line["round"]
        if "value" in line:
            cell = self.cells.setdefault((link, line["row"], peer), Cell())
            cell.values.append(line["value"])
            cell.cut |= line.get("cut", False)
            if "cpu_seconds_per_gb" in line:
                cell.cpu.append(line["cpu_seconds_per_gb"])
            self.units[line["row"]] = (line["unit"], line["better"])
            self.measured.add((link, peer, round_number, line["row"]))
            return
        workloads = line["group"].split(",") if "group" in line else [line["workload"]]
        failure = Failure(line.get("step", ""), line["failed"])
        if failure.step in ("not served", "not mounted"):
            workloads.insert(0, "mount")
        for workload in workloads:
            for row in ROWS_OF.get(workload, (workload,)):
                if (link, peer, round_number, row) not in self.measured:
                    cell = self.cells.setdefault((link, row, peer), Cell())
                    # What failed first in a workload is why; that its group did not end says less.
                    cell.failures.setdefault(round_number, failure)

    def peers(self) -> list[str]:
        return [peer for peer in PEERS if peer in self.versions]

    def measured_links(self) -> list[str]:
        return [link for link in LINKS if any(key[0] == link for key in self.cells)]

    def rows(self, link: str) -> list[Row]:
        rows = []
        for name, title in TITLES.items():
            cells = {peer: self.cells[link, name, peer] for peer in self.peers() if (link, name, peer) in self.cells}
            if cells:
                unit, better = self.units.get(name, ("no figure", "lower"))
                sizes = {key: f"{value:,}" if isinstance(value, int) else value for key, value in self.run["data"].items()}
                rows.append(Row(title.format(**sizes), unit, better, cells))
        return rows

    def failures(self, link: str) -> list[str]:
        """Each reason once, with the peer and where it was met."""
        met: dict[tuple[str, str], list[str]] = {}
        for (where, row, peer), cell in self.cells.items():
            if where == link:
                for round_number, failure in cell.failures.items():
                    met.setdefault((peer, failure.whole()), []).append(f"{row} (round {round_number})")
        return [f"{peer}: {reason} — {', '.join(places[:4])}{', …' if len(places) > 4 else ''}"
                for (peer, reason), places in met.items()]

    def about(self) -> list[tuple[str, str]]:
        run = self.run
        data = run["data"]
        return [
            ("Date", run["date"]),
            ("Machine", f"{run['processor']}, {run['cores']} cores, {run['memory_bytes'] / 1e9:.0f} GB, {run['kernel']};"
                        f" both ends of each link on it; load {run['load']} before"),
            ("Rounds", f"{run['rounds']}, each peer once in each; a workload ends after {run['seconds']} s"),
            ("Data", f"{data['total_bytes'] / 1e6:,.0f} MB from seed {data['seed']}, on {run['data_on']}: a file of"
                     f" {data['big_bytes'] >> 20:,} MiB, {data['parallel_files']} of {data['parallel_bytes'] >> 20} MiB,"
                     f" {data['first_files']} of {data['first_bytes'] >> 10} KiB, {data['flat_files']:,} of"
                     f" {data['flat_bytes']:,} bytes in one folder, {data['small_files']:,} of {data['small_bytes']:,} bytes, a"
                     f" repository of {data['repository_files']:,} files; none can be compressed"),
            ("Caches", f"bounded by {run['cache_size']} on disk (wormhole, rclone_full), on {run['caches_on']}; empty at each mount"),
            ("Tools", f"{run['fio']}, {run['git']}"),
        ]

    def link_lines(self) -> list[list[str]]:
        lines = []
        for name in LINKS:
            if name in self.links:
                link = self.links[name]
                if link["rate_bits"] == 0:
                    lines.append([name, "–", "as fast as the kernel hands packets on", "–", "none"])
                else:
                    lines.append([name, f"{2 * link['delay_ms']:g} ms", f"{link['rate_bits'] / 1e6:,g} Mbit/s",
                                  f"{link['queue_bytes'] / 1e3:,.0f} kB", f"{link['loss']:.0%}" if link["loss"] else "none"])
        return lines

    def notes(self) -> list[str]:
        run = self.run
        nfs = any(peer.startswith("nfs") for peer in self.versions)
        notes = []
        if run["quick"]:
            notes.append("Little data, and little time for each workload: this run says that everything runs, and nothing about speed. The kernel's caches were not dropped.")
        notes += [
            "Ratios are of medians: how many times better wormhole is than the best of the others, which is named; ≥ 1 = wormhole"
            " better, whichever way the row counts. `local` is the folder itself, without any link, and is not among the others.",
            "Cold means: a new mount, nothing in the client's kernel, nothing in the peer's own cache. "
            + ("The served data lies in memory all the time, so no disk of the host is in any figure, and `local` reads memory."
               if run["data_on"] == "tmpfs" else
               "The host's kernel forgets the data before each new mount too, as it is the same kernel: what is read first comes from its disk;"
               " the programs that serve may remember more."),
            "Mounting includes the start of the client's program, none of whose files is in memory, as all caches were dropped before; with wormhole it is"
            " a daemon's start and the join by a code. Every mount counts, not one a round.",
            "Warm means: read again right after. A stat is warm only where the cold pass took less time than the peer keeps attributes.",
            "How old an answer may be differs: sshfs_fast keeps names and attributes for 60 s, sshfs by default for 20 s,"
            " NFS for 3 to 60 s, rclone names for 5 min, wormhole for 3 s (4 s with the kernel's second). Who keeps them longer asks less, and shows changes later.",
            "wormhole and what goes by ssh encrypt and authenticate everything; wormhole also checks the hash of each chunk."
            + (" NFS is neither encrypted nor checked here (`sec=sys`)." if nfs else ""),
            "rclone_full acknowledges writes before the host has them. Nothing is written here, as wormhole's mounts are read-only:"
            " where writes are compared one day, that must be.",
            f"Caches: rclone_full and wormhole keep up to {run['cache_size']} on disk, wormhole 96 MiB of it in memory; the others have the"
            " kernel's page cache only, bounded by the machine's memory.",
            "TCP uses cubic and the kernel's stock buffers at both ends. wormhole chooses between TLS over TCP and QUIC by itself; QUIC's"
            " congestion control is its own.",
            "The link is a program on the same cores, LOOP is the kernel's own: a link costs CPU time that LOOP does not, and ends near 2 Gbit/s."
            " Its losses follow from the round: each peer of a round meets the same sequence of them.",
            "Each workload ends after its seconds with the rate so far, so on slow links little is read, and the start of a transfer weighs more."
            " A command that did not end within 2.5 times of that stands as `>`.",
            "A jump goes to a place that nobody has read, and reads on for a while as a player does; 4 KiB and 128 KiB are waited for in turns.",
            "CPU is user and system time of all processes of a peer at both ends, without the workload and the link. Work that"
            " the kernel does for itself is not in it" + (", which is most of NFS: it has no figure." if nfs else "."),
        ]
        if nfs and not run["nfs_by_kernel"]:
            notes.append("This kernel has no NFS client. Its place takes the kernel of a user-mode Linux, where a system call takes about 20 µs, on one"
                         " CPU: NFS's latencies below 0.1 ms, its warm reads, and its rates far above the links' are that Linux's, not NFS's."
                         " The workloads run in there too.")
        return notes


def cpu_table(rows: list[Row], peers: list[str]) -> list[list[str]]:
    """Its heading and its lines; none at all if nothing read enough. The folder itself has no processes of its own."""
    others = [peer for peer in peers if peer != REFERENCE]
    lines = []
    for row in rows:
        figures = [row.cells[peer].cpu if peer in row.cells else [] for peer in others]
        if any(figures):
            lines.append([row.title, *(number(statistics.median(cpu)) if cpu else "–" for cpu in figures)])
    return [["", *others], *lines] if lines else []


# --- Markdown -----------------------------------------------------------------------------------------------------------------------


def markdown_line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def markdown_table(heading: list[str], lines: list[list[str]]) -> list[str]:
    return [markdown_line(heading), "|" + "---|" * len(heading), *map(markdown_line, lines)]


def markdown_cell(row: Row, peer: str) -> str:
    if peer not in row.cells:
        return "–"
    cell = row.cells[peer]
    return cell.main() + (f" ({cell.spread()})" if cell.spread() else "")


def markdown(results: Results) -> str:
    peers = results.peers()
    text = ["# Side by side", "", "Medians of the rounds, the least and the most in brackets. ↑ more is better, ↓ less is better.", ""]
    text += [f"- {what}: {value}" for what, value in results.about()]
    text += [""] + markdown_table(["link", "round trip", "rate", "queue", "loss, each way"], results.link_lines()) + [""]
    for link in results.measured_links():
        rows = results.rows(link)
        heading = ["", *peers]
        lines = [[row.heading(), *(markdown_cell(row, peer) for peer in peers)] for row in rows]
        if OURS in peers:
            heading.append("÷ best other, ≥ 1 = wormhole better")
            lines = [[*line, row.ratio()[0]] for line, row in zip(lines, rows)]
        text += [f"## {link}", "", *markdown_table(heading, lines), ""]
        cpu = cpu_table(rows, peers)
        if cpu:
            text += ["CPU, seconds for each GB read, both ends ↓", ""] + markdown_table(cpu[0], cpu[1:]) + [""]
        if results.failures(link):
            text += ["Failed:", ""] + [f"- {failure}" for failure in results.failures(link)] + [""]
    text += ["## Peers", "", FILES_OF_PEERS, ""]
    for peer in peers:
        text.append(f"- **{peer}**: {results.versions[peer]}")
        text += [f"  - {end}: `{command}`" for end, command in results.commands.get(peer, [])]
    text += ["", "## What is not the same", ""] + [f"- {note}" for note in results.notes()]
    return "\n".join(text) + "\n"


# --- HTML ---------------------------------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --text: #1d2430; --dim: #5c6675; --line: #d9dee6; --page: #fff; --ours: #eef4ff; --mark: #2f63c9;
  --good: #14733b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ef; --dim: #9aa5b5; --line: #343c49; --page: #14181f; --ours: #1c2738;
  --mark: #7fa8f5; --good: #6bcf8f; --bad: #ff8a80; } }
body { margin: 0 auto; max-width: 92rem; padding: 1.5rem; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p, ul { max-width: 62rem; } .dim, small { color: var(--dim); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child, .left td, .left th { text-align: left; } th { font-weight: 600; } tbody th { font-weight: 400; }
td small { display: block; font-size: .76rem; } td svg { display: block; margin: .2rem 0 0 auto; }
.ours { background: var(--ours); } .failed { color: var(--bad); white-space: normal; min-width: 8rem; text-align: left; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
code { font: .84em ui-monospace, monospace; overflow-wrap: anywhere; } li { margin: .25rem 0; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; } .facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; max-width: 62rem; }
.facts dd { margin: 0; } svg line { stroke: var(--line); } svg .range { stroke: var(--mark); stroke-width: 3; }
svg circle { fill: var(--mark); }
"""
STRIP_WIDTH = 84
STRIP_HEIGHT = 10


def escaped(text: str) -> str:
    """Text with its words in back quotes as code."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def strip(cell: Cell, row: Row) -> str:
    """Where the rounds of a cell are among all of its row, by their logarithms: a line from the least to the most, a dot at the median."""
    everything = [value for peer, other in row.cells.items() if peer != REFERENCE for value in other.values if value > 0]
    if len(everything) < 2 or min(everything) == max(everything) or min(cell.values) <= 0:
        return ""
    low, high = math.log(min(everything)), math.log(max(everything))

    def place(value: float) -> str:
        return f"{4 + (STRIP_WIDTH - 8) * (math.log(value) - low) / (high - low):.1f}"

    middle = STRIP_HEIGHT // 2
    return (f'<svg width="{STRIP_WIDTH}" height="{STRIP_HEIGHT}" aria-hidden="true">'
            f'<line x1="4" y1="{middle}" x2="{STRIP_WIDTH - 4}" y2="{middle}"/>'
            f'<line class="range" x1="{place(min(cell.values))}" y1="{middle}" x2="{place(max(cell.values))}" y2="{middle}"/>'
            f'<circle cx="{place(cell.median)}" cy="{middle}" r="3.5"/></svg>')


def html_cell(row: Row, peer: str) -> str:
    ours = " ours" if peer == OURS else ""
    cell = row.cells.get(peer, Cell())
    if not cell.values:
        return f'<td class="{"failed" if cell.failures else "dim"}{ours}">{escaped(cell.main())}</td>'
    spread = f"<small>{escaped(cell.spread())}</small>" if cell.spread() else ""
    return f'<td class="{ours.strip()}">{escaped(cell.main())}{spread}{strip(cell, row) if peer != REFERENCE else ""}</td>'


def html_ratio(row: Row) -> str:
    text, value = row.ratio()
    times, _, peer = text.partition(" (")
    kind = "dim" if value is None else "good" if value >= 1 else "bad"
    return f'<td><span class="{kind}">{escaped(times)}</span><small>{escaped(peer.rstrip(")"))}</small></td>'


def html_table(heading: list[str], lines: list[list[str]], kind: str = "") -> str:
    """A table of text; the first cell of each line is its heading."""
    head = "".join(f"<th>{escaped(cell)}</th>" for cell in heading)
    body = "".join(f"<tr><th>{escaped(line[0])}</th>" + "".join(f"<td>{escaped(cell)}</td>" for cell in line[1:]) + "</tr>\n"
                   for line in lines)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def html_link(results: Results, link: str, peers: list[str]) -> list[str]:
    rows = results.rows(link)
    head = "<th></th>" + "".join(f'<th class="{"ours" if peer == OURS else ""}">{escaped(peer)}</th>' for peer in peers)
    if OURS in peers:
        head += "<th>÷ best other<small><br>≥ 1 = wormhole better</small></th>"
    body = "".join(
        f"<tr><th>{escaped(row.heading())}</th>" + "".join(html_cell(row, peer) for peer in peers)
        + (html_ratio(row) if OURS in peers else "") + "</tr>\n"
        for row in rows
    )
    page = [f"<h2>{escaped(link)}</h2>", f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>']
    cpu = cpu_table(rows, peers)
    if cpu:
        page += ["<p>CPU, seconds for each GB read, both ends ↓</p>", html_table(cpu[0], cpu[1:])]
    if results.failures(link):
        page += ["<p>Failed:</p><ul>", *(f"<li>{escaped(failure)}</li>" for failure in results.failures(link)), "</ul>"]
    return page


def web_page(results: Results) -> str:
    peers = results.peers()
    page = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Side by side</title><style>{STYLE}</style></head><body><h1>Side by side</h1>",
        "<p>Medians of the rounds, below them the least and the most; ↑ more is better, ↓ less is better. The strips show where in its row",
        'a figure lies, from the least to the most, on a logarithmic scale.</p><dl class="facts">',
        *(f"<dt>{escaped(what)}</dt><dd>{escaped(value)}</dd>" for what, value in results.about()),
        "</dl>",
        html_table(["link", "round trip", "rate", "queue", "loss, each way"], results.link_lines(), "left"),
    ]
    for link in results.measured_links():
        page += html_link(results, link, peers)
    page.append(f"<h2>Peers</h2><p>{escaped(FILES_OF_PEERS)}</p><dl>")
    for peer in peers:
        commands = "".join(f"<br><small>{escaped(end)}</small> <code>{html.escape(command)}</code>"
                           for end, command in results.commands.get(peer, []))
        page.append(f"<dt>{escaped(peer)}</dt><dd>{escaped(results.versions[peer])}{commands}</dd>")
    page += ["</dl><h2>What is not the same</h2><ul>", *(f"<li>{escaped(note)}</li>" for note in results.notes()), "</ul></body></html>"]
    return "\n".join(page) + "\n"


def lines_of(file: Path) -> list[dict[str, Any]]:
    lines = []
    for line in file.read_text(errors="replace").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # Half a line: the run was interrupted in it.
    return lines


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("report.py: RESULTS.JSONL FOLDER")
    results = Results(lines_of(Path(sys.argv[1])))
    folder = Path(sys.argv[2])
    (folder / "compare.md").write_text(markdown(results))
    (folder / "compare.html").write_text(web_page(results))


if __name__ == "__main__":
    main()
