/** Guards inside an arena: what a kernel writes beside its values is noticed, and where. */
import { describe, expect, it } from 'vitest';
import { BackendError } from '../../../../src/errors.js';
import { StepGuard } from '../../../../src/kernels/wasm/program/stepGuard.js';

const GUARD = 64;
const ARENA = 256;

function guarded(write: (bytes: Uint8Array) => void): BackendError | null {
  const memory = new Uint8Array(1024);
  const ranges = [
    { offset: 64, bytes: 12 },
    { offset: 256, bytes: 100 },
  ];
  const guard = new StepGuard('conv2d', ranges, GUARD, (address, length) => memory.subarray(address, address + length));
  guard.fill(ARENA);
  write(memory);
  try {
    guard.check(ARENA);
  } catch (error) {
    if (error instanceof BackendError) return error;
    throw error;
  }
  return null;
}

describe('StepGuard', () => {
  it('lets a step write all of its values', () => {
    expect(
      guarded((bytes) => {
        bytes.fill(1, ARENA + 64, ARENA + 76);
        bytes.fill(2, ARENA + 256, ARENA + 356);
      }),
    ).toBeNull();
  });

  it.each([
    [ARENA + 63, -1, 12],
    [ARENA, -64, 12],
    [ARENA + 76, 12, 12],
    [ARENA + 76 + 63, 75, 12],
    [ARENA + 356, 100, 100],
  ])('notices a byte at %i: offset %i of a value of %i bytes', (address, offset, bytes) => {
    const error = guarded((memory) => {
      memory[address] = 0;
    });
    expect(error).toMatchObject({ code: 'HEAP_OVERRUN', details: { step: 'conv2d', offset, bytes } });
    expect(error?.message).toContain(`offset ${offset} of a value of ${bytes} bytes`);
  });
});
