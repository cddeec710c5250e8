/**
 * Packing: steps that do not read each other run in one launch, which computes them one after another into one flat
 * array. A launch costs a GPU more than most of what a small network computes in it. Neighbouring threads mostly take
 * the same branch, so a step costs in a pack what it costs alone.
 */
import { MAX_LENGTH } from '../kernels/source.js';
import { type OutputPlace, type Program, placeOf, type Step, type StepArgument } from '../program.js';
import { atPosition, localsOf, parseSource, renameIdentifiers, THREAD, writeSource } from './sourceText.js';

interface Place {
  readonly step: number;
  readonly offset: number;
}

/** Stands for a number of a program: which one it is, in order. */
interface NumberMark {
  readonly number: number;
}

type Argument = StepArgument | NumberMark;

/** A program whose numbers may be marks. */
interface Packing {
  readonly steps: readonly Packable<Argument>[];
  readonly outputs: readonly OutputPlace[];
}

const isStep = (argument: Argument): argument is Place | { readonly step: number } =>
  typeof argument === 'object' && 'step' in argument;

const isMark = (argument: Argument): argument is NumberMark => typeof argument === 'object' && 'number' in argument;

/** What is packed: a source, how many elements it computes, and its arguments, whatever stands for an array. */
export interface Packable<A> {
  readonly source: string;
  readonly length: number;
  readonly arguments: readonly A[];
}

/** The same value for arguments that are the same array; null for numbers, each of which stands for itself. */
export type ArrayKey<A> = (argument: A) => unknown;

const stepKey: ArrayKey<Argument> = (argument) =>
  typeof argument === 'number' || isMark(argument) ? null : JSON.stringify(argument);

/**
 * The program with its steps packed. Outputs keep their order.
 * @param mostArrays Most arrays that a launch may read.
 */
export function packProgram(program: Program, mostArrays: number): Program;
export function packProgram(program: Packing, mostArrays: number): Packing;
export function packProgram(program: Packing, mostArrays: number): Packing {
  if (program.steps.length < 2) return program;
  /** By step: how many launches have to come before it. */
  const levels: number[] = [];
  for (const step of program.steps) {
    levels.push(Math.max(0, ...step.arguments.map((each) => (isStep(each) ? levels[each.step] + 1 : 0))));
  }
  /** By old step: where its array is now. */
  const places: Place[] = [];
  const moved = ({ step, offset = 0 }: { readonly step: number; readonly offset?: number }): Place => ({
    step: places[step].step,
    offset: places[step].offset + offset,
  });
  const steps: Packable<Argument>[] = [];
  for (let level = 0; level <= Math.max(...levels); level++) {
    const members = program.steps.flatMap((_, index) => (levels[index] === level ? [index] : []));
    for (const group of groupsOf(members, program.steps, mostArrays)) {
      let offset = 0;
      const packed = packSources(
        group.map((member) => program.steps[member]),
        stepKey,
      );
      for (const member of group) {
        places[member] = { step: steps.length, offset };
        offset += program.steps[member].length;
      }
      steps.push({ ...packed, arguments: packed.arguments.map((each) => (isStep(each) ? moved(each) : each)) });
    }
  }
  return { steps, outputs: program.outputs.map((place): OutputPlace => moved(placeOf(place))) };
}

/** Packed programs that are remembered. A program is written and packed again in every step of training. */
const REMEMBERED = 1024;

/** Packs programs, each source once. */
export class Packer {
  readonly #known = new Map<string, Packing>();
  readonly #mostArrays: number;

  constructor(mostArrays: number) {
    this.#mostArrays = mostArrays;
  }

  pack(program: Program): Program {
    if (program.steps.length < 2) return program;
    const numbers: number[] = [];
    const steps = program.steps.map(({ source, length, arguments: args }): Packable<Argument> => {
      const marked = args.map((each) => (typeof each === 'number' ? { number: numbers.push(each) - 1 } : each));
      return { source, length, arguments: marked };
    });
    const key = JSON.stringify([steps, program.outputs]);
    const known = this.#known.get(key) ?? packProgram({ steps, outputs: program.outputs }, this.#mostArrays);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(key, known);
    return {
      steps: known.steps.map(
        ({ source, length, arguments: args }): Step => ({
          source,
          length,
          arguments: args.map((each) => (isMark(each) ? numbers[each.number] : each)),
        }),
      ),
      outputs: known.outputs,
    };
  }
}

/** Steps of one level in groups that can be one launch. */
function groupsOf(members: readonly number[], steps: readonly Packable<Argument>[], mostArrays: number): number[][] {
  const groups: { readonly members: number[]; readonly arrays: Set<unknown>; length: number }[] = [];
  const alone: number[][] = [];
  for (const member of members) {
    const { source, length, arguments: args } = steps[member];
    if (!canPack(source)) {
      alone.push([member]);
      continue;
    }
    const arrays = args.map(stepKey).filter((key) => key !== null);
    const group = groups.find(
      (each) => each.length + length < MAX_LENGTH && new Set([...each.arrays, ...arrays]).size <= mostArrays,
    );
    if (group) {
      group.members.push(member);
      group.length += length;
      for (const array of arrays) group.arrays.add(array);
    } else groups.push({ members: [member], arrays: new Set(arrays), length });
  }
  return [...groups.map((group) => group.members), ...alone];
}

/** Whether a source can be part of a pack. */
export const canPack = (source: string): boolean => parseSource(source).result !== undefined;

/** One source that computes the elements of several, in their order. */
export function packSources<A>(parts: readonly Packable<A>[], keyOf: ArrayKey<A>): Packable<A> {
  if (parts.length === 1) return parts[0];
  const parameters: string[] = [];
  const args: A[] = [];
  /** By array: its parameter. */
  const arrays = new Map<unknown, string>();
  let start = 0;
  const branches = parts.map(({ source, length, arguments: given }, part) => {
    const { parameters: names, statements = '', result = '' } = parseSource(source);
    const renamed = new Map([...localsOf(statements)].map((name) => [name, `part${part}${name}`]));
    names.forEach((name, index) => {
      const key = keyOf(given[index]);
      const known = key === null ? undefined : arrays.get(key);
      const parameter = known ?? `part${part}${name}`;
      renamed.set(name, parameter);
      if (known !== undefined) return;
      parameters.push(parameter);
      args.push(given[index]);
      if (key !== null) arrays.set(key, parameter);
    });
    const position = start === 0 ? THREAD : `part${part}Position`;
    const declared = start === 0 ? '' : `const ${position} = ${THREAD} - ${start};`;
    start += length;
    const write = (text: string): string => atPosition(renameIdentifiers(text, renamed), position);
    return { end: start, body: `${declared}${write(statements)}\npackedResult = ${write(result)};` };
  });
  // The last branch has no condition, so that every thread gets a value.
  const nested = branches.reduceRight(
    (rest, { end, body }) => (rest === '' ? body : `if (${THREAD} < ${end}) {${body}} else {${rest}}`),
    '',
  );
  const body = `let packedResult = 0;\n${nested}\nreturn packedResult;`;
  return { source: writeSource(parameters, body), length: start, arguments: args };
}
