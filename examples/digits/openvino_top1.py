"""Top-1 of IR files in OpenVINO.

Reads JSON from the standard input: {"models": [path, ...], "shape": [n, 1, 8, 8], "images": [...], "labels": [...]}.
Prints one JSON object: {"version": ..., "models": [{"top1": ..., "layers": ..., "int8Layers": ...}, ...]}, where
layers are the convolutions and fully-connected layers that the processor plugin runs.
"""

import json
import sys

import numpy as np
import openvino as ov


def info(node, name):
    """A property of a node of the runtime graph, in capitals."""
    return str(node.get_rt_info()[name].astype(str)).upper()


request = json.load(sys.stdin)
images = np.asarray(request["images"], np.float32).reshape(request["shape"])
labels = np.asarray(request["labels"])
core = ov.Core()
models = []
for path in request["models"]:
    # Without the hint, processors that have bfloat16 would use it for the float layers.
    compiled = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    scores = next(iter(compiled(images).values()))
    nodes = compiled.get_runtime_model().get_ops()
    layers = [node for node in nodes if info(node, "layerType") in ("CONVOLUTION", "FULLYCONNECTED")]
    int8_layers = [node for node in layers if info(node, "runtimePrecision") in ("I8", "U8")]
    top1 = float((scores.argmax(1) == labels).mean())
    models.append({"top1": top1, "layers": len(layers), "int8Layers": len(int8_layers)})
print(json.dumps({"version": ov.get_version(), "models": models}))
