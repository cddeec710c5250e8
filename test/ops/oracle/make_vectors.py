"""Writes fixtures/vectors.json: inputs, outputs and gradients of operations as computed by PyTorch and NNCF, in float32.

Run once, by hand, with an environment that has torch 2.13, nncf 3.4, ninja and a C++ compiler:

    python test/ops/oracle/make_vectors.py

Every case has inputs (tensors by name), options (by the names that PyTorch gives them), outputs, and gradients of the
inputs for the upstream gradient of the first output. Inputs have few digits, to keep the file small; they and the results
of the quantizers are written exactly, other results with eight digits.
"""

import json
import pathlib

import nncf
import numpy as np
import torch
import torch.nn.functional as F
from nncf.torch.quantization.quantize_functions import asymmetric_quantize, symmetric_quantize

torch.manual_seed(20260)
cases = []


def randn(*shape):
    """Normal values with two decimals."""
    return (torch.randn(*shape) * 100).round() / 100


def rand(*shape):
    """Uniform values from 0 to 1 with three decimals."""
    return (torch.rand(*shape) * 1000).round() / 1000


def probabilities(scores, axis):
    return (torch.softmax(scores, axis) * 1000).round() / 1000


def pack(value, exact=True):
    array = value.detach().cpu().numpy()
    if array.dtype.kind in "iu":
        return {"shape": list(array.shape), "dtype": "int32", "data": [int(each) for each in array.ravel()]}
    # str gives the shortest decimal that is the same float32.
    data = [float(str(each) if exact else f"{each:.8g}") for each in array.astype(np.float32).ravel()]
    if exact:
        assert np.array_equal(np.array(data).astype(np.float32), array.astype(np.float32).ravel())
    return {"shape": list(array.shape), "dtype": "float32", "data": [int(each) if each == int(each) else each for each in data]}


def case(operation, name, function, inputs, options=None, differentiable=None, upstream=None):
    """Records one case. `differentiable` names the inputs whose gradients are wanted (default: all floating ones)."""
    options = options or {}
    leaves = {key: value.clone() for key, value in inputs.items()}
    wanted = differentiable if differentiable is not None else [key for key, value in leaves.items() if value.is_floating_point()]
    for key in wanted:
        leaves[key].requires_grad_()
    exact = operation.endswith("FakeQuantize")
    results = function(leaves, options)
    outputs = results if isinstance(results, tuple) else (results,)
    gradient = randn(outputs[0].shape) if upstream is None else upstream
    record = {
        "operation": operation,
        "name": name,
        "options": options,
        "inputs": {key: pack(value) for key, value in inputs.items()},
        "outputs": [pack(value, exact) for value in outputs],
    }
    if wanted:
        outputs[0].backward(gradient)
        record["upstream"] = pack(gradient)
        record["gradients"] = {key: pack(leaves[key].grad, exact) for key in wanted}
    cases.append(record)


def convolutions():
    def run(t, o):
        padding = o.get("padding", 0)
        x = t["x"]
        if isinstance(padding, list) and len(padding) == 4:
            top, left, bottom, right = padding
            x, padding = F.pad(x, (left, right, top, bottom)), 0
        return F.conv2d(x, t["weight"], t.get("bias"), o.get("stride", 1), padding, o.get("dilation", 1), o.get("groups", 1))

    def add(name, x, weight, bias, **options):
        inputs = {"x": randn(x), "weight": randn(weight)}
        if bias:
            inputs["bias"] = randn(bias)
        case("conv2d", name, run, inputs, options)

    add("plain", (2, 3, 5, 6), (4, 3, 3, 3), 4)
    add("1x1", (2, 3, 4, 4), (5, 3, 1, 1), 5)
    add("stride and padding", (2, 2, 7, 6), (3, 2, 3, 3), 3, stride=[2, 1], padding=[1, 0])
    add("asymmetric padding", (1, 2, 5, 5), (2, 2, 3, 3), None, padding=[0, 1, 2, 3], stride=2)
    add("same with an even kernel", (1, 2, 5, 5), (2, 2, 2, 4), None, padding="same")
    add("dilation", (1, 2, 8, 7), (2, 2, 3, 2), 2, dilation=[2, 3], padding=2)
    add("groups", (2, 4, 5, 5), (6, 2, 3, 3), 6, groups=2, padding=1)
    add("depthwise", (1, 4, 6, 6), (4, 1, 3, 3), 4, groups=4, padding=1, stride=2)
    add("depthwise multiplier, valid", (1, 3, 5, 5), (6, 1, 3, 3), None, groups=3, padding="valid")

    def transpose(t, o):
        return F.conv_transpose2d(t["x"], t["weight"], t.get("bias"), **o)

    def add_transpose(name, x, weight, bias, **options):
        inputs = {"x": randn(x), "weight": randn(weight), "bias": randn(bias)}
        case("convTranspose2d", name, transpose, inputs, options)

    add_transpose("plain", (2, 3, 3, 4), (3, 2, 3, 3), 2)
    add_transpose("stride, padding and output padding", (1, 2, 3, 3), (2, 3, 3, 2), 3, stride=[2, 3], padding=[1, 0], output_padding=[1, 2])
    add_transpose("groups and dilation", (1, 4, 3, 3), (4, 2, 2, 3), 4, groups=2, dilation=2, padding=1)

    case("linear", "three axes", lambda t, o: F.linear(t["x"], t["weight"], t["bias"]), {"x": randn(2, 3, 4), "weight": randn(5, 4), "bias": randn(5)})
    case("matMul", "broadcast batches", lambda t, o: torch.matmul(t["a"], t["b"]), {"a": randn(2, 1, 3, 4), "b": randn(3, 4, 2)})


def pools():
    def maximum(t, o):
        return F.max_pool2d(t["x"], **o, return_indices=True)

    x = randn(1, 2, 7, 6)
    case("maxPool2d", "plain", maximum, {"x": x}, {"kernel_size": 2})
    case("maxPool2d", "padding", maximum, {"x": x}, {"kernel_size": [3, 2], "stride": [2, 1], "padding": [1, 1]})
    case("maxPool2d", "ceil and dilation", maximum, {"x": x}, {"kernel_size": 2, "stride": 3, "dilation": 2, "padding": 1, "ceil_mode": True})
    case("maxPool2d", "ties", maximum, {"x": torch.randint(0, 2, (1, 1, 6, 6)).float()}, {"kernel_size": 3, "stride": 2})

    def average(t, o):
        return F.avg_pool2d(t["x"], **o)

    for ceil in (False, True):
        for include in (False, True):
            for padding in (0, 1):
                options = {"kernel_size": 3, "stride": 2, "padding": padding, "ceil_mode": ceil, "count_include_pad": include}
                case("avgPool2d", f"ceil {ceil}, include {include}, padding {padding}", average, {"x": randn(1, 1, 6, 7)}, options)
    dropped = {"kernel_size": [2, 3], "stride": [4, 2], "padding": 1, "ceil_mode": True, "count_include_pad": True}
    case("avgPool2d", "a last window that starts in the padding", average, {"x": randn(1, 1, 3, 6)}, dropped)

    for size in ([1, 1], [3, 2], [7, 6], [9, 4]):
        case("adaptiveAvgPool2d", f"to {size}", lambda t, o: F.adaptive_avg_pool2d(t["x"], o["output_size"]), {"x": randn(1, 1, 7, 6)}, {"output_size": size})


def normalization():
    def batch(t, o):
        mean, variance = t["mean"].clone(), t["variance"].clone()
        y = F.batch_norm(t["x"], mean, variance, t["weight"], t["bias"], o["training"], o.get("momentum", 0.1), o.get("eps", 1e-5))
        return y, mean, variance

    def inputs(*shape):
        c = shape[1]
        return {"x": randn(shape) * 2 + 1, "weight": randn(c), "bias": randn(c), "mean": randn(c), "variance": rand(c) + 0.5}

    for training in (True, False):
        case("batchNorm", f"images, training {training}", batch, inputs(3, 4, 3, 2), {"training": training}, ["x", "weight", "bias"])
        case("batchNorm", f"vectors, training {training}", batch, inputs(5, 3), {"training": training, "momentum": 0.3, "eps": 1e-3}, ["x", "weight", "bias"])

    case("layerNorm", "last axis", lambda t, o: F.layer_norm(t["x"], o["normalized_shape"], t["weight"], t["bias"]), {"x": randn(3, 2, 6), "weight": randn(6), "bias": randn(6)}, {"normalized_shape": [6]})
    case("layerNorm", "two axes", lambda t, o: F.layer_norm(t["x"], o["normalized_shape"], t["weight"], t["bias"], o["eps"]), {"x": randn(3, 2, 6), "weight": randn(2, 6), "bias": randn(2, 6)}, {"normalized_shape": [2, 6], "eps": 0.01})
    for axis in (1, 2):
        case("softmax", f"axis {axis}", lambda t, o: F.softmax(t["x"], o["axis"]), {"x": randn(2, 3, 4) * 3}, {"axis": axis})
        case("logSoftmax", f"axis {axis}", lambda t, o: F.log_softmax(t["x"], o["axis"]), {"x": randn(2, 3, 4) * 3}, {"axis": axis})
    case("logSoftmax", "large values", lambda t, o: F.log_softmax(t["x"], o["axis"]), {"x": torch.tensor([[1000.0, 999, -1000], [-500, -500, -501]])}, {"axis": 1})


def activations():
    special = torch.tensor([-6.0, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 12, -12, 40, -40])
    x = torch.cat([special, randn(12) * 3])
    for name, function in {
        "relu": F.relu,
        "relu6": F.relu6,
        "sigmoid": F.sigmoid,
        "tanh": torch.tanh,
        "gelu": F.gelu,
        "geluTanh": lambda each: F.gelu(each, approximate="tanh"),
        "silu": F.silu,
        "hardswish": F.hardswish,
        "hardsigmoid": F.hardsigmoid,
        "leakyRelu": lambda each: F.leaky_relu(each, 0.1),
        "elu": lambda each: F.elu(each, 1.5),
        "softplus": F.softplus,
        "mish": F.mish,
    }.items():
        # At its two kinks relu6 is taken as a clamp, whose gradient there is 1; PyTorch's hardtanh has 0.
        case(name, "special and random values", lambda t, o, function=function: function(t["x"]), {"x": x[(x != 0) & (x != 6)] if name == "relu6" else x})


def resizing():
    def run(t, o):
        return F.interpolate(t["x"], size=o.get("size"), scale_factor=o.get("scale_factor"), mode=o["mode"], align_corners=o.get("align_corners"))

    for mode in ("nearest", "nearest-exact", "bilinear"):
        for target in ({"size": [7, 9]}, {"size": [1, 3]}, {"scale_factor": 2.0}, {"scale_factor": [0.6, 1.7]}):
            case("interpolate", f"{mode} {target}", run, {"x": randn(1, 1, 4, 5)}, {**target, "mode": mode})
    for target in ({"size": [7, 9]}, {"size": [1, 3]}, {"scale_factor": [0.6, 1.7]}):
        case("interpolate", f"aligned {target}", run, {"x": randn(1, 1, 4, 5)}, {**target, "mode": "bilinear", "align_corners": True})


def losses():
    weight = torch.tensor([0.5, 1.0, 2.0, 0.25])
    labels = torch.tensor([0, 3, -100, 2, 1])
    pixels = torch.randint(0, 4, (2, 2, 3))

    def cross(t, o):
        return F.cross_entropy(t["x"], t["target"].long() if not t["target"].is_floating_point() else t["target"], t.get("weight"), reduction=o["reduction"], label_smoothing=o.get("label_smoothing", 0.0), ignore_index=o.get("ignore_index", -100))

    for reduction in ("mean", "sum", "none"):
        for smoothing in (0.0, 0.1):
            options = {"reduction": reduction, "label_smoothing": smoothing}
            case("crossEntropy", f"labels {reduction} {smoothing}", cross, {"x": randn(5, 4) * 2, "target": labels}, options)
            case("crossEntropy", f"weighted {reduction} {smoothing}", cross, {"x": randn(5, 4) * 2, "target": labels, "weight": weight}, options, ["x"])
            case("crossEntropy", f"probabilities {reduction} {smoothing}", cross, {"x": randn(5, 4) * 2, "target": probabilities(randn(5, 4), 1), "weight": weight}, options, ["x", "target"])
    case("crossEntropy", "pixels", cross, {"x": randn(2, 4, 2, 3), "target": pixels, "weight": weight}, {"reduction": "mean", "label_smoothing": 0.2, "ignore_index": 1}, ["x"])
    case("crossEntropy", "one sample without a batch", cross, {"x": randn(4), "target": torch.tensor(2)}, {"reduction": "mean"})
    case("nllLoss", "weighted", lambda t, o: F.nll_loss(t["x"], t["target"].long(), t["weight"]), {"x": randn(5, 4), "target": labels, "weight": weight}, {}, ["x"])

    def pair(name, function, options, a=None, b=None, **extra):
        a = randn(3, 4) if a is None else a
        b = randn(3, 4) if b is None else b
        case(name, json.dumps(options), function, {"x": a, "target": b, **extra}, options)

    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}
        pair("mseLoss", lambda t, o: F.mse_loss(t["x"], t["target"], **o), options)
        pair("l1Loss", lambda t, o: F.l1_loss(t["x"], t["target"], **o), options)
    pair("huberLoss", lambda t, o: F.huber_loss(t["x"], t["target"], **o), {"delta": 0.7})
    pair("smoothL1Loss", lambda t, o: F.smooth_l1_loss(t["x"], t["target"], **o), {"beta": 0.7})

    def binary(t, o):
        return F.binary_cross_entropy_with_logits(t["x"], t["target"], t.get("weight"), pos_weight=t.get("pos_weight"), **o)

    logits = torch.tensor([[-100.0, -20, -1, 0], [0.5, 3, 20, 100], [-2, 2, -7, 7]])
    pair("bceWithLogits", binary, {"reduction": "none"}, logits, rand(3, 4))
    case("bceWithLogits", "weights", binary, {"x": logits, "target": torch.randint(0, 2, (3, 4)).float(), "weight": rand(4), "pos_weight": rand(4) * 3}, {"reduction": "mean"}, ["x"])

    def divergence(t, o):
        return F.kl_div(t["x"], t["target"], reduction=o["reduction"], log_target=o.get("log_target", False))

    for reduction in ("mean", "sum", "none", "batchmean"):
        target = probabilities(randn(3, 4), 1)
        target[0, 0] = 0
        case("klDivergence", reduction, divergence, {"x": randn(3, 4), "target": target}, {"reduction": reduction}, ["x"])
    case("klDivergence", "log target", divergence, {"x": randn(3, 4), "target": randn(3, 4)}, {"reduction": "batchmean", "log_target": True})


def quantizers():
    eps = 1e-16

    def symmetric(t, o):
        low, high = o["level_low"], o["level_high"]
        return symmetric_quantize(t["x"], high - low + 1, low, high, t["scale"], eps)

    def asymmetric(t, o):
        low, high = o["level_low"], o["level_high"]
        return asymmetric_quantize(t["x"], high - low + 1, low, high, t["input_low"], t["input_range"], eps)

    for name, low, high in (("signed", -128, 127), ("narrow", -127, 127), ("unsigned", 0, 255), ("2-bit narrow", -1, 1), ("4-bit", -8, 7)):
        options = {"level_low": low, "level_high": high}
        scale = torch.tensor([1.7])
        step = scale.item() / high
        # Values inside, outside, at both ends, and halfway between codes.
        ties = (torch.arange(-6, 6) + 0.5) * step
        x = torch.cat([randn(24) * 1.5, ties, torch.tensor([0.0, 1.7, -1.7, 1.7 * low / high, 5, -5])])
        case("symmetricFakeQuantize", f"{name}, per tensor", symmetric, {"x": x, "scale": scale}, options)
        case("symmetricFakeQuantize", f"{name}, a negative scale", symmetric, {"x": x[:20], "scale": -scale}, options)
    options = {"level_low": -127, "level_high": 127}
    case("symmetricFakeQuantize", "per output channel", symmetric, {"x": randn(4, 2, 3, 3), "scale": rand(4, 1, 1, 1) * 2 + 0.1}, options)
    case("symmetricFakeQuantize", "per activation channel", symmetric, {"x": randn(2, 3, 4, 2), "scale": rand(1, 3, 1, 1) * 2 + 0.1}, {"level_low": 0, "level_high": 255})

    for name, input_low, input_range in (
        ("zero off the grid", -0.713, 2.9),
        ("positive range", 0.4, 1.3),
        ("negative range", -2.6, 1.1),
        ("range of the other sign", -0.7, -2.0),
        ("mostly positive", -0.01, 3.0),
        ("mostly negative", -3.0, 3.004),
        ("zero within half a step of the lower end", -0.1, 1.0),
        ("zero within half a step of the upper end", -1.0, 1.001),
    ):
        for levels_name, low, high in (("8-bit", 0, 255), ("2-bit", 0, 3)):
            x = torch.cat([randn(20) * 1.5, torch.tensor([0.0, input_low, input_low + input_range, 9, -9])])
            tensors = {"x": x, "input_low": torch.tensor([input_low]), "input_range": torch.tensor([input_range])}
            case("asymmetricFakeQuantize", f"{levels_name}, {name}", asymmetric, tensors, {"level_low": low, "level_high": high})
    tensors = {"x": randn(2, 5, 3, 3), "input_low": randn(1, 5, 1, 1), "input_range": rand(1, 5, 1, 1) * 3 + 0.1}
    case("asymmetricFakeQuantize", "per channel", asymmetric, tensors, {"level_low": 0, "level_high": 255})


for part in (convolutions, pools, normalization, activations, resizing, losses, quantizers):
    part()

made_with = {"torch": torch.__version__.split("+")[0], "nncf": nncf.__version__.split("+")[0]}
lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
target = pathlib.Path(__file__).parent / "fixtures" / "vectors.json"
target.write_text(f'{{"madeWith":{json.dumps(made_with)},\n"cases":[\n{lines}\n]}}\n')
print(f"{len(cases)} cases, {target.stat().st_size} bytes")
