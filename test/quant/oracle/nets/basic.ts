/** Layers in a row, residual additions, shared layers. */
import * as nn from '../../../../src/nn/index.js';
import * as F from '../../../../src/ops/functional.js';
import { conv, convBn, image, type NetDefinition, relu, tied } from './net.js';

export const BASIC_NETS: Readonly<Record<string, NetDefinition>> = {
  plain: image(
    () => ({
      a: conv(3, 4),
      b: conv(4, 5, 3, 0),
      relu: relu(),
      relub: relu(),
      pool: new nn.MaxPool2d(2),
      fc: new nn.Linear(20, 3),
    }),
    (m, x) => m.fc(F.flatten(m.relub(m.b(m.pool(m.relu(m.a(x))))), 1)),
  ),
  batchNorm: image(
    () => ({
      a: convBn(3, 4, relu),
      b: convBn(4, 5, () => new nn.ReLU6()),
      pool: new nn.AdaptiveAvgPool2d(1),
      fc: new nn.Linear(5, 3),
    }),
    (m, x) => m.fc(F.flatten(m.pool(m.b(m.a(x))), 1)),
  ),
  biasBatchNorm: image(
    () => ({ a: conv(3, 4), an: new nn.BatchNorm2d(4), relu: relu(), b: conv(4, 3), bn: new nn.BatchNorm2d(3) }),
    (m, x) => m.bn(m.b(m.relu(m.an(m.a(x))))),
  ),
  mlp: image(
    () => ({
      a: new nn.Linear(6, 5),
      b: new nn.Linear(5, 5),
      n: new nn.BatchNorm1d(5),
      c: new nn.Linear(5, 2),
      relua: relu(),
      relub: relu(),
    }),
    (m, x) => m.c(m.relub(m.n(m.b(m.relua(m.a(x)))))),
  ),
  residual: image(
    () => ({
      ...{ stem: convBn(3, 4), relu0: relu(), first: convBn(4, 4, relu), second: convBn(4, 4), relu1: relu() },
      ...{
        branch: convBn(4, 5, undefined, { stride: 2 }),
        shortcut: convBn(4, 5, undefined, { stride: 2 }, 1),
        relu2: relu(),
      },
      ...{ pool: new nn.AdaptiveAvgPool2d(1), fc: new nn.Linear(5, 3) },
    }),
    (m, x) => {
      const a = m.relu0(m.stem(x));
      const b = m.relu1(F.add(m.second(m.first(a)), a));
      return m.fc(F.flatten(m.pool(m.relu2(F.add(m.branch(b), m.shortcut(b)))), 1));
    },
  ),
  depthwise: image(
    () => ({
      ...{ stem: convBn(3, 4, () => new nn.ReLU6()), expand: convBn(4, 6, () => new nn.ReLU6(), {}, 1) },
      ...{
        depthwise: convBn(6, 6, () => new nn.ReLU6(), { groups: 6 }),
        project: convBn(6, 4, undefined, {}, 1),
        head: conv(4, 3),
      },
    }),
    (m, x) => {
      const y = m.stem(x);
      return m.head(F.add(m.project(m.depthwise(m.expand(y))), y));
    },
  ),
  depthwiseInput: image(
    () => ({ a: conv(3, 3, 3, 1, { groups: 3 }), b: conv(3, 6, 3, 1, { groups: 3 }), c: conv(6, 4) }),
    (m, x) => m.c(m.b(m.a(x))),
  ),
  depthwiseBranch: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 4, 3, 1, { groups: 4 }), b: conv(4, 4) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return F.add(m.a(y), m.b(y));
    },
  ),
  grouped: image(
    () => ({ a: conv(3, 4), b: conv(4, 6, 3, 1, { groups: 2 }), relu: relu() }),
    (m, x) => m.b(m.relu(m.a(x))),
  ),
  transposed: image(
    () => ({
      a: new nn.ConvTranspose2d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1, bias: false }),
      ...{
        n: new nn.BatchNorm2d(4),
        relu: relu(),
        b: new nn.ConvTranspose2d(4, 6, 2, { groups: 2 }),
        c: conv(6, 2, 3, 0),
      },
    }),
    (m, x) => m.c(m.b(m.relu(m.n(m.a(x))))),
  ),
  sharedLayer: image(
    () => ({ a: conv(3, 3), relu: relu(), b: conv(3, 2) }),
    (m, x) => m.b(m.relu(m.a(m.relu(m.a(x))))),
  ),
  sharedWeight: image(tied, (m, x) => m.b(m.relu(m.a(x)))),
  dropout: image(
    () => ({ a: conv(3, 4), relu: relu(), drop: new nn.Dropout(0.5), b: conv(4, 4), relub: relu(), c: conv(4, 2) }),
    (m, x) => m.drop(m.c(m.relub(m.drop(m.b(m.drop(m.relu(m.a(x)))))))),
  ),
  pooling: image(
    () => ({ a: new nn.AvgPool2d(2), b: conv(3, 4), relu: relu(), c: new nn.AdaptiveAvgPool2d(2), d: conv(4, 2) }),
    (m, x) => m.d(m.c(m.relu(m.b(m.a(x))))),
  ),
  interpolate: image(
    () => ({
      ...{ a: conv(3, 4), relu: relu(), u: new nn.Upsample({ scaleFactor: 2, mode: 'nearest' }), b: conv(4, 3) },
      ...{ v: new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }), c: conv(3, 2) },
    }),
    (m, x) => m.c(m.v(m.b(m.u(m.relu(m.a(x)))))),
  ),
  batchNormFirst: image(
    () => ({
      n: new nn.BatchNorm2d(3),
      relu: relu(),
      a: conv(3, 4),
      rela: relu(),
      m: new nn.BatchNorm2d(4),
      b: conv(4, 2),
    }),
    (m, x) => m.b(m.m(m.rela(m.a(m.relu(m.n(x)))))),
  ),
  depthwiseFirst: image(
    () => ({ a: conv(3, 3, 3, 1, { groups: 3 }), relu: relu(), b: conv(3, 4), relub: relu(), c: conv(4, 2) }),
    (m, x) => m.c(m.relub(m.b(m.relu(m.a(x))))),
  ),
  linearFirst: image(
    () => ({ fc: new nn.Linear(8, 8), relu: relu(), a: conv(3, 2), b: conv(2, 2) }),
    (m, x) => m.b(m.a(m.relu(m.fc(x)))),
  ),
  linearBatchNorm: image(
    () => ({ a: new nn.Linear(6, 5, { bias: false }), n: new nn.BatchNorm1d(5), relu: relu(), b: new nn.Linear(5, 2) }),
    (m, x) => m.b(m.relu(m.n(m.a(x)))),
  ),
  overflowEnable: {
    ...image(
      () => ({
        ...{ a: conv(3, 4), relu: relu(), b: conv(4, 4, 3, 1, { groups: 4 }), up: new nn.ConvTranspose2d(4, 3, 2) },
        ...{ c: conv(3, 3), fc: new nn.Linear(9, 2) },
      }),
      (m, x) => m.fc(m.c(m.up(m.b(m.relu(m.a(x)))))),
    ),
    options: { overflowFix: 'enable' },
  },
  overflowDisable: {
    ...image(
      () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 4) }),
      (m, x) => m.b(m.relu(m.a(x))),
    ),
    options: { overflowFix: 'disable' },
  },
};
