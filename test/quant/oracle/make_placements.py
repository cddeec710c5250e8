"""Writes fixtures/placements.json and fixtures/weights.safetensors: what NNCF does to the networks of nets.py,
and to ResNet-18, ResNet-20 and MobileNetV2 (placement only).

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_placements.py [net ...]
With names, prints the results of these networks and writes nothing.
"""
import contextlib
import io
import json
import logging
import pathlib
import sys

import nncf
import torch
from safetensors.torch import save_file

from large import LARGE
from nets import NETS, build, randomize

FOLDER = pathlib.Path(__file__).parent / "fixtures"
PRESETS = {"performance": nncf.QuantizationPreset.PERFORMANCE, "mixed": nncf.QuantizationPreset.MIXED}
SAMPLES = 5
nncf.set_log_level(logging.ERROR)
torch.manual_seed(0)
torch.set_num_threads(1)


def calibration(generator):
    draw = lambda *shape: torch.randn(shape, generator=generator)
    return {
        # Two images of unequal range in a batch.
        "image": draw(SAMPLES, 2, 3, 8, 8) * torch.tensor([1.0, 2.5]).reshape(1, 2, 1, 1, 1) + 0.3,
        "vector": draw(SAMPLES, 4, 6),
        "sequence": draw(SAMPLES, 1, 5, 8) + 0.2,
        "ids": torch.randint(0, 7, (SAMPLES, 1, 5), generator=generator),
    }


def digits(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


class Batches:
    """Tells NNCF that items are batches, so that it takes ranges image by image."""

    def __init__(self, items, batch_size):
        self.items, self.batch_size = items, batch_size

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


def arguments(options):
    result = {}
    if "ignored" in options:
        result["ignored_scope"] = nncf.IgnoredScope(**options["ignored"])
    if "overflow" in options:
        result["advanced_parameters"] = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix[options["overflow"]])
    return result


def quantize(model, items, batch_size, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return nncf.quantize(model, nncf.Dataset(Batches(items, batch_size)), **options)


def quantizers(model, values):
    entries = []
    modules = dict(model.named_modules())
    for state in nncf.torch.get_config(model)["compression_state"]:
        hooks = state["hook_names_in_model"]
        module = modules[f"__nncf_hooks.{hooks[0]}"]
        config = state["module_config"]
        symmetric = config["mode"] == "symmetric"
        entry = {
            "hooks": [hook.rsplit(".", 1)[0].replace("_hooks.", ":") for hook in hooks],
            "mode": config["mode"],
            "narrow": config["narrow_range"],
            "shape": config["scale_shape"],
        }
        if symmetric:
            entry["signed"] = bool(module.signed)
        if values:
            entry["values"] = [digits(p) for p in ([module.scale] if symmetric else [module.input_low, module.input_range])]
        entries.append(entry)
    return sorted(entries, key=lambda entry: entry["hooks"])


def measure(model, items, batch_size, values=True, **options):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    quantized = quantize(model, items, batch_size, **options)
    after = quantized.state_dict()
    result = {"quantizers": quantizers(quantized, values)}
    if values:
        changed = [key for key, value in before.items() if not torch.equal(value, after[key])]
        result["corrected"] = {key: digits(after[key]) for key in changed}
    return result


def main(names):
    generator = torch.Generator().manual_seed(1)
    data = calibration(generator)
    tensors = {f"data.{key}": value.to(torch.int32) if key == "ids" else value for key, value in data.items()}
    nets = {}
    for name in NETS:
        model, inputs, options = build(name)
        randomize(model, torch.Generator().manual_seed(len(nets)))
        model.eval()
        tensors.update({f"{name}.{key}": value.clone() for key, value in model.state_dict().items() if value.is_floating_point()})
        nets[name] = {"inputs": inputs}
        if names and name not in names:
            continue
        items = []
        for index in range(SAMPLES):
            # A second input of the same kind gets the samples in another order.
            item = [data[kind][(index + 2 * position) % SAMPLES] for position, kind in enumerate(inputs)]
            items.append(item[0] if len(item) == 1 else tuple(item))
        for preset, value in PRESETS.items():
            try:
                nets[name][preset] = measure(model, items, 2 if inputs[0] in ("image", "vector") else 1, preset=value, **arguments(options))
            except Exception as error:  # noqa: BLE001
                nets[name][preset] = {"error": f"{type(error).__name__}: {error}"}
        print(name, {preset: len(nets[name][preset].get("quantizers", [])) or nets[name][preset] for preset in PRESETS}, file=sys.stderr)
        if names:
            print(json.dumps(nets[name]))
    if names:
        return
    large = {}
    for name, (make, shape) in LARGE.items():
        model = make().eval()
        randomize(model, torch.Generator().manual_seed(9))
        items = [torch.randn(shape, generator=generator)]
        large[name] = {preset: measure(model, items, 1, values=False, preset=value, fast_bias_correction=True) for preset, value in PRESETS.items()}
        print(name, len(large[name]["performance"]["quantizers"]), file=sys.stderr)
    FOLDER.mkdir(exist_ok=True)
    versions = {"torch": torch.__version__, "nncf": nncf.__version__}
    with open(FOLDER / "placements.json", "w") as file:
        json.dump({"versions": versions, "nets": nets, "large": large}, file, separators=(",", ":"))
        file.write("\n")
    save_file(tensors, FOLDER / "weights.safetensors")


if __name__ == "__main__":
    main(sys.argv[1:])
