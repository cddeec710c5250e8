/**
 * One run of a part's operations. Written for both contracts: in the synchronous modes everything is there when this returns,
 * in the others it has been enqueued, and what dies is freed when its last reader has been launched.
 */
import { isKernelStep, isReadStep, outputsOf, type ProgramBuffer } from '../../program.js';
import type { Place } from '../device.js';
import type { Executor } from '../executor.js';
import { after, all, type Maybe } from '../maybe.js';
import type { Content, View } from '../storage.js';
import type { HostNode } from './partNode.js';
import { isLaunch, type Launch, type LaunchArray, type LaunchPlace, type Operation } from './schedule.js';

/** Where a needed buffer is in the array of a launch. */
export interface Export {
  readonly buffer: ProgramBuffer;
  readonly offset: number;
}

/** An operation with the places that it reads, in order, and the arrays that nothing reads after it. */
export interface PlannedOperation {
  readonly operation: Operation;
  readonly reads: readonly LaunchPlace[];
  readonly exports: readonly Export[];
  readonly dies: readonly LaunchArray[];
}

export interface Execution {
  /** Of the needed buffers; the caller owns them. */
  readonly results: ReadonlyMap<ProgramBuffer, Maybe<Content>>;
  /** Settles when everything has been launched. Never fails. */
  readonly launched: Maybe<void>;
}

/** @param known What was there before, and stays the caller's. */
export function execute(
  operations: readonly PlannedOperation[],
  known: ReadonlyMap<ProgramBuffer, Content>,
  executor: Executor,
): Execution {
  const run = new Run(known, executor);
  try {
    for (const each of operations) run.add(each);
  } catch (error) {
    run.freeAll();
    throw error;
  }
  return { results: run.contents, launched: run.launched };
}

/** Calls `next` when a value is there or is known to fail. */
function afterwards(value: Maybe<unknown>, next: () => void): void {
  if (value instanceof Promise) value.then(next, next);
  else next();
}

class Run {
  /** Of buffers, known ones included. */
  readonly contents: Map<ProgramBuffer, Maybe<Content>>;
  readonly #known: ReadonlyMap<ProgramBuffer, Content>;
  readonly #executor: Executor;
  readonly #views = new Map<Launch, Maybe<View>>();
  readonly #waiting: Promise<unknown>[] = [];
  /** Settles when all operations so far have been launched. */
  #added: Promise<unknown> | undefined;

  constructor(known: ReadonlyMap<ProgramBuffer, Content>, executor: Executor) {
    this.#known = known;
    this.#executor = executor;
    this.contents = new Map(known);
  }

  get launched(): Maybe<void> {
    return this.#waiting.length === 0 ? undefined : Promise.allSettled(this.#waiting).then(() => undefined);
  }

  add({ operation, reads, exports, dies }: PlannedOperation): void {
    const done = operation.kind === 'launch' ? this.#launch(operation, reads, exports) : this.#onHost(operation, reads);
    // Failures are reported by what is read, if it is.
    if (done instanceof Promise) {
      this.#waiting.push(done.catch(() => undefined));
      this.#added = Promise.allSettled([this.#added, done]);
    }
    if (dies.length > 0) {
      // What is added later can be launched earlier, as when a kernel is still being compiled: all readers must be through.
      afterwards(this.#added, () => {
        for (const array of dies) this.#free(array);
      });
    }
  }

  freeAll(): void {
    for (const launch of this.#views.keys()) this.#free(launch);
    for (const buffer of this.contents.keys()) if (!this.#known.has(buffer)) this.#free(buffer);
  }

  #launch(launch: Launch, reads: readonly LaunchPlace[], exports: readonly Export[]): Maybe<unknown> {
    const places = reads.map(
      ({ array, offset }): Maybe<Place> =>
        after(this.#viewOf(array), (view) => ({ array: view.array, offset: view.offset + offset })),
    );
    const view = after(all(places), (settled) => {
      let next = 0;
      const args = launch.arguments.map((each) => (typeof each === 'number' ? each : settled[next++]));
      return this.#executor.launch(launch, args, launch.kernel);
    });
    this.#views.set(launch, view);
    for (const { buffer, offset } of exports)
      this.#set(
        buffer,
        after(view, (whole) => this.#part(whole, offset, buffer)),
      );
    return view;
  }

  #onHost({ step }: HostNode, reads: readonly LaunchPlace[]): Maybe<unknown> {
    const { device } = this.#executor;
    const own: Maybe<Content>[] = [];
    const inputs = reads.map(({ array, offset }, index): Maybe<Content> => {
      if (!isLaunch(array)) return this.contents.get(array) as Maybe<Content>;
      const buffer = isKernelStep(step) ? step.inputs[index].buffer : (step as { readonly input: ProgramBuffer }).input;
      const part = after(this.#viewOf(array), (view) => this.#part(view, offset, buffer));
      own.push(part);
      return part;
    });
    const done = after(all(inputs), (contents): Maybe<readonly Content[]> => {
      if (isKernelStep(step)) {
        return this.#executor.runOnHost(step.kernel, step.inputs, contents, step.attributes, step.outputs);
      }
      if (!isReadStep(step)) return [];
      return after(device.toHost(contents[0]), (values) => {
        step.read(values);
        return [];
      });
    });
    for (const [index, buffer] of outputsOf(step).entries()) {
      this.#set(
        buffer,
        after(done, (results) => results[index]),
      );
    }
    afterwards(done, () => {
      for (const content of own) after(content, (each) => device.free(each));
    });
    return done;
  }

  #set(buffer: ProgramBuffer, content: Maybe<Content>): void {
    if (content instanceof Promise) content.catch(() => undefined);
    this.contents.set(buffer, content);
  }

  #part(view: View, offset: number, { length, dtype }: ProgramBuffer): Content {
    return this.#executor.contentOf(view.part(offset, length), dtype);
  }

  #viewOf(array: LaunchArray): Maybe<View> {
    if (isLaunch(array)) return this.#views.get(array) as Maybe<View>;
    return after(this.contents.get(array) as Maybe<Content>, (content) => this.#executor.device.toDevice(content));
  }

  #free(array: LaunchArray): void {
    const { device } = this.#executor;
    if (isLaunch(array)) {
      device.discard(this.#views.get(array) as Maybe<View>);
      return;
    }
    const content = this.contents.get(array) as Maybe<Content>;
    if (content instanceof Promise) content.then((each) => device.free(each)).catch(() => undefined);
    else device.free(content);
  }
}
