"""Event files as TensorBoard itself reads them. Runs in the environment of test/requirements.txt."""

from support import EXAMPLES, ProgramCase, compile_net, read_history
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class TensorBoardTest(ProgramCase):
    @classmethod
    def compile(cls):
        source = (EXAMPLES / "digits.net").read_text().replace('"data/', f'"{EXAMPLES}/data/')
        (cls.build / "digits.net").write_text(source.replace("  seed       = 42", "  seed       = 42\n  callbacks  = [tensorboard]"))
        cls.program = compile_net(cls.build / "digits.net", cls.build / "digits")

    def scalars(self):
        events = EventAccumulator(str(self.folder / "run")).Reload()
        return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}

    def test_scalars_are_those_of_the_history(self):
        self.run_program("train", "--epochs", "4", "--run", "run")
        history, scalars = read_history(self.folder / "run"), self.scalars()
        self.assertEqual(set(scalars), set(history[0]) - {"epoch"})
        for tag, points in scalars.items():
            self.assertEqual([step for step, _ in points], [1, 2, 3, 4])
            for row, (_, value) in zip(history, points):
                self.assertAlmostEqual(value, row[tag], delta=1e-6 * abs(row[tag]) + 1e-12)

    def test_a_resumed_run_has_each_epoch_once(self):
        self.run_program("train", "--epochs", "2", "--run", "run")
        self.run_program("train", "--epochs", "4", "--resume", "run")
        self.assertEqual([step for step, _ in self.scalars()["loss"]], [1, 2, 3, 4])
