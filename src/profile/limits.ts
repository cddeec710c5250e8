/**
 * What this machine can do at most, measured with WebAssembly of the same kind as the kernels', on the same threads: how
 * many multiply-adds when everything is in registers, and how many bytes a copy moves when nothing is in a cache.
 */
import type { Storage, TensorType } from '../kernels/contract.js';
import { f32, f32x4, i32, type V128, v128 } from '../kernels/wasm/assembler/instructions.js';
import type { WasmBackend } from '../kernels/wasm/backend.js';
import { kernelParameters, type WasmCall } from '../kernels/wasm/kernel.js';

/** Of all threads together. */
export interface MachineLimits {
  readonly multiplyAddsPerSecond: number;
  /** Read and written bytes together. */
  readonly bytesPerSecond: number;
}

/**
 * Independent sums: enough to hide the latency of a multiplication and an addition on today's processors; with the factor
 * and the term they fill the registers that V8 gives out.
 */
const SUMS = 13;
const ITERATIONS = 20_000;
/** Units of work; a multiple of every usual number of threads. */
const UNITS = 48;
/** More than the caches of common machines hold for a core. */
const COPY_FLOATS = 12 * 2 ** 20;
const FLOAT = 4;
const VECTOR = 16;
const MULTIPLY_ADDS = UNITS * ITERATIONS * SUMS * 4;

/**
 * sum = sum * 0.5 + 1, many times: each depends on the one before, so that a compiler can leave none out, and the sums
 * stay below 2.
 */
const MULTIPLY_ADD: WasmCall = {
  key: 'limit of multiply-adds',
  phases: [{ name: 'multiplyAdds', units: UNITS, cost: MULTIPLY_ADDS }],
  build(module, { relaxed, wide }) {
    // Pairs of vectors that lie side by side are joined where the engine does that.
    const width = wide ? 2 : 1;
    module.function('multiplyAdds', kernelParameters(['output']), (code, { output, begin, end }) => {
      const sums = Array.from({ length: width * SUMS }, () => code.local('v128'));
      const factor = code.local('v128', f32x4.splat(f32.const(0.5)));
      const term = code.local('v128', f32x4.splat(f32.const(1)));
      const zero = code.local('v128', f32x4.splat(f32.const(0)));
      const multiplyAdd = (sum: V128): V128 =>
        relaxed ? f32x4.relaxedMadd(sum, factor, term) : f32x4.add(f32x4.mul(sum, factor), term);
      code.countTo(begin, end, 1, () => {
        for (const sum of sums) code.set(sum, zero);
        code.repeat(ITERATIONS / width, () => {
          for (const sum of sums) code.set(sum, multiplyAdd(sum));
        });
        const target = code.local('i32', i32.add(output, i32.mul(begin, i32.const(2 * SUMS * VECTOR))));
        for (let index = 0; index < sums.length; index += 2) {
          // The last of an odd number is stored twice.
          const next = sums[Math.min(index + 1, sums.length - 1)];
          code.do(v128.storePair(target, sums[index], next, index * VECTOR));
        }
      });
    });
  },
};

const COPY: WasmCall = {
  key: 'limit of a copy',
  phases: [{ name: 'copy', units: UNITS, cost: 2 * COPY_FLOATS }],
  build(module) {
    const bytes = (COPY_FLOATS / UNITS) * FLOAT;
    module.function('copy', kernelParameters(['input', 'output']), (code, { input, output, begin, end }) => {
      code.countTo(begin, end, 1, () => {
        const offset = code.local('i32', i32.mul(begin, i32.const(bytes)));
        const from = code.local('i32', i32.add(input, offset));
        const to = code.local('i32', i32.add(output, offset));
        code.repeat(bytes / 64, () => {
          for (const at of [0, 32]) code.do(v128.storePair(to, v128.load(from, at), v128.load(from, at + 16), at));
          code.increase(from, 64);
          code.increase(to, 64);
        });
      });
    });
  },
};

/** The shortest of several runs, in seconds: what the machine can do, whatever else it was doing. */
function shortest(run: () => void, rounds: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  return best / 1000;
}

/** Measures again and again on the same memory, and keeps the best. Holds 96 MB of the heap until it is released. */
export class LimitsMeter {
  readonly #backend: WasmBackend;
  readonly #sums: Storage;
  readonly #arrays: readonly Storage[];
  /** In seconds. */
  #calculation = Number.POSITIVE_INFINITY;
  #copy = Number.POSITIVE_INFINITY;

  /** @throws BackendError `HEAP_FULL` */
  constructor(backend: WasmBackend) {
    const float = (length: number): TensorType => ({ shape: [length], dtype: 'float32' });
    const zero = backend.upload(new Float32Array(1), 'float32');
    const zeros = (length: number): Storage =>
      backend.run('broadcast', [{ ...float(1), storage: zero }], {}, [float(length)])[0];
    this.#backend = backend;
    this.#sums = zeros(UNITS * (SUMS + 1) * 8);
    this.#arrays = [zeros(COPY_FLOATS), zeros(COPY_FLOATS)];
    backend.release(zero);
  }

  measure(rounds: number): void {
    const backend = this.#backend;
    this.#calculation = Math.min(
      this.#calculation,
      shortest(() => backend.launch(MULTIPLY_ADD, [this.#sums]), rounds),
    );
    this.#copy = Math.min(
      this.#copy,
      shortest(() => backend.launch(COPY, this.#arrays), rounds),
    );
  }

  get limits(): MachineLimits {
    return {
      multiplyAddsPerSecond: MULTIPLY_ADDS / this.#calculation,
      bytesPerSecond: (2 * COPY_FLOATS * FLOAT) / this.#copy,
    };
  }

  release(): void {
    for (const storage of [this.#sums, ...this.#arrays]) this.#backend.release(storage);
  }
}

/**
 * Measures the limits on the threads of a backend. Takes about a tenth of a second, and 96 MB for that time.
 * @throws BackendError `HEAP_FULL`
 */
export function measureLimits(backend: WasmBackend, rounds = 7): MachineLimits {
  const meter = new LimitsMeter(backend);
  try {
    meter.measure(rounds);
    return meter.limits;
  } finally {
    meter.release();
  }
}
