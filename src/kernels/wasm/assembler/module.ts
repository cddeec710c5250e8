/**
 * Building a WebAssembly module: functions with typed locals, loops and statements, over one imported memory.
 * Knows just what kernels need.
 */
import { ByteWriter } from './bytes.js';
import { type Expression, f32, f32x4, type I32, i32, type Statement, type ValueType } from './instructions.js';

const TYPE_CODES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const NO_RESULT = 0x40;

/** A local variable or parameter; reading it is an expression. */
export class Local<T extends ValueType = ValueType> implements Expression<T> {
  readonly type: T;
  readonly index: number;

  constructor(type: T, index: number) {
    this.type = type;
    this.index = index;
  }

  write(code: ByteWriter): void {
    code.byte(0x20);
    code.unsigned(this.index);
  }
}

/** How code is written. */
export interface CodeOptions {
  /** The relaxed multiply-add: faster, but its last bit depends on the machine. */
  readonly relaxed: boolean;
  /** The engine joins pairs of vectors to 256 bits: loops are written so that it can. */
  readonly wide: boolean;
}

/** Plain SIMD: the same bits on every machine. */
export const PORTABLE: CodeOptions = { relaxed: false, wide: false };

/**
 * Names what is compiled for 256 bits. The engine compiles equal bytes once in a process: without this, the same kernel
 * for 128 bits would be given the code for 256, and the other way round.
 */
const WIDE_SECTION = 'quantgrad.simd256';

type Parameters_<P extends Readonly<Record<string, ValueType>>> = { readonly [K in keyof P]: Local<P[K]> };

/** The body of a function under construction. */
export class FunctionBuilder {
  readonly #code = new ByteWriter();
  /** What runs first, whatever the code around `constant`. */
  readonly #constants = new ByteWriter();
  readonly #constantLocals = new Map<string, Local>();
  readonly #locals: ValueType[] = [];
  readonly #parameterCount: number;
  readonly options: CodeOptions;

  constructor(parameterCount: number, options: CodeOptions = PORTABLE) {
    this.#parameterCount = parameterCount;
    this.options = options;
  }

  /** A new local, zero or set to `initial`. */
  local<T extends ValueType>(type: T, initial?: Expression<T>): Local<T> {
    const local = new Local(type, this.#parameterCount + this.#locals.length);
    this.#locals.push(type);
    if (initial) this.set(local, initial);
    return local;
  }

  set<T extends ValueType>(local: Local<T>, value: Expression<T>): void {
    value.write(this.#code);
    this.#code.byte(0x21);
    this.#code.unsigned(local.index);
  }

  /**
   * A value that is made once where the function begins, such as a splat: V8 does not move constants out of loops, and
   * making one costs up to three instructions. `value` must not depend on anything that the function does.
   */
  constant<T extends ValueType>(key: string, value: Expression<T>): Local<T> {
    const known = this.#constantLocals.get(key);
    if (known) return known as Local<T>;
    const local = this.local(value.type);
    this.#constantLocals.set(key, local);
    value.write(this.#constants);
    this.#constants.byte(0x21);
    this.#constants.unsigned(local.index);
    return local;
  }

  /**
   * Writes the body of a loop (or a part of it) whose vectors are not used after it. V8 keeps every local that a loop
   * assigns as a variable of the loop, and an upper half that is one is not joined with its lower half; so the vectors
   * are forgotten at the end.
   */
  temporaries(body: () => void): void {
    const first = this.#locals.length;
    body();
    if (!this.options.wide) return;
    const made = this.#locals.flatMap((type, index) => (type === 'v128' && index >= first ? [index] : []));
    const constants = new Set([...this.#constantLocals.values()].map(({ index }) => index));
    const forgotten = made
      .map((index) => new Local('v128', this.#parameterCount + index))
      .filter(({ index }) => !constants.has(index));
    if (forgotten.length === 0) return;
    const nothing = this.constant('nothing', f32x4.splat(f32.const(0)));
    for (const local of forgotten) this.set(local, nothing);
  }

  /** Adds a constant or an expression to an integer local. */
  increase(local: Local<'i32'>, amount: number | I32): void {
    this.set(local, i32.add(local, typeof amount === 'number' ? i32.const(amount) : amount));
  }

  /** Writes a statement, such as a store. */
  do(...statements: readonly Statement[]): void {
    for (const statement of statements) statement.write(this.#code);
  }

  /** Calls a function of the module. */
  call(index: number, ...values: readonly Expression[]): void {
    for (const value of values) value.write(this.#code);
    this.#code.byte(0x10);
    this.#code.unsigned(index);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.write(this.#code);
    this.#code.byte(0x04);
    this.#code.byte(NO_RESULT);
    then();
    if (otherwise) {
      this.#code.byte(0x05);
      otherwise();
    }
    this.#code.byte(0x0b);
  }

  /** Runs `body` again while `condition` holds after it. Runs at least once. */
  doWhile(body: () => void, condition: () => I32): void {
    this.#code.byte(0x03);
    this.#code.byte(NO_RESULT);
    body();
    condition().write(this.#code);
    this.#code.byte(0x0d);
    this.#code.unsigned(0);
    this.#code.byte(0x0b);
  }

  /** Counts `counter` from its present value up by `step` while it stays below `end`; may run zero times. */
  countTo(counter: Local<'i32'>, end: I32, step: number, body: () => void): void {
    this.if(i32.ltS(counter, end), () => {
      this.doWhile(
        () => {
          body();
          this.increase(counter, step);
        },
        () => i32.ltS(counter, end),
      );
    });
  }

  /** A loop over 0, step, 2 step, ... below a number that is known now. `body` is left out when there is nothing to do. */
  repeat(count: number, body: (counter: Local<'i32'>) => void, step = 1): void {
    if (count <= 0) return;
    const counter = this.local('i32');
    this.set(counter, i32.const(0));
    this.doWhile(
      () => {
        body(counter);
        this.increase(counter, step);
      },
      () => i32.ltS(counter, i32.const(count)),
    );
  }

  /** The function's code with its locals, as the code section holds it. */
  encode(): Uint8Array {
    const body = new ByteWriter();
    body.unsigned(this.#locals.length);
    for (const type of this.#locals) {
      body.unsigned(1);
      body.byte(TYPE_CODES[type]);
    }
    body.append(this.#constants.finish());
    body.append(this.#code.finish());
    body.byte(0x0b);
    return body.finish();
  }
}

interface DefinedFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly body: Uint8Array;
}

export interface MemoryImport {
  readonly initialPages: number;
  readonly maximumPages: number;
  readonly shared: boolean;
}

/** A module whose functions work on a memory imported as `env.memory`. */
export class ModuleBuilder {
  readonly #functions: DefinedFunction[] = [];
  readonly #memory: MemoryImport;
  readonly options: CodeOptions;
  /** Begins the names of the functions that are defined from now on, so that several kernels fit into one module. */
  prefix = '';

  constructor(memory: MemoryImport, options: CodeOptions = PORTABLE) {
    this.#memory = memory;
    this.options = options;
  }

  /** Defines and exports a function without a result; returns its number for calls. */
  function<P extends Readonly<Record<string, ValueType>>>(
    name: string,
    parameters: P,
    build: (code: FunctionBuilder, parameters: Parameters_<P>) => void,
  ): number {
    const types = Object.values(parameters);
    const builder = new FunctionBuilder(types.length, this.options);
    const locals = Object.fromEntries(
      Object.entries(parameters).map(([key, type], index) => [key, new Local(type, index)]),
    );
    build(builder, locals as Parameters_<P>);
    this.#functions.push({ name: `${this.prefix}${name}`, parameters: types, body: builder.encode() });
    return this.#functions.length - 1;
  }

  /** The module in WebAssembly's binary format. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    const section = (id: number, body: (writer: ByteWriter) => void): void => {
      out.byte(id);
      out.sized(body);
    };
    section(1, (writer) => {
      writer.unsigned(this.#functions.length);
      for (const { parameters } of this.#functions) {
        writer.byte(0x60);
        writer.unsigned(parameters.length);
        for (const type of parameters) writer.byte(TYPE_CODES[type]);
        writer.unsigned(0);
      }
    });
    section(2, (writer) => {
      const { initialPages, maximumPages, shared } = this.#memory;
      writer.unsigned(1);
      writer.text('env');
      writer.text('memory');
      writer.byte(0x02);
      writer.byte(shared ? 0x03 : 0x01);
      writer.unsigned(initialPages);
      writer.unsigned(maximumPages);
    });
    section(3, (writer) => {
      writer.unsigned(this.#functions.length);
      for (let index = 0; index < this.#functions.length; index++) writer.unsigned(index);
    });
    section(7, (writer) => {
      writer.unsigned(this.#functions.length);
      this.#functions.forEach(({ name }, index) => {
        writer.text(name);
        writer.byte(0x00);
        writer.unsigned(index);
      });
    });
    section(10, (writer) => {
      writer.unsigned(this.#functions.length);
      for (const { body } of this.#functions) {
        writer.unsigned(body.length);
        writer.append(body);
      }
    });
    if (this.options.wide) section(0, (writer) => writer.text(WIDE_SECTION));
    return out.finish();
  }
}
