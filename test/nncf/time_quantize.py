"""Time, processor time and peak memory of nncf.quantize() on ResNet-18 with 300 images of 64 pixels, in a process of its own.

The argument says of which backend: `torch`, or the path of an .xml file for OpenVINO.
"""
import contextlib
import io
import json
import logging
import resource
import sys
import time
from pathlib import Path

import nncf
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "quant" / "oracle"))
from large import ResNet  # noqa: E402

nncf.set_log_level(logging.ERROR)
IMAGES, SHAPE = 300, (1, 3, 64, 64)


def main(source):
    torch.set_num_threads(2)
    generator = np.random.default_rng(0)
    items = [generator.standard_normal(SHAPE).astype(np.float32) for _ in range(IMAGES)]
    if source == "torch":
        model, items = ResNet((64, 128, 256, 512), (2, 2, 2, 2), True).eval(), [torch.from_numpy(item) for item in items]
    else:
        import openvino as ov

        core = ov.Core()
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": 2})
        model = core.read_model(source)
    started, before = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        nncf.quantize(model, nncf.Dataset(items), subset_size=IMAGES)
    figures = {"seconds": time.perf_counter() - started, "cpuSeconds": time.process_time() - before}
    print(json.dumps({**figures, "peakMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main(sys.argv[1])
