"""Writes fixtures/training.json and fixtures/training.safetensors: a small network quantized by NNCF and fine-tuned
with Adam, with the losses, the gradients of the first step and everything it ends with.

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_training.py
"""
import json
import sys

import nncf
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from make_placements import FOLDER, PRESETS, digits, quantize
from nets import Net, conv, conv_bn, randomize

STEPS, BATCH, LR = 12, 8, 2e-3


def layers():
    return dict(stem=conv_bn(3, 4, nn.ReLU), expand=conv_bn(4, 4, nn.ReLU6, kernel=1, padding=0), depthwise=conv_bn(4, 4, nn.ReLU6, groups=4), point=conv_bn(4, 4, kernel=1, padding=0),
                relu=nn.ReLU(), head=conv(4, 5, 3, 0), relub=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), fc=nn.Linear(5, 4))


def run(m, x):
    y = m.stem(x)
    y = m.relu(m.point(m.depthwise(m.expand(y))) + y)
    return m.fc(torch.flatten(m.pool(m.relub(m.head(y))), 1))


def places(model):
    """Parameters of the quantized model by the weight's name, or by the hook and the kind of the quantizer's parameter."""
    renamed = [("__nncf_hooks.", ""), ("_hooks.", ":"), ("._scale_param_storage", ".scale"), ("._input_range_param_storage", ".input_range"), (".0.scale", ".scale"), (".0.input_", ".input_")]
    result = {}
    for name, parameter in model.named_parameters():
        for old, new in renamed:
            name = name.replace(old, new, 1)
        if parameter.requires_grad:
            result[name] = parameter
    return result


def train(preset, images, labels):
    model = Net(layers(), run)
    randomize(model, torch.Generator().manual_seed(4))
    model.eval()
    start = {key: value.clone() for key, value in model.state_dict().items() if value.is_floating_point()}
    model = quantize(model, [images[step] for step in range(4)], BATCH, preset=preset)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    losses, gradients = [], {}
    for step in range(STEPS):
        loss = F.cross_entropy(model(images[step]), labels[step])
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {name: digits(parameter.grad) for name, parameter in places(model).items()}
        optimizer.step()
        losses.append(float(f"{loss.item():.9g}"))
    final = {name: digits(parameter) for name, parameter in places(model).items()}
    statistics = {name: digits(buffer) for name, buffer in model.named_buffers() if "running" in name}
    model.eval()
    with torch.no_grad():
        output = digits(model(images[0]))
    return start, {"losses": losses, "gradients": gradients, "final": final, "statistics": statistics, "output": output}


def main():
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(STEPS, BATCH, 3, 8, 8, generator=generator)
    labels = torch.randint(0, 4, (STEPS, BATCH), generator=generator)
    # Something to learn: the class brightens a corner.
    for step in range(STEPS):
        for image in range(BATCH):
            row, column = divmod(int(labels[step, image]), 2)
            images[step, image, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1.5
    results = {}
    for name, preset in PRESETS.items():
        start, results[name] = train(preset, images, labels)
        print(name, results[name]["losses"], file=sys.stderr)
    versions = {"torch": torch.__version__, "nncf": nncf.__version__}
    with open(FOLDER / "training.json", "w") as file:
        json.dump({"versions": versions, "lr": LR, "presets": results}, file, separators=(",", ":"))
        file.write("\n")
    save_file({"images": images, "labels": labels.to(torch.int32), **{f"model.{key}": value for key, value in start.items()}}, FOLDER / "training.safetensors")


if __name__ == "__main__":
    main()
