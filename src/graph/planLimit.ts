/** Which combinations of shapes and modes are worth a plan, which costs as much to make as many steps. */

/** Plans that are kept; the longest unused goes first. */
export const KEPT_PLANS = 8;

/** Combinations that are remembered without a plan. */
const REMEMBERED = 64;

/**
 * When more plans than are kept were made and none was used again, as with inputs of ever new sizes, a combination gets
 * one when it comes for the second time.
 */
export class PlanLimit {
  /** Plans that were made since one was used again. */
  #unused = 0;
  /** Combinations that came while plans were made in vain. */
  #seen: string[] = [];

  /** A plan that is there was used. */
  used(): void {
    this.#unused = 0;
  }

  /** Whether to make a plan for a combination that has none. */
  worthPlanning(key: string): boolean {
    this.#unused++;
    if (this.#unused <= KEPT_PLANS || this.#seen.includes(key)) return true;
    this.#seen = [...this.#seen, key].slice(-REMEMBERED);
    return false;
  }
}
