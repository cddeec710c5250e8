/** Constants, attention, embeddings, activations, arithmetic, squeeze-and-excite. */
import * as nn from '../../../../src/nn/index.js';
import * as F from '../../../../src/ops/functional.js';
import { conv, image, type NetDefinition, parameter, qkv, relu, tensorOf } from './net.js';

export const OPERATIONS_NETS: Readonly<Record<string, NetDefinition>> = {
  constants: image(
    () => ({ a: conv(3, 4), relu: relu(), b: conv(4, 3), c: conv(3, 2) }),
    (m, x) => {
      const y = F.add(m.a(F.multiply(F.subtract(x, 0.25), 2)), 0.5);
      return m.c(F.divide(m.b(F.multiply(m.relu(y), 0.5)), 3));
    },
  ),
  scaledParameter: image(
    () => ({ p: parameter(1, 3, 1, 1), g: parameter(1, 4, 1, 1), a: conv(3, 4), b: conv(4, 4) }),
    (m, x, layers) => {
      const y = m.a(F.multiply(x, tensorOf(layers, 'p')));
      return F.add(F.multiply(m.b(y), tensorOf(layers, 'g')), y);
    },
  ),
  attention: image(qkv, (m, x) => {
    const [q, k, v] = [m.q(x), m.k(x), m.v(x)];
    const weights = F.softmax(F.multiply(F.matmul(q, F.transpose(k, 1, 2)), 0.35), -1);
    return m.proj(F.matmul(weights, v));
  }),
  heads: image(qkv, (m, x) => {
    const [q, k, v] = [m.q, m.k, m.v].map((layer) => F.permute(F.reshape(layer(x), [-1, 5, 2, 4]), [0, 2, 1, 3]));
    const weights = F.softmax(F.matmul(q, F.permute(k, [0, 1, 3, 2])), -1);
    return m.proj(F.reshape(F.permute(F.matmul(weights, v), [0, 2, 1, 3]), [-1, 5, 8]));
  }),
  transformerMlp: image(
    () => ({
      n: new nn.LayerNorm(8),
      a: new nn.Linear(8, 12),
      gelu: new nn.GELU(),
      b: new nn.Linear(12, 8),
      c: new nn.Linear(8, 2),
    }),
    (m, x) => m.c(F.add(m.b(m.gelu(m.a(m.n(x)))), x)),
  ),
  embedding: image(
    () => ({ e: new nn.Embedding(7, 6), fc: new nn.Linear(6, 2) }),
    (m, x) => m.fc(m.e(x)),
  ),
  embeddingSum: {
    layers: () => ({ e: new nn.Embedding(7, 8), fc: new nn.Linear(8, 2) }),
    run: (m, [x, y]) => m.fc(F.add(m.e(x), y)),
  },
  fusedActivations: image(
    () => ({
      ...{ a: conv(3, 3), l: new nn.LeakyReLU(0.1), b: conv(3, 3), e: new nn.ELU(), c: conv(3, 3), p: new nn.PReLU() },
      ...{ d: conv(3, 3), s: new nn.SiLU(), f: conv(3, 3), h: new nn.Hardswish(), g: conv(3, 3), i: new nn.Sigmoid() },
      ...{ j: conv(3, 3), t: new nn.Tanh(), k: conv(3, 3), u: new nn.GELU(), o: conv(3, 2) },
    }),
    (m, x) =>
      ['a', 'l', 'b', 'e', 'c', 'p', 'd', 's', 'f', 'h', 'g', 'i', 'j', 't', 'k', 'u', 'o'].reduce(
        (y, name) => m[name](y),
        x,
      ),
  ),
  standaloneActivations: image(
    () => ({
      ...{
        silu: new nn.SiLU(),
        tanh: new nn.Tanh(),
        hardswish: new nn.Hardswish(),
        softmax: new nn.Softmax(1),
        relu: relu(),
      },
      ...{ a: conv(3, 2), b: conv(3, 2), c: conv(3, 2), d: conv(3, 2), e: conv(3, 2) },
    }),
    (m, x) => [m.a(m.silu(x)), m.b(m.tanh(x)), m.c(m.hardswish(x)), m.d(m.softmax(x)), m.e(m.relu(x))],
  ),
  squeezeExcite: image(
    () => ({
      ...{ stem: conv(3, 4), relu: relu(), pool: new nn.AdaptiveAvgPool2d(1), down: conv(4, 2, 1, 0), act: relu() },
      ...{ up: conv(2, 4, 1, 0), sigmoid: new nn.Sigmoid(), head: conv(4, 2) },
    }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return m.head(F.multiply(y, m.sigmoid(m.up(m.act(m.down(m.pool(y)))))));
    },
  ),
  movement: image(
    () => ({ stem: conv(3, 4), relu: relu(), fc: new nn.Linear(6, 2) }),
    (m, x) => {
      const y = F.reshape(F.permute(m.relu(m.stem(x)), [0, 2, 3, 1]), [-1, 64, 4]);
      return m.fc(F.squeeze(F.unsqueeze(F.pad(F.slice(y, 1, 9, 1, 1), [0, 0, 1], [0, 0, 1]), 0), 0));
    },
  ),
  arithmetic: {
    layers: () => ({ a: conv(3, 4), b: conv(3, 4), c: conv(4, 2) }),
    run: (m, [x, y]) => {
      const [a, b] = [m.a(x), m.b(y)];
      const ratio = F.divide(F.maximum(a, b), F.add(F.abs(b), 1));
      return m.c(F.subtract(F.sqrt(F.add(F.pow(ratio, 2), 0.1)), F.minimum(a, b)));
    },
  },
  reductions: image(
    () => ({ stem: conv(3, 4), relu: relu(), fc: new nn.Linear(8, 2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return m.fc(F.concat([F.mean(y, [2, 3]), F.sum(y, [2, 3])], 1));
    },
  ),
  reshapedDepthwise: image(
    () => ({ a: conv(3, 4), relu: relu(), c: conv(2, 2, 3, 1, { groups: 2 }) }),
    (m, x) => m.c(F.reshape(m.relu(m.a(x)), [-1, 2, 16, 8])),
  ),
  squeezeExciteLinear: image(
    () => ({
      ...{ stem: conv(3, 4), relu: relu(), down: new nn.Linear(4, 2), act: relu(), up: new nn.Linear(2, 4) },
      ...{ gate: new nn.Hardsigmoid(), head: conv(4, 2) },
    }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      const gate = m.gate(m.up(m.act(m.down(F.reshape(F.mean(y, [2, 3]), [-1, 4])))));
      return m.head(F.multiply(y, F.reshape(gate, [-1, 4, 1, 1])));
    },
  ),
  notSqueezeExcite: image(
    () => ({
      ...{ stem: conv(3, 4), relu: relu(), pool: new nn.AdaptiveAvgPool2d(1), down: conv(4, 2, 1, 0), act: relu() },
      ...{ up: conv(2, 4, 1, 0), sigmoid: new nn.Sigmoid(), other: conv(4, 4), head: conv(4, 2) },
    }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return m.head(F.multiply(m.other(y), m.sigmoid(m.up(m.act(m.down(m.pool(y)))))));
    },
  ),
  twiceTheSame: image(
    () => ({ a: conv(3, 4), b: conv(4, 2) }),
    (m, x) => {
      const y = m.a(x);
      return m.b(F.multiply(y, y));
    },
  ),
  leftConstant: image(
    () => ({ p: parameter(3, 5), fc: new nn.Linear(8, 2) }),
    (m, x, layers) => m.fc(F.matmul(tensorOf(layers, 'p'), x)),
  ),
};
