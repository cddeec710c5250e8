/**
 * WebAssembly instructions as typed expressions. An expression knows its type and how to write itself, so a
 * kernel reads as arithmetic (`f32x4.add(a, f32x4.mul(b, c))`) and the operands are written in the order in
 * which they are given, which decides whether V8 can join two 128-bit operations into a 256-bit one.
 */
import type { ByteWriter } from './bytes.js';

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** A value: writes the instructions that leave it on the operand stack. */
export interface Expression<T extends ValueType = ValueType> {
  readonly type: T;
  write(code: ByteWriter): void;
}

export type I32 = Expression<'i32'>;
export type F32 = Expression<'f32'>;
export type F64 = Expression<'f64'>;
export type V128 = Expression<'v128'>;

const SIMD = 0xfd;

type Opcode = readonly number[];

/** Writes an opcode; a SIMD or saturating one is its prefix and a LEB128 number. */
function writeOpcode(code: ByteWriter, opcode: Opcode): void {
  code.byte(opcode[0]);
  if (opcode.length > 1) code.unsigned(opcode[1]);
}

const simd = (number: number): Opcode => [SIMD, number];

const unary =
  <T extends ValueType, R extends ValueType>(type: R, opcode: Opcode) =>
  (a: Expression<T>): Expression<R> => ({
    type,
    write(code) {
      a.write(code);
      writeOpcode(code, opcode);
    },
  });

const binary =
  <T extends ValueType, R extends ValueType, U extends ValueType = T>(type: R, opcode: Opcode) =>
  (a: Expression<T>, b: Expression<U>): Expression<R> => ({
    type,
    write(code) {
      a.write(code);
      b.write(code);
      writeOpcode(code, opcode);
    },
  });

const ternary =
  <T extends ValueType>(type: T, opcode: Opcode) =>
  (a: Expression<T>, b: Expression<T>, c: Expression<T>): Expression<T> => ({
    type,
    write(code) {
      a.write(code);
      b.write(code);
      c.write(code);
      writeOpcode(code, opcode);
    },
  });

/** A load; `offset` is in bytes and part of the instruction. */
const load =
  <T extends ValueType>(type: T, opcode: Opcode, alignment: number) =>
  (address: I32, offset = 0): Expression<T> => ({
    type,
    write(code) {
      address.write(code);
      writeOpcode(code, opcode);
      code.unsigned(alignment);
      code.unsigned(offset);
    },
  });

/** A statement that writes to memory. */
export interface Statement {
  write(code: ByteWriter): void;
}

const store =
  <T extends ValueType>(opcode: Opcode, alignment: number) =>
  (address: I32, value: Expression<T>, offset = 0): Statement => ({
    write(code) {
      address.write(code);
      value.write(code);
      writeOpcode(code, opcode);
      code.unsigned(alignment);
      code.unsigned(offset);
    },
  });

const extractLane =
  <R extends ValueType>(type: R, opcode: Opcode) =>
  (a: V128, lane: number): Expression<R> => ({
    type,
    write(code) {
      a.write(code);
      writeOpcode(code, opcode);
      code.byte(lane);
    },
  });

/** `condition ? a : b`, without a branch. */
export const select = <T extends ValueType>(a: Expression<T>, b: Expression<T>, condition: I32): Expression<T> => ({
  type: a.type,
  write(code) {
    a.write(code);
    b.write(code);
    condition.write(code);
    // Vectors need the typed form.
    if (a.type === 'v128') {
      code.byte(0x1c);
      code.unsigned(1);
      code.byte(0x7b);
    } else code.byte(0x1b);
  },
});

export const i32 = {
  const: (value: number): I32 => ({
    type: 'i32',
    write(code) {
      code.byte(0x41);
      code.signed(value);
    },
  }),
  load: load('i32', [0x28], 2),
  load8S: load('i32', [0x2c], 0),
  load8U: load('i32', [0x2d], 0),
  store: store<'i32'>([0x36], 2),
  store8: store<'i32'>([0x3a], 0),
  eqz: unary<'i32', 'i32'>('i32', [0x45]),
  eq: binary<'i32', 'i32'>('i32', [0x46]),
  ne: binary<'i32', 'i32'>('i32', [0x47]),
  ltS: binary<'i32', 'i32'>('i32', [0x48]),
  ltU: binary<'i32', 'i32'>('i32', [0x49]),
  gtS: binary<'i32', 'i32'>('i32', [0x4a]),
  gtU: binary<'i32', 'i32'>('i32', [0x4b]),
  leS: binary<'i32', 'i32'>('i32', [0x4c]),
  leU: binary<'i32', 'i32'>('i32', [0x4d]),
  geS: binary<'i32', 'i32'>('i32', [0x4e]),
  geU: binary<'i32', 'i32'>('i32', [0x4f]),
  add: binary<'i32', 'i32'>('i32', [0x6a]),
  sub: binary<'i32', 'i32'>('i32', [0x6b]),
  mul: binary<'i32', 'i32'>('i32', [0x6c]),
  divS: binary<'i32', 'i32'>('i32', [0x6d]),
  divU: binary<'i32', 'i32'>('i32', [0x6e]),
  remS: binary<'i32', 'i32'>('i32', [0x6f]),
  remU: binary<'i32', 'i32'>('i32', [0x70]),
  and: binary<'i32', 'i32'>('i32', [0x71]),
  or: binary<'i32', 'i32'>('i32', [0x72]),
  xor: binary<'i32', 'i32'>('i32', [0x73]),
  shl: binary<'i32', 'i32'>('i32', [0x74]),
  shrS: binary<'i32', 'i32'>('i32', [0x75]),
  shrU: binary<'i32', 'i32'>('i32', [0x76]),
  /** Truncates toward zero and saturates; NaN gives 0. */
  truncSatF32S: unary<'f32', 'i32'>('i32', [0xfc, 0x00]),
  reinterpretF32: unary<'f32', 'i32'>('i32', [0xbc]),
};

export const f32 = {
  const: (value: number): F32 => ({
    type: 'f32',
    write(code) {
      code.byte(0x43);
      code.float32(value);
    },
  }),
  load: load('f32', [0x2a], 2),
  store: store<'f32'>([0x38], 2),
  eq: binary<'f32', 'i32'>('i32', [0x5b]),
  ne: binary<'f32', 'i32'>('i32', [0x5c]),
  lt: binary<'f32', 'i32'>('i32', [0x5d]),
  gt: binary<'f32', 'i32'>('i32', [0x5e]),
  le: binary<'f32', 'i32'>('i32', [0x5f]),
  ge: binary<'f32', 'i32'>('i32', [0x60]),
  abs: unary<'f32', 'f32'>('f32', [0x8b]),
  neg: unary<'f32', 'f32'>('f32', [0x8c]),
  ceil: unary<'f32', 'f32'>('f32', [0x8d]),
  floor: unary<'f32', 'f32'>('f32', [0x8e]),
  trunc: unary<'f32', 'f32'>('f32', [0x8f]),
  /** Half to even. */
  nearest: unary<'f32', 'f32'>('f32', [0x90]),
  sqrt: unary<'f32', 'f32'>('f32', [0x91]),
  add: binary<'f32', 'f32'>('f32', [0x92]),
  sub: binary<'f32', 'f32'>('f32', [0x93]),
  mul: binary<'f32', 'f32'>('f32', [0x94]),
  div: binary<'f32', 'f32'>('f32', [0x95]),
  min: binary<'f32', 'f32'>('f32', [0x96]),
  max: binary<'f32', 'f32'>('f32', [0x97]),
  copysign: binary<'f32', 'f32'>('f32', [0x98]),
  convertI32S: unary<'i32', 'f32'>('f32', [0xb2]),
  demote: unary<'f64', 'f32'>('f32', [0xb6]),
  reinterpretI32: unary<'i32', 'f32'>('f32', [0xbe]),
};

export const f64 = {
  const: (value: number): F64 => ({
    type: 'f64',
    write(code) {
      code.byte(0x44);
      code.float64(value);
    },
  }),
  load: load('f64', [0x2b], 3),
  store: store<'f64'>([0x39], 3),
  add: binary<'f64', 'f64'>('f64', [0xa0]),
  sub: binary<'f64', 'f64'>('f64', [0xa1]),
  mul: binary<'f64', 'f64'>('f64', [0xa2]),
  div: binary<'f64', 'f64'>('f64', [0xa3]),
  sqrt: unary<'f64', 'f64'>('f64', [0x9f]),
  min: binary<'f64', 'f64'>('f64', [0xa4]),
  max: binary<'f64', 'f64'>('f64', [0xa5]),
  promote: unary<'f32', 'f64'>('f64', [0xbb]),
  convertI32S: unary<'i32', 'f64'>('f64', [0xb7]),
};

export const v128 = {
  load: load('v128', simd(0x00), 2),
  /** Eight signed bytes to eight 16-bit lanes. */
  load8x8S: load('v128', simd(0x01), 0),
  load8x8U: load('v128', simd(0x02), 0),
  load32Splat: load('v128', simd(0x09), 2),
  load32Zero: load('v128', simd(0x5c), 2),
  load64Zero: load('v128', simd(0x5d), 2),
  store: store<'v128'>(simd(0x0b), 2),
  /**
   * Stores `low` at the address and `high` 16 bytes on, after both are computed and the upper first: the one order
   * that V8 joins into 256-bit instructions. Both values should be the same expression of neighbouring vectors.
   */
  storePair: (address: I32, low: V128, high: V128, offset = 0): Statement => ({
    write(code) {
      for (const value of [low, high]) {
        address.write(code);
        value.write(code);
      }
      for (const at of [offset + 16, offset]) {
        writeOpcode(code, simd(0x0b));
        code.unsigned(2);
        code.unsigned(at);
      }
    },
  }),
  not: unary<'v128', 'v128'>('v128', simd(0x4d)),
  and: binary<'v128', 'v128'>('v128', simd(0x4e)),
  /** a & ~b. */
  andnot: binary<'v128', 'v128'>('v128', simd(0x4f)),
  or: binary<'v128', 'v128'>('v128', simd(0x50)),
  xor: binary<'v128', 'v128'>('v128', simd(0x51)),
  /** Bits of a where the mask c is set, else of b. */
  bitselect: ternary('v128', simd(0x52)),
  anyTrue: unary<'v128', 'i32'>('i32', simd(0x53)),
  /** Bytes of a (0 to 15) and b (16 to 31) by number. */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 => ({
    type: 'v128',
    write(code) {
      a.write(code);
      b.write(code);
      writeOpcode(code, simd(0x0d));
      for (const lane of lanes) code.byte(lane);
    },
  }),
};

export const i32x4 = {
  splat: unary<'i32', 'v128'>('v128', simd(0x11)),
  extractLane: extractLane('i32', simd(0x1b)),
  eq: binary<'v128', 'v128'>('v128', simd(0x37)),
  gtS: binary<'v128', 'v128'>('v128', simd(0x3b)),
  shl: binary<'v128', 'v128', 'i32'>('v128', simd(0xab)),
  shrS: binary<'v128', 'v128', 'i32'>('v128', simd(0xac)),
  shrU: binary<'v128', 'v128', 'i32'>('v128', simd(0xad)),
  add: binary<'v128', 'v128'>('v128', simd(0xae)),
  sub: binary<'v128', 'v128'>('v128', simd(0xb1)),
  mul: binary<'v128', 'v128'>('v128', simd(0xb5)),
  minS: binary<'v128', 'v128'>('v128', simd(0xb6)),
  maxS: binary<'v128', 'v128'>('v128', simd(0xb8)),
  dotI16x8S: binary<'v128', 'v128'>('v128', simd(0xba)),
  truncSatF32x4S: unary<'v128', 'v128'>('v128', simd(0xf8)),
};

/** Widening of the lower lanes. */
export const extendLow = {
  i8x16ToI16x8S: unary<'v128', 'v128'>('v128', simd(0x87)),
  i8x16ToI16x8U: unary<'v128', 'v128'>('v128', simd(0x89)),
  i16x8ToI32x4S: unary<'v128', 'v128'>('v128', simd(0xa7)),
  i16x8ToI32x4U: unary<'v128', 'v128'>('v128', simd(0xa9)),
};

export const f32x4 = {
  splat: unary<'f32', 'v128'>('v128', simd(0x13)),
  extractLane: extractLane('f32', simd(0x1f)),
  eq: binary<'v128', 'v128'>('v128', simd(0x41)),
  ne: binary<'v128', 'v128'>('v128', simd(0x42)),
  lt: binary<'v128', 'v128'>('v128', simd(0x43)),
  gt: binary<'v128', 'v128'>('v128', simd(0x44)),
  le: binary<'v128', 'v128'>('v128', simd(0x45)),
  ge: binary<'v128', 'v128'>('v128', simd(0x46)),
  ceil: unary<'v128', 'v128'>('v128', simd(0x67)),
  floor: unary<'v128', 'v128'>('v128', simd(0x68)),
  trunc: unary<'v128', 'v128'>('v128', simd(0x69)),
  /** Half to even. */
  nearest: unary<'v128', 'v128'>('v128', simd(0x6a)),
  abs: unary<'v128', 'v128'>('v128', simd(0xe0)),
  neg: unary<'v128', 'v128'>('v128', simd(0xe1)),
  sqrt: unary<'v128', 'v128'>('v128', simd(0xe3)),
  add: binary<'v128', 'v128'>('v128', simd(0xe4)),
  sub: binary<'v128', 'v128'>('v128', simd(0xe5)),
  mul: binary<'v128', 'v128'>('v128', simd(0xe6)),
  div: binary<'v128', 'v128'>('v128', simd(0xe7)),
  min: binary<'v128', 'v128'>('v128', simd(0xe8)),
  max: binary<'v128', 'v128'>('v128', simd(0xe9)),
  /** b < a ? b : a. One x86 instruction, where min is seven; a NaN in a stays, a NaN in b gives a. */
  pmin: binary<'v128', 'v128'>('v128', simd(0xea)),
  /** a < b ? b : a. */
  pmax: binary<'v128', 'v128'>('v128', simd(0xeb)),
  convertI32x4S: unary<'v128', 'v128'>('v128', simd(0xfa)),
  /** The two lanes of a double vector, and zeros. */
  demoteF64x2Zero: unary<'v128', 'v128'>('v128', simd(0x5e)),
  /** a * b + c, with one rounding or two as the engine likes. */
  relaxedMadd: ternary('v128', simd(0x105)),
  /** c - a * b, likewise. */
  relaxedNmadd: ternary('v128', simd(0x106)),
};

export const f64x2 = {
  splat: unary<'f64', 'v128'>('v128', simd(0x14)),
  extractLane: extractLane('f64', simd(0x21)),
  sqrt: unary<'v128', 'v128'>('v128', simd(0xef)),
  add: binary<'v128', 'v128'>('v128', simd(0xf0)),
  sub: binary<'v128', 'v128'>('v128', simd(0xf1)),
  mul: binary<'v128', 'v128'>('v128', simd(0xf2)),
  div: binary<'v128', 'v128'>('v128', simd(0xf3)),
  /** The two lower lanes as doubles. */
  promoteLowF32x4: unary<'v128', 'v128'>('v128', simd(0x5f)),
};
