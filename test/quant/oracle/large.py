"""ResNet-18, ResNet-20 and MobileNetV2 in plain PyTorch, named as torchvision and nn.models name them."""
import torch
from torch import nn


def conv(cin, cout, kernel, stride=1, groups=1):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)


def conv_norm(cin, cout, kernel, stride=1, groups=1):
    return nn.Sequential(conv(cin, cout, kernel, stride, groups), nn.BatchNorm2d(cout), nn.ReLU6())


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(cin, cout, 3, stride), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = conv(cout, cout, 3), nn.BatchNorm2d(cout)
        self.relu = nn.ReLU()
        same = stride == 1 and cin == cout
        self.downsample = None if same else nn.Sequential(conv(cin, cout, 1, stride), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    def __init__(self, widths, depths, imagenet):
        super().__init__()
        self.conv1 = conv(3, widths[0], 7, 2) if imagenet else conv(3, widths[0], 3)
        self.bn1, self.relu = nn.BatchNorm2d(widths[0]), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if imagenet else None
        cin, self.stages = widths[0], len(widths)
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            blocks = []
            for index in range(depth):
                blocks.append(BasicBlock(cin, width, 2 if index == 0 and stage > 0 else 1))
                cin = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(cin, 10)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(x) if self.maxpool else x
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        hidden = cin * expand
        layers = [conv_norm(cin, hidden, 1)] if expand != 1 else []
        layers += [conv_norm(hidden, hidden, 3, stride, hidden), conv(hidden, cout, 1), nn.BatchNorm2d(cout)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        layers, cin = [conv_norm(3, 32, 3, 2)], 32
        for expand, width, depth, stride in STAGES:
            for index in range(depth):
                layers.append(InvertedResidual(cin, width, stride if index == 0 else 1, expand))
                cin = width
        self.features = nn.Sequential(*layers, conv_norm(cin, 1280, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


LARGE = {
    "resnet18": (lambda: ResNet((64, 128, 256, 512), (2, 2, 2, 2), True), (1, 3, 64, 64)),
    "resnet20": (lambda: ResNet((16, 32, 64), (3, 3, 3), False), (1, 3, 16, 16)),
    "mobilenetV2": (MobileNetV2, (1, 3, 64, 64)),
}
