/**
 * The WebAssembly backend: SIMD kernels that are generated for the shapes they are called with, over one heap.
 * Kernels that it does not have, and dtypes other than float32, run as the reference kernels on the same memory.
 */
import { BackendError } from '../../errors.js';
import type { KernelAttributes, KernelCall, KernelName, Operand, Storage, TensorType } from '../contract.js';
import { bytesPerElement, type DType, type TypedArray } from '../dtype.js';
import type { CompiledProgram, KernelProgram, KernelStep, ProgramBackend } from '../program.js';
import type { HostOperand } from '../reference/kernel.js';
import { referenceKernel } from '../reference/kernels.js';
import { describeCall } from '../stepWork.js';
import { Compiler } from './compiler.js';
import type { SimdBits } from './environment.js';
import { type Block, Heap, type HeapOptions } from './heap.js';
import { type KernelOptions, sizeOf, type WasmCall, type WasmKernel } from './kernel.js';
import { kernelGeneration, WASM_KERNELS } from './kernels/index.js';
import { chooseNumerics, type NumericMode, type NumericOptions, type Numerics, type WideTrial } from './numerics.js';
import { CollectorPressure } from './pressure.js';
import { Profiler, type StepTime } from './profiler.js';
import type { ArenaPool } from './program/arenaPool.js';
import { programCompiler } from './programCompiler.js';
import { viewAt, WasmStorage } from './storage.js';
import { simdSupported } from './support.js';
import { FunctionTable } from './threads/functionTable.js';
import { knownThreadHost } from './threads/host.js';
import { elementsOf, phaseCalls } from './threads/phaseCall.js';
import { ThreadedRunner, type ThreadOptions } from './threads/runner.js';
import { ENGINE_TRIAL } from './wideTrial.js';

export interface WasmOptions extends HeapOptions, ThreadOptions, NumericOptions {}

export interface WasmInfo {
  /** Bytes of the heap in use. */
  readonly heapUsed: number;
  /** Bytes the heap has. */
  readonly heapSize: number;
  /** Number of compiled kernels. */
  readonly kernels: number;
  /** Threads that run now, the calling one included. */
  readonly threads: number;
  /** Why they are fewer than is wanted, as a sentence; null if nothing went wrong. */
  readonly threadProblem: string | null;
  readonly mode: NumericMode;
  /** Whether kernels use the relaxed multiply-add: in `fast` mode where the engine has it. */
  readonly relaxed: boolean;
  /** Bits of a vector, and why. */
  readonly simd: SimdBits;
  readonly simdReason: string;
  /** How often each kernel ran as WebAssembly, and as the reference kernel. */
  readonly launches: ReadonlyMap<string, number>;
  readonly fallbacks: ReadonlyMap<string, number>;
}

/** A call that is ready to run. */
interface PreparedCall {
  readonly call: WasmCall;
  readonly results: WasmStorage[];
  readonly addresses: readonly number[];
  /** Elements of all operands. */
  readonly elements: number;
}

export class WasmBackend implements ProgramBackend {
  readonly name = 'wasm';
  readonly synchronous = true;
  readonly inHostMemory = true;
  readonly #heap: Heap;
  #options: KernelOptions;
  #numerics: Numerics;
  readonly #table = new FunctionTable();
  #compiler: Compiler;
  readonly #wanted: NumericOptions;
  readonly #trial: WideTrial;
  /** The kernels that there were when the engine was last checked. */
  #generation = kernelGeneration();
  /** Null until a program is compiled. */
  #arenas: ArenaPool | null = null;
  readonly #runner: ThreadedRunner;
  readonly #profiler = new Profiler();
  readonly #launches = new Map<string, number>();
  readonly #fallbacks = new Map<string, number>();
  /** Gives blocks back when their storage is collected: a safety net for temporaries of eager code. */
  readonly #collected = new FinalizationRegistry<Block>((block) => {
    this.#pressure.remove(block.bytes);
    this.#heap.release(block);
  });
  readonly #pressure = new CollectorPressure();

  private constructor(heap: Heap, options: WasmOptions, numerics: Numerics, trial: WideTrial) {
    this.#heap = heap;
    this.#wanted = { mode: options.mode, simd: options.simd };
    this.#trial = trial;
    this.#numerics = numerics;
    this.#options = { relaxed: numerics.relaxed, wide: numerics.simd.bits === 256 };
    this.#compiler = new Compiler(heap, this.#options, this.#table, trial.engine);
    this.#runner = new ThreadedRunner(heap.memory, heap.shared, options);
  }

  /**
   * @param trial What decides whether 256 bits can be had; for tests.
   * @throws BackendError `WASM_SIMD_MISSING` if the engine has no WebAssembly SIMD.
   * @throws ValidationError `INVALID_OPTION`, `THREAD_COUNT`, `ENVIRONMENT_VALUE`
   */
  static create(options: WasmOptions = {}, trial: WideTrial = ENGINE_TRIAL): WasmBackend {
    if (!simdSupported()) {
      throw new BackendError(
        'WASM_SIMD_MISSING',
        "This JavaScript engine has no WebAssembly SIMD. Use the 'reference' backend, or a newer engine.",
      );
    }
    const { shared = knownThreadHost() !== null } = options;
    const numerics = chooseNumerics(options, trial);
    return new WasmBackend(new Heap({ ...options, shared }), options, numerics, trial);
  }

  /**
   * Sets the number of threads of this backend alone, the calling one included, and waits until they run. Results are
   * the same bits for every number.
   * @throws ValidationError `THREAD_COUNT`
   * @throws BackendError `WORKER_DIED` if a thread cannot be started
   */
  setThreads(count: number): Promise<void> {
    return this.#runner.setThreads(count);
  }

  /** Starts the threads and waits until they run. @throws BackendError `WORKER_DIED` */
  startThreads(): Promise<void> {
    return this.#runner.startThreads();
  }

  /** Ends the worker threads. What was computed stays readable; kernels go on with one thread. */
  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  info(): WasmInfo {
    return {
      heapUsed: this.#heap.used,
      heapSize: this.#heap.memory.buffer.byteLength,
      kernels: this.#compiler.size,
      threads: this.#runner.threads,
      threadProblem: this.#runner.problem,
      mode: this.#numerics.mode,
      relaxed: this.#numerics.relaxed,
      simd: this.#numerics.simd.bits,
      simdReason: this.#numerics.simd.reason,
      launches: new Map(this.#launches),
      fallbacks: new Map(this.#fallbacks),
    };
  }

  supportsDType(_dtype: DType): boolean {
    return true;
  }

  /**
   * Runs `body` and times every step of plans and every kernel call in it. Each is finished before the next begins, so
   * that the sum is somewhat above the time without a profile. Without one, nothing is measured.
   * @returns In the order in which they ran.
   */
  profile(body: () => void): StepTime[] {
    return this.#profiler.collect(body);
  }

  upload(values: TypedArray, dtype: DType): Storage {
    const storage = this.#allocate(dtype, values.length);
    storage.values.set(values);
    return storage;
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage).slice();
  }

  readSync(storage: Storage): TypedArray {
    return this.#own(storage).values;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Storage[] {
    const started = this.#profiler.active ? performance.now() : 0;
    const operands = inputs.map(({ storage }) => this.#own(storage));
    const results = outputs.map(({ dtype, shape }) => this.#allocate(dtype, sizeOf(shape)));
    const call = this.#lower(kernel, inputs, attributes, outputs);
    const scratch = call?.scratchBytes ? this.#block(call.scratchBytes) : null;
    const inHeap =
      [...operands, ...results].every(({ block }) => block !== null) && (!call?.scratchBytes || scratch !== null);
    if (call && inHeap) {
      count(this.#launches, kernel);
      const addresses = [...operands, ...results].map(({ block }) => (block as Block).address);
      if (scratch) addresses.push(scratch.address);
      try {
        this.#runPhases(call, addresses, elementsOf([...inputs, ...outputs]));
      } finally {
        if (scratch) this.#heap.release(scratch);
      }
    } else {
      count(this.#fallbacks, kernel);
      for (const { values } of results) values.fill(0);
      runReference(
        kernel,
        inputs,
        operands.map(({ values }) => values),
        attributes,
        outputs,
        results.map(({ values }) => values),
      );
      if (scratch) this.#heap.release(scratch);
    }
    if (this.#profiler.active) {
      this.#profiler.add('call', null, started, describeCall({ kernel, inputs, attributes, outputs }));
    }
    return results;
  }

  runTogether(calls: readonly KernelCall[]): Storage[][] {
    const prepared = this.#profiler.active ? [] : calls.map((each) => this.#prepare(each));
    if (!prepared.every((each) => each !== null) || prepared.length < calls.length) {
      for (const each of prepared) for (const result of each?.results ?? []) this.release(result);
      return calls.map(({ kernel, inputs, attributes, outputs }) => this.run(kernel, inputs, attributes, outputs));
    }
    const functions = this.#compiler.functions(prepared.map(({ call }) => call));
    this.#runner.begin();
    prepared.forEach(({ call, addresses, elements }, index) => {
      const values = [...addresses, ...(call.scalars ?? [])];
      phaseCalls(call, functions[index], this.#table, elements).forEach((phase, position) => {
        this.#runner.add(phase, [...values, 0, phase.units], position === 0);
      });
      count(this.#launches, calls[index].kernel);
    });
    this.#runner.finish();
    return prepared.map(({ results }) => results);
  }

  /** A call and its results in the heap; null where it needs scratch memory or something outside of the heap. */
  #prepare({ kernel, inputs, attributes, outputs }: KernelCall): PreparedCall | null {
    const call = this.#lower(kernel, inputs, attributes, outputs);
    if (!call || call.scratchBytes) return null;
    const results = outputs.map(({ dtype, shape }) => this.#allocate(dtype, sizeOf(shape)));
    const addresses: number[] = [];
    for (const { block } of [...inputs.map(({ storage }) => this.#own(storage)), ...results]) {
      if (block) addresses.push(block.address);
    }
    if (addresses.length < inputs.length + outputs.length) {
      for (const result of results) this.release(result);
      return null;
    }
    return { call, results, addresses, elements: elementsOf([...inputs, ...outputs]) };
  }

  /**
   * Runs a WebAssembly kernel that is not in the contract, such as a measurement.
   * @param storages What the kernel gets the addresses of. It may write there, so no tensor should hold them.
   * @throws BackendError `HEAP_FULL` if one of them is not in the heap
   */
  launch(call: WasmCall, storages: readonly Storage[]): void {
    const own = storages.map((storage) => this.#own(storage));
    const elements = own.reduce((sum, { length }) => sum + length, 0);
    this.#runPhases(
      call,
      own.map((storage) => this.#addressOf(storage)),
      elements,
    );
  }

  release(storage: Storage): void {
    const own = this.#own(storage);
    // The registration goes with the block, so that it is not given back twice.
    if (this.#collected.unregister(own)) {
      const block = own.block as Block;
      this.#pressure.remove(block.bytes);
      this.#heap.release(block);
    }
    own.release();
  }

  /** Needs `addProgramCompiler`, which whoever makes programs calls. */
  compile(program: KernelProgram): CompiledProgram {
    const compiler = programCompiler();
    this.#arenas ??= compiler.makeArenas(this.#heap);
    return compiler.compile(program, {
      arenas: this.#arenas,
      lower: ({ kernel, inputs, attributes, outputs }) => this.#lower(kernel, inputs, attributes, outputs),
      phases: (steps) => {
        const functions = this.#compiler.functions(
          steps.map(({ call }) => call),
          true,
        );
        return steps.map(({ call, operands }, index) =>
          phaseCalls(call, functions[index], this.#table, elementsOf(operands)),
        );
      },
      runner: this.#runner,
      profiler: this.#profiler,
      guard: this.#heap.guard,
      bytes: (address, length) => new Uint8Array(this.#heap.memory.buffer, address, length),
      fallback: ({ kernel, inputs, attributes, outputs }: KernelStep, given, results) => {
        count(this.#fallbacks, kernel);
        runReference(kernel, inputs, given, attributes, outputs, results);
      },
      allocate: ({ dtype, length }) => {
        const storage = this.#allocate(dtype, length);
        this.#addressOf(storage);
        return storage;
      },
      view: ({ dtype, length }, address) => viewAt(this.#heap.memory, dtype, address, length),
      address: (storage) => this.#addressOf(this.#own(storage)),
      copy: (from, to, bytes) => {
        new Uint8Array(this.#heap.memory.buffer).copyWithin(to, from, from + bytes);
      },
    });
  }

  /** The WebAssembly form of a call, where there is one. */
  #lower<K extends KernelName>(
    kernel: K,
    inputs: readonly TensorType[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): WasmCall | null {
    if (this.#generation !== kernelGeneration()) this.#checkAddedKernels();
    return (WASM_KERNELS[kernel] as WasmKernel<K> | undefined)?.(inputs, attributes, outputs) ?? null;
  }

  /** What the engine makes of added kernels for 256 bits is checked too; should it be wrong, all go on with 128. */
  #checkAddedKernels(): void {
    this.#generation = kernelGeneration();
    if (!this.#options.wide) return;
    this.#numerics = chooseNumerics(this.#wanted, this.#trial);
    if (this.#numerics.simd.bits === 256) return;
    this.#options = { ...this.#options, wide: false };
    this.#compiler = new Compiler(this.#heap, this.#options, this.#table);
  }

  #runPhases(call: WasmCall, addresses: readonly number[], elements: number): void {
    const values = [...addresses, ...(call.scalars ?? [])];
    const [functions] = this.#compiler.functions([call]);
    this.#runner.begin();
    for (const phase of phaseCalls(call, functions, this.#table, elements)) {
      this.#runner.add(phase, [...values, 0, phase.units]);
    }
    this.#runner.finish();
  }

  /** Where a storage is in the heap. @throws BackendError `HEAP_FULL` if it is elsewhere */
  #addressOf({ block, dtype, length }: WasmStorage): number {
    if (!block) throw this.#heap.full(length * bytesPerElement(dtype));
    return block.address;
  }

  #block(bytes: number): Block | null {
    const block = this.#heap.allocate(bytes);
    if (block) return block;
    this.#arenas?.releaseIdle();
    return this.#heap.allocate(bytes);
  }

  #allocate(dtype: DType, length: number): WasmStorage {
    const block = this.#block(length * bytesPerElement(dtype));
    const storage = new WasmStorage(this.#heap, dtype, length, block);
    if (!block) return storage;
    this.#collected.register(storage, block, storage);
    this.#pressure.add(block.bytes);
    return storage;
  }

  #own(storage: Storage): WasmStorage {
    if (!(storage instanceof WasmStorage && storage.isIn(this.#heap))) {
      throw new BackendError(
        'FOREIGN_STORAGE',
        'This tensor lives on another backend; move it with tensor.to(backend) first.',
      );
    }
    return storage;
  }
}

function runReference<K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  given: readonly TypedArray[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
  results: readonly TypedArray[],
): void {
  const host = (types: readonly TensorType[], values: readonly TypedArray[]): HostOperand[] =>
    types.map(({ shape, dtype }, index) => ({ shape, dtype, values: values[index] }));
  referenceKernel(kernel)(host(inputs, given), attributes, host(outputs, results));
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
