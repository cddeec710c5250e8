/** Networks for options that the others do not show. */
import * as nn from '../../../../src/nn/index.js';
import * as F from '../../../../src/ops/functional.js';
import { conv, convBn, image, type NetDefinition, qkv, relu } from './net.js';

export const OPTION_NETS: Readonly<Record<string, NetDefinition>> = {
  interpolateBranch: image(
    () => ({
      ...{ a: conv(3, 4), relu: relu(), u: new nn.Upsample({ scaleFactor: 2, mode: 'nearest' }) },
      ...{ b: conv(4, 3), c: conv(4, 3) },
    }),
    (m, x) => {
      const y = m.relu(m.a(x));
      return [m.b(y), m.c(m.u(y))];
    },
  ),
  batchNormBranch: image(
    () => ({ stem: conv(3, 4), relu: relu(), a: conv(4, 2), n: new nn.BatchNorm2d(4), b: conv(4, 2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return [m.a(y), m.b(m.n(y))];
    },
  ),
  residualSame: image(
    () => ({ stem: convBn(3, 4, relu), first: convBn(4, 4), second: convBn(4, 4), relu: relu(), head: conv(4, 2) }),
    (m, x) => {
      const y = m.stem(x);
      return m.head(m.relu(F.add(m.first(y), m.second(y))));
    },
  ),
  embeddingConcat: {
    layers: () => ({ e: new nn.Embedding(7, 6), fc: new nn.Linear(14, 2) }),
    run: (m, [x, y]) => m.fc(F.concat([m.e(x), y], 2)),
  },
  linearBranch: image(
    () => ({ stem: new nn.Linear(8, 6), relu: relu(), a: new nn.Linear(6, 3), b: new nn.Linear(6, 2) }),
    (m, x) => {
      const y = m.relu(m.stem(x));
      return [m.a(y), m.b(y)];
    },
  ),
  encoder: image(
    () => ({
      ...qkv(),
      ...{ proj: new nn.Linear(8, 8), n1: new nn.LayerNorm(8), a: new nn.Linear(8, 16), gelu: new nn.GELU() },
      ...{ b: new nn.Linear(16, 8), n2: new nn.LayerNorm(8) },
    }),
    (m, x) => {
      const [q, k, v] = [m.q, m.k, m.v].map((layer) => F.permute(F.reshape(layer(x), [-1, 5, 2, 4]), [0, 2, 1, 3]));
      const weights = F.softmax(F.multiply(F.matmul(q, F.permute(k, [0, 1, 3, 2])), 0.5), -1);
      const heads = F.reshape(F.permute(F.matmul(weights, v), [0, 2, 1, 3]), [-1, 5, 8]);
      const y = m.n1(F.add(m.proj(heads), x));
      return m.n2(F.add(m.b(m.gelu(m.a(y))), y));
    },
  ),
};
