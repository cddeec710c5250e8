import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ArrayDataset, DataLoader, type Dataset, Subset, TensorDataset } from '../../src/data/index.js';
import { QuantGradError, ValidationError } from '../../src/errors.js';
import { arange, tensor } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const numbers = (length: number): ArrayDataset<number> => new ArrayDataset(Array.from({ length }, (_, index) => index));

/** The values of the batches of one epoch. */
async function epochOf(loader: AsyncIterable<Tensor>): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const batch of loader) batches.push(Array.from(batch.dataSync()));
  return batches;
}

/** Options that change which samples are where. */
const settings = fc.record({
  length: fc.integer({ min: 0, max: 23 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  shuffle: fc.boolean(),
  dropLast: fc.boolean(),
  seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});

describe('the order', () => {
  it('has every sample once in each epoch, apart from a last batch that is dropped', async () => {
    await fc.assert(
      fc.asyncProperty(settings, async ({ length, ...options }) => {
        const loader = new DataLoader(numbers(length), options);
        for (let epoch = 0; epoch < 3; epoch++) {
          const batches = await epochOf(loader);
          expect(batches).toHaveLength(loader.length);
          const kept = options.dropLast ? length - (length % options.batchSize) : length;
          const all = batches.flat();
          expect(all).toHaveLength(kept);
          expect(new Set(all).size).toBe(kept);
          expect(all.every((index) => index >= 0 && index < length)).toBe(true);
          expect(batches.slice(0, -1).every((batch) => batch.length === options.batchSize)).toBe(true);
          if (!options.shuffle) expect(all).toEqual(Array.from({ length: kept }, (_, index) => index));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the same on every platform', async () => {
    const loader = new DataLoader(numbers(10), { shuffle: true, batchSize: 10 });
    const orders = [
      await epochOf(loader),
      await epochOf(loader),
      await epochOf(new DataLoader(numbers(10), { shuffle: true, batchSize: 10, seed: 42 })),
    ];
    expect(orders.map(([order]) => order)).toEqual(GOLDEN);
  });

  it('differs from epoch to epoch and from seed to seed, and does not depend on the global seed', async () => {
    const make = (seed: number) => new DataLoader(numbers(30), { shuffle: true, batchSize: 30, seed });
    const [a, b] = [make(1), make(1)];
    const first = await epochOf(a);
    manualSeed(99);
    expect(await epochOf(b)).toEqual(first);
    expect(await epochOf(a)).not.toEqual(first);
    expect(await epochOf(make(2))).not.toEqual(first);
  });

  it('is that of the generator, from which nothing is drawn', async () => {
    const generator = new Generator(7);
    const before = generator.state();
    const loader = new DataLoader(numbers(20), { shuffle: true, batchSize: 20, generator });
    generator.seed(8);
    expect(await epochOf(loader)).toEqual(
      await epochOf(new DataLoader(numbers(20), { shuffle: true, batchSize: 20, seed: 7 })),
    );
    expect(new Generator(7).state()).toEqual(before);
  });

  it('setEpoch chooses the epoch', async () => {
    const loader = new DataLoader(numbers(20), { shuffle: true, batchSize: 6 });
    const epochs = [await epochOf(loader), await epochOf(loader), await epochOf(loader)];
    loader.setEpoch(1);
    expect(loader.epoch).toBe(1);
    expect(await epochOf(loader)).toEqual(epochs[1]);
    expect(await epochOf(loader)).toEqual(epochs[2]);
    expect(() => loader.setEpoch(-1)).toThrow(ValidationError);
  });

  it('a loop that was left early is not gone on with', async () => {
    const loader = new DataLoader(numbers(20), { shuffle: true, batchSize: 6 });
    const second = await (async () => {
      const other = new DataLoader(numbers(20), { shuffle: true, batchSize: 6 });
      await epochOf(other);
      return epochOf(other);
    })();
    for await (const _ of loader) break;
    expect(await epochOf(loader)).toEqual(second);
  });
});

describe('prefetching', () => {
  it('gives the same batches, with random transforms of any duration', async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.integer({ min: 1, max: 12 }), async ({ length, ...options }, prefetch) => {
        const transform = async (sample: number, generator: Generator) => {
          for (let turns = (sample * 7) % 3; turns > 0; turns--) await Promise.resolve();
          return Float32Array.of(sample, generator.uniform(), generator.uniform());
        };
        const plain = new DataLoader(numbers(length), { ...options, transform });
        const ahead = new DataLoader(numbers(length), { ...options, transform, prefetch });
        for (let epoch = 0; epoch < 2; epoch++) expect(await epochOf(ahead)).toEqual(await epochOf(plain));
      }),
      { numRuns: 30 },
    );
  });

  it('fetches as many batches ahead as it says, and no more after the loop is left', async () => {
    for (const prefetch of [0, 1, 3]) {
      const asked: number[] = [];
      const dataset: Dataset<number> = { length: 20, get: (index) => asked.push(index) };
      let batches = 0;
      for await (const _ of new DataLoader(dataset, { batchSize: 2, prefetch })) {
        batches++;
        expect(asked).toHaveLength(Math.min(20, 2 * (batches + prefetch)));
        if (batches === 4) break;
      }
      expect(asked).toHaveLength(2 * (4 + prefetch));
    }
  });

  it('reports the failure of a batch when the batch is due', async () => {
    const dataset: Dataset<number> = {
      length: 9,
      get(index) {
        if (index === 7) throw new Error('cannot read');
        return index;
      },
    };
    for (const prefetch of [0, 5]) {
      const seen: number[] = [];
      const read = async () => {
        for await (const batch of new DataLoader(dataset, { batchSize: 2, prefetch })) seen.push(...batch.dataSync());
      };
      await expect(read()).rejects.toThrow('DataLoader: sample 7 failed: cannot read');
      await expect(read()).rejects.toMatchObject({ code: 'SAMPLE_FAILED', details: { index: 7, batch: 3 } });
      expect(seen.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });
});

describe('the position', () => {
  const transform = (sample: number, generator: Generator) => Float32Array.of(sample, generator.uniform());

  it('resumes at any batch of any epoch, bit for bit, through JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        settings.filter(({ length }) => length > 0),
        fc.nat(2),
        fc.nat(22),
        fc.nat(3),
        async ({ length, ...options }, epoch, stop, prefetch) => {
          const make = (seed: number) => new DataLoader(numbers(length), { ...options, seed, transform, prefetch });
          const whole = make(options.seed);
          for (let done = 0; done < epoch; done++) await epochOf(whole);
          const saved: string[] = [JSON.stringify(whole.stateDict())];
          const batches: number[][] = [];
          for await (const batch of whole) {
            batches.push(Array.from(batch.dataSync()));
            saved.push(JSON.stringify(whole.stateDict()));
          }
          const following = await epochOf(whole);
          const position = stop % saved.length;
          // Another seed: the order must come from the state.
          const restored = make(options.seed === 0 ? 1 : options.seed - 1);
          restored.loadStateDict(JSON.parse(saved[position]));
          expect(restored.stateDict()).toEqual(JSON.parse(saved[position]));
          expect(await epochOf(restored)).toEqual(batches.slice(position));
          expect(restored.epoch).toBe(epoch + 1);
          expect(await epochOf(restored)).toEqual(following);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays after a loop is left, so that it can be saved then', async () => {
    const loader = new DataLoader(numbers(10), { shuffle: true, batchSize: 2 });
    const batches = await epochOf(new DataLoader(numbers(10), { shuffle: true, batchSize: 2 }));
    let count = 0;
    for await (const _ of loader) if (++count === 3) break;
    const restored = new DataLoader(numbers(10), { shuffle: true, batchSize: 2 });
    restored.loadStateDict(loader.stateDict());
    expect(await epochOf(restored)).toEqual(batches.slice(3));
  });

  it('is that of the latest loop', async () => {
    const loader = new DataLoader(numbers(10), { batchSize: 2 });
    const first = loader[Symbol.asyncIterator]();
    await first.next();
    await first.next();
    const state = loader.stateDict();
    loader.setEpoch(5);
    await first.next();
    expect(loader.stateDict()).toMatchObject({ epoch: 5, batch: 0 });
    loader.loadStateDict(state);
    await first.next();
    expect(loader.stateDict()).toEqual(state);
  });

  it('of other batches is rejected', () => {
    const loader = new DataLoader(numbers(10), { batchSize: 2, shuffle: true });
    const state = loader.stateDict();
    for (const change of [
      { samples: 11 },
      { batchSize: 5 },
      { shuffle: false },
      { dropLast: true },
      { batch: 6 },
      { batch: -1 },
      { epoch: 0.5 },
      { generator: { algorithm: 'x' } },
    ]) {
      expect(() => loader.loadStateDict({ ...state, ...change } as never)).toThrow(ValidationError);
    }
    expect(() => loader.loadStateDict(null as never)).toThrow(ValidationError);
    expect(() => loader.loadStateDict({ ...state, batchSize: 5 })).toThrow('saved with batchSize 5, this loader has 2');
    expect(loader.stateDict()).toEqual(state);
  });
});

describe('batches', () => {
  it('of an image and a label', async () => {
    const samples = [0, 1, 2].map((label): [Tensor, number] => [tensor([[label, label]]), label]);
    const shapes: unknown[] = [];
    for await (const [image, label] of new DataLoader(new ArrayDataset(samples), { batchSize: 2 })) {
      shapes.push([image.shape, image.dtype, label.shape, label.dtype]);
    }
    expect(shapes).toEqual([
      [[2, 1, 2], 'float32', [2], 'int32'],
      [[1, 1, 2], 'float32', [1], 'int32'],
    ]);
  });

  it('of a dataset that gives whole batches are those it would give sample by sample', async () => {
    const dataset = new TensorDataset(
      tensor(Float32Array.from({ length: 21 }, Math.random), { shape: [7, 3] }),
      arange(7, undefined, 1, { dtype: 'int32' }),
    );
    const whole = vi.spyOn(dataset, 'getBatch');
    const single = vi.spyOn(dataset, 'get');
    const options = { batchSize: 3, shuffle: true, seed: 3 };
    const read = async (loader: AsyncIterable<Tensor[]>) => {
      const result: unknown[] = [];
      for await (const parts of loader) result.push(parts.map((part) => [part.dtype, part.shape, part.dataSync()]));
      return result;
    };
    const fast = await read(new DataLoader(dataset, options));
    expect([whole.mock.calls.length, single.mock.calls.length]).toEqual([3, 0]);
    expect(await read(new DataLoader(dataset, { ...options, transform: (sample) => sample }))).toEqual(fast);
    expect([whole.mock.calls.length, single.mock.calls.length]).toEqual([3, 7]);
    expect(await read(new DataLoader(new Subset(dataset, [0, 1, 2, 3, 4, 5, 6]), options))).toEqual(fast);
    expect([whole.mock.calls.length, single.mock.calls.length]).toEqual([6, 7]);
  });

  it('by a collation of the user’s own, at once or later', async () => {
    const loader = new DataLoader(numbers(5), { batchSize: 2, collate: async (samples) => samples.join('+') });
    const batches: string[] = [];
    for await (const batch of loader) batches.push(batch);
    expect(batches).toEqual(['0+1', '2+3', '4']);
  });

  it('of an asynchronous dataset', async () => {
    const dataset: Dataset<number> = { length: 4, get: async (index) => index * 10 };
    expect(await epochOf(new DataLoader(dataset, { batchSize: 3 }))).toEqual([[0, 10, 20], [30]]);
  });

  it('errors of collation and of whole batches name the batch', async () => {
    const ragged = new ArrayDataset([Float32Array.of(1), Float32Array.of(2), Float32Array.of(3, 4)]);
    const error = await epochOf(new DataLoader(ragged, { batchSize: 2 })).then(
      () => null,
      (each: unknown) => each,
    );
    expect(error).toBeNull();
    const read = epochOf(new DataLoader(ragged, { batchSize: 3 }));
    await expect(read).rejects.toThrow(QuantGradError);
    await expect(read).rejects.toThrow(
      'collating batch 0 failed: collate: a sample is Float32Array of 1 elements in the first sample of the batch, but Float32Array of 2 elements in sample 2',
    );
    const broken = {
      ...numbers(2),
      length: 2,
      get: (index: number) => index,
      getBatch: () => Promise.reject(new Error('no disk')),
    };
    await expect(epochOf(new DataLoader(broken))).rejects.toThrow('DataLoader: batch 0 failed: no disk');
  });

  it('an empty dataset has none', async () => {
    for (const options of [{}, { shuffle: true, prefetch: 3 }, { dropLast: true, batchSize: 4 }]) {
      const loader = new DataLoader(numbers(0), options);
      expect(loader.length).toBe(0);
      expect(await epochOf(loader)).toEqual([]);
      expect(loader.epoch).toBe(1);
    }
  });
});

describe('the event loop', () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each(['setImmediate', 'MessageChannel', 'setTimeout'])('turns once per batch (%s)', async (way) => {
    const timer = globalThis.setTimeout;
    if (way !== 'setImmediate') vi.stubGlobal('setImmediate', undefined);
    if (way === 'setTimeout') vi.stubGlobal('MessageChannel', undefined);
    let turns = 0;
    let counting = true;
    const count = () => {
      turns++;
      if (counting) timer(count, 0);
    };
    timer(count, 0);
    let batches = 0;
    const seen: number[] = [];
    for await (const _ of new DataLoader(numbers(4))) {
      batches++;
      seen.push(turns);
      // The work of a step: longer than the timer.
      const end = performance.now() + 3;
      while (performance.now() < end);
    }
    counting = false;
    expect(batches).toBe(4);
    expect(seen[3]).toBeGreaterThanOrEqual(2);
  });
});

describe('wrong arguments', () => {
  it.each<[string, () => unknown, string]>([
    ['an array', () => new DataLoader([1, 2] as never), 'Wrap the array: new ArrayDataset(samples)'],
    ['nothing', () => new DataLoader(undefined as never), 'needs a length'],
    [
      'batchSize',
      () => new DataLoader(numbers(3), { batchSize: 0 }),
      'batchSize is 0; it must be a whole number of at least 1',
    ],
    ['prefetch', () => new DataLoader(numbers(3), { prefetch: 1.5 }), 'prefetch is 1.5'],
    [
      'shuffle',
      () => new DataLoader(numbers(3), { shuffle: 'yes' as never }),
      'shuffle is yes; it must be true or false',
    ],
    ['transform', () => new DataLoader(numbers(3), { transform: 3 as never }), 'transform is 3; it must be a function'],
    ['generator', () => new DataLoader(numbers(3), { generator: {} as never }), 'it must be a Generator'],
    ['seed', () => new DataLoader(numbers(3), { seed: -1 }), 'seed'],
    ['an unknown option', () => new DataLoader(numbers(3), { batchsize: 3 } as never), "Did you mean 'batchSize'?"],
  ])('%s', (_, body, message) => {
    expect(body).toThrow(ValidationError);
    expect(body).toThrow(message);
  });
});

/** Orders of ten samples: seed 0 in epochs 0 and 1, seed 42 in epoch 0. Computed by a separate program in Python. */
const GOLDEN: number[][] = [
  [0, 9, 2, 7, 1, 5, 8, 3, 4, 6],
  [8, 0, 6, 4, 5, 3, 9, 1, 2, 7],
  [8, 9, 6, 0, 3, 1, 2, 7, 5, 4],
];
