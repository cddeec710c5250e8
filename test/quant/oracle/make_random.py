"""Writes fixtures/random.json again: what NNCF does to the random networks whose programs it holds.

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_random.py [source] [target]
The source holds a list of programs, or of objects with a program, of test/quant/placement/randomNet.ts (without
`maximum`, which NNCF treats differently in PyTorch). Default: fixtures/random.json for both.
"""
import json
import re
import sys

import nncf
import torch
from torch import nn
from torch.nn import functional as F

from make_placements import FOLDER, quantize, quantizers

LAYERS = {
    "conv": lambda c: nn.Conv2d(c, 4, 3, padding=1, bias=False),
    "convBias": lambda c: nn.Conv2d(c, 4 if c > 12 else c, 1),
    "depthwise": lambda c: nn.Conv2d(c, c, 3, padding=1, groups=c),
    "grouped": lambda c: nn.Conv2d(c, c, 1, groups=2) if c % 2 == 0 else nn.Conv2d(c, 4, 1),
    "transposed": lambda c: nn.ConvTranspose2d(c, 4, 3, padding=1),
    "batchNorm": nn.BatchNorm2d,
    "relu": lambda c: nn.ReLU(),
    "clamp": lambda c: nn.ReLU6(),
    "sigmoid": lambda c: nn.Sigmoid(),
    "gelu": lambda c: nn.GELU(),
    "maxPool": lambda c: nn.MaxPool2d(3, 1, 1),
    "avgPool": lambda c: nn.AvgPool2d(3, 1, 1),
    "dropout": lambda c: nn.Dropout(0.1),
    "identity": lambda c: nn.Identity(),
}
FUNCTIONS = {
    "add": lambda m, x, y: [x + y],
    "multiply": lambda m, x, y: [x * y],
    "concat": lambda m, x, y: [torch.cat([x, y], 1)],
    "addConstant": lambda m, x, y: [x + 0.5],
    "scale": lambda m, x, y: [x * 0.75],
    "parameter": lambda m, x, y: [x * m.factor],
    "mean": lambda m, x, y: [x + x.mean((2, 3), keepdim=True)],
    "transpose": lambda m, x, y: [x.permute(0, 1, 3, 2)],
    "reshape": lambda m, x, y: [x.reshape(-1, x.shape[1], 36).reshape(-1, x.shape[1], 6, 6)],
    "split": lambda m, x, y: list(torch.split(x, [1, x.shape[1] - 1], 1)) if x.shape[1] > 1 else [x],
    "softmax": lambda m, x, y: [torch.softmax(x, 1)],
    "slice": lambda m, x, y: [F.pad(x[:, :, 1:6], (0, 0, 1, 0))],
    "pad": lambda m, x, y: [F.pad(x, (1, 1, 1, 1))[:, :, 1:7, 1:7]],
}


def live_steps(steps, outputs, counts):
    """Steps that an output needs; the others would only shift the counters in names."""
    first = [1]
    for count in counts:
        first.append(first[-1] + count)
    needed = {first[-1] - 1, *outputs}
    live = set()
    for index in reversed(range(len(steps))):
        if needed & set(range(first[index], first[index + 1])):
            live.add(index)
            needed.add(steps[index]["read"])
            if uses_other(steps[index]):
                needed.add(steps[index]["other"])
    return live


def uses_other(step):
    return step["other"] is not None and step["operation"] in ("add", "multiply", "concat")


def count_outputs(step):
    return 2 if step["operation"] == "split" and step["channels"] > 1 else 1


class RandomNet(nn.Module):
    def __init__(self, program):
        super().__init__()
        self.program = program
        self.factor = nn.Parameter(torch.full((1, 1, 1, 1), 1.5))
        # NNCF does not know the names of modules in a ModuleList.
        layers = [LAYERS[step["operation"]](step["channels"]) for step in program["steps"] if step["operation"] in LAYERS]
        for index, layer in enumerate(layers):
            setattr(self, f"layers{index}", layer)
        self.live = live_steps(program["steps"], program["outputs"], [count_outputs(s) for s in program["steps"]])

    def forward(self, x):
        values, layer = [x], 0
        for index, step in enumerate(self.program["steps"]):
            operation = step["operation"]
            module = getattr(self, f"layers{layer}") if operation in LAYERS else None
            layer += operation in LAYERS
            if index not in self.live:
                values += [None] * count_outputs(step)
            elif module is not None:
                values.append(module(values[step["read"]]))
            else:
                first = values[step["read"]]
                joined = uses_other(step)
                if operation == "concat" and not joined:
                    values.append(first)
                else:
                    values += FUNCTIONS[operation](self, first, values[step["other"]] if joined else first)
        return (values[-1], *(values[index] for index in self.program["outputs"]))


def main(source, target):
    results = []
    for index, entry in enumerate(json.load(open(source))):
        program = entry.get("program", entry)
        torch.manual_seed(index)
        model = RandomNet(program).eval()
        items = [torch.randn(2, 4, 6, 6)]
        try:
            found = quantizers(quantize(model, items, 2, preset=nncf.QuantizationPreset.PERFORMANCE), False)
        except Exception as error:  # noqa: BLE001
            print(index, type(error).__name__, str(error)[:200], file=sys.stderr)
            continue
        for entry in found:
            entry.pop("signed", None)
            entry["hooks"] = [re.sub(r":layers(\d+)/", r":layers/\1/", hook) for hook in entry["hooks"]]
        results.append({"program": program, "quantizers": found})
    with open(target, "w") as file:
        json.dump(results, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [FOLDER / "random.json"] * 2))
