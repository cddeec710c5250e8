/** What the run has found: checks that passed and failed, and figures for the report. */
import type { ModelComparison } from './compare.js';

export interface NetworkComparison extends ModelComparison {
  readonly name: string;
  readonly variant: string;
  /** Whether it is a small model with unusual values. */
  readonly edge: boolean;
  /** Layers with weights, and how many of them OpenVINO computes in INT8. Null: not run. */
  readonly int8: { readonly own: number; readonly nncf: number; readonly layers: number } | null;
}

/** A line of the report: what was compared, its bound, and what came out. */
export interface Row {
  readonly what: string;
  readonly bound: string;
  readonly result: string;
}

const SHOWN = 6;

export class Results {
  readonly comparisons: NetworkComparison[] = [];
  readonly rows: Row[] = [];
  /** What was not compared, and why. */
  readonly skipped: string[] = [];
  passed = 0;
  failed = 0;

  /** Counts a check, which passed if nothing is wrong. */
  check(what: string, wrong: readonly string[]): void {
    if (wrong.length === 0) {
      this.passed++;
      return;
    }
    this.failed++;
    console.log(`FAILED ${what}: ${wrong.length} differences`);
    for (const text of wrong.slice(0, SHOWN)) console.log(`  ${text}`);
    if (wrong.length > SHOWN) console.log(`  and ${wrong.length - SHOWN} more`);
  }

  skip(text: string): void {
    this.skipped.push(text);
    console.log(`SKIPPED ${text}`);
  }
}
