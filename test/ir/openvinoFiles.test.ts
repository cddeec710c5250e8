/** Files that OpenVINO and NNCF wrote compute here what OpenVINO computes (fixtures/make_fixtures.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { parseIr, readModel } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import { tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

interface Expected {
  readonly shape: number[];
  readonly input: number[];
  readonly outputs: Readonly<Record<string, number[]>>;
}

const { shape, input, outputs } = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Expected;
const x = tensor(Float32Array.from(input), { shape });

function largestError(actual: Tensor, name: string): number {
  const values = actual.dataSync();
  return Math.max(...outputs[name].map((value, index) => Math.abs(value - values[index])));
}

describe('files of OpenVINO', () => {
  // INT8 kernels round in other places than the float interpretation of the file.
  it.each([
    ['float32', 2e-6],
    ['float16', 2e-6],
    ['quantized', 5e-3],
  ])('%s', async (name, tolerance) => {
    const model = await readModel(fixture(`${name}.xml`));
    expect(
      largestError(
        noGrad(() => model.forward(x) as Tensor),
        name,
      ),
    ).toBeLessThan(tolerance);
    const { xml, bin } = await serializeModel(model);
    expect(
      largestError(
        noGrad(() => parseIr(xml, bin).forward(x) as Tensor),
        name,
      ),
    ).toBeLessThan(tolerance);
  });

  it('keep their eight-bit weights and their metadata when they are written again', async () => {
    const { xml, bin } = await serializeModel(await readModel(fixture('quantized.xml')));
    expect(xml).toContain('element_type="i8"');
    expect(bin.length).toBeLessThan(1.2 * readFileSync(fixture('quantized.bin')).length);
    expect(parseIr(xml, bin).runtimeInfo).toHaveProperty('nncf.quantization.preset');
  });
});
