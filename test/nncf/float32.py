"""Quantized OpenVINO models computed in float32: the CPU plugin then has no codes to add, whose sums saturate on
processors without VNNI.
"""
import numpy as np
from openvino import opset13 as ops


def in_float32(model):
    """A copy of the model with every FakeQuantize written out in float32 operations."""
    model = model.clone()
    for node in model.get_ordered_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        x, low, high, out_low, out_high = (node.input_value(port) for port in range(5))
        steps = np.float32(node.get_levels() - 1)
        clamped = ops.minimum(ops.maximum(x, low), high)
        level = ops.divide(ops.multiply(ops.subtract(clamped, low), steps), ops.subtract(high, low))
        width = ops.divide(ops.subtract(out_high, out_low), steps)
        result = ops.add(ops.multiply(ops.round(level, "half_to_even"), width), out_low)
        node.output(0).replace(result.output(0))
    return model
