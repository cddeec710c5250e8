"""Groups of quantizers as NNCF finds them, into groups.json beside this file.

Needs nncf 3.4 and openvino: python make_groups.py <folder that write.ts wrote to>
"""

import json
import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from nncf.common.factory import build_graph
from nncf.openvino.quantization.quantize_model import quantize_impl
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
from nncf.quantization.algorithms.accuracy_control.openvino_backend import OVAccuracyControlAlgoBackend
from nncf.quantization.algorithms.accuracy_control.ranker import Ranker

generator = np.random.default_rng(0)
dataset = nncf.Dataset([generator.standard_normal((1, 2, 6, 6)).astype(np.float32) for _ in range(3)])
groups = {}
for path in sorted(Path(sys.argv[1]).glob("*.xml")):
    parameters = AdvancedQuantizationParameters()
    parameters.backend_params = {"compress_weights": False}
    quantized = quantize_impl(ov.Core().read_model(path), dataset, advanced_parameters=parameters)
    ranker = Ranker(1, dataset, OVAccuracyControlAlgoBackend(), None)
    groups[path.stem] = [
        {
            "quantizers": sorted(node.node_name for node in group.quantizers),
            "operations": sorted(node.node_name for node in group.operations),
        }
        for group in ranker.find_groups_of_quantizers_to_rank(build_graph(quantized))
    ]
Path(__file__).with_name("groups.json").write_text(json.dumps(groups, indent=2) + "\n")
