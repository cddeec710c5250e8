/** Functions that copy and transpose matrices of float32; row strides are known, extents are not. */
import { f32, type I32, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { constant, emitLoop, FLOAT, floatAt, shuffleLanes, times } from './spans.js';

const MATRIX_PARAMETERS = { source: 'i32', target: 'i32', rows: 'i32', columns: 'i32' } as const;

/** Repeats while at least `least` of `rest` are left; the body takes them off. */
function whileLeft(code: FunctionBuilder, rest: Local<'i32'>, least: number, body: () => void): void {
  code.if(i32.geS(rest, constant(least)), () => code.doWhile(body, () => i32.geS(rest, constant(least))));
}

/** `copy(source, target, rows, columns)`: target[r][c] = source[r][c]. Strides in floats. */
export function defineCopy(module: ModuleBuilder, name: string, sourceStride: number, targetStride: number): number {
  return module.function(name, MATRIX_PARAMETERS, (code, { source, target, rows, columns }) => {
    const from = code.local('i32');
    const to = code.local('i32');
    const rest = code.local('i32');
    whileLeft(code, rows, 1, () => {
      code.set(from, source);
      code.set(to, target);
      code.set(rest, columns);
      for (const lanes of [8, 4, 1]) {
        whileLeft(code, rest, lanes, () => {
          if (lanes === 8) code.do(v128.storePair(to, v128.load(from), v128.load(from, 16)));
          else code.do(lanes === 4 ? v128.store(to, v128.load(from)) : f32.store(to, f32.load(from)));
          code.increase(from, lanes * FLOAT);
          code.increase(to, lanes * FLOAT);
          code.increase(rest, -lanes);
        });
      }
      code.increase(source, sourceStride * FLOAT);
      code.increase(target, targetStride * FLOAT);
      code.increase(rows, -1);
    });
  });
}

/** The transpose of a matrix of four vectors. */
export function emitTransposed(code: FunctionBuilder, rows: readonly V128[]): V128[] {
  const [a, b, c, d] = rows.map((row) => code.local('v128', row));
  const halves = [
    [a, b],
    [c, d],
  ].map(([upper, lower]) =>
    [
      [0, 4, 1, 5],
      [2, 6, 3, 7],
    ].map((lanes) => code.local('v128', shuffleLanes(upper, lower, lanes))),
  );
  return [0, 1].flatMap((half) =>
    [
      [0, 1, 4, 5],
      [2, 3, 6, 7],
    ].map((lanes) => shuffleLanes(halves[0][half], halves[1][half], lanes)),
  );
}

/** `transpose(source, target, rows, columns)`: target[c][r] = source[r][c]. Strides in floats. */
export function defineTranspose(
  module: ModuleBuilder,
  name: string,
  sourceStride: number,
  targetStride: number,
): number {
  const [down, across] = [sourceStride * FLOAT, targetStride * FLOAT];
  return module.function(name, MATRIX_PARAMETERS, (code, { source, target, rows, columns }) => {
    const from = code.local('i32');
    const to = code.local('i32');
    const rest = code.local('i32');
    const block = (): void => {
      const vectors = [0, 1, 2, 3].map((row) => v128.load(from, row * down));
      emitTransposed(code, vectors).forEach((vector, column) => {
        code.do(v128.store(to, vector, column * across));
      });
    };
    /** Transposes strips of `height` rows: four columns at a time if there are four rows, else one by one. */
    const strips = (height: number): void =>
      whileLeft(code, rows, height, () => {
        code.set(from, source);
        code.set(to, target);
        code.set(rest, columns);
        for (const width of height === 4 ? [4, 1] : [1]) {
          whileLeft(code, rest, width, () => {
            if (width === 4) block();
            else for (let row = 0; row < height; row++) code.do(f32.store(to, f32.load(from, row * down), row * FLOAT));
            code.increase(from, width * FLOAT);
            code.increase(to, width * across);
            code.increase(rest, -width);
          });
        }
        code.increase(source, height * down);
        code.increase(target, height * FLOAT);
        code.increase(rows, -height);
      });
    strips(4);
    strips(1);
  });
}

/** Copies strips of exactly `width` floats, a multiple of four, one behind the other: no decisions within a row. */
function emitStrips(
  code: FunctionBuilder,
  { source, target, rows }: { readonly source: I32; readonly target: I32; readonly rows: I32 },
  sourceStride: number,
  width: number,
): void {
  const from = code.local('i32', source);
  const to = code.local('i32', target);
  emitLoop(code, rows, () => {
    const vectors = Array.from({ length: width / 4 }, (_, index) => v128.load(from, 4 * index * FLOAT));
    for (let index = 0; index < vectors.length; index += 2) {
      const pair = vectors.slice(index, index + 2);
      const offset = 4 * index * FLOAT;
      code.do(pair.length === 2 ? v128.storePair(to, pair[0], pair[1], offset) : v128.store(to, pair[0], offset));
    }
    code.increase(from, sourceStride * FLOAT);
    code.increase(to, width * FLOAT);
  });
}

/**
 * `pack(source, target, rows, depth)`: a matrix of a product in panels of `height` rows, [panel][depth][row].
 * The source is [rows][depth] or, when transposed, [depth][rows]. The last panel's missing rows are left as they were.
 */
export function definePanelPacking(
  module: ModuleBuilder,
  name: string,
  { sourceStride, transposed, height }: { readonly sourceStride: number; readonly transposed: boolean; height: number },
): number {
  const panel = transposed
    ? defineCopy(module, `${name} panel`, sourceStride, height)
    : defineTranspose(module, `${name} panel`, sourceStride, height);
  const parameters = { source: 'i32', target: 'i32', rows: 'i32', depth: 'i32' } as const;
  return module.function(name, parameters, (code, { source, target, rows, depth }) => {
    const here = code.local('i32');
    const full: I32 = constant(height);
    emitLoop(code, i32.divU(i32.add(rows, constant(height - 1)), full), () => {
      code.set(here, full);
      code.if(i32.ltS(rows, full), () => code.set(here, rows));
      if (transposed) {
        code.if(
          i32.eq(here, full),
          () => emitStrips(code, { source, target, rows: depth }, sourceStride, height),
          () => code.call(panel, source, target, depth, here),
        );
      } else {
        code.call(panel, source, target, here, depth);
      }
      code.increase(source, transposed ? height * FLOAT : height * sourceStride * FLOAT);
      code.set(target, floatAt(target, [depth, height]));
      code.increase(rows, times(full, -1));
    });
  });
}
