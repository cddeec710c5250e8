"""Fake quantization and its gradients by NNCF's functions for PyTorch, on the tensors that arithmetic.ts has drawn.

inputs.bin holds, for each tensor, its values, the gradient of its output, and the parameters of its quantizer, in
float32; outputs.bin gets the quantized values, the gradient of the values, and those of the parameters.
"""
import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import nncf
import numpy as np
import torch
from nncf.torch.quantization.quantize_functions import asymmetric_quantize, symmetric_quantize

nncf.set_log_level(logging.ERROR)
torch.set_num_threads(1)
EPSILON = 1e-16


def quantize(x, kind, parameters):
    low, high = kind["levelLow"], kind["levelHigh"]
    levels = high - low + 1
    if kind["mode"] == "symmetric":
        return symmetric_quantize(x, levels, low, high, parameters[0], EPSILON)
    return asymmetric_quantize(x, levels, low, high, parameters[0], parameters[1], EPSILON)


def main(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    shape, kinds = manifest["shape"], manifest["kinds"]
    values = torch.from_numpy(np.fromfile(folder / "inputs.bin", dtype=np.float32))
    results, offset = [], 0

    def take(extents):
        nonlocal offset
        count = int(np.prod(extents))
        offset += count
        return values[offset - count : offset].reshape(extents).clone()

    with contextlib.redirect_stdout(io.StringIO()):
        for index in range(manifest["count"]):
            kind = kinds[index % len(kinds)]
            x, gradient = take(shape).requires_grad_(), take(shape)
            count = 1 if kind["mode"] == "symmetric" else 2
            parameters = [take(kind["parameterShape"]).requires_grad_() for _ in range(count)]
            y = quantize(x, kind, parameters)
            y.backward(gradient)
            results += [y.detach(), x.grad, *[parameter.grad for parameter in parameters]]
    np.concatenate([each.numpy().ravel() for each in results]).astype(np.float32).tofile(folder / "outputs.bin")
    print(json.dumps({"done": manifest["count"]}))


main(Path(sys.argv[1]))
