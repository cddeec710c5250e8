"""Writes fixtures/optimizers.json, schedulers.json and clipping.json: what PyTorch computes.

Run with PyTorch 2.13 (CPU): python test/optim/oracle/make_vectors.py
The numbers are deterministic; the seed only chooses the inputs.
"""
import itertools
import json
import math
import pathlib
import warnings

import torch

FOLDER = pathlib.Path(__file__).parent / "fixtures"
STEPS = 20
warnings.filterwarnings("ignore")


def flat(tensor):
    """Nine significant digits name every float32."""
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def options(**choices):
    names = list(choices)
    for values in itertools.product(*choices.values()):
        yield dict(zip(names, values))


def optimizer_cases():
    for chosen in options(momentum=[0, 0.9], dampening=[0, 0.1], weight_decay=[0, 0.05], nesterov=[False, True]):
        if chosen["nesterov"] and (chosen["momentum"] == 0 or chosen["dampening"] != 0):
            continue
        yield "SGD", dict(lr=0.05, **chosen)
    for name in ["Adam", "AdamW"]:
        for chosen in options(betas=[(0.9, 0.999), (0.5, 0.8)], eps=[1e-8, 1e-3], weight_decay=[0, 0.1]):
            yield name, dict(lr=0.01, **chosen)
    for chosen in options(alpha=[0.99, 0.5], eps=[1e-8, 1e-2], weight_decay=[0, 0.1], momentum=[0, 0.9], centered=[False, True]):
        yield "RMSprop", dict(lr=0.01, **chosen)


def optimizers():
    generator = torch.Generator().manual_seed(0)
    first = [torch.randn(2, 3, generator=generator), torch.randn(4, generator=generator)]
    gradients = [[torch.randn(tensor.shape, generator=generator) for tensor in first] for _ in range(STEPS)]
    cases = []
    for name, kwargs in optimizer_cases():
        parameters = [tensor.clone().requires_grad_() for tensor in first]
        # Two groups; the second one overrides the rate. The second parameter has no gradient at every fourth step.
        groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": kwargs["lr"] / 2}]
        optimizer = getattr(torch.optim, name)(groups, foreach=False, **kwargs)
        trace = []
        for step in range(STEPS):
            parameters[0].grad = gradients[step][0].clone()
            parameters[1].grad = None if step % 4 == 3 else gradients[step][1].clone()
            optimizer.step()
            if step in (0, 1, 4, STEPS - 1):
                trace.append({"step": step, "parameters": [flat(parameter) for parameter in parameters]})
        state = {
            f"{index}.{key}": flat(value)
            for index, entry in optimizer.state_dict()["state"].items()
            for key, value in entry.items()
            if key != "step" and value is not None
        }
        cases.append({"name": name, "options": kwargs, "trace": trace, "state": state})
    inputs = {
        "shapes": [list(tensor.shape) for tensor in first],
        "initial": [flat(tensor) for tensor in first],
        "gradients": [[flat(tensor) for tensor in step] for step in gradients],
    }
    return {"torch": torch.__version__, "inputs": inputs, "cases": cases}


SCHEDULERS = {
    "StepLR": [dict(step_size=7), dict(step_size=1, gamma=0.9), dict(step_size=13, gamma=1.5)],
    "MultiStepLR": [dict(milestones=[3, 10, 10, 30]), dict(milestones=[0, 1, 49], gamma=0.5), dict(milestones=[])],
    "ExponentialLR": [dict(gamma=0.95), dict(gamma=1.02)],
    "CosineAnnealingLR": [dict(T_max=50), dict(T_max=12, eta_min=0.001), dict(T_max=1, eta_min=0.01), dict(T_max=7)],
    "LinearLR": [dict(), dict(start_factor=0.1, total_iters=20), dict(start_factor=1.0, end_factor=0.0, total_iters=30), dict(total_iters=1)],
    "OneCycleLR": [
        dict(max_lr=0.5, total_steps=50),
        dict(max_lr=[0.5, 0.2], total_steps=64, anneal_strategy="linear", pct_start=0.25),
        dict(max_lr=0.5, epochs=10, steps_per_epoch=7, three_phase=True, div_factor=10.0, final_div_factor=100.0),
        dict(max_lr=0.5, total_steps=60, cycle_momentum=False, pct_start=0.0),
        dict(max_lr=1.0, total_steps=55, base_momentum=[0.7, 0.8], max_momentum=0.9),
    ],
}


def make_optimizer(name):
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.03}]
    kwargs = dict(momentum=0.5) if name == "SGD" else {}
    return getattr(torch.optim, name)(groups, lr=0.1, **kwargs)


def momentum(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def follow(optimizer, step, count=50):
    """The rates and momenta of both groups: after the constructor, and after each of `count` steps."""
    rows = []
    for index in range(count + 1):
        if index > 0:
            optimizer.step()
            step(index)
        rows.append([[group["lr"] for group in optimizer.param_groups], [momentum(group) for group in optimizer.param_groups]])
    return rows


def metric(index):
    """Falls, stays, jumps: exact in every language."""
    return ((index * 37) % 23) / 8 + 40 / (index + 4) if index < 30 else 3.0


def schedulers():
    lr_scheduler = torch.optim.lr_scheduler
    cases = []
    for name, variants in SCHEDULERS.items():
        for optimizer_name, kwargs in itertools.product(["SGD", "Adam"], variants):
            optimizer = make_optimizer(optimizer_name)
            scheduler = getattr(lr_scheduler, name)(optimizer, **kwargs)
            cases.append({"name": name, "optimizer": optimizer_name, "options": kwargs, "rows": follow(optimizer, lambda _: scheduler.step())})

    optimizer = make_optimizer("SGD")
    scheduler = lr_scheduler.LambdaLR(optimizer, [lambda epoch: 1 / (1 + epoch), lambda epoch: 1 + epoch / 4])
    cases.append({"name": "lambda", "optimizer": "SGD", "options": {}, "rows": follow(optimizer, lambda _: scheduler.step())})

    optimizer = make_optimizer("SGD")
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=8)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=0.002)
    decay = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    sequence = lr_scheduler.SequentialLR(optimizer, [warmup, cosine, decay], [8, 31])
    cases.append({"name": "sequence", "optimizer": "SGD", "options": {}, "rows": follow(optimizer, lambda _: sequence.step())})

    optimizer = make_optimizer("SGD")
    chain = [lr_scheduler.LinearLR(optimizer, start_factor=0.2, total_iters=10), lr_scheduler.StepLR(optimizer, step_size=9), lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)]
    cases.append({"name": "chain", "optimizer": "SGD", "options": {}, "rows": follow(optimizer, lambda _: [each.step() for each in chain])})

    for kwargs in [
        dict(patience=2),
        dict(patience=1, mode="max", factor=0.5, cooldown=2),
        dict(patience=0, threshold=0.5, threshold_mode="abs", min_lr=[0.01, 0.02], factor=0.7),
        dict(patience=3, mode="max", threshold=0.2, threshold_mode="abs", factor=0.5),
    ]:
        optimizer = make_optimizer("SGD")
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **kwargs)
        rows = follow(optimizer, lambda index: scheduler.step(metric(index)))
        cases.append({"name": "ReduceLROnPlateau", "optimizer": "SGD", "options": kwargs, "rows": rows})
    return {"torch": torch.__version__, "metrics": [metric(index) for index in range(51)], "cases": cases}


def clipping():
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(3, 4, generator=generator) * 3, torch.randn(5, generator=generator), torch.randn((), generator=generator)]
    cases = []
    for max_norm, norm_type in itertools.product([0.0, 0.5, 1000.0], [1.0, 2.0, 3.5, math.inf]):
        parameters = [torch.zeros_like(gradient) for gradient in gradients]
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient.clone()
        total = torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type, foreach=False)
        cases.append({"maxNorm": max_norm, "normType": "inf" if math.isinf(norm_type) else norm_type, "total": flat(total)[0], "clipped": [flat(parameter.grad) for parameter in parameters]})
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_value_(parameters, 0.75, foreach=False)
    value = [flat(parameter.grad) for parameter in parameters]
    return {
        "torch": torch.__version__,
        "shapes": [list(gradient.shape) for gradient in gradients],
        "gradients": [flat(gradient) for gradient in gradients],
        "norm": cases,
        "value": {"clipValue": 0.75, "clipped": value},
    }


for file, make in {"optimizers": optimizers, "schedulers": schedulers, "clipping": clipping}.items():
    text = json.dumps(make(), separators=(",", ":"))
    (FOLDER / f"{file}.json").write_text(text.replace('},{"name"', '},\n{"name"') + "\n")
