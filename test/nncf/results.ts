/**
 * What a run has found, by section (a network or a part): checks that passed and failed, and figures for the report.
 * Sections are kept in a file, so that a report can be put together from several runs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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

export interface Section {
  passed: number;
  failed: number;
  /** What failed, in words. */
  readonly faults: string[];
  readonly comparisons: NetworkComparison[];
  readonly rows: Row[];
  /** What was not compared, and why. */
  readonly skipped: string[];
}

const emptySection = (): Section => ({ passed: 0, failed: 0, faults: [], comparisons: [], rows: [], skipped: [] });

/** Faults of a check that are printed and kept. */
const SHOWN = 6;

export class Results {
  readonly sections = new Map<string, Section>();
  #current = emptySection();

  /** Begins a section, or goes on with it; what follows belongs to it. */
  begin(name: string): void {
    this.#current = this.sections.get(name) ?? emptySection();
    this.sections.set(name, this.#current);
  }

  /** Counts a check, which passed if nothing is wrong. */
  check(what: string, wrong: readonly string[]): void {
    if (wrong.length === 0) {
      this.#current.passed++;
      return;
    }
    this.#current.failed++;
    const more = wrong.length > SHOWN ? [`and ${wrong.length - SHOWN} more`] : [];
    const text = [`${what}: ${wrong.length} differences`, ...wrong.slice(0, SHOWN), ...more].join('\n  ');
    this.#current.faults.push(text);
    console.log(`FAILED ${text}`);
  }

  /** Notes a figure for the report. */
  note(row: Row): void {
    this.#current.rows.push(row);
    console.log(`${row.what}: ${row.result}`);
  }

  addComparison(comparison: NetworkComparison): void {
    this.#current.comparisons.push(comparison);
    const { placement, values, int8, ...rest } = comparison;
    console.log(JSON.stringify({ ...rest, int8 }));
  }

  skip(text: string): void {
    this.#current.skipped.push(text);
    console.log(`SKIPPED ${text}`);
  }

  count(key: 'passed' | 'failed'): number {
    return [...this.sections.values()].reduce((sum, section) => sum + section[key], 0);
  }
}

type Stored = Record<string, Section>;

/** Puts the sections of a run into the file, in place of older ones of the same names, and gives all that it has. */
export function keepSections(path: string, results: Results): ReadonlyMap<string, Section> {
  const stored = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Stored) : {};
  for (const [name, section] of results.sections) stored[name] = section;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(stored));
  return new Map(Object.entries(stored));
}
