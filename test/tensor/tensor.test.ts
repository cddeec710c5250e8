/** The tensor itself: reading values, changing them in place, and mistakes that it reports. */
import { describe, expect, it } from 'vitest';
import { DTypeError, QuantGradError, ShapeError, TraceError } from '../../src/errors.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { referenceBackend } from '../../src/tensor/backend.js';
import { ones, tensor } from '../../src/tensor/create.js';
import { Tensor } from '../../src/tensor/tensor.js';

const symbol = (): Tensor => new Tensor(null, [-1, 3], 'float32', referenceBackend(), { place: () => "layer 'conv1'" });

describe('reading', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);

  it('copies the values', async () => {
    const copy = await x.data();
    copy[0] = 100;
    x.dataSync()[0] = 100;
    expect([...x.dataSync()]).toEqual([1, 2, 3, 4]);
  });

  it('gives one element', async () => {
    expect([await tensor(5).item(), tensor([[7]]).itemSync()]).toEqual([5, 7]);
    await expect(x.item()).rejects.toThrow(ShapeError);
    expect(() => x.itemSync()).toThrow(/one element; this one has shape \[2, 2\]/);
  });

  it('gives nested arrays', async () => {
    expect(await x.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await tensor(5).toArray()).toBe(5);
    expect(await tensor([[], []]).toArray()).toEqual([[], []]);
  });

  it('knows its shape', () => {
    expect([x.rank, x.size, x.isLeaf, x.isSymbolic]).toEqual([2, 4, true, false]);
    expect(() => (x.shape as number[]).push(1)).toThrow(TypeError);
    expect(String(x)).toBe('Tensor(float32 [2, 2])');
    expect(`${String(ones([1], { requiresGrad: true }))}`).toBe('Tensor(float32 [1], requiresGrad)');
  });

  it('is not a number', () => {
    const mistaken = x as unknown as number;
    expect(() => mistaken + 1).toThrow(DTypeError);
    expect(() => mistaken > 0).toThrow(/methods such as add\(\) and greater\(\)/);
  });

  it('moves between backends', async () => {
    const other = new ReferenceBackend();
    const w = tensor([1, 2], { requiresGrad: true });
    const moved = await w.to(other);
    expect([moved.backend === other, [...moved.dataSync()], moved.requiresGrad]).toEqual([true, [1, 2], true]);
    expect(await w.to(w.backend)).toBe(w);
  });
});

describe('assign_', () => {
  it('takes the values and raises the version', () => {
    const [x, y] = [tensor([1, 2]), tensor([3, 4])];
    expect(x.assign_(y)).toBe(x);
    expect([[...x.dataSync()], x.version]).toEqual([[3, 4], 1]);
    y.assign_(ones([2]));
    expect([...x.dataSync()]).toEqual([3, 4]);
  });

  it('refuses another shape or dtype', () => {
    const x = tensor([1, 2]);
    expect(() => x.assign_(tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => x.assign_(tensor([[1, 2]]))).toThrow(/shape \[2\] cannot take values of shape \[1, 2\]/);
    expect(() => x.assign_(tensor([1, 2], { dtype: 'int32' }))).toThrow(/cast\('float32'\)/);
    expect(() => x.replaceStorage(tensor([1]).storage)).toThrow(ShapeError);
    expect(x.version).toBe(0);
  });
});

describe('symbolic tensors', () => {
  it.each<[string, (x: Tensor) => unknown]>([
    ['dataSync', (x) => x.dataSync()],
    ['itemSync', (x) => x.itemSync()],
    ['storage', (x) => x.storage],
    ['valueOf', (x) => x.valueOf()],
    ['replaceStorage', (x) => x.replaceStorage(tensor([1]).storage)],
  ])('have no values: %s', (_name, read) => {
    expect(() => read(symbol())).toThrow(TraceError);
    expect(() => read(symbol())).toThrow(/layer 'conv1'.*\[\?, 3\]/s);
  });

  it('have no size, but a shape', async () => {
    expect(() => symbol().size).toThrow(QuantGradError);
    expect(String(symbol())).toBe('Tensor(float32 [?, 3], symbolic)');
    const x = symbol();
    expect(x.detach()).toBe(x);
    await expect(x.data()).rejects.toThrow(TraceError);
  });
});

describe('values that are shared', () => {
  it('are noticed once a second tensor was made on them, or they were to be kept', () => {
    const x = tensor([1, 2]);
    expect(x.storageIsShared).toBe(false);
    const alias = x.detach();
    expect([x.storageIsShared, alias.storageIsShared]).toEqual([true, true]);
    x.assign_(tensor([3, 4]));
    expect([...alias.dataSync()]).toEqual([1, 2]);
    const kept = tensor([5]);
    expect(kept.retainStorage().storageIsShared).toBe(true);
  });
});
