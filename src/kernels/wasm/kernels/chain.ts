/**
 * One loop over a chain of elementwise kernel calls. Values that only the chain reads stay in locals; a call that repeats
 * another is left out; kernels whose further outputs are sums add them up in the same pass, cell by cell, and a second
 * phase adds the cells in their order. What a sum's cells are is decided by its kernel, so that its bits do not depend
 * on the chain that it is made in.
 */
import type { TensorType } from '../../contract.js';
import type { ProgramBuffer, ProgramOperand } from '../../program.js';
import { f32, f64, type I32, i32, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmCall } from '../kernel.js';
import { Accumulators, FLOAT_BYTES, SUM } from './loops.js';
import { makesSums, type RowBody, type SumOutput } from './rowBody.js';
import { type RowCall, rowBodyOf, rowShapeOf } from './rowKernels.js';
import { type Cut, planWalks, type RowPlan, type Walk, walkUnder, wideExtents } from './rowPlan.js';
import { type CellBody, emitCells } from './rows.js';
import { times } from './spans.js';
import { keep } from './vectors.js';

/** A call on buffers. */
export interface ChainCall extends RowCall {
  readonly inputs: readonly ProgramOperand[];
  readonly outputs: readonly ProgramOperand[];
}

/** A call that can be part of a chain. */
export interface ChainStep {
  readonly call: ChainCall;
  readonly body: RowBody;
  /** Extents of its rows without those of 1. All steps of a chain have the same. */
  readonly extents: readonly number[];
  /** How it walks over its operands. */
  readonly walks: readonly Walk[];
}

/** Null where rows do not cover the call. */
export function chainStepOf(call: ChainCall): ChainStep | null {
  const body = rowBodyOf(call);
  if (!body) return null;
  const shape = rowShapeOf(body, call);
  const walks = call.inputs.map((operand, index) => walkUnder(body.operands?.[index] ?? operand, shape));
  return { call, body, extents: wideExtents(shape), walks };
}

/** Whether a step can read a value that a step before it in the chain makes: element by element. */
export function canFollow({ call, body }: ChainStep, output: number, walk: Walk): boolean {
  const elementwise = output === 0 && !(makesSums(body) && body.outputs[0] !== null);
  return elementwise && !walk.strides.includes(0) && call.outputs[0].dtype === walk.dtype;
}

const SUM_BYTES = 8;

/** A value in the loop: a walk over an operand, or what a step computes; by number. */
type Value = { readonly walk: number } | { readonly step: number };

/** A step of the loop. */
interface Link {
  readonly body: RowBody;
  readonly values: readonly Value[];
}

/** A sum that the chain is asked for. */
interface ChainSum {
  readonly link: number;
  /** Which output of its step it is. */
  readonly number: number;
  readonly output: SumOutput;
  /** Elements of the result. */
  readonly size: number;
  /** Which parameter it is written to. */
  readonly parameter: number;
}

/** An operand or elementwise output of a chain as it is walked. */
export interface ChainWalk {
  readonly walk: Walk;
  /** The tensor as it broadcasts to the rows. */
  readonly type: TensorType;
  /** Which of the chain's inputs and outputs it is. */
  readonly parameter: number;
}

/** A chain as far as it does not depend on how rows are cut. */
export interface LinkedChain {
  readonly key: string;
  readonly extents: readonly number[];
  readonly links: readonly Link[];
  /** Operands, then elementwise outputs. */
  readonly walks: readonly ChainWalk[];
  /** Steps of the elementwise outputs. */
  readonly results: readonly number[];
  readonly sums: readonly ChainSum[];
  readonly cut: Cut | undefined;
}

interface Chain extends LinkedChain {
  readonly plan: RowPlan;
  readonly parameters: readonly string[];
}

/**
 * @param steps In an order in which they can run.
 * @param inputs What they read that none of them makes: one parameter each.
 * @param outputs What of them is written.
 * @returns null where the loop does not cover a step, or not all of them at once
 */
export function chainCall(
  steps: readonly ChainStep[],
  inputs: readonly ProgramOperand[],
  outputs: readonly ProgramOperand[],
): WasmCall | null {
  const chain = chainOf(steps, inputs, outputs);
  if (!chain) return null;
  const { key, plan, sums, parameters } = chain;
  const results = sums.reduce((sum, { size }) => sum + size, 0);
  const run = { name: 'run', units: plan.units };
  return {
    key,
    phases: sums.length === 0 ? [run] : [run, { name: 'combine', units: results, cost: 2 * plan.cells * sums.length }],
    scratchBytes: sums.length === 0 ? undefined : Math.max(plan.cells, 1) * sums.length * SUM_BYTES,
    build(module) {
      module.function('run', kernelParameters(parameters), (code, values) =>
        emitRun(code, chain, locals(values, parameters), values),
      );
      if (sums.length > 0) defineCombine(module, chain);
    },
  };
}

const locals = (values: Record<string, Local<'i32'>>, names: readonly string[]): Local<'i32'>[] =>
  names.map((name) => values[name]);

function chainOf(
  steps: readonly ChainStep[],
  inputs: readonly ProgramOperand[],
  outputs: readonly ProgramOperand[],
): Chain | null {
  const linked = linkChain(steps, inputs, outputs);
  if (!linked) return null;
  const plan = planWalks(
    linked.extents,
    linked.walks.map(({ walk }) => walk),
    linked.cut,
  );
  if (!plan) return null;
  const parameters = [...inputs.map((_, index) => `input${index}`), ...outputs.map((_, index) => `output${index}`)];
  if (linked.sums.length > 0) parameters.push('scratch');
  return { ...linked, key: `${linked.key} | ${plan.key}`, plan, parameters };
}

/** Numbers the values of a chain. Null where one loop does not cover all steps. */
export function linkChain(
  steps: readonly ChainStep[],
  inputs: readonly ProgramOperand[],
  outputs: readonly ProgramOperand[],
): LinkedChain | null {
  const links: Link[] = [];
  const walks: ChainWalk[] = [];
  const walkNumbers = new Map<string, number>();
  const known = new Map<string, number>();
  /** By buffer: the step that makes it, and which of its outputs it is. */
  const made = new Map<ProgramBuffer, { step: ChainStep; link: number; output: number }>();
  let extents: readonly number[] | null = null;
  let cut: Cut | undefined;
  for (const step of steps) {
    const { call, body } = step;
    extents ??= step.extents;
    if (!sameNumbers(step.extents, extents)) return null;
    const values: Value[] = [];
    for (const [index, operand] of call.inputs.entries()) {
      const maker = made.get(operand.buffer);
      const walk = step.walks[index];
      if (maker) {
        if (!canFollow(maker.step, maker.output, walk)) return null;
        values.push({ step: maker.link });
      } else {
        const parameter = inputs.findIndex(({ buffer }) => buffer === operand.buffer);
        const key = `${parameter} ${walk.dtype} ${walk.strides}`;
        const number =
          walkNumbers.get(key) ?? walks.push({ walk, type: body.operands?.[index] ?? operand, parameter }) - 1;
        walkNumbers.set(key, number);
        values.push({ walk: number });
      }
    }
    const key = `${body.key}(${values.map(nameOf)})${call.outputs[0].dtype}`;
    const link = known.get(key) ?? links.push({ body, values }) - 1;
    known.set(key, link);
    call.outputs.forEach(({ buffer }, output) => {
      made.set(buffer, { step, link, output });
    });
  }
  if (!extents) return null;
  const results: number[] = [];
  const sums: ChainSum[] = [];
  for (const [index, { buffer, dtype, shape }] of outputs.entries()) {
    const maker = made.get(buffer);
    if (!maker) return null;
    const { body } = links[maker.link];
    const parameter = inputs.length + index;
    const sum = makesSums(body) ? body.outputs[maker.output] : null;
    if (makesSums(body) && sum) {
      cut ??= body.cut;
      if (!sameNumbers(body.cut, cut)) return null;
      sums.push({ link: maker.link, number: maker.output, output: sum, size: sizeOf(shape), parameter });
    } else {
      results.push(maker.link);
      walks.push({ walk: walkUnder({ shape, dtype }, shape), type: { shape, dtype }, parameter });
    }
  }
  return {
    key: [
      steps.map(({ call }) => call.kernel).join('+'),
      [...known.keys()].join(' '),
      `-> ${results}`,
      sums.map(({ link, number, parameter }) => `sum ${link}.${number} to ${parameter}`),
      walks.map(({ parameter }) => parameter),
    ].join(' | '),
    ...{ extents, links, walks, results, sums, cut },
  };
}

const nameOf = (value: Value): string => ('walk' in value ? `w${value.walk}` : `s${value.step}`);

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);

/** The first phase. */
function emitRun(
  code: FunctionBuilder,
  chain: Chain,
  addresses: readonly Local<'i32'>[],
  { begin, end, scratch }: Record<string, Local<'i32'>>,
): void {
  const walked = chain.walks.map(({ parameter }) => addresses[parameter]);
  emitCells(code, chain.plan, walked, begin, end, chain.results.length, chainBody(code, chain, scratch));
}

/** What a chain does in a cell. @param scratch Where its sums go; needed only if it makes some. */
export function chainBody(
  code: FunctionBuilder,
  chain: LinkedChain,
  scratch: Local<'i32'> | null,
): CellBody & Required<Pick<CellBody, 'begin'>> {
  const { links, results, sums } = chain;
  const accumulators = sums.length > 0 ? new Accumulators(code, sums.length, SUM, 8) : null;
  const kept = readTwice(chain);
  let prepared: readonly (readonly V128[])[] = [];
  return {
    begin(constants) {
      accumulators?.reset();
      prepared = links.map(
        ({ body, values }) =>
          body.prepare?.(
            code,
            values.map((value) => ('walk' in value ? constants[value.walk] : null)),
          ) ?? [],
      );
    },
    values(operands, at, lanes) {
      const loaded = operands.map((operand, index) => (kept.has(index) ? keep(code, operand) : operand));
      const computed: V128[] = [];
      // Locals hold what is computed, so that all operands are read before an output takes the place of one.
      const hold = (value: V128): V128 => (links.length + results.length > 2 ? keep(code, value) : value);
      links.forEach(({ body, values }, index) => {
        const own = values.map((value) => ('walk' in value ? loaded[value.walk] : computed[value.step]));
        if (!makesSums(body)) {
          computed.push(hold(body.value(code, own, prepared[index])));
          return;
        }
        const { value, terms } = body.lanes(code, own, prepared[index]);
        computed.push(value ? keep(code, value) : own[0]);
        sums.forEach(({ link, number }, sum) => {
          const term = link === index ? terms[number] : null;
          if (term) accumulators?.add(sum, at, term(), lanes);
        });
      });
      return results.map((result) => computed[result]);
    },
    sums: accumulators
      ? {
          clear: () => accumulators.clear(),
          flush: () => accumulators.flush(),
          end(cell) {
            const partial = code.local('i32', i32.add(scratch as Local<'i32'>, times(cell, sums.length * SUM_BYTES)));
            accumulators.totals.forEach((total, index) => {
              code.do(f64.store(partial, total, index * SUM_BYTES));
            });
          },
        }
      : undefined,
  };
}

/** Walks that several places read. */
function readTwice({ links }: LinkedChain): Set<number> {
  const [once, twice] = [new Set<number>(), new Set<number>()];
  for (const { values } of links) {
    for (const value of values) {
      if (!('walk' in value)) continue;
      if (once.has(value.walk)) twice.add(value.walk);
      once.add(value.walk);
    }
  }
  return twice;
}

/** The second phase: adds the cells of each result in their order. */
function defineCombine(module: ModuleBuilder, { plan, sums, cut, parameters }: Chain): void {
  const channels = cut?.[1] ?? 1;
  const perCell = sums.length * SUM_BYTES;
  const groups = plan.cells === 0 ? 0 : plan.cells / (channels * plan.blocksPerRow);
  module.function('combine', kernelParameters(parameters), (code, values) => {
    const { begin, end, scratch } = values;
    const total = code.local('f64');
    const [partial, position] = [code.local('i32'), code.local('i32')];
    const add = (count: number, step: number, after: number): void => {
      code.repeat(count, () => {
        code.repeat(step, () => {
          code.set(total, f64.add(total, f64.load(partial)));
          code.increase(partial, perCell);
        });
        code.increase(partial, after);
      });
    };
    code.countTo(begin, end, 1, () => {
      let base = 0;
      sums.forEach(({ output, size, parameter }, index) => {
        const first = base;
        base += size;
        code.set(position, i32.sub(begin, i32.const(first)));
        code.if(i32.ltU(position, i32.const(size)), () => {
          code.set(total, f64.const(0));
          code.set(partial, i32.add(scratch, i32.const(index * SUM_BYTES)));
          if (output.perChannel && channels > 1) {
            code.increase(partial, times(position, plan.blocksPerRow * perCell));
            add(groups, plan.blocksPerRow, (channels - 1) * plan.blocksPerRow * perCell);
          } else add(1, plan.cells, 0);
          const at: I32 = times(position, FLOAT_BYTES);
          code.do(f32.store(i32.add(values[parameters[parameter]], at), f32.demote(total)));
        });
      });
    });
  });
}
