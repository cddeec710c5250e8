/**
 * Joins the elementwise steps of a part into chains. Two steps join if one reads what the other makes, element by element,
 * and nothing else has to run between them; what only the chain reads then needs no memory and no pass over it. Steps
 * are moved only as far as their chains need it, and steps of the host keep their order.
 */
import {
  isKernelStep,
  type KernelStep,
  type ProgramBuffer,
  type ProgramOperand,
  type ProgramStep,
} from '../../program.js';
import { type ChainStep, canFollow, chainCall, chainStepOf } from '../kernels/chain.js';
import { makesSums } from '../kernels/rowBody.js';
import { type Cut, fitCut } from '../kernels/rowPlan.js';
import { buffersRead, buffersWritten, type FusedStep, type PartStep } from './fusedStep.js';
import { StepGraph } from './stepGraph.js';

/** Limits of a chain, which keep its code small and its values in registers. */
const MOST_STEPS = 32;
const MOST_INPUTS = 16;
const MOST_OUTPUTS = 6;
/** How many steps a step is moved at most if the value that it reads has to be stored all the same. */
const REACH = 48;

/**
 * @param steps The steps of a part, in order.
 * @param needed Ids of the buffers that are read when the part has run.
 */
export function fuseSteps(steps: readonly ProgramStep[], needed: ReadonlySet<number>): PartStep[] {
  const chains = new Chains(steps, needed);
  const graph = new StepGraph(steps);
  steps.forEach((_, index) => {
    for (const producer of graph.producersOf(index)) {
      if (!chains.alike(producer, index)) continue;
      const [first, second] = [graph.groupOf(producer), graph.groupOf(index)];
      if (first === second || !graph.canJoin(first, second)) continue;
      const [before, after] = [graph.stepsOf(first), graph.stepsOf(second)];
      if (chains.canJoin(before, after, index - producer > REACH ? producer : null)) graph.join(first, second);
    }
  });
  return graph.ordered().flatMap((group): PartStep[] => {
    const fused = chains.fuse(group);
    return fused ? [fused] : group.map((index) => steps[index]);
  });
}

/** What a chain reads and writes. */
interface Ends {
  readonly inputs: readonly ProgramOperand[];
  readonly outputs: readonly ProgramOperand[];
}

/** Which steps of a part, by position, can be chains. */
class Chains {
  readonly #steps: readonly ProgramStep[];
  readonly #members: readonly (ChainStep | null)[];
  readonly #needed: ReadonlySet<number>;
  /** By buffer: the step that makes it, and which of its outputs it is. */
  readonly #makers = new Map<ProgramBuffer, { readonly position: number; readonly output: number }>();
  /** By buffer: the positions of the steps that read it. */
  readonly #readers = new Map<ProgramBuffer, number[]>();

  /** Which cuts a step keeps to. */
  readonly #fitting = new Map<ChainStep, Map<string, boolean>>();

  constructor(steps: readonly ProgramStep[], needed: ReadonlySet<number>) {
    this.#steps = steps;
    this.#members = steps.map((step) => (isKernelStep(step) ? chainStepOf(step) : null));
    this.#needed = needed;
    steps.forEach((step, index) => {
      buffersWritten(step).forEach((buffer, output) => {
        this.#makers.set(buffer, { position: index, output });
      });
      for (const buffer of new Set(buffersRead(step))) {
        const readers = this.#readers.get(buffer);
        if (readers) readers.push(index);
        else this.#readers.set(buffer, [index]);
      }
    });
  }

  /** Whether two steps have rows of the same extents. */
  alike(first: number, second: number): boolean {
    const [a, b] = [this.#members[first]?.extents, this.#members[second]?.extents];
    return a !== undefined && b !== undefined && a.length === b.length && a.every((each, axis) => each === b[axis]);
  }

  /**
   * Whether one loop can do the steps of two groups.
   * @param far A step of the first group whose value must not be stored then; null if that does not matter.
   */
  canJoin(first: readonly number[], second: readonly number[], far: number | null): boolean {
    const together = [...first, ...second];
    if (together.length > MOST_STEPS || !this.#keepToOneCut(together) || !this.#follow(first, second)) return false;
    const steps = together.map((position) => this.#steps[position] as KernelStep);
    const most = (of: 'inputs' | 'outputs'): number => steps.reduce((sum, step) => sum + step[of].length, 0);
    if (far === null && most('inputs') <= MOST_INPUTS && most('outputs') <= MOST_OUTPUTS) return true;
    const { inputs, outputs } = this.#ends(together);
    if (inputs.length > MOST_INPUTS || outputs.length > MOST_OUTPUTS) return false;
    const value = far === null ? null : (this.#steps[far] as KernelStep).outputs[0].buffer;
    return !outputs.some(({ buffer }) => buffer === value);
  }

  /** The steps as one; null where that cannot be, or where nothing reads what they make. */
  fuse(positions: readonly number[]): FusedStep | null {
    const members = positions.map((position) => this.#members[position]);
    const { inputs, outputs } = this.#ends(positions);
    if (outputs.length === 0 || !members.every((member) => member !== null)) return null;
    const call = chainCall(members, inputs, outputs);
    const steps = positions.map((position) => this.#steps[position] as KernelStep);
    return call && { steps, inputs, outputs, inPlace: true, call };
  }

  /** Whether all sums are cut alike, and all steps keep to that. */
  #keepToOneCut(positions: readonly number[]): boolean {
    const members = positions.map((position) => this.#members[position] as ChainStep);
    const cuts = members.flatMap(({ body }) => (makesSums(body) ? [body.cut] : []));
    if (cuts.length === 0) return true;
    const [cut]: readonly Cut[] = cuts;
    return (
      cuts.every((each) => each.every((extent, axis) => extent === cut[axis])) &&
      members.every((member) => this.#fits(member, cut))
    );
  }

  #fits(member: ChainStep, cut: Cut): boolean {
    const key = cut.join();
    const known = this.#fitting.get(member) ?? new Map<string, boolean>();
    const fits = known.get(key) ?? fitCut(member.extents, member.walks, cut);
    this.#fitting.set(member, known.set(key, fits));
    return fits;
  }

  /** Whether the second group reads of the first what its loop has at hand. */
  #follow(first: readonly number[], second: readonly number[]): boolean {
    return second.every((position) => {
      const { call, walks } = this.#members[position] as ChainStep;
      return call.inputs.every(({ buffer }, index) => {
        const maker = this.#makers.get(buffer);
        if (!maker || !first.includes(maker.position)) return true;
        return canFollow(this.#members[maker.position] as ChainStep, maker.output, walks[index]);
      });
    });
  }

  #ends(positions: readonly number[]): Ends {
    const steps = positions.map((position) => this.#steps[position]).filter(isKernelStep);
    const within = new Set(positions);
    const made = new Set(steps.flatMap(buffersWritten));
    const inputs = new Map<ProgramBuffer, ProgramOperand>();
    for (const operand of steps.flatMap((step) => step.inputs)) {
      if (!made.has(operand.buffer) && !inputs.has(operand.buffer)) inputs.set(operand.buffer, operand);
    }
    const isRead = ({ buffer }: ProgramOperand): boolean =>
      this.#needed.has(buffer.id) || (this.#readers.get(buffer) ?? []).some((reader) => !within.has(reader));
    return { inputs: [...inputs.values()], outputs: steps.flatMap(({ outputs }) => outputs.filter(isRead)) };
  }
}
