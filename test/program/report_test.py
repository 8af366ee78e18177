"""The report and the page of netc compare in a real browser: headless chromium, by its own command line."""

import html
import json
import pathlib
import re
import shutil
import subprocess

from support import EXAMPLES, NETC, ProgramCase, compile_net, read_history

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")

# Stands at the end of a copy of the page and tells what a person would look at.
PROBE = """
<script>
  const chartOf = title => [...document.querySelectorAll('.chart')].find(one => one.querySelector('h3').textContent == title);
  const seen = {
    inner: innerWidth, wide: document.documentElement.scrollWidth, ground: getComputedStyle(document.body).backgroundColor,
    curves: [...document.querySelectorAll('.curve[data-series]')].map(one => [one.closest('.chart').querySelector('h3').textContent,
      one.dataset.series, (one.getAttribute('d').match(/[ML]/g) || []).length]),
    titles: [...document.querySelectorAll('h2')].map(one => one.firstChild.textContent),
    status: (document.querySelector('.pill') || {}).textContent, findings: document.querySelectorAll('.finding').length, cells: document.querySelectorAll('.matrix .right, .matrix .wrong').length,
    pictures: [...document.querySelectorAll('img')].map(one => one.complete && one.naturalWidth),
    points: document.querySelectorAll('circle.point').length, layers: document.querySelectorAll('.layer').length,
  };
  const picture = chartOf('loss').querySelector('svg'), box = picture.getBoundingClientRect();
  picture.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + 46, clientY: box.top + 50}));
  seen.hovered = chartOf('loss').querySelector('header').innerText;
  parent.postMessage(JSON.stringify(seen), '*');
</script>
"""
# The window of a browser has a least width, a frame has none.
FRAME = """<!doctype html><body style="margin: 0"><pre id="probe"></pre>
<iframe src="probed.html" style="border: 0; width: {}px; height: 900px"></iframe>
<script>onmessage = event => {{ document.getElementById('probe').textContent = event.data; }}</script>"""


class BrowserCase(ProgramCase):
    def setUp(self):
        super().setUp()
        if not BROWSER:
            self.skipTest("install chromium to look at pages")

    def look(self, page, width=1200, dark=False):
        """What the probe sees. The page must not complain."""
        (self.folder / "probed.html").write_text(page.read_text().replace("</body>", PROBE + "</body>"))
        frame = self.folder / "frame.html"
        frame.write_text(FRAME.format(width))
        words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={self.folder / 'profile'}",
                 "--enable-logging=stderr", "--virtual-time-budget=2000", "--window-size=1280,1000", "--dump-dom", frame.as_uri()]
        done = subprocess.run(words + ["--force-dark-mode"] * dark, capture_output=True, text=True, timeout=120)
        self.assertEqual([line for line in done.stderr.splitlines() if "CONSOLE" in line], [])
        found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
        self.assertTrue(found, done.stderr[-2000:])
        return json.loads(html.unescape(found.group(1)))


class ReportTest(BrowserCase):
    @classmethod
    def compile(cls):
        cls.program = compile_net(EXAMPLES / "digits.net", cls.build / "digits")
        cls.values = compile_net(EXAMPLES / "diabetes.net", cls.build / "diabetes")

    def test_pictures_of_classes(self):
        text = self.run_program("train", "--run", "run")
        self.assertIn("reading: ", text)
        self.assertIn("report: run/report.html", text)
        run = self.folder / "run"
        (run / "diagnostics.jsonl").write_text("".join(json.dumps(
            {"epoch": n, "layers": [{"name": "dense", "gradient_norm": 1 / n, "weight_norm": 2, "update_ratio": 1e-3},
                                    {"name": "relu", "units": 16, "dead": 9}]}) + "\n" for n in (1, 2, 3)) + '{"epoch": 4, "lay')
        (run / "find-lr.json").write_text(json.dumps({"learning_rate": [1e-4, 1e-3, 1e-2], "loss": [2.3, 1.5, "inf"], "suggested": 1e-3}))
        text = self.run_program("train", "--resume", "run")  # a run that is over: the report is written again
        self.assertIn("Dead units: 9 of the 16 units of relu", text)
        page = run / "report.html"
        for outside in ("http:", "https:", "src=", "href="):
            self.assertNotIn(outside, page.read_text().replace("http://www.w3.org/2000/svg", "").replace("'http:'", ""), outside)
        for width, dark in ((1200, False), (390, True)):
            seen = self.look(page, width, dark)
            self.assertEqual(seen["inner"], width)
            self.assertLessEqual(seen["wide"], width)
            colour = [int(part) for part in re.findall(r"\d+", seen["ground"])[:3]]
            self.assertTrue(max(colour) < 64 if dark else min(colour) > 192, colour)
            curves = {(title, name): points for title, name, points in seen["curves"]}
            for title in "loss", "accuracy":
                self.assertEqual(curves[title, "training"], 15, curves)
                self.assertEqual(curves[title, "validation"], 15, curves)
            self.assertEqual(curves["learning rate", ""], 15)
            for title in "The reading", "Learning curves", "Layers", "Predictions", "Right", "Range test of the learning rate", "Configuration":
                self.assertIn(title, seen["titles"])
            self.assertGreaterEqual(seen["findings"], 1)
            self.assertGreaterEqual(seen["cells"], 10)
            self.assertGreaterEqual(len(seen["pictures"]), 10)
            self.assertEqual(set(seen["pictures"]), {8})
            self.assertEqual(seen["layers"], 3)
        first = read_history(run)[0]
        self.assertRegex(seen["hovered"], rf"training\s*{first['loss']:.3f}")
        self.assertIn("epoch 1", seen["hovered"])

    def test_killed(self):
        """The page of a training that died tells what the history tells."""
        run = self.folder / "run"
        child = subprocess.Popen([str(self.program), "train", "--epochs", "100000", "--run", str(run)], cwd=self.folder,
                                 stdout=subprocess.PIPE, text=True)
        while not (run / "report.html").exists() or not (run / "history.jsonl").read_text():
            child.stdout.readline()
        child.kill()
        child.communicate()
        epochs = len((run / "history.jsonl").read_text().splitlines())
        seen = self.look(run / "report.html")
        curves = {(title, name): points for title, name, points in seen["curves"]}
        self.assertIn(curves["loss", "validation"], (epochs, epochs - 1))
        self.assertIn("running, epoch", seen["status"])
        self.assertFalse((run / "result.json").exists())

    def test_values(self):
        self.run_program("train", "--epochs", "12", "--run", "run", program=self.values)
        seen = self.look(self.folder / "run/report.html")
        self.assertIn(["r2", "validation", 12], seen["curves"])
        self.assertGreater(seen["points"], 40)
        self.assertIn("Largest errors", seen["titles"])
        self.assertEqual(seen["cells"], 0)

    def test_divergence(self):
        self.run_program("train", "--run", "run", "--set", "lr=0.01", "--epochs", "2")
        history = (self.folder / "run/history.jsonl").read_text()
        result = json.loads((self.folder / "run/result.json").read_text())
        self.assertEqual(result["status"], "finished")
        self.assertEqual(len(history.splitlines()), 2)
        self.assertEqual([one["kind"] for one in result["reading"]][0] in ("statistics", "short"), True, result["reading"])


class CompareTest(BrowserCase):
    @classmethod
    def compile(cls):
        cls.program = compile_net(EXAMPLES / "digits.net", cls.build / "digits")
        source = (EXAMPLES / "digits.net").read_text().replace("    -> dropout(rate)\n", "").replace('"data/', f'"{EXAMPLES}/data/')
        (cls.build / "plain.net").write_text(source)
        cls.plain = compile_net(cls.build / "plain.net", cls.build / "plain")
        cls.iris = compile_net(EXAMPLES / "iris.net", cls.build / "iris")

    def compare(self, *words, code=0):
        return self.run_program("compare", *words, program=NETC, code=code)

    def test_page_and_table(self):
        self.run_program("train", "--epochs", "3", "--run", "a/run")
        self.run_program("train", "--epochs", "5", "--run", "b/run", "--set", "lr=0.01")
        self.run_program("train", "--epochs", "4", "--run", "plain", program=self.plain)
        text = self.compare("a/run", "b/run/", "plain", "-o", "page.html")
        rows = {line.split("  ")[0]: line.split()[-3:] for line in text.splitlines() if line}
        self.assertEqual(rows["param lr"], ["0.003", "0.01", "0.003"])
        self.assertEqual(rows["epochs trained"], ["3", "5", "4"])
        self.assertIn("a/run", text.splitlines()[0])
        self.assertRegex(text, r"val_loss, best epoch .* \*")
        self.assertIn("  -     -> dropout(rate)", text)
        self.assertNotIn("param width", text)
        for width in (1200, 390):
            seen = self.look(self.folder / "page.html", width)
            self.assertLessEqual(seen["wide"], width)
            self.assertEqual([curve[1:] for curve in seen["curves"] if curve[0] == "validation loss"], [["a/run", 3], ["b/run", 5], ["plain", 4]])
            self.assertIn("What differed", seen["titles"])

    def test_what_cannot_be_compared(self):
        self.run_program("train", "--epochs", "1", "--run", "run")
        self.run_program("train", "--epochs", "1", "--run", "iris", program=self.iris)
        (self.folder / "empty").mkdir()
        for words, message in ((["run"], "nothing to be compared with"), (["run", "none"], "none is no folder"),
                               (["run", "empty"], "empty is no run"), (["run", "./run"], "given twice"),
                               (["run", "iris"], "iris is a run of another network")):
            self.assertIn(message, self.compare(*words, code=2))
        shutil.copytree(self.folder / "run", self.folder / "young")
        (self.folder / "young/history.jsonl").write_text("")
        self.assertIn("young has no epoch to compare", self.compare("run", "young", code=2))
        (self.folder / "young/history.jsonl").write_text("{broken\n")
        self.assertIn("line 1 is damaged", self.compare("run", "young", code=2))
        (self.folder / "young/config.json").write_text("{}")
        self.assertIn("no run of this version", self.compare("run", "young", code=2))
        self.assertFalse(pathlib.Path(self.folder / "compare.html").exists())

    def test_a_run_that_is_not_over_is_marked(self):
        self.run_program("train", "--epochs", "2", "--run", "run")
        shutil.copytree(self.folder / "run", self.folder / "killed")
        (self.folder / "killed/result.json").unlink()
        self.assertRegex(self.compare("run", "killed"), r"status +finished +unfinished")
