/** A part of a program, ready to run: launches and steps of the host, in order, with what they read and what dies after each. */
import { type GenerateStep, outputsOf, type ProgramBuffer, type ProgramStep } from '../../program.js';
import type { Executor } from '../executor.js';
import { after, all, type Maybe } from '../maybe.js';
import { Content } from '../storage.js';
import { type Execution, type Export, execute, type PlannedOperation } from './execution.js';
import { joinNodes } from './joining.js';
import { nodesOf, placesRead } from './partNode.js';
import { arraysMade, isLaunch, type LaunchArray, launchPlaces, scheduleNodes } from './schedule.js';

/** Most characters of a joined source. */
const MOST_CHARACTERS = 16000;

/** A run of a part, which may still be on its way. */
export interface PartRun {
  /** The values of a needed buffer that the part computes. The caller owns them. */
  of(buffer: ProgramBuffer): Maybe<Content>;
  /** Settles when every launch has been made, so that what the part was given may be freed. Never fails. */
  readonly launched: Maybe<void>;
}

const isGenerated = (step: ProgramStep): step is GenerateStep => 'make' in step;

export class PreparedPart {
  readonly #steps: readonly ProgramStep[];
  readonly #needed: ReadonlySet<ProgramBuffer>;
  readonly #executor: Executor;
  readonly #device: OperationList;
  /** Made when it is first needed. */
  #host: OperationList | null = null;

  /** @param needed What is read when the part has run. */
  constructor(steps: readonly ProgramStep[], needed: ReadonlySet<ProgramBuffer>, executor: Executor) {
    this.#steps = steps;
    this.#needed = needed;
    this.#executor = executor;
    this.#device = new OperationList(steps, needed, executor, false);
  }

  /** Buffers that are to be there before the part runs. */
  get given(): readonly ProgramBuffer[] {
    return this.#device.given;
  }

  /** @param contents Of the given buffers; they are to live until everything has been launched. */
  run(contents: (buffer: ProgramBuffer) => Maybe<Content>): PartRun {
    // Made at once, so that random numbers are drawn in the same order whenever the part begins.
    const generated = this.#steps.filter(isGenerated).map(({ make, output }): [ProgramBuffer, Content] => {
      return [output, new Content(output.dtype, make(), undefined)];
    });
    const { given } = this;
    const started = after(all(given.map(contents)), (settled) => {
      const known = new Map([
        ...given.map((buffer, index): [ProgramBuffer, Content] => [buffer, settled[index]]),
        ...generated,
      ]);
      const fits = [...known.values()].every((content) => content.fitsDevice);
      return (fits ? this.#device : this.#onHost()).run(known, this.#executor);
    });
    const quiet = (): void => undefined;
    return {
      of: (buffer) => after(started, ({ results }) => results.get(buffer) as Maybe<Content>),
      launched:
        started instanceof Promise ? started.then(({ launched }) => launched).then(quiet, quiet) : started.launched,
    };
  }

  #onHost(): OperationList {
    this.#host ??= new OperationList(this.#steps, this.#needed, this.#executor, true);
    return this.#host;
  }
}

/** A part in the form in which it runs. */
class OperationList {
  readonly given: readonly ProgramBuffer[];
  readonly #operations: readonly PlannedOperation[];

  constructor(steps: readonly ProgramStep[], needed: ReadonlySet<ProgramBuffer>, executor: Executor, onHost: boolean) {
    const arrays = executor.device.mostArrays;
    const part = joinNodes(nodesOf(steps, needed, onHost), needed, { arrays, characters: MOST_CHARACTERS });
    const operations = scheduleNodes(part, needed, arrays);
    const place = launchPlaces(operations);
    const reads = operations.map((each) => placesRead(each).map(place));
    const made = new Set(steps.flatMap(outputsOf));
    this.given = [...new Set(reads.flat().flatMap(({ array }) => (isLaunch(array) || made.has(array) ? [] : [array])))];

    const lastUse = new Map<LaunchArray, number>();
    operations.forEach((operation, index) => {
      for (const array of [...reads[index].map((each) => each.array), ...arraysMade(operation)])
        lastUse.set(array, index);
    });
    const exported = new Map<LaunchArray, Export[]>();
    for (const buffer of needed) {
      if (!made.has(buffer)) continue;
      const { array, offset } = place(part.places.get(buffer) ?? { array: buffer, offset: 0 });
      exported.set(array, [...(exported.get(array) ?? []), { buffer, offset }]);
    }
    const own = operations.flatMap(arraysMade);
    this.#operations = operations
      .map((operation, index) => ({
        operation,
        reads: reads[index],
        exports: operation.kind === 'launch' ? (exported.get(operation) ?? []) : [],
        // What of a launch's array is needed has a view of its own; what the host made is itself what is needed.
        dies: own.filter((array) => lastUse.get(array) === index && (isLaunch(array) || !exported.has(array))),
      }))
      .filter(({ operation }) => operation.kind === 'launch' || !isGenerated(operation.step));
  }

  run(known: ReadonlyMap<ProgramBuffer, Content>, executor: Executor): Execution {
    return execute(this.#operations, known, executor);
  }
}
