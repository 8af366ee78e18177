"""OpenVINO: one stream for latency, in the precision that is asked for and not the one that the processor would prefer."""
import openvino

from exported import as_netc, inputs_of, onnx_bytes
from serve import Runner, serve


class Prediction(Runner):
    def __init__(self, task):
        precision = "bf16" if task.bf16 else "f32"
        self.settings = f"latency, one stream, {precision}"
        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": task.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        self.request = core.compile_model(core.read_model(onnx_bytes(task)), "CPU", options).create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(inputs_of(task)))

    def step(self):
        self.request.infer()

    def wait(self, result):
        return as_netc(self.request.get_output_tensor().data)


if __name__ == "__main__":
    serve(openvino.__version__.split("-")[0], prediction=Prediction)
