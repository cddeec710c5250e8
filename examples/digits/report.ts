/** The table at the end. */
import { stat } from 'node:fs/promises';
import Table from 'cli-table3';
import type { LowBitsResult } from './lowBits.js';
import type { OpenVinoResult } from './openvino.js';

export interface Report {
  readonly testImages: number;
  /** Top-1 of the float model itself and of its IR in our interpretation. */
  readonly float: { readonly trained: number; readonly ir: number; readonly irPath: string };
  readonly widths: readonly { readonly bits: number; readonly result: LowBitsResult }[];
  /** Of the float IR, then of each width's. */
  readonly openVino: OpenVinoResult | { readonly reason: string };
}

const NONE = '';
const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
const bytes = (count: number): string => `${count.toLocaleString('en-US')} B`;
const weightsOf = (irPath: string): string => irPath.replace(/\.xml$/, '.bin');
const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;

/** Accuracies and sizes, without colours and without anything that depends on the time. */
export async function reportTable({ testImages, float, widths, openVino }: Report): Promise<string> {
  const irPaths = [float.irPath, ...widths.map(({ result }) => result.irPath)];
  const models = 'reason' in openVino ? irPaths.map(() => null) : openVino.models;
  const xmlSizes = await Promise.all(irPaths.map(sizeOf));
  const binSizes = await Promise.all(irPaths.map(weightsOf).map(sizeOf));
  const table = new Table({
    head: [`Top-1 on ${testImages} test images`, 'float', ...widths.map(({ bits }) => `${bits} bits`)],
    colAligns: ['left', 'right', ...widths.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  const stage = (name: string, floatCell: string, cell: (result: LowBitsResult) => string): string[] => [
    name,
    floatCell,
    ...widths.map(({ result }) => cell(result)),
  ];
  table.push(
    stage('Trained in float', percent(float.trained), () => NONE),
    stage('After quantization', NONE, ({ quantized }) => percent(quantized)),
    stage('After fine-tuning', NONE, ({ fineTuned }) => percent(fineTuned)),
    stage('Restored from the checkpoint', NONE, ({ restored }) => percent(restored)),
    stage('IR, reference interpretation', percent(float.ir), ({ ir }) => percent(ir)),
    ['IR, OpenVINO', ...models.map((model) => (model ? percent(model.top1) : 'not run'))],
    [
      'INT8 layers in OpenVINO',
      ...models.map((model) => (model ? `${model.int8Layers} of ${model.layers}` : 'not run')),
    ],
    ['Size of .xml', ...xmlSizes.map(bytes)],
    ['Size of .bin', ...binSizes.map(bytes)],
    ['Float .bin / this .bin', NONE, ...binSizes.slice(1).map((size) => (binSizes[0] / size).toFixed(2))],
  );
  return table.toString();
}

/** What the run says below the table: OpenVINO's version or how to get it, and where the files are. */
export function reportNotes({ float, widths, openVino }: Report): string {
  return [
    'reason' in openVino
      ? `OpenVINO: not run; ${openVino.reason}.`
      : `OpenVINO ${openVino.version}, processor plugin, float layers in f32.`,
    'Files:',
    `  ${float.irPath} and .bin`,
    ...widths.flatMap(({ result }) => [`  ${result.irPath} and .bin`, `  ${result.checkpointPath}`]),
  ].join('\n');
}
