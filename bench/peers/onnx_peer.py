"""ONNX Runtime: all optimisations of the graph, inputs and outputs bound once."""
import onnxruntime

from exported import as_netc, inputs_of, onnx_bytes
from serve import Runner, serve


class Prediction(Runner):
    settings = "all graph optimisations, bound inputs and outputs"

    def __init__(self, task):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(onnx_bytes(task), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input("input", onnxruntime.OrtValue.ortvalue_from_numpy(inputs_of(task)))
        self.binding.bind_output("output")

    def step(self):
        self.session.run_with_iobinding(self.binding)

    def wait(self, result):
        return as_netc(self.binding.copy_outputs_to_cpu()[0])


if __name__ == "__main__":
    serve(onnxruntime.__version__, prediction=Prediction)
