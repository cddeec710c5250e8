"""Small networks for comparison with NNCF; nets/ builds the same ones with this library's layers.

Each entry: name -> (layers, forward, inputs, options). Layers and inputs have the same names on both sides.
"""
import nncf
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, layers, run):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


class Net2(Net):
    def forward(self, x, y):
        return self.run(self, x, y)


def conv(cin, cout, kernel=3, padding=1, **options):
    return nn.Conv2d(cin, cout, kernel, padding=padding, **options)


def conv_bn(cin, cout, act=None, **options):
    layers = [conv(cin, cout, bias=False, **options), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, *([act()] if act else []))


def tied():
    first, second = nn.Linear(6, 6), nn.Linear(6, 6)
    second.weight = first.weight
    return dict(a=first, b=second, relu=nn.ReLU())


def parameter(*shape):
    return nn.Parameter(torch.zeros(shape))


def attention(m, x):
    q, k, v = m.q(x), m.k(x), m.v(x)
    weights = torch.softmax(torch.matmul(q, k.transpose(1, 2)) * 0.35, -1)
    return m.proj(torch.matmul(weights, v))


def heads(m, x):
    q, k, v = [f(x).reshape(-1, 5, 2, 4).permute(0, 2, 1, 3) for f in (m.q, m.k, m.v)]
    weights = torch.softmax(torch.matmul(q, k.permute(0, 1, 3, 2)), -1)
    y = torch.matmul(weights, v).permute(0, 2, 1, 3).reshape(-1, 5, 8)
    return m.proj(y)


def residual(m, x):
    a = m.relu0(m.stem(x))
    b = m.relu1(m.second(m.first(a)) + a)
    return m.fc(torch.flatten(m.pool(m.relu2(m.branch(b) + m.shortcut(b))), 1))


def branches(m, x):
    y = m.relu(m.stem(x))
    return m.a(y), m.b(m.pool(y))


def se(m, x):
    y = m.relu(m.stem(x))
    scale = m.sigmoid(m.up(m.act(m.down(m.pool(y)))))
    return m.head(y * scale)


def depthwise(m, x):
    y = m.stem(x)
    return m.head(m.project(m.depthwise(m.expand(y))) + y)


def unet(m, x):
    a = m.relu0(m.enc(x))
    b = m.relu1(m.mid(m.pool(a)))
    return m.out(torch.cat([m.up(b), a], 1))


def split(m, x):
    first, second = torch.chunk(m.stem(x), 2, 1)
    return torch.cat([m.a(first), m.b(second)], 1)


def split_relu(m, x):
    first, second = torch.split(m.relu(m.stem(x)), [1, 3], 1)
    return m.a(first), m.b(second)


def movement(m, x):
    y = m.relu(m.stem(x))
    y = y.permute(0, 2, 3, 1).reshape(-1, 64, 4)
    return m.fc(F.pad(y[:, 1:9, :], (1, 1)).unsqueeze(0).squeeze(0))


def standalone(m, x):
    return m.a(m.silu(x)), m.b(m.tanh(x)), m.c(m.hardswish(x)), m.d(m.softmax(x)), m.e(m.relu(x))


def arithmetic(m, x, y):
    a, b = m.a(x), m.b(y)
    return m.c(torch.sqrt(torch.pow(torch.max(a, b) / (torch.abs(b) + 1.0), 2.0) + 0.1) - torch.min(a, b))


def reductions(m, x):
    y = m.relu(m.stem(x))
    return m.fc(torch.cat([y.mean((2, 3)), y.sum((2, 3))], 1))


IMAGE = ("image",)
NETS = {
    "plain": (lambda: dict(a=conv(3, 4), b=conv(4, 5, 3, 0), relu=nn.ReLU(), relub=nn.ReLU(), pool=nn.MaxPool2d(2), fc=nn.Linear(20, 3)),
              lambda m, x: m.fc(torch.flatten(m.relub(m.b(m.pool(m.relu(m.a(x))))), 1)), IMAGE),
    "batchNorm": (lambda: dict(a=conv_bn(3, 4, nn.ReLU), b=conv_bn(4, 5, nn.ReLU6), pool=nn.AdaptiveAvgPool2d(1), fc=nn.Linear(5, 3)),
                  lambda m, x: m.fc(torch.flatten(m.pool(m.b(m.a(x))), 1)), IMAGE),
    "biasBatchNorm": (lambda: dict(a=conv(3, 4), an=nn.BatchNorm2d(4), relu=nn.ReLU(), b=conv(4, 3), bn=nn.BatchNorm2d(3)),
                      lambda m, x: m.bn(m.b(m.relu(m.an(m.a(x))))), IMAGE),
    "mlp": (lambda: dict(a=nn.Linear(6, 5), b=nn.Linear(5, 5), n=nn.BatchNorm1d(5), c=nn.Linear(5, 2), relua=nn.ReLU(), relub=nn.ReLU()),
            lambda m, x: m.c(m.relub(m.n(m.b(m.relua(m.a(x)))))), ("vector",)),
    "residual": (lambda: dict(stem=conv_bn(3, 4), relu0=nn.ReLU(), first=conv_bn(4, 4, nn.ReLU), second=conv_bn(4, 4), relu1=nn.ReLU(),
                              branch=conv_bn(4, 5, stride=2), shortcut=conv_bn(4, 5, kernel=1, padding=0, stride=2), relu2=nn.ReLU(),
                              pool=nn.AdaptiveAvgPool2d(1), fc=nn.Linear(5, 3)), residual, IMAGE),
    "depthwise": (lambda: dict(stem=conv_bn(3, 4, nn.ReLU6), expand=conv_bn(4, 6, nn.ReLU6, kernel=1, padding=0), depthwise=conv_bn(6, 6, nn.ReLU6, groups=6),
                               project=conv_bn(6, 4, kernel=1, padding=0), head=conv(4, 3)), depthwise, IMAGE),
    "depthwiseInput": (lambda: dict(a=conv(3, 3, groups=3), b=conv(3, 6, groups=3), c=conv(6, 4)), lambda m, x: m.c(m.b(m.a(x))), IMAGE),
    "depthwiseBranch": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 4, groups=4), b=conv(4, 4)),
                        lambda m, x: (lambda y: m.a(y) + m.b(y))(m.relu(m.stem(x))), IMAGE),
    "grouped": (lambda: dict(a=conv(3, 4), b=conv(4, 6, groups=2), relu=nn.ReLU()), lambda m, x: m.b(m.relu(m.a(x))), IMAGE),
    "concat": (lambda: dict(a=conv(3, 2), b=conv(3, 3), relua=nn.ReLU(), c=conv(5, 3)),
               lambda m, x: m.c(torch.cat([m.relua(m.a(x)), m.b(x)], 1)), IMAGE),
    "concatOutput": (lambda: dict(a=conv(3, 2), b=conv(3, 3)), lambda m, x: torch.cat([m.a(x), m.b(x)], 1), IMAGE),
    "concatPool": (lambda: dict(a=conv(3, 2), b=conv(3, 3, stride=2), relua=nn.ReLU(), pool=nn.MaxPool2d(2), n=nn.BatchNorm2d(5), relu=nn.ReLU(), c=conv(5, 3)),
                   lambda m, x: m.c(m.relu(m.n(torch.cat([m.pool(m.relua(m.a(x))), m.b(x)], 1)))), IMAGE),
    "concatTwice": (lambda: dict(a=conv(3, 2), b=conv(3, 3), c=conv(3, 2), d=conv(7, 3), e=conv(5, 2), r=nn.ReLU(), s=nn.ReLU(), t=nn.ReLU()),
                    lambda m, x: (lambda p, q, r: (m.d(torch.cat([torch.cat([p, q], 1), r], 1)), m.e(torch.cat([p, q], 1))))(m.r(m.a(x)), m.s(m.b(x)), m.t(m.c(x))), IMAGE),
    "concatInput": (lambda: dict(a=conv(3, 2), relu=nn.ReLU(), b=conv(5, 3)), lambda m, x: m.b(torch.cat([x, m.relu(m.a(x))], 1)), IMAGE),
    "unet": (lambda: dict(enc=conv(3, 3), relu0=nn.ReLU(), pool=nn.MaxPool2d(2), mid=conv(3, 4), relu1=nn.ReLU(), up=nn.ConvTranspose2d(4, 3, 2, 2), out=conv(6, 2)), unet, IMAGE),
    "transposed": (lambda: dict(a=nn.ConvTranspose2d(3, 4, 3, 2, 1, 1, bias=False), n=nn.BatchNorm2d(4), relu=nn.ReLU(), b=nn.ConvTranspose2d(4, 6, 2, groups=2), c=conv(6, 2, 3, 0)),
                   lambda m, x: m.c(m.b(m.relu(m.n(m.a(x))))), IMAGE),
    "branches": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 2), b=conv(4, 3), pool=nn.MaxPool2d(2)), branches, IMAGE),
    "branchOutput": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 2)), lambda m, x: (lambda y: (y, m.a(y)))(m.relu(m.stem(x))), IMAGE),
    "branchFlattened": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 2)), lambda m, x: (lambda y: (torch.flatten(y, 1), m.a(y)))(m.relu(m.stem(x))), IMAGE),
    "rawBranch": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 4)), lambda m, x: (lambda y: m.a(m.relu(y)) + y)(m.stem(x)), IMAGE),
    "constants": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 3), c=conv(3, 2)),
                  lambda m, x: m.c(m.b(m.relu(m.a((x - 0.25) * 2.0) + 0.5) * 0.5) / 3.0), IMAGE),
    "scaledParameter": (lambda: dict(p=parameter(1, 3, 1, 1), g=parameter(1, 4, 1, 1), a=conv(3, 4), b=conv(4, 4)),
                        lambda m, x: (lambda y: m.b(y) * m.g + y)(m.a(x * m.p)), IMAGE),
    "twoInputs": (lambda: dict(a=conv(3, 4), b=conv(3, 4), relu=nn.ReLU(), c=conv(4, 2)), lambda m, x, y: m.c(m.relu(m.a(x) + m.b(y))), ("image", "image")),
    "twoInputsConcat": (lambda: dict(c=conv(6, 2)), lambda m, x, y: m.c(torch.cat([x, y], 1)), ("image", "image")),
    "twoInputsMatMul": (lambda: dict(fc=nn.Linear(5, 2)), lambda m, x, y: m.fc(torch.matmul(x, y.transpose(1, 2))), ("sequence", "sequence")),
    "sharedLayer": (lambda: dict(a=conv(3, 3), relu=nn.ReLU(), b=conv(3, 2)), lambda m, x: m.b(m.relu(m.a(m.relu(m.a(x))))), IMAGE),
    "sharedWeight": (tied, lambda m, x: m.b(m.relu(m.a(x))), ("vector",)),
    "attention": (lambda: dict(q=nn.Linear(8, 8), k=nn.Linear(8, 8), v=nn.Linear(8, 8), proj=nn.Linear(8, 4)), attention, ("sequence",)),
    "heads": (lambda: dict(q=nn.Linear(8, 8), k=nn.Linear(8, 8), v=nn.Linear(8, 8), proj=nn.Linear(8, 4)), heads, ("sequence",)),
    "transformerMlp": (lambda: dict(n=nn.LayerNorm(8), a=nn.Linear(8, 12), gelu=nn.GELU(), b=nn.Linear(12, 8), c=nn.Linear(8, 2)),
                       lambda m, x: m.c(m.b(m.gelu(m.a(m.n(x)))) + x), ("sequence",)),
    "dropout": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), drop=nn.Dropout(0.5), b=conv(4, 4), relub=nn.ReLU(), c=conv(4, 2)),
                lambda m, x: m.drop(m.c(m.relub(m.drop(m.b(m.drop(m.relu(m.a(x)))))))), IMAGE),
    "embedding": (lambda: dict(e=nn.Embedding(7, 6), fc=nn.Linear(6, 2)), lambda m, x: m.fc(m.e(x)), ("ids",)),
    "embeddingSum": (lambda: dict(e=nn.Embedding(7, 8), fc=nn.Linear(8, 2)), lambda m, x, y: m.fc(m.e(x) + y), ("ids", "sequence")),
    "split": (lambda: dict(stem=conv(3, 4), a=conv(2, 2), b=conv(2, 3)), split, IMAGE),
    "splitRelu": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(1, 2), b=conv(3, 3)), split_relu, IMAGE),
    "pooling": (lambda: dict(a=nn.AvgPool2d(2), b=conv(3, 4), relu=nn.ReLU(), c=nn.AdaptiveAvgPool2d(2), d=conv(4, 2)),
                lambda m, x: m.d(m.c(m.relu(m.b(m.a(x))))), IMAGE),
    "interpolate": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), u=nn.Upsample(scale_factor=2, mode="nearest"), b=conv(4, 3), v=nn.Upsample(scale_factor=2, mode="bilinear"), c=conv(3, 2)),
                    lambda m, x: m.c(m.v(m.b(m.u(m.relu(m.a(x)))))), IMAGE),
    "fusedActivations": (lambda: dict(a=conv(3, 3), l=nn.LeakyReLU(0.1), b=conv(3, 3), e=nn.ELU(), c=conv(3, 3), p=nn.PReLU(), d=conv(3, 3), s=nn.SiLU(), f=conv(3, 3),
                                      h=nn.Hardswish(), g=conv(3, 3), i=nn.Sigmoid(), j=conv(3, 3), t=nn.Tanh(), k=conv(3, 3), u=nn.GELU(), o=conv(3, 2)),
                         lambda m, x: m.o(m.u(m.k(m.t(m.j(m.i(m.g(m.h(m.f(m.s(m.d(m.p(m.c(m.e(m.b(m.l(m.a(x))))))))))))))))), IMAGE),
    "standaloneActivations": (lambda: dict(silu=nn.SiLU(), tanh=nn.Tanh(), hardswish=nn.Hardswish(), softmax=nn.Softmax(1), relu=nn.ReLU(),
                                           a=conv(3, 2), b=conv(3, 2), c=conv(3, 2), d=conv(3, 2), e=conv(3, 2)), standalone, IMAGE),
    "squeezeExcite": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), down=conv(4, 2, 1, 0), act=nn.ReLU(), up=conv(2, 4, 1, 0), sigmoid=nn.Sigmoid(), head=conv(4, 2)), se, IMAGE),
    "movement": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), fc=nn.Linear(6, 2)), movement, IMAGE),
    "batchNormFirst": (lambda: dict(n=nn.BatchNorm2d(3), relu=nn.ReLU(), a=conv(3, 4), rela=nn.ReLU(), m=nn.BatchNorm2d(4), b=conv(4, 2)),
                       lambda m, x: m.b(m.m(m.rela(m.a(m.relu(m.n(x)))))), IMAGE),
    "arithmetic": (lambda: dict(a=conv(3, 4), b=conv(3, 4), c=conv(4, 2)), arithmetic, ("image", "image")),
    "reductions": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), fc=nn.Linear(8, 2)), reductions, IMAGE),
    "concatConstant": (lambda: dict(p=parameter(1, 2, 8, 8), a=conv(3, 2), relu=nn.ReLU(), b=conv(4, 3)),
                       lambda m, x: m.b(torch.cat([m.relu(m.a(x)), m.p.expand(2, 2, 8, 8)], 1)), IMAGE),
    "concatDepthwise": (lambda: dict(a=conv(3, 2), b=conv(3, 2), relu=nn.ReLU(), relub=nn.ReLU(), c=conv(4, 4, groups=4)),
                        lambda m, x: m.c(torch.cat([m.relu(m.a(x)), m.relub(m.b(x))], 1)), IMAGE),
    "concatMixed": (lambda: dict(a=conv(3, 2), b=conv(3, 2), relu=nn.ReLU(), relub=nn.ReLU(), c=conv(4, 4, groups=4), d=conv(4, 3)),
                    lambda m, x: (lambda y: (m.c(y), m.d(y)))(torch.cat([m.relu(m.a(x)), m.relub(m.b(x))], 1)), IMAGE),
    "depthwiseFirst": (lambda: dict(a=conv(3, 3, groups=3), relu=nn.ReLU(), b=conv(3, 4), relub=nn.ReLU(), c=conv(4, 2)),
                       lambda m, x: m.c(m.relub(m.b(m.relu(m.a(x))))), IMAGE),
    "linearFirst": (lambda: dict(fc=nn.Linear(8, 8), relu=nn.ReLU(), a=conv(3, 2), b=conv(2, 2)), lambda m, x: m.b(m.a(m.relu(m.fc(x)))), IMAGE),
    "linearBatchNorm": (lambda: dict(a=nn.Linear(6, 5, bias=False), n=nn.BatchNorm1d(5), relu=nn.ReLU(), b=nn.Linear(5, 2)),
                        lambda m, x: m.b(m.relu(m.n(m.a(x)))), ("vector",)),
    "reshapedDepthwise": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), c=conv(2, 2, groups=2)),
                          lambda m, x: m.c(m.relu(m.a(x)).reshape(2, 2, 16, 8)), IMAGE),
    "squeezeExciteLinear": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), down=nn.Linear(4, 2), act=nn.ReLU(), up=nn.Linear(2, 4), gate=nn.Hardsigmoid(), head=conv(4, 2)),
                            lambda m, x: (lambda y: m.head(y * m.gate(m.up(m.act(m.down(y.mean((2, 3)).reshape(2, 4))))).reshape(2, 4, 1, 1)))(m.relu(m.stem(x))), IMAGE),
    "notSqueezeExcite": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), down=conv(4, 2, 1, 0), act=nn.ReLU(), up=conv(2, 4, 1, 0), sigmoid=nn.Sigmoid(), other=conv(4, 4), head=conv(4, 2)),
                         lambda m, x: (lambda y: m.head(m.other(y) * m.sigmoid(m.up(m.act(m.down(m.pool(y)))))))(m.relu(m.stem(x))), IMAGE),
    "ignoredTypes": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4), c=nn.Linear(8, 2)), lambda m, x: m.c(m.b(m.relu(m.a(x)))), IMAGE, dict(ignored=dict(types=["linear"]))),
    "ignoredName": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4), c=conv(4, 4), relub=nn.ReLU()),
                    lambda m, x: (lambda y: m.relub(m.c(m.b(y)) + y))(m.relu(m.a(x))), IMAGE, dict(ignored=dict(names=["b/conv2d/0"]))),
    "ignoredActivation": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4)), lambda m, x: m.b(m.relu(m.a(x))), IMAGE, dict(ignored=dict(types=["relu"]))),
    "ignoredSplit": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(1, 2), b=conv(3, 3)), split_relu, IMAGE, dict(ignored=dict(types=["split"]))),
    "ignoredSubgraph": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4), relub=nn.ReLU(), c=conv(4, 4), d=conv(4, 2)),
                        lambda m, x: m.d(m.c(m.relub(m.b(m.relu(m.a(x)))))), IMAGE, dict(ignored=dict(subgraphs=[nncf.Subgraph(inputs=["b/conv2d/0"], outputs=["c/conv2d/0"])]))),
    "overflowEnable": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4, groups=4), up=nn.ConvTranspose2d(4, 3, 2), c=conv(3, 3), fc=nn.Linear(9, 2)),
                       lambda m, x: m.fc(m.c(m.up(m.b(m.relu(m.a(x)))))), IMAGE, dict(overflow="ENABLE")),
    "overflowDisable": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), b=conv(4, 4)), lambda m, x: m.b(m.relu(m.a(x))), IMAGE, dict(overflow="DISABLE")),
    "twiceTheSame": (lambda: dict(a=conv(3, 4), b=conv(4, 2)), lambda m, x: (lambda y: m.b(y * y))(m.a(x)), IMAGE),
    "leftConstant": (lambda: dict(p=parameter(3, 5), fc=nn.Linear(8, 2)), lambda m, x: m.fc(torch.matmul(m.p, x)), ("sequence",)),
}


def encoder(m, x):
    """A transformer encoder block with two heads."""
    q, k, v = [f(x).reshape(-1, 5, 2, 4).permute(0, 2, 1, 3) for f in (m.q, m.k, m.v)]
    weights = torch.softmax(torch.matmul(q, k.permute(0, 1, 3, 2)) * 0.5, -1)
    y = m.n1(m.proj(torch.matmul(weights, v).permute(0, 2, 1, 3).reshape(-1, 5, 8)) + x)
    return m.n2(m.b(m.gelu(m.a(y))) + y)


def two_uses(m, x):
    y = m.relu(m.stem(x))
    return m.a(y), m.b(y)


# Networks for make_options.py only.
OPTION_NETS = {
    "interpolateBranch": (lambda: dict(a=conv(3, 4), relu=nn.ReLU(), u=nn.Upsample(scale_factor=2, mode="nearest"), b=conv(4, 3), c=conv(4, 3)),
                          lambda m, x: (lambda y: (m.b(y), m.c(m.u(y))))(m.relu(m.a(x))), IMAGE),
    "batchNormBranch": (lambda: dict(stem=conv(3, 4), relu=nn.ReLU(), a=conv(4, 2), n=nn.BatchNorm2d(4), b=conv(4, 2)),
                        lambda m, x: (lambda y: (m.a(y), m.b(m.n(y))))(m.relu(m.stem(x))), IMAGE),
    "residualSame": (lambda: dict(stem=conv_bn(3, 4, nn.ReLU), first=conv_bn(4, 4), second=conv_bn(4, 4), relu=nn.ReLU(), head=conv(4, 2)),
                     lambda m, x: (lambda y: m.head(m.relu(m.first(y) + m.second(y))))(m.stem(x)), IMAGE),
    "embeddingConcat": (lambda: dict(e=nn.Embedding(7, 6), fc=nn.Linear(14, 2)), lambda m, x, y: m.fc(torch.cat([m.e(x), y], 2)), ("ids", "sequence")),
    "linearBranch": (lambda: dict(stem=nn.Linear(8, 6), relu=nn.ReLU(), a=nn.Linear(6, 3), b=nn.Linear(6, 2)), two_uses, ("sequence",)),
    "encoder": (lambda: dict(q=nn.Linear(8, 8), k=nn.Linear(8, 8), v=nn.Linear(8, 8), proj=nn.Linear(8, 8), n1=nn.LayerNorm(8), a=nn.Linear(8, 16), gelu=nn.GELU(),
                             b=nn.Linear(16, 8), n2=nn.LayerNorm(8)), encoder, ("sequence",)),
}


def build(name):
    layers, run, inputs, *options = {**NETS, **OPTION_NETS}[name]
    return (Net if len(inputs) == 1 else Net2)(layers(), run), inputs, options[0] if options else {}


@torch.no_grad()
def randomize(model, generator):
    """Weights, biases and running statistics without zeros or symmetries."""
    for key, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith("running_var"):
            value.copy_(noise.abs() + 0.5)
        elif value.ndim <= 1:
            value.copy_(noise * 0.3 + (0.6 if key.endswith("weight") else 0.1))
        else:
            value.copy_(noise / max(1, value[0].numel()) ** 0.5 if value.ndim != 4 or value.shape[0] != 1 else noise)
