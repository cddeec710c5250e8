/**
 * Accuracy of the trained networks of ../shared/models, quantized, against the figures that NNCF reached with the same
 * weights and images (NAME.nncf.json there), and of their files in OpenVINO, against ours and against the file that NNCF
 * makes of the same float file. Without that folder it is skipped.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveModel } from '../../src/ir/index.js';
import { quantize } from '../../src/quant/index.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { MEAN, STD } from './cifar.js';
import { runPython } from './python.js';
import type { Results } from './results.js';
import {
  ACCURACY_BOUND,
  accuracy,
  calibrationImages,
  compareAccuracy,
  figuresOf,
  loadTrained,
  percent,
  TRAINED,
  trainedImages,
} from './trainedNetworks.js';

/** A file's accuracy in OpenVINO may differ by this share from ours, and from that of NNCF's file. */
const FILE_BOUND = 0.002;

/** For evaluate.py. */
interface Case {
  readonly name: string;
  readonly xml: string;
  readonly size: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The file is a float one, which NNCF is to quantize with these images first. */
  readonly calibration?: string;
  /** Whether it is also evaluated with its quantizers computed in float32. */
  readonly exact: boolean;
}

interface Evaluation {
  readonly name: string;
  /** Of the file as OpenVINO runs it. */
  readonly accuracy: number;
  /** With its quantizers computed in float32, so that no sum of codes saturates. */
  readonly exact?: number;
}

/**
 * Whether this machine adds products of 8-bit codes without saturation. Older x86 processors saturate at 16 bits, which
 * NNCF's overflow fix of all layers prevents; its default fixes the first layer alone.
 */
function addsExactly(): boolean {
  if (!['x64', 'ia32'].includes(process.arch)) return true;
  return existsSync('/proc/cpuinfo') && /avx512_vnni|avx_vnni|amx_int8/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

function writeItems(path: string, items: readonly Tensor[]): void {
  writeFileSync(path, Buffer.concat(items.map((item) => Buffer.from(Float32Array.from(item.dataSync()).buffer))));
}

export async function compareTrained(folder: string, results: Results): Promise<void> {
  const images = trainedImages(folder, results);
  if (!images) return;
  const cases: Case[] = [];
  const own = new Map<string, number>();
  for (const [name, trained] of Object.entries(TRAINED)) {
    const base = { size: trained.size, mean: MEAN, std: STD };
    const model = loadTrained(name, trained);
    const calibration = calibrationImages(images.train, trained);
    for (const overflowFix of ['firstLayer', 'enable'] as const) {
      const fixed = overflowFix === 'enable';
      const title = fixed ? `${name} with \`overflowFix: 'enable'\`` : name;
      const stem = fixed ? `${name}-fixed` : name;
      const quantized = await quantize(model, calibration, fixed ? { overflowFix } : {});
      const found = await accuracy(quantized, images.test, trained.size);
      if (!fixed) {
        const { ptq_top1: expected } = figuresOf(name);
        compareAccuracy(
          results,
          `Accuracy of ${name} after quantization, against NNCF`,
          found,
          expected,
          ACCURACY_BOUND,
        );
      }
      await saveModel(quantized, join(folder, `${stem}.xml`));
      cases.push({ name: title, xml: `${stem}.xml`, ...base, exact: !fixed });
      own.set(title, found);
    }
    writeItems(join(folder, `${name}.items`), calibration);
    await saveModel(model, join(folder, `${name}-float.xml`), { inputs: [calibration[0]] });
    cases.push({ name: `${name}, NNCF`, xml: `${name}-float.xml`, calibration: `${name}.items`, ...base, exact: true });
  }
  const lines = runPython('evaluate.py', folder, cases) as Evaluation[];
  reportFiles(results, new Map(lines.map((line) => [line.name, line])), own);
}

/** Compares how the files do in OpenVINO. */
function reportFiles(results: Results, files: ReadonlyMap<string, Evaluation>, own: ReadonlyMap<string, number>): void {
  const exact = addsExactly();
  for (const [title, expected] of own) {
    const file = files.get(title);
    if (!file) {
      results.check(`Accuracy of ${title}'s file`, ['OpenVINO gave no result']);
      continue;
    }
    const place = `Accuracy of ${title}'s file in OpenVINO`;
    if (exact || title.includes('overflowFix')) {
      compareAccuracy(results, `${place}, against ours`, file.accuracy, expected, FILE_BOUND);
    } else {
      results.note({
        what: `${place}, against ours`,
        bound: 'none: sums of codes saturate on the processor of this report',
        result: `${percent(file.accuracy)}, reference ${percent(expected)}`,
      });
    }
    const theirs = files.get(`${title}, NNCF`);
    if (file.exact === undefined || theirs?.exact === undefined) continue;
    compareAccuracy(
      results,
      `${place}, quantizers computed in float32, against ours`,
      file.exact,
      expected,
      FILE_BOUND,
    );
    const what = `${place}, against the file that NNCF makes of the same float file`;
    const result = `${percent(file.accuracy)}, reference ${percent(theirs.accuracy)}`;
    results.check(what, file.accuracy >= theirs.accuracy - FILE_BOUND - 1e-9 ? [] : [result]);
    results.note({ what, bound: `not worse by more than ${100 * FILE_BOUND} points`, result });
    const change = (codes: number, float32: number): string => `${(100 * (codes - float32)).toFixed(2)} points`;
    results.note({
      what: `What computing with codes instead of float32 changes in the accuracy of ${title}'s file`,
      bound: exact ? 'none' : 'none: saturation of the processor of this report',
      result: `${change(file.accuracy, file.exact)}; in NNCF's file ${change(theirs.accuracy, theirs.exact)}`,
    });
  }
}
