"""Loads every model of a folder with OpenVINO and compares with what its manifest expects.

Prints one JSON object a line: the name of the case, what is wrong with it (an empty list if nothing), and measurements.
"""

import json
import sys
from pathlib import Path

import numpy as np
import openvino as ov
from openvino.passes import ConstantFolding, Manager

FLOAT_TOLERANCE = 1e-4
WITHIN_QUANTUM = 0.99
LAYER_TYPES = {"Convolution", "GroupConvolution", "Deconvolution", "FullyConnected", "MatMul"}
INT8 = {"u8", "i8"}
# Some machines compute float32 models in bfloat16 if they are not told otherwise.
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def has_vnni():
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "vnni" in flags or "amx_int8" in flags


def text(value):
    """Metadata values are strings or wrap one, depending on the version."""
    return str(getattr(value, "value", value))


def load(folder, tensor):
    return np.fromfile(folder / tensor["file"], dtype=np.float32).reshape(tensor["shape"])


def run(compiled, folder, case):
    results = compiled({tensor["name"]: load(folder, tensor) for tensor in case["inputs"]})
    return [(results[tensor["name"]], load(folder, tensor)) for tensor in case["outputs"]]


def layer_precisions(compiled):
    layers = []
    for op in compiled.get_runtime_model().get_ordered_ops():
        info = op.get_rt_info()
        if text(info["layerType"]) in LAYER_TYPES:
            layers.append((op.get_friendly_name(), text(info["layerType"]), text(info["runtimePrecision"])))
    return layers


def shape_faults(pairs):
    return [f"output of shape {a.shape}, expected {e.shape}" for a, e in pairs if a.shape != e.shape]


def check_float(core, folder, case, model, report):
    pairs = run(core.compile_model(model, "CPU", PRECISION), folder, case)
    report["faults"] += shape_faults(pairs)
    if report["faults"]:
        return
    error = max(float(np.abs(a - e).max() / max(np.abs(e).max(), 1e-30)) for a, e in pairs)
    report["relative_error"] = error
    if not error <= FLOAT_TOLERANCE:
        report["faults"].append(f"relative error {error:.3g}")


def compile_in_float(core, path):
    """The model with its weights computed beforehand as float, which keeps layers with weights out of INT8.

    (Switching off OpenVINO's low-precision transformations would seem simpler, but 2026.4 then errs: it fuses a
    multiplication and an addition into the FakeQuantize before a padded 1x1 convolution.)
    """
    model = core.read_model(path)
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    return core.compile_model(model, "CPU", PRECISION)


def quanta_off(compiled, folder, case, report):
    """How far every value is from what is expected, in steps of the last quantizer; None if a shape is wrong."""
    pairs = run(compiled, folder, case)
    faults = shape_faults(pairs)
    report["faults"] += faults
    quanta = case["quantized"]["quanta"]
    return None if faults else np.concatenate([(np.abs(a - e) / q).ravel() for (a, e), q in zip(pairs, quanta)])


def measure(name, steps, report):
    within = float((steps <= 1 + 1e-3).mean())
    report[name] = {"within": within, "equal": float((steps <= 1e-2).mean()), "worst": float(steps.max())}
    if not within >= WITHIN_QUANTUM:
        report["faults"].append(f"{name}: only {100 * within:.2f}% of {steps.size} values within one quantum, the worst {steps.max():.3g} off")


def check_quantized(core, folder, case, model, report, vnni):
    expected = case["quantized"]
    compiled = core.compile_model(model, "CPU", PRECISION)
    layers = layer_precisions(compiled)
    slow = [f"{name} ({kind}) runs in {precision}" for name, kind, precision in layers if precision not in INT8]
    report["layers"] = len(layers) - len(slow)
    if len(layers) != expected["layers"]:
        report["faults"].append(f"{len(layers)} layers with weights, expected {expected['layers']}")
    if report["layers"] != expected["quantizedLayers"]:
        report["faults"].append(f"{report['layers']} layers in INT8, expected {expected['quantizedLayers']}: {'; '.join(slow)}")
    # What the file says, computed in float: independent of the processor.
    steps = quanta_off(compile_in_float(core, folder / case["xml"]), folder, case, report)
    if steps is None:
        return
    measure("float", steps, report)
    # Where sums saturate, on processors without VNNI, or grids are changed, INT8 does not give what the file says.
    if not expected["realigned"] and (vnni or not expected["saturates"]):
        measure("int8", quanta_off(compiled, folder, case, report), report)


def main(folder):
    core = ov.Core()
    vnni = has_vnni()
    for case in json.loads((folder / "manifest.json").read_text()):
        report = {"name": case["name"], "faults": []}
        try:
            model = core.read_model(folder / case["xml"])
            if case.get("quantized"):
                check_quantized(core, folder, case, model, report, vnni)
            else:
                check_float(core, folder, case, model, report)
        except Exception as error:  # noqa: BLE001 - every fault of one model is reported, and the next is checked
            report["faults"].append(" ".join(str(error).split())[:400])
        print(json.dumps(report), flush=True)


main(Path(sys.argv[1]))
