/** Fake quantization and its gradients against NNCF's for PyTorch, on many small random tensors. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parameter } from '../../src/nn/parameter.js';
// Tensors' methods.
import '../../src/ops/methods.js';
import { asymmetricFakeQuantize } from '../../src/ops/quantization/asymmetricFakeQuantize.js';
import { symmetricFakeQuantize } from '../../src/ops/quantization/symmetricFakeQuantize.js';
import { fromValues } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { runPython } from './python.js';
import type { Results } from './results.js';

const COUNT = 10_000;
/** Shape of each tensor; axis 0 or 1 are its channels. */
const SHAPE = [3, 5];
const SIZE = 15;
/** Gradients may differ by this share of the sum of what is added up for them. */
const GRADIENT_BOUND = 1e-5;

interface Kind {
  readonly name: string;
  readonly mode: 'symmetric' | 'asymmetric';
  readonly levelLow: number;
  readonly levelHigh: number;
  readonly parameterShape: readonly number[];
}

const symmetric = (name: string, levelLow: number, levelHigh: number, parameterShape: readonly number[]): Kind => ({
  ...{ name, mode: 'symmetric', levelLow, levelHigh, parameterShape },
});

const asymmetric = (name: string, levelHigh: number, parameterShape: readonly number[]): Kind => ({
  ...{ name, mode: 'asymmetric', levelLow: 0, levelHigh, parameterShape },
});

const KINDS: readonly Kind[] = [
  symmetric('narrow, per channel', -127, 127, [3, 1]),
  symmetric('signed', -128, 127, [1]),
  symmetric('unsigned', 0, 255, [1]),
  asymmetric('asymmetric', 255, [1]),
  symmetric('signed, per channel', -128, 127, [1, 5]),
  asymmetric('asymmetric, per channel', 255, [1, 5]),
  symmetric('narrow, 4 bits', -7, 7, [3, 1]),
  asymmetric('asymmetric, 4 bits', 15, [1]),
];

interface Draw {
  readonly kind: Kind;
  readonly x: Float32Array;
  readonly gradient: Float32Array;
  readonly parameters: readonly Float32Array[];
}

/** A tensor with a quantizer whose range holds most of it, all of it, or little of it. */
function draw(index: number, generator: Generator): Draw {
  const kind = KINDS[index % KINDS.length];
  const size = 10 ** (6 * generator.uniformDouble() - 3);
  const fill = (count: number, next: () => number): Float32Array => Float32Array.from({ length: count }, next);
  const channels = kind.parameterShape.reduce((product, extent) => product * extent, 1);
  const width = (): number => size * (0.3 + 2.5 * generator.uniformDouble());
  const scales = fill(channels, width);
  return {
    kind,
    x: fill(SIZE, () => size * (generator.normal() + 0.3)),
    gradient: fill(SIZE, () => generator.normal()),
    parameters:
      kind.mode === 'symmetric' ? [scales] : [fill(channels, () => size * (generator.uniformDouble() * 3 - 2)), scales],
  };
}

/** Quantized values, gradient of the values, gradients of the parameters. */
function compute({ kind, x, gradient, parameters }: Draw): ArrayLike<number>[] {
  const input = new Parameter(fromValues(x, SHAPE, 'float32'));
  const own = parameters.map((values) => new Parameter(fromValues(values, kind.parameterShape, 'float32')));
  const y: Tensor =
    kind.mode === 'symmetric'
      ? symmetricFakeQuantize(input, own[0], kind)
      : asymmetricFakeQuantize(input, own[0], own[1], kind);
  y.mul(fromValues(gradient, SHAPE, 'float32'))
    .sum()
    .backward();
  return [y, input.grad, ...own.map(({ grad }) => grad)].map((tensor) => tensor?.dataSync() ?? []);
}

export function compareArithmetic(folder: string, results: Results): void {
  const generator = new Generator(11);
  const draws = Array.from({ length: COUNT }, (_, index) => draw(index, generator));
  const inputs = draws.flatMap(({ x, gradient, parameters }) => [x, gradient, ...parameters]);
  writeFileSync(join(folder, 'inputs.bin'), Buffer.concat(inputs.map((values) => Buffer.from(values.buffer))));
  runPython('arithmetic.py', folder, { shape: SHAPE, kinds: KINDS, count: COUNT });
  const bytes = readFileSync(join(folder, 'outputs.bin'));
  const expected = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

  let offset = 0;
  let values = 0;
  let unequal = 0;
  let worst = 0;
  const forward: string[] = [];
  const backward: string[] = [];
  draws.forEach((each, index) => {
    const computed = compute(each);
    const place = (what: string): string => `tensor ${index} (${each.kind.name}), ${what}`;
    for (const [part, own] of computed.entries()) {
      const theirs = expected.subarray(offset, offset + own.length);
      offset += own.length;
      if (part === 0) {
        values += own.length;
        const wrong = theirs.findIndex(
          (value, position) => !Object.is(value, own[position]) && value !== own[position],
        );
        if (wrong < 0) continue;
        unequal++;
        forward.push(place(`x = ${each.x[wrong]}: ${own[wrong]}, NNCF ${theirs[wrong]}`));
        continue;
      }
      // A parameter's gradient is a sum over its channel; of what is added up, none is larger than the upstream gradient.
      const scale = part === 1 ? 1 : each.gradient.reduce((sum, value) => sum + Math.abs(value), 0) / own.length;
      theirs.forEach((value, position) => {
        const difference = Math.abs(own[position] - value) / Math.max(Math.abs(value), scale);
        worst = Math.max(worst, difference);
        if (!(difference <= GRADIENT_BOUND)) backward.push(place(`gradient ${part}: ${own[position]}, NNCF ${value}`));
      });
    }
  });
  results.check('fake quantization forward, bit for bit', forward);
  results.check('gradients of input, weight and range', backward);
  results.note({
    what: `Fake quantization forward on ${COUNT.toLocaleString('en')} random tensors, ${KINDS.length} kinds of quantizers`,
    bound: 'bit-identical',
    result: `${unequal} tensors differ (${values.toLocaleString('en')} values)`,
  });
  results.note({
    what: 'Gradients of input and range of the same tensors',
    bound: '1e-5 relative',
    result: worst.toExponential(1),
  });
}
