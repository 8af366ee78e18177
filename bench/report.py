"""The table of a measurement, in Markdown. All times are the best of the rounds; a ratio is the peer's time over netc's."""
import math

TOLERANCES = {"f32": 1e-4, "bf16": 2e-2}  # of losses and outputs, relative; everybody rounds to bf16, a step of which is 8e-3, elsewhere
MINUS = "–"


def best(facts):
    return min(facts["times"]) if facts.get("times") else None


def precision_of(row):
    return row.get("precision", "f32")


def counts(row, name):
    """Whether a peer is compared with: it ran and computed what netc computes."""
    facts = row["contestants"][name]
    return bool(facts.get("times")) and facts.get("difference", 0) <= TOLERANCES[precision_of(row)]


def ratios(row):
    netc = best(row["contestants"]["netc"])
    return {name: best(facts) / netc for name, facts in row["contestants"].items() if name != "netc" and counts(row, name)} if netc else {}


def title(row):
    return ("training step" if row["task"] == "train" else "inference") + f", batch {row['batch']}"


def line(row):
    """One measurement in one line, as it is made."""
    text = f"{row['network']:<12} {title(row):<24} {precision_of(row):<4} {row['threads']} thread{'s' if row['threads'] > 1 else ' '}"
    netc = best(row["contestants"]["netc"])
    text += f"  netc {netc * 1e3:8.3f} ms" if netc else "  netc is missing"
    for name, facts in row["contestants"].items():
        if name == "netc":
            continue
        if facts.get("missing"):
            text += f"  {name} missing: {facts['missing']}"
        elif not counts(row, name):
            text += f"  {name} differs by {facts['difference']:.1e}"
        else:
            text += f"  {name} {best(facts) / netc:.2f}"
    return text


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None


def number(value, digits=2):
    return MINUS if value is None else f"{value:.{digits}f}"


def table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def names_of(rows):
    names = []
    for row in rows:
        names += [name for name in row["contestants"] if name != "netc" and name not in names]
    return names


def headline(rows):
    """The geometric mean of (best peer / netc), and the least, for each task and number of threads."""
    groups = {}
    for row in rows:
        if values := ratios(row):
            kind = "training steps" if row["task"] == "train" else f"inference, batch {row['batch']}"
            groups.setdefault((row["threads"], kind), []).append((min(values.values()), row["network"]))
    for (threads, kind), values in sorted(groups.items(), key=lambda item: item[0][0]):
        least, network = min(values)
        yield [str(threads), kind, f"**{geometric_mean([value for value, _ in values]):.2f}**", f"{least:.2f} ({network})",
               f"{sum(value > 1 for value, _ in values)} of {len(values)}"]


def comparison(rows, threads, names):
    chosen = [row for row in rows if row["threads"] == threads]
    for row in chosen:
        found = ratios(row)
        smallest = min(found.values(), default=None)
        netc = best(row["contestants"]["netc"])
        cells = [row["network"], title(row), number(netc and netc * 1e3, 3)]
        cells.append(f"**{smallest:.2f}**" if smallest else MINUS)
        cells += [number(found.get(name)) for name in names]
        yield cells


def once_for_each(rows, task):
    """Of each network the first row with one thread, or the fewest there are."""
    seen = {}
    for row in sorted(rows, key=lambda row: row["threads"]):
        if row["task"] == task:
            seen.setdefault(row["network"], row)
    return seen


def aside(rows, programs):
    """What it takes besides time: compilation, size, memory. The header first."""
    trained = once_for_each(rows, "train")
    compiling = [name for name in names_of(trained.values()) if name != "PyTorch"]
    yield ["network", "netc compiles, s", *(f"{name}: first step, s" for name in compiling), "program", "start to --help", "start to first step",
           "workspace over its lower bound", "peak memory of training", "PyTorch's"]
    for network, facts in programs.items():
        contestants = trained.get(network, {}).get("contestants", {})
        memory = [contestants.get(name, {}).get("memory") for name in ("netc", "PyTorch")]
        yield [network, number(facts["compile"], 1), *(number(contestants.get(name, {}).get("first_call"), 1) for name in compiling),
               f"{facts['size'] / 1e6:.2f} MB", f"{facts['start'] * 1e3:.1f} ms", f"{facts['first_step'] * 1e3:.1f} ms",
               number(facts["workspace"], 3), *(f"{value / 1e6:.0f} MB" if value else MINUS for value in memory)]


def absent(rows):
    """Peers that could not be run or computed something else, with the reason, once for each network and task."""
    seen = {}
    for row in rows:
        for name, facts in row["contestants"].items():
            reason = facts.get("missing") or ("" if counts(row, name) or not facts.get("times") else f"differs by {facts['difference']:.1e}")
            if reason:
                precision = ", bf16" if precision_of(row) == "bf16" else ""
                seen.setdefault((name, row["network"], row["task"], precision), reason)
    return [f"- {name}, {network}, {'training' if task == 'train' else 'inference'}{precision}: {reason}"
            for (name, network, task, precision), reason in seen.items()]


def settings(rows, names):
    for name in names:
        found = [(row["task"], row["contestants"][name]) for row in rows if row["contestants"].get(name, {}).get("version")]
        for task in ("train", "predict"):
            texts = sorted({facts["settings"] for kind, facts in found if kind == task})
            if texts:
                yield f"- {name} {found[0][1]['version']}, {'training' if task == 'train' else 'inference'}: {'; '.join(texts)}"


def narrow(rows):
    """The section about bf16."""
    names = names_of(rows)
    yield from ["", "## bf16", "", "`precision = bf16` beside what the peers have for it: PyTorch's autocast, at inference also weights in bf16; OpenVINO's "
                f"precision hint. Everybody takes numbers of three digits and rounds elsewhere, so losses and outputs need only agree to {TOLERANCES['bf16']:g}."]
    for threads in sorted({row["threads"] for row in rows}):
        yield from ["", f"### {threads} thread{'s' if threads > 1 else ''}", ""]
        yield from table(["network", "task", "netc, ms", "best peer / netc", *names], comparison(rows, threads, names))
    yield ""
    yield from settings(rows, names)


def markdown(measured):
    machine = measured["machine"]
    rows, narrow_rows = ([row for row in measured["rows"] if precision_of(row) == precision] for precision in ("f32", "bf16"))
    names = names_of(rows)
    lines = ["# netc and its peers", "",
             f"`bench/run`, in one run on one machine: {machine['model']}, {machine['cores']} cores{', virtual' if machine['virtual'] else ''}, "
             f"{machine['vectors']}; {machine['system']}. f32; {measured['rounds']} rounds of {measured['seconds']} s in turns, best of the rounds. "
             "[How to run and read it](../../docs/performance.md). **A ratio is a peer's time over netc's: above 1 netc is faster.**", ""]
    for threads, limits in sorted(measured["limits"].items()):
        lines.append(f"- {threads} thread{'s' if threads != '1' else ''}: {limits['gigaflops']:.0f} GFLOP/s of multiply-adds, {limits['gigabytes']:.1f} GB/s copied")
    lines += ["", "![Each peer's time over netc's](side-by-side.svg)", "", "## In one number", ""]
    lines += table(["threads", "task", "best peer / netc, geometric mean", "least", "netc is first"], headline(rows))
    for threads in sorted({row["threads"] for row in rows}):
        lines += ["", f"## {threads} thread{'s' if threads > 1 else ''}", ""]
        lines += table(["network", "task", "netc, ms", "best peer / netc", *names], comparison(rows, threads, names))
    if narrow_rows:
        lines += narrow(narrow_rows)
    header, *besides = aside(rows, measured["programs"])
    lines += ["", "## Besides time", "", *table(header, besides)]
    lines += ["", "## Versions and settings", "", f"Python {machine['python']}. The peers compared with computed netc's losses of two steps and outputs, to {TOLERANCES['f32']:g}.", ""]
    lines += settings(rows, names)
    lines += ["", "## Missing", "", *(absent(measured["rows"]) or ["Nothing."])]
    if only := [name for name in names if name not in names_of(once_for_each(rows, "train").values())]:
        lines += ["", f"No training with {' and '.join(only)}: they only run networks."]
    return "\n".join(lines) + "\n"

