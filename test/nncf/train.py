"""Quantizes small networks with NNCF for PyTorch and fine-tunes them, on the weights and batches that training.ts wrote.

Prints, for each network and optimizer, the loss of every step.
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
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "quant" / "oracle"))
from large import ResNet  # noqa: E402

nncf.set_log_level(logging.ERROR)
torch.set_num_threads(2)
PRESETS = {"performance": nncf.QuantizationPreset.PERFORMANCE, "mixed": nncf.QuantizationPreset.MIXED}


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        return self.fc3(self.relu(self.fc2(self.relu(self.fc1(torch.flatten(x, 1))))))


MODELS = {"resnet20": lambda: ResNet((16, 32, 64), (3, 3, 3), False), "lenet5": LeNet5}
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def load(folder, tensor, dtype=np.float32):
    return torch.from_numpy(np.fromfile(folder / tensor["file"], dtype=dtype).reshape(tensor["shape"]).copy())


def losses(folder, case):
    model = MODELS[case["network"]]()
    state = {name: load(folder, tensor) for name, tensor in case["weights"].items()}
    missing = model.load_state_dict(state, strict=False).missing_keys
    if [name for name in missing if not name.endswith("num_batches_tracked")]:
        raise ValueError(f"missing {missing}")
    model.eval()
    images, labels = load(folder, case["images"]), load(folder, case["labels"], np.int32).long()
    with contextlib.redirect_stdout(io.StringIO()):
        calibration = nncf.Dataset([image.unsqueeze(0) for image in images[0]])
        model = nncf.quantize(model, calibration, preset=PRESETS[case["preset"]])
    model.train()
    optimizer = OPTIMIZERS[case["optimizer"]](model.parameters(), lr=case["lr"])
    result = []
    for step in range(case["steps"]):
        loss = F.cross_entropy(model(images[step]), labels[step])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def main(folder):
    for case in json.loads((folder / "manifest.json").read_text()):
        print(json.dumps({"name": case["name"], "losses": losses(folder, case)}), flush=True)


main(Path(sys.argv[1]))
