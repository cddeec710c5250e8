"""Accuracy of model files in OpenVINO on the test images that images.py unpacked, a line of JSON each: as the CPU plugin
runs them and, where `exact` asks for it, computed in float32 throughout.

A file with calibration images is a float one, which NNCF quantizes first.
"""
import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import torch
from float32 import in_float32

nncf.set_log_level(logging.ERROR)
BATCH = 100


def prepare(images, case):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(case["mean"]).view(1, 3, 1, 1)) / torch.tensor(case["std"]).view(1, 3, 1, 1)
    if case["size"] != 32:
        x = torch.nn.functional.interpolate(x, size=(case["size"],) * 2, mode="bilinear", align_corners=False)
    return x.numpy()


def quantize(core, folder, case):
    size = case["size"]
    items = np.fromfile(folder / case["calibration"], dtype=np.float32).reshape(-1, 1, 3, size, size)
    # The file's input has the calibration images' batch size; the test is run in larger batches.
    model = core.read_model(folder / case["xml"])
    model.reshape([-1, 3, size, size])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return nncf.quantize(model, nncf.Dataset(list(items)), subset_size=len(items))


def accuracy(core, model, case, images, labels):
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    right = 0
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        right += int((compiled([prepare(images[part], case)])[0].argmax(1) == labels[part]).sum())
    return right / len(images)


def main(folder):
    core = ov.Core()
    images = np.fromfile(folder / "test.images", dtype=np.uint8).reshape(-1, 32, 32, 3)
    labels = np.fromfile(folder / "test.labels", dtype=np.int32)
    for case in json.loads((folder / "manifest.json").read_text()):
        model = quantize(core, folder, case) if "calibration" in case else core.read_model(folder / case["xml"])
        report = {"name": case["name"], "accuracy": accuracy(core, model, case, images, labels)}
        if case["exact"]:
            report["exact"] = accuracy(core, in_float32(model), case, images, labels)
        print(json.dumps(report), flush=True)


main(Path(sys.argv[1]))
