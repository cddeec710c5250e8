/** The demo's network on every backend: losses of training in float and quantized must be the reference backend's within 1e-3. */
import { readFileSync } from 'node:fs';
import { type InitOptions, init } from 'quantgrad';
import { type DigitsLosses, trainDigits } from '../kernels/gpujs/trainDigits.js';
import { check, collect, type Outcome } from './outcome.js';

/** As the issue asks for. What rounds to another quantum once, trains on from there. */
const TOLERANCE = 1e-3;

export const DIGITS_CSV = readFileSync(new URL('../../examples/digits/digits.csv', import.meta.url), 'utf8');

/** The losses of a backend in this process. */
export async function lossesInNode(options: InitOptions): Promise<DigitsLosses> {
  await init(options);
  return trainDigits(DIGITS_CSV);
}

let reference: Promise<DigitsLosses> | undefined;

/** Compares losses with the reference backend's, and tells the largest differences. */
export async function testDigits(outcome: Outcome, train: () => Promise<DigitsLosses>): Promise<void> {
  reference ??= lossesInNode({ backend: 'reference' });
  const expected = await reference;
  await collect(outcome, "the digits network's losses are the reference's within 1e-3", async () => {
    const losses = await train();
    const differences = (['float', 'quantized'] as const).map((part) => {
      check(losses[part].length === expected[part].length, `${losses[part].length} losses`);
      check(expected[part].length > 0 && losses[part].every(Number.isFinite), `losses: ${losses[part].join(' ')}`);
      return Math.max(...losses[part].map((loss, step) => Math.abs(loss - expected[part][step])));
    });
    const [float, quantized] = differences.map((difference) => difference.toExponential(1));
    const steps = `${expected.float.length} steps in float, ${expected.quantized.length} quantized`;
    outcome.notes.push(`digits, ${steps}: losses differ by at most ${float}, ${quantized}`);
    check(Math.max(...differences) <= TOLERANCE, `losses differ by ${float} in float and ${quantized} quantized`);
  });
}
