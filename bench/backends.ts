/**
 * The same step of quantization-aware training on every backend that is here, in Node and in headless Chromium:
 * npm run bench:backends -- [--workload NAME] [--batch N] [--steps N] [--only NAME,...] [--json]
 * The batch is small by default, so that GPU.js's slow modes end; a GPU gains on WebAssembly with the batch.
 */

import { defineCommand, runMain } from 'citty';
import Table from 'cli-table3';
import type { InitOptions } from 'quantgrad';
import { BenchBrowser } from './backends/browser.js';
import { type BackendFigures, measureBackend, type StepSize } from './backends/measure.js';
import { checkWorkloads } from './steps.js';

interface Row {
  readonly place: string;
  readonly figures: BackendFigures;
}

const NODE: Readonly<Record<string, InitOptions>> = {
  reference: { backend: 'reference' },
  wasm: { backend: 'wasm' },
  'gpujs-cpu': { backend: 'gpujs', gpuMode: 'cpu' },
  'gpujs-webasm': { backend: 'gpujs', gpuMode: 'webasm' },
};

const CHROMIUM: Readonly<Record<string, InitOptions>> = {
  wasm: { backend: 'wasm' },
  'gpujs-webgl2': { backend: 'gpujs', gpuMode: 'webgl2' },
  'gpujs-webgpu': { backend: 'gpujs', gpuMode: 'webgpu' },
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0];

/** Measures backends one after another; what cannot run is said and left out. */
async function measureAll(
  place: string,
  backends: Readonly<Record<string, InitOptions>>,
  only: readonly string[],
  measure: (options: InitOptions) => Promise<BackendFigures>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, options] of Object.entries(backends)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      rows.push({ place, figures: await measure(options) });
    } catch (error) {
      console.error(`${place}, ${name}: ${messageOf(error)}`);
    }
  }
  return rows;
}

async function measureInChromium(size: StepSize, only: readonly string[]): Promise<{ rows: Row[]; notes: string[] }> {
  let browser: BenchBrowser;
  try {
    browser = await BenchBrowser.open();
  } catch (error) {
    return { rows: [], notes: [`Nothing was measured in Chromium: ${messageOf(error)}`] };
  }
  try {
    const place = `Chromium ${browser.version.split('.')[0]}`;
    const notes: string[] = [];
    for (const [mode, api] of [
      ['webgl2', 'WebGL 2'],
      ['webgpu', 'WebGPU'],
    ] as const) {
      const found = await browser.hardware(mode);
      notes.push(
        'renderer' in found
          ? `${api} runs on ${found.renderer}.`
          : `No GPU behind ${api}: ${found.missing}. Its times show overhead and say nothing about a GPU.`,
      );
    }
    return { rows: await measureAll(place, CHROMIUM, only, (options) => browser.measure(options, size)), notes };
  } finally {
    await browser.close();
  }
}

function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: [
      'Where',
      'Backend',
      'ms per step',
      'of wasm',
      'first step ms',
      'launches',
      'uploads',
      'readbacks',
      'on host',
      'loss',
    ],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', ...new Array<'right'>(8).fill('right')],
  });
  for (const { place, figures } of rows) {
    const wasm = rows.find((row) => row.place === place && row.figures.backend === 'wasm')?.figures;
    const { backend, stepMs, firstStepMs, traffic, loss } = figures;
    table.push([
      place,
      backend,
      stepMs.toFixed(1),
      wasm ? `${(stepMs / wasm.stepMs).toFixed(1)} x` : '',
      firstStepMs.toFixed(0),
      ...(traffic ? [traffic.launches, traffic.uploads, traffic.readbacks, traffic.fallbacks] : ['', '', '', '']),
      loss.toFixed(5),
    ]);
  }
  return table.toString();
}

const command = defineCommand({
  meta: { name: 'bench:backends', description: 'The same training step on every backend' },
  args: {
    workload: { type: 'string', description: 'Network of bench/networks.ts', default: 'small-cnn-28-b64' },
    batch: { type: 'string', description: 'Images of a step', default: '8' },
    steps: { type: 'string', description: 'Timed steps', default: '5' },
    only: { type: 'string', description: 'Names of backends, with commas between them', default: '' },
    json: { type: 'boolean', description: 'One line of JSON' },
  },
  async run({ args }) {
    checkWorkloads([args.workload]);
    const size: StepSize = { workload: args.workload, batch: Number(args.batch), steps: Number(args.steps) };
    if (![size.batch, size.steps].every((value) => Number.isInteger(value) && value > 0))
      throw new Error('--batch and --steps are whole numbers above 0.');
    const names = [...Object.keys(NODE), ...Object.keys(CHROMIUM)];
    const only = args.only.split(',').filter((name) => name !== '');
    const unknown = only.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new Error(`There is no backend '${unknown}'; there are ${[...new Set(names)].join(', ')}.`);
    const node = await measureAll(`Node ${process.versions.node.split('.')[0]}`, NODE, only, (options) =>
      measureBackend(options, size),
    );
    const inChromium = only.length === 0 || only.some((name) => name in CHROMIUM);
    const { rows, notes } = inChromium ? await measureInChromium(size, only) : { rows: [], notes: [] };
    const all = [...node, ...rows];
    if (args.json) {
      console.log(JSON.stringify({ ...size, rows: all, notes }));
      return;
    }
    console.log(
      `QAT step of ${size.workload} with ${size.batch} images, SGD with momentum, the loss read in every step.`,
    );
    console.log(tableOf(all));
    for (const note of notes) console.log(note);
  },
});

await runMain(command);
