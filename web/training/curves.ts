/** The points of the curves: how loss and accuracy went. */
import type { CurvePoint, Phase } from '../protocol.js';

/** Losses of so many steps become a point. */
const INTERVAL = 5;
/** Of more points than this, every other one is left out. */
const MOST = 4000;

export class Curves {
  #points: CurvePoint[];
  #sum = 0;
  #count = 0;

  constructor(points: readonly CurvePoint[] = []) {
    this.#points = [...points];
  }

  get points(): readonly CurvePoint[] {
    return this.#points;
  }

  /** Forgets what was drawn of a phase that begins anew. */
  clear(phase: Phase): void {
    this.#points = this.#points.filter((point) => point.phase !== phase);
    [this.#sum, this.#count] = [0, 0];
  }

  /** The point before the first step. */
  begin(phase: Phase, accuracy: number): CurvePoint {
    return this.#add({ phase, step: 0, epoch: 0, loss: null, accuracy });
  }

  /** Adds a step. @returns The point, if one is due. */
  addStep(phase: Phase, step: number, epoch: number, loss: number, accuracy: number | null): CurvePoint | null {
    this.#sum += loss;
    this.#count++;
    if (accuracy === null && step % INTERVAL !== 0) return null;
    const mean = this.#sum / this.#count;
    [this.#sum, this.#count] = [0, 0];
    return this.#add({ phase, step, epoch, loss: mean, accuracy });
  }

  #add(point: CurvePoint): CurvePoint {
    this.#points.push(point);
    if (this.#points.length > MOST) this.#points = this.#points.filter((_, index) => index % 2 === 1);
    return point;
  }
}
