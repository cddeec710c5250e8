/** Recording kernel calls as a program. */
import { describe, expect, it } from 'vitest';
import { BackendError } from '../../src/errors.js';
import { compilesPrograms, inputsOf, isKernelStep, outputsOf, RecordingBackend } from '../../src/kernels/program.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';

const reference = new ReferenceBackend();

describe('RecordingBackend', () => {
  it('records calls in order, with buffers by number and what they are', () => {
    const recorder = new RecordingBackend(reference);
    const x = recorder.external('float32', 4);
    const constant = recorder.upload(Float32Array.of(2), 'float32');
    const generated = recorder.generate(() => Float32Array.of(1, 2, 3, 4), 4, 'float32');
    const operands = [
      { storage: x, shape: [2, 2], dtype: 'float32' as const },
      { storage: constant, shape: [], dtype: 'float32' as const },
    ];
    const [y] = recorder.run('binary', operands, { function: 'less' }, [{ shape: [2, 2], dtype: 'bool' }]);
    const origins = [x, constant, generated, y].map(({ id, origin, length, dtype }) => [id, origin, length, dtype]);
    expect(origins).toEqual([
      [0, 'external', 4, 'float32'],
      [1, 'constant', 1, 'float32'],
      [2, 'generated', 4, 'float32'],
      [3, 'computed', 4, 'bool'],
    ]);
    expect(recorder.steps.map(isKernelStep)).toEqual([false, true]);
    expect(recorder.steps.map(inputsOf)).toEqual([[], [x, constant]]);
    expect(recorder.steps.map(outputsOf)).toEqual([[generated], [y]]);
  });

  it('has no values to read', async () => {
    const recorder = new RecordingBackend(reference);
    const x = recorder.external('float32', 4);
    expect(() => recorder.readSync(x)).toThrow(BackendError);
    await expect(recorder.read(x)).rejects.toMatchObject({ code: 'RECORDING' });
  });

  it('takes the dtypes of the backend that it records for', () => {
    expect(new RecordingBackend(reference).supportsDType('float64')).toBe(reference.supportsDType('float64'));
  });
});

describe('compilesPrograms', () => {
  it('tells which backends can', () => {
    expect([compilesPrograms(reference), compilesPrograms(WasmBackend.create({ threads: 1 }))]).toEqual([false, true]);
  });
});
