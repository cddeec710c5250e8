"""Accuracy of model files in OpenVINO on the test images that images.py unpacked."""
import json
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import torch

BATCH = 100


def prepare(images, case):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(case["mean"]).view(1, 3, 1, 1)) / torch.tensor(case["std"]).view(1, 3, 1, 1)
    if case["size"] != 32:
        x = torch.nn.functional.interpolate(x, size=(case["size"],) * 2, mode="bilinear", align_corners=False)
    return x.numpy()


def main(folder):
    core = ov.Core()
    images = np.fromfile(folder / "test.images", dtype=np.uint8).reshape(-1, 32, 32, 3)
    labels = np.fromfile(folder / "test.labels", dtype=np.int32)
    for case in json.loads((folder / "manifest.json").read_text()):
        compiled = core.compile_model(core.read_model(folder / case["xml"]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        right = 0
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            right += int((compiled([prepare(images[part], case)])[0].argmax(1) == labels[part]).sum())
        print(json.dumps({"name": case["name"], "accuracy": right / len(images)}), flush=True)


main(Path(sys.argv[1]))
