"""The ratios of a measurement as a picture: a dot for each peer, its time over netc's, on a logarithmic scale. SVG without colours that
only one background can show."""
import math
from html import escape

import report

COLOURS = ("#e8590c", "#f2a33a", "#12a37a", "#b14fc5", "#3b82f6", "#8494a7")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .strong { font-weight: 600 } .faint { fill: #6e7781 }
  .grid { stroke: #8b949e; stroke-opacity: .3 } .netc { stroke: #24292f; stroke-width: 1.5 } .row { fill: #8b949e; fill-opacity: .1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #9198a1 } .netc { stroke: #e6edf3 }
  }
"""
LEFT, WIDTH, GAP, ROW, TOP = 130, 340, 40, 22, 74  # the space of labels; a panel; between panels; a line; above the panels
GREATEST = 16  # what is further out stands at the edge, with its number


def kind(row):
    return "Training step" if row["task"] == "train" else f"Inference, batch {row['batch']}"


def label(row, rows):
    batches = {other["batch"] for other in rows if other["network"] == row["network"] and other["task"] == "train"}
    return f"{row['network']}, batch {row['batch']}" if row["task"] == "train" and len(batches) > 1 else row["network"]


class Scale:
    def __init__(self, values):
        self.low = 2.0 ** min(-1, math.floor(math.log2(min(values))))
        self.high = 2.0 ** min(math.log2(GREATEST), max(1, math.ceil(math.log2(max(values)))))

    def place(self, ratio):
        ratio = min(max(ratio, self.low), self.high)
        return WIDTH * math.log2(ratio / self.low) / math.log2(self.high / self.low)

    def ticks(self):
        return [2.0 ** power for power in range(round(math.log2(self.low)), round(math.log2(self.high)) + 1)]


def panel(rows, every, left, top, scale, colours, labelled):
    """Yields the parts of one panel: all networks in one kind of call, with one number of threads."""
    threads = rows[0]["threads"]
    yield f'<text class="strong" x="{left}" y="{top - 8}">{kind(rows[0])}, {threads} thread{"s" if threads > 1 else ""}</text>'
    bottom = top + ROW * len(rows)
    for index in range(0, len(rows), 2):
        yield f'<rect class="row" x="{left}" y="{top + ROW * index}" width="{WIDTH}" height="{ROW}"/>'
    for tick in scale.ticks():
        x = left + scale.place(tick)
        yield f'<line class="{"netc" if tick == 1 else "grid"}" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{"netc" if tick == 1 else f"{tick:g}×"}</text>'
    for index, row in enumerate(rows):
        y = top + ROW * index + ROW / 2
        if labelled:
            yield f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(label(row, every))}</text>'
        beyond = []
        for name, ratio in report.ratios(row).items():
            x = left + scale.place(ratio)
            yield f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colours[name]}" fill-opacity=".85"><title>{escape(name)} {ratio:.2f}</title></circle>'
            if ratio > scale.high:
                beyond.append(ratio)
        if beyond:
            yield f'<text class="faint" x="{left + WIDTH + 8}" y="{y + 4}">{max(beyond):.0f}×</text>'


def svg(measured):
    rows = [row for row in measured["rows"] if report.precision_of(row) == "f32" and report.ratios(row)]
    names = report.names_of(rows)
    colours = dict(zip(names, COLOURS))
    scale = Scale([ratio for row in rows for ratio in report.ratios(row).values()])
    threads = sorted({row["threads"] for row in rows})
    width = LEFT + len(threads) * (WIDTH + GAP)
    parts, x = ['<text class="strong" x="10" y="22">A peer\'s time over netc\'s: right of the line netc is faster</text>'], 10
    for name in names:
        parts.append(f'<circle cx="{x + 6}" cy="42" r="5" fill="{colours[name]}"/><text x="{x + 16}" y="46">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    top = TOP
    for chosen in dict.fromkeys(kind(row) for row in rows):
        height = 0
        for column, count in enumerate(threads):
            mine = [row for row in rows if kind(row) == chosen and row["threads"] == count]
            if mine:
                parts += panel(mine, rows, LEFT + column * (WIDTH + GAP), top, scale, colours, column == 0)
                height = max(height, ROW * len(mine))
        top += height + 52
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top - 20}" width="{width}" height="{top - 20}">\n'
            f"<style>{STYLE}</style>\n{body}\n</svg>\n")
