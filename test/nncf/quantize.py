"""Quantizes every model of a manifest with NNCF's OpenVINO backend and describes what came out, a line of JSON each.

A model is an .xml file, its calibration items a file of float32 values. Quantizers of weights are left as FakeQuantize,
so that their ranges can be read.
"""
import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from float64 import channel_maxima
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters

nncf.set_log_level(logging.ERROR)
LAYERS = {"Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul"}
VARIANTS = {
    "performance": {"preset": nncf.QuantizationPreset.PERFORMANCE},
    "mixed": {"preset": nncf.QuantizationPreset.MIXED},
    "transformer": {"model_type": nncf.ModelType.TRANSFORMER},
    "fullCorrection": {"preset": nncf.QuantizationPreset.PERFORMANCE, "fast_bias_correction": False},
}


def constant(node, port):
    return node.input_value(port).get_node()


def describe_quantizer(node):
    low, high = (constant(node, port).get_data().astype(np.float32) for port in (1, 2))
    return {
        "name": node.get_friendly_name(),
        "levels": node.get_levels(),
        "channels": low.size,
        "low": low.ravel().tolist(),
        "high": high.ravel().tolist(),
    }


def biases(model):
    result = {}
    for node in model.get_ops():
        if node.get_type_name() != "Add":
            continue
        inputs = [constant(node, port) for port in (0, 1)]
        values = [each for each in inputs if each.get_type_name() == "Constant"]
        if values and any(each.get_type_name() in LAYERS for each in inputs):
            result[node.get_friendly_name()] = values[0].get_data().astype(np.float32).ravel().tolist()
    return result


def describe(model):
    quantizers = [describe_quantizer(node) for node in model.get_ops() if node.get_type_name() == "FakeQuantize"]
    return {"quantizers": quantizers, "biases": biases(model)}


def items_of(folder, case):
    return np.fromfile(folder / case["items"], dtype=np.float32).reshape(-1, *case["shape"])


def quantize(core, folder, case):
    items = items_of(folder, case)
    options = dict(VARIANTS[case["variant"]])
    overflow_fix = nncf.OverflowFix.DISABLE if case["variant"] == "fullCorrection" else None
    options["advanced_parameters"] = AdvancedQuantizationParameters(
        overflow_fix=overflow_fix, backend_params={"compress_weights": False}
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return nncf.quantize(core.read_model(folder / case["xml"]), nncf.Dataset(list(items)), subset_size=len(items), **options)


def int8_layers(core, model):
    """Names of the layers with weights that OpenVINO's CPU plugin computes in INT8."""
    layers = {node.get_friendly_name() for node in model.get_ops() if node.get_type_name() in LAYERS}
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = set()
    for node in compiled.get_runtime_model().get_ops():
        info = {key: str(getattr(value, "value", value)) for key, value in node.get_rt_info().items()}
        if info.get("runtimePrecision") in ("i8", "u8"):
            # A matrix product is called after the multiplication by its scales that it is fused with.
            names = info.get("originalLayersNames", "").split(",")
            found |= layers & {name.removesuffix("/DequantizationMultiply") for name in names}
    return sorted(found), len(layers)


def written_codes(node):
    """The integer constant behind the weights of a layer, if there is one."""
    while node.get_type_name() in ("Multiply", "Subtract", "Convert", "Reshape"):
        node = constant(node, 0)
    if node.get_type_name() != "Constant" or node.get_element_type().get_type_name() not in ("i8", "u8"):
        return None
    return node.get_data().astype(np.int16).ravel()


def check_own(core, folder, case):
    """What is wrong with the codes in this library's file, and which of its layers run in INT8."""
    model = core.read_model(folder / case["own"])
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    codes = np.fromfile(folder / case["codes"], dtype=np.int16)
    faults, offset = [], 0
    for entry in case["weights"]:
        expected = codes[offset : offset + entry["size"]]
        offset += entry["size"]
        node = nodes.get(entry["node"])
        written = written_codes(constant(node, entry["port"])) if node else None
        if written is None or not np.array_equal(written, expected):
            faults.append(f"the codes of {entry['node']} are not those of training")
    layers, _ = int8_layers(core, model)
    return {"faults": faults, "int8": layers}


def main(folder):
    core = ov.Core()
    for case in json.loads((folder / "manifest.json").read_text()):
        report = {"name": case["name"]}
        try:
            quantized = quantize(core, folder, case)
            report["model"] = describe(quantized)
            if case["inFloat64"]:
                model = core.read_model(folder / case["xml"])
                report["float64"] = channel_maxima(model, quantized, items_of(folder, case))
            if "own" in case:
                report["own"] = check_own(core, folder, case)
                report["int8"], report["layers"] = int8_layers(core, quantized)
        except Exception as error:  # noqa: BLE001 - the next is compared all the same
            report["error"] = " ".join(str(error).split())[:400]
        print(json.dumps(report), flush=True)


main(Path(sys.argv[1]))
