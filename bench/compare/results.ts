/** Figures of the comparison, kept in a file while it runs so that an interrupted one can go on, and as a report. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname } from 'node:path';
import { median } from '../engine.js';
import { atMost, MEMORY, QAT_OVER_FLOAT, QAT_TARGETS } from '../targets.js';

/** What both sides print for a workload. */
export interface Figures {
  readonly workload: string;
  readonly fp32_step_ms: number;
  readonly qat_step_ms: number;
  readonly max_rss_mb: number;
  readonly engine?: string;
}

export const SIDES = ['node', 'peer', 'wide'] as const;
/** Ours on this Node with 128 bits, PyTorch + NNCF, ours on Node 24 with 256 bits. */
export type Side = (typeof SIDES)[number];

interface Recorded {
  readonly side: Side;
  readonly round: number;
  readonly figures: Figures;
}

/** What was measured so far. */
export class Results {
  readonly #file: string;
  readonly #recorded: Recorded[];
  /** Why a side is missing. */
  readonly missing = new Map<Side, string>();

  /** @param resume Whether to go on with what the file holds. */
  constructor(file: string, resume: boolean) {
    this.#file = file;
    this.#recorded =
      resume && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { recorded: Recorded[] }).recorded : [];
  }

  has(side: Side, round: number, workload: string): boolean {
    return this.#recorded.some(
      (each) => each.side === side && each.round === round && each.figures.workload === workload,
    );
  }

  add(side: Side, round: number, figures: Figures): void {
    this.#recorded.push({ side, round, figures });
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify({ recorded: this.#recorded }, null, 1));
  }

  get workloads(): string[] {
    return [...new Set(this.#recorded.map(({ figures }) => figures.workload))];
  }

  get rounds(): number {
    return new Set(this.#recorded.map(({ round }) => round)).size;
  }

  engine(side: Side): string {
    return this.#recorded.find((each) => each.side === side)?.figures.engine ?? '';
  }

  /** Median over the rounds; NaN where the side did not run the workload. */
  median(side: Side, workload: string, key: 'fp32_step_ms' | 'qat_step_ms' | 'max_rss_mb'): number {
    const values = this.#recorded
      .filter((each) => each.side === side && each.figures.workload === workload)
      .map(({ figures }) => figures[key]);
    return values.length > 0 ? median(values) : Number.NaN;
  }

  /**
   * Our QAT step divided by our float step: the median over rounds of each round's ratio, since the two take turns in one
   * process, and the machine is slower in one round than in another. NaN where the side did not run the workload.
   */
  qatOverFloat(side: Side, workload: string): number {
    const ratios = this.#recorded
      .filter((each) => each.side === side && each.figures.workload === workload)
      .map(({ figures }) => figures.qat_step_ms / figures.fp32_step_ms);
    return ratios.length > 0 ? median(ratios) : Number.NaN;
  }
}

const milliseconds = (value: number): string => (Number.isNaN(value) ? '' : value.toFixed(value < 100 ? 1 : 0));
const ratio = (a: number, b: number, target?: number): string => (Number.isNaN(a / b) ? '' : atMost(a / b, target));

/** @param versions Of the other side. */
export function machineLines(results: Results, threads: number, versions: string): string[] {
  const [{ model }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const wide = results.engine('wide');
  const engines = [
    `QuantGrad on ${results.engine('node') || 'nothing'} (128 bits, portable mode)`,
    ...(wide ? [`on ${wide} (256 bits, fast mode)`] : []),
  ];
  return [
    `- Machine: ${model}, ${cpus().length} cores, ${memory} GiB, ${type()} ${release()}`,
    `- Engines: ${engines.join(' and ')}; ${versions || 'the other side did not run'}`,
    `- ${threads} threads; medians of ${results.rounds} rounds, all sides in turn; ratios of medians. Float step -> QAT step in ms; our two take turns in one process, and their ratio is the median of the rounds' ratios.`,
  ];
}

export function comparisonLines(results: Results): string[] {
  const missing = [...results.missing].map(
    ([side, reason]) => `${side === 'peer' ? 'PyTorch + NNCF' : 'Node 24'}: ${reason}`,
  );
  const steps = results.workloads.map((workload) => {
    const [float, qat] = (['fp32_step_ms', 'qat_step_ms'] as const).map((key) =>
      SIDES.map((side) => results.median(side, workload, key)),
    );
    const targets = QAT_TARGETS[workload];
    const cells = [
      workload,
      ...[1, 0, 2].map((side) =>
        Number.isNaN(qat[side]) ? '' : `${milliseconds(float[side])} -> ${milliseconds(qat[side])}`,
      ),
      ratio(qat[0], qat[1], targets?.node20),
      ratio(qat[2], qat[1], targets?.node24),
      ratio(results.qatOverFloat('node', workload), 1, QAT_OVER_FLOAT),
      ratio(results.qatOverFloat('wide', workload), 1, QAT_OVER_FLOAT),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const memory = results.workloads.map((workload) => {
    const [node, peer, wide] = SIDES.map((side) => results.median(side, workload, 'max_rss_mb'));
    const cells = [workload, milliseconds(peer), milliseconds(node), milliseconds(wide)];
    return `| ${[...cells, ratio(node, peer, MEMORY), ratio(wide, peer, MEMORY)].join(' | ')} |`;
  });
  return [
    ...missing.map((line) => `- Not measured, ${line}`),
    '',
    '## Training step',
    '',
    '| workload | PyTorch + NNCF | ours, 128 bits | ours, Node 24, 256 bits | QAT ours / theirs, 128 | QAT ours / theirs, 256 | our QAT / our float, 128 | our QAT / our float, 256 |',
    '|---|---|---|---|---|---|---|---|',
    ...steps,
    '',
    '## Memory',
    '',
    'Peak resident set in MB of a process that runs float and QAT steps.',
    '',
    '| workload | PyTorch + NNCF | ours, 128 bits | ours, 256 bits | ours / theirs, 128 | ours / theirs, 256 |',
    '|---|---|---|---|---|---|',
    ...memory,
  ];
}
