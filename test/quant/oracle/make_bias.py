"""Writes fixtures/bias.json: what NNCF's full bias correction adds to the biases of networks of nets.py. NNCF has it for
OpenVINO models, where batch normalization is part of the convolution in front of it.

Run with PyTorch 2.13 (CPU), NNCF 3.4 and OpenVINO 2026.4: python test/quant/oracle/make_bias.py [net ...]
The weights and data are those of fixtures/options.safetensors, which make_options.py writes.
"""
import contextlib
import io
import json
import sys

import nncf
import numpy as np
import openvino as ov
import torch
from safetensors.torch import load_file

from make_placements import FOLDER, PRESETS, SAMPLES, digits
from nets import build

NETS = ("plain", "batchNorm", "residual", "depthwise", "mlp", "concat", "unet", "branches", "twoInputs", "linearBranch", "residualSame", "concatTwice", "transformerMlp")
LINEAR = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul")


def biases(model):
    """The added constants behind weighted operations, by the name of the layer."""
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() not in LINEAR:
            continue
        readers = list(node.output(0).get_target_inputs())
        if len(readers) != 1 or readers[0].get_node().get_type_name() != "Add":
            continue
        constant = readers[0].get_node().input_value(1).get_node()
        if constant.get_type_name() == "Convert":
            constant = constant.input_value(0).get_node()
        if constant.get_type_name() == "Constant":
            layer = readers[0].get_node().get_friendly_name().split("/")[0].removeprefix("__module.")
            found[layer] = constant.get_data().astype(np.float32).reshape(-1)
    return found


def main(names):
    tensors = load_file(FOLDER / "options.safetensors")
    result = {}
    for name in names or NETS:
        model, inputs, _ = build(name)
        weights = {key[len(name) + 1:]: value for key, value in tensors.items() if key.startswith(f"{name}.")}
        if not weights:
            torch.manual_seed(0)
            print(name, "is not in options.safetensors", file=sys.stderr)
            continue
        missing, _ = model.load_state_dict(weights, strict=False)
        model.eval()
        items = []
        for index in range(SAMPLES):
            items.append(tuple(tensors[f"data.{kind}"][(index + 2 * position) % SAMPLES] for position, kind in enumerate(inputs)))
        converted = ov.convert_model(model, example_input=items[0] if len(items[0]) > 1 else items[0][0])
        numpy_items = [tuple(value.numpy() for value in item) for item in items]
        result[name] = {"inputs": inputs}
        for preset, value in PRESETS.items():
            with contextlib.redirect_stdout(io.StringIO()):
                dataset = nncf.Dataset(numpy_items, lambda item: item if len(item) > 1 else item[0])
                # OpenVINO rounds codes of 63.5, which the overflow fix makes of the largest weights, the other way.
                parameters = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.DISABLE)
                quantized = nncf.quantize(converted, dataset, preset=value, fast_bias_correction=False, advanced_parameters=parameters)
            before, after = biases(converted), biases(quantized)
            result[name][preset] = {layer: digits(torch.tensor(after[layer] - before[layer])) for layer in before}
        print(name, {layer: f"{max(map(abs, shift)):.3g}" for layer, shift in result[name]["performance"].items()}, file=sys.stderr)
    if names:
        print(json.dumps(result))
        return
    versions = {"nncf": nncf.__version__, "openvino": ov.__version__}
    with open(FOLDER / "bias.json", "w") as file:
        json.dump({"versions": versions, "nets": result}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:])
