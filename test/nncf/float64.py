"""Ranges of channels computed in float64: what the sums of float32 of both sides are compared with."""
import numpy as np
import torch
import torch.nn.functional as F


def _geometry(node):
    begin, end = node.get_attributes()["pads_begin"], node.get_attributes()["pads_end"]
    if list(begin) != list(end):
        raise ValueError(f"{node.get_friendly_name()} pads unevenly")
    return {"padding": list(begin), "stride": list(node.get_attributes()["strides"])}


def _convolution(node, x, weights):
    return F.conv2d(x, weights, **_geometry(node))


def _group_convolution(node, x, weights):
    return F.conv2d(x, weights.flatten(0, 1), groups=len(weights), **_geometry(node))


# Threads that wait for each other are slower than one where other programs compute too.
torch.set_num_threads(1)

OPERATIONS = {
    "Convolution": _convolution,
    "GroupConvolution": _group_convolution,
    "Add": lambda node, a, b: a + b,
    "Relu": lambda node, x: x.relu(),
    "Clamp": lambda node, x: x.clamp(node.get_attributes()["min"], node.get_attributes()["max"]),
    "Reshape": lambda node, x, shape: x.reshape([int(extent) for extent in shape]),
}


def _values(model, item, wanted):
    """The wanted nodes' values (first output) in float64."""
    known = {}
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Parameter":
            known[node.get_friendly_name()] = torch.from_numpy(item).double()
        elif kind == "Constant":
            known[node.get_friendly_name()] = torch.from_numpy(np.array(node.get_data())).double()
        elif kind in OPERATIONS:
            inputs = [known.get(node.input_value(port).get_node().get_friendly_name()) for port in range(node.get_input_size())]
            if all(value is not None for value in inputs):
                known[node.get_friendly_name()] = OPERATIONS[kind](node, *inputs)
    return {name: known[name] for name in wanted}


def channel_maxima(float_model, quantized, items):
    """By the name of each quantizer of activations with a range per channel: the largest value of each channel, over items,
    in float64, with the smallest range that a channel gets (1% of the widest)."""
    sources = {}
    for node in quantized.get_ops():
        if node.get_type_name() == "FakeQuantize" and "/fq_weights_" not in node.get_friendly_name():
            low, high = (node.input_value(port).get_node().get_data() for port in (1, 2))
            if high.size > 1:
                sources[node.get_friendly_name()] = node.input_value(0).get_node().get_friendly_name()
    largest = {}
    for item in items:
        for name, value in _values(float_model, item, set(sources.values())).items():
            most = value.abs().amax(dim=[axis for axis in range(value.ndim) if axis != 1])
            largest[name] = torch.maximum(largest[name], most) if name in largest else most
    return {name: torch.clamp(largest[source], min=0.01 * largest[source].max().item()).tolist() for name, source in sources.items()}
