/** Calibration data: what is accepted, and the errors for what is not. */
import { describe, expect, it } from 'vitest';
import { CalibrationDataset } from '../../src/data/index.js';
import { QuantGradError, ShapeError, ValidationError } from '../../src/errors.js';
import type { Backend } from '../../src/kernels/contract.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { calibrationInputs } from '../../src/quant/calibration.js';
import { quantize } from '../../src/quant/quantize.js';
import { defaultBackend, referenceBackend, setDefaultBackend } from '../../src/tensor/backend.js';
import { fromValues, tensor, zeros } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, valuesOf } from './models.js';

const failure = async (promise: Promise<unknown>): Promise<QuantGradError> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(QuantGradError);
  return error as QuantGradError;
};

function withValue(image: Tensor, index: number, value: number): Tensor {
  const values = Float32Array.from(image.dataSync());
  values[index] = value;
  return fromValues(values, image.shape, 'float32');
}

describe('sources', () => {
  const scales = async (source: Parameters<typeof quantize>[1]): Promise<number[][]> => {
    const model = new SmallNet().eval();
    const names = [...model.stateDict().keys()];
    model.loadStateDict(new Map(names.map((name, index) => [name, constantLike(model, name, index)])));
    const quantized = await quantize(model, source);
    return quantized.quantizers.map((quantizer) => valuesOf(quantizer.parameters[0]));
  };
  /** Weights that differ from layer to layer, the same on every call. */
  const constantLike = (model: nn.Module, name: string, seed: number): Tensor => {
    const value = model.stateDict().get(name) as Tensor;
    const numbers = value.dataSync().map((_, index) => Math.sin(index + seed) ** 2 + 0.1);
    return fromValues(
      value.dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers),
      value.shape,
      value.dtype,
    );
  };

  it('may be arrays, generators, asynchronous generators and datasets with a transform', async () => {
    const data = images(4);
    const expected = await scales(data);
    expect(await scales(data.map((image) => [image]))).toEqual(expected);
    expect(await scales(data.values())).toEqual(expected);
    expect(
      await scales(
        (async function* () {
          yield* data;
        })(),
      ),
    ).toEqual(expected);
    const pairs = data.map((image, index) => ({ image, label: index }));
    expect(await scales(new CalibrationDataset(pairs, ({ image }) => image))).toEqual(expected);
  });

  it('do not depend on the size of batches', async () => {
    const [first, ...rest] = images(1, 6);
    expect(rest).toEqual([]);
    const one = Array.from({ length: 6 }, (_, index) =>
      fromValues(Float32Array.from(first.dataSync().slice(index * 72, (index + 1) * 72)), [1, 2, 6, 6], 'float32'),
    );
    const [whole, single] = [await scales([first]), await scales(one)];
    whole.forEach((values, index) => {
      values.forEach((value, channel) => {
        expect(value).toBeCloseTo(single[index][channel], 5);
      });
    });
  });

  it('are read up to the subset size, and no further', async () => {
    let read = 0;
    const endless = (function* () {
      for (;;) {
        read++;
        yield images(1)[0];
      }
    })();
    const done: number[] = [];
    await quantize(new SmallNet(), endless, { subsetSize: 3, onProgress: (count) => done.push(count) });
    expect(read).toBe(3);
    expect(done).toEqual([1, 2, 3]);
  });

  it('are refused when they cannot be read', async () => {
    for (const source of [null, 7, 'images', {}, () => []]) {
      const error = await failure(quantize(new SmallNet(), source as unknown as Tensor[]));
      expect(error).toBeInstanceOf(ValidationError);
    }
    await expect(calibrationInputs(3 as unknown as Tensor[], 1).next()).rejects.toThrow(/CalibrationDataset/);
  });

  it('pass on their own errors', async () => {
    const broken = (function* () {
      yield images(1)[0];
      throw new RangeError('the disk is gone');
    })();
    await expect(quantize(new SmallNet(), broken)).rejects.toThrow('the disk is gone');
  });
});

describe('errors', () => {
  it('name an empty set', async () => {
    const error = await failure(quantize(new SmallNet(), []));
    expect(error.code).toBe('CALIBRATION_EMPTY');
    expect(error.message).toMatch(/at least one sample/);
  });

  it('name the item that is no tensor', async () => {
    const [image] = images(1);
    const error = await failure(quantize(new SmallNet(), [image, { image, label: 3 }]));
    expect(error.code).toBe('CALIBRATION_ITEM');
    expect(error.message).toMatch(/item 1.*CalibrationDataset/s);
    expect((await failure(quantize(new SmallNet(), [[1, 2, 3]]))).code).toBe('CALIBRATION_ITEM');
  });

  it.each([Number.NaN, Infinity, -Infinity])('name the sample that holds %s, and where', async (value) => {
    const data = images(3);
    data[2] = withValue(data[2], 5, value);
    const model = new SmallNet();
    const before = stateOf(model);
    const error = await failure(quantize(model, data));
    expect(error.code).toBe('CALIBRATION_NOT_FINITE');
    expect(error.message).toMatch(/sample 2, input 'input'/);
    expect(stateOf(model)).toEqual(before);
  });

  it('name the operation that makes a value infinite', async () => {
    class Divides extends nn.Module {
      readonly a = new nn.Linear(2, 2);
      readonly b = new nn.Linear(2, 2);
      override forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x).exp().exp());
      }
    }
    const error = await failure(quantize(new Divides(), [tensor([[1e3, 1e3]]), tensor([[-1e3, -1e3]])]));
    expect(error.message).toMatch(/'Exp_1'/);
  });

  it('name shapes and numbers of inputs that do not fit', async () => {
    const [image] = images(1);
    const first = await failure(quantize(new SmallNet(), [zeros([2, 5, 6, 6])]));
    expect(first).toBeInstanceOf(ShapeError);
    expect(first.message).toMatch(/^Calibration sample 0 .*layer 'conv'/);
    const second = await failure(quantize(new SmallNet(), [image, zeros([1, 2, 7, 6])]));
    expect(second).toBeInstanceOf(ShapeError);
    expect(second.message).toMatch(/^Calibration sample 1 .*\[\?, 2, 6, 6\].*\[1, 2, 7, 6\]/);
    expect(second.details).toMatchObject({ sample: 1 });
    const third = await failure(quantize(new SmallNet(), [image, image, [image, image]]));
    expect(third.message).toMatch(/^Calibration sample 2 .*1 input .*given 2/);
    expect(third).toBeInstanceOf(QuantGradError);
  });

  it('say where no range can be found because all values are empty', async () => {
    class Adds extends nn.Module {
      readonly fc = new nn.Linear(3, 2);
      override forward(x: Tensor): Tensor {
        return this.fc.forward(add(x, x));
      }
    }
    const error = await failure(quantize(new Adds(), [zeros([0, 3])]));
    expect(error.code).toBe('NO_STATISTICS');
    expect(error.message).toMatch(/empty/);
  });
});

describe('on WebAssembly', () => {
  const on = async <T>(backend: Backend, body: () => Promise<T>): Promise<T> => {
    const previous = defaultBackend();
    setDefaultBackend(backend);
    try {
      return await body();
    } finally {
      setDefaultBackend(previous);
    }
  };
  const calibrate = (backend: Backend, samples: number) =>
    on(backend, async () => {
      manualSeed(3);
      const model = new SmallNet().eval();
      const quantized = await quantize(model, images(samples));
      return Promise.all(quantized.quantizers.flatMap(({ parameters }) => parameters.map((each) => each.toArray())));
    });

  it('finds the ranges of the reference, and the memory of a sample serves the next', async () => {
    const backend = WasmBackend.create({ threads: 1 });
    const found = await calibrate(backend, 5);
    const wanted = await calibrate(referenceBackend(), 5);
    expect(found.length).toBeGreaterThan(3);
    found.flat(9).forEach((value, index) => {
      expect(value).toBeCloseTo((wanted.flat(9) as number[])[index], 4);
    });
    const size = backend.info().heapSize;
    const other = WasmBackend.create({ threads: 1 });
    await calibrate(other, 60);
    expect(other.info().heapSize).toBeLessThan(size + 2 ** 20);
  });

  it('names the first value that is not finite', async () => {
    const backend = WasmBackend.create({ threads: 1 });
    const error = await failure(
      on(backend, () =>
        quantize(
          new SmallNet(),
          images(3).map((image, index) => (index === 1 ? withValue(image, 4, Number.NaN) : image)),
        ),
      ),
    );
    const reference = await failure(
      quantize(
        new SmallNet(),
        images(3).map((image, index) => (index === 1 ? withValue(image, 4, Number.NaN) : image)),
      ),
    );
    expect(error.message).toBe(reference.message);
  });
});
