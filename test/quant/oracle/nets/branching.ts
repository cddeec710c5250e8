/** Concatenations, branches, splits, several inputs, ignored scopes. */
import * as nn from '../../../../src/nn/index.js';
import * as F from '../../../../src/ops/functional.js';
import { conv, image, type NetDefinition, parameter, relu, tensorOf } from './net.js';

export const BRANCHING_NETS: Readonly<Record<string, NetDefinition>> = {
  concat: image(
    () => ({ a: conv(3, 2), b: conv(3, 3), relua: relu(), c: conv(5, 3) }),
    (m, x) => m.c(F.concat([m.relua(m.a(x)), m.b(x)], 1)),
  ),
  concatOutput: image(
    () => ({ a: conv(3, 2), b: conv(3, 3) }),
    (m, x) => F.concat([m.a(x), m.b(x)], 1),
  ),
  concatPool: image(
    () => ({
      ...{ a: conv(3, 2), b: conv(3, 3, 3, 1, { stride: 2 }), relua: relu(), pool: new nn.MaxPool2d(2) },
      ...{ n: new nn.BatchNorm2d(5), relu: relu(), c: conv(5, 3) },
    }),
    (m, x) => m.c(m.relu(m.n(F.concat([m.pool(m.relua(m.a(x))), m.b(x)], 1)))),
  ),
  concatTwice: image(
    () => ({
      a: conv(3, 2),
      b: conv(3, 3),
      c: conv(3, 2),
      d: conv(7, 3),
      e: conv(5, 2),
      r: relu(),
      s: relu(),
      t: relu(),
    }),
    (m, x) => {
      const [p, q, r] = [m.r(m.a(x)), m.s(m.b(x)), m.t(m.c(x))];
      return [m.d(F.concat([F.concat([p, q], 1), r], 1)), m.e(F.concat([p, q], 1))];
    },
  ),
  concatInput: image(
    () => ({ a: conv(3, 2), relu: relu(), b: conv(5, 3) }),
    (m, x) => m.b(F.concat([x, m.relu(m.a(x))], 1)),
  ),
  unet: image(
    () => ({
      ...{ enc: conv(3, 3), relu0: relu(), pool: new nn.MaxPool2d(2), mid: conv(3, 4), relu1: relu() },
      ...{ up: new nn.ConvTranspose2d(4, 3, 2, { stride: 2 }), out: conv(6, 2) },
    }),
    (m, x) => {
      const a = m.relu0(m.enc(x));
      const b = m.relu1(m.mid(m.pool(a)));
      return m.out(F.concat([m.up(b), a], 1));
    },
  ),
  branches: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 2), b: conv(4, 3), pool: new nn.MaxPool2d(2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return [m.a(y), m.b(m.pool(y))];
    },
  ),
  branchOutput: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return [y, m.a(y)];
    },
  ),
  branchFlattened: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return [F.flatten(y, 1), m.a(y)];
    },
  ),
  rawBranch: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 4) }),
    (m, x) => {
      const y = m.stem(x);
      return F.add(m.a(m.relu(y)), y);
    },
  ),
  twoInputs: {
    layers: () => ({ a: conv(3, 4), b: conv(3, 4), relu: relu(), c: conv(4, 2) }),
    run: (m, [x, y]) => m.c(m.relu(F.add(m.a(x), m.b(y)))),
  },
  twoInputsConcat: { layers: () => ({ c: conv(6, 2) }), run: (m, [x, y]) => m.c(F.concat([x, y], 1)) },
  twoInputsMatMul: {
    layers: () => ({ fc: new nn.Linear(5, 2) }),
    run: (m, [x, y]) => m.fc(F.matmul(x, F.transpose(y, 1, 2))),
  },
  split: image(
    () => ({ stem: conv(3, 4), a: conv(2, 2), b: conv(2, 3) }),
    (m, x) => {
      const [first, second] = F.chunk(m.stem(x), 2, 1);
      return F.concat([m.a(first), m.b(second)], 1);
    },
  ),
  splitRelu: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(1, 2), b: conv(3, 3) }),
    (m, x) => {
      const [first, second] = F.split(m.relu(m.stem(x)), [1, 3], 1);
      return [m.a(first), m.b(second)];
    },
  ),
  concatConstant: image(
    () => ({ p: parameter(1, 2, 8, 8), a: conv(3, 2), relu: relu(), b: conv(4, 3) }),
    (m, x, layers) => m.b(F.concat([m.relu(m.a(x)), F.broadcastTo(tensorOf(layers, 'p'), [2, 2, 8, 8])], 1)),
  ),
  concatDepthwise: image(
    () => ({ a: conv(3, 2), b: conv(3, 2), relu: relu(), relub: relu(), c: conv(4, 4, 3, 1, { groups: 4 }) }),
    (m, x) => m.c(F.concat([m.relu(m.a(x)), m.relub(m.b(x))], 1)),
  ),
  concatMixed: image(
    () => ({
      a: conv(3, 2),
      b: conv(3, 2),
      relu: relu(),
      relub: relu(),
      c: conv(4, 4, 3, 1, { groups: 4 }),
      d: conv(4, 3),
    }),
    (m, x) => {
      const y = F.concat([m.relu(m.a(x)), m.relub(m.b(x))], 1);
      return [m.c(y), m.d(y)];
    },
  ),
  ignoredTypes: {
    ...image(
      () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 4), c: new nn.Linear(8, 2) }),
      (m, x) => m.c(m.b(m.relu(m.a(x)))),
    ),
    options: { ignoredScope: { types: ['MatMul'] } },
  },
  ignoredName: {
    ...image(
      () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 4), c: conv(4, 4), relub: relu() }),
      (m, x) => {
        const y = m.relu(m.a(x));
        return m.relub(F.add(m.c(m.b(y)), y));
      },
    ),
    options: { ignoredScope: { names: ['b/Convolution'] } },
  },
  ignoredActivation: {
    ...image(
      () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 4) }),
      (m, x) => m.b(m.relu(m.a(x))),
    ),
    options: { ignoredScope: { types: ['ReLU'] } },
  },
  ignoredSplit: {
    ...image(
      () => ({ stem: conv(3, 4), relu: relu(), a: conv(1, 2), b: conv(3, 3) }),
      (m, x) => {
        const [first, second] = F.split(m.relu(m.stem(x)), [1, 3], 1);
        return [m.a(first), m.b(second)];
      },
    ),
    options: { ignoredScope: { types: ['VariadicSplit'] } },
  },
  ignoredSubgraph: {
    ...image(
      () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 4), relub: relu(), c: conv(4, 4), d: conv(4, 2) }),
      (m, x) => m.d(m.c(m.relub(m.b(m.relu(m.a(x)))))),
    ),
    options: { ignoredScope: { subgraphs: [{ inputs: ['b/Convolution'], outputs: ['c/Convolution'] }] } },
  },
};
