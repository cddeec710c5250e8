/** `npm run demo`: train in float, quantize to 8 and to 2 bits, fine-tune, checkpoint, export, and compare. */
import { join } from 'node:path';
import { defineCommand, runMain } from 'citty';
import { manualSeed, QuantGradError, readModel, saveModel } from 'quantgrad';
import { loadDigits } from './dataset.js';
import { runLowBits } from './lowBits.js';
import { DigitsNet } from './network.js';
import { runOpenVino } from './openvino.js';
import { ARGUMENTS, type DemoOptions, readOptions, UsageError } from './options.js';
import { type Report, reportNotes, reportTable } from './report.js';
import { top1, trainModel } from './training.js';

const FLOAT_LR = 3e-3;
/**
 * At 8 bits fine-tuning has little to repair, so it is short and gentle. At 2 bits the network has to be
 * learned again.
 */
const WIDTHS = [
  { bits: 8, lr: 1e-4, epochShare: 1 / 4 },
  { bits: 2, lr: 1e-3, epochShare: 1 },
];

async function run({ seed, epochs, out }: DemoOptions): Promise<void> {
  const digits = await loadDigits();
  console.log(`UCI handwritten digits: ${digits.train.length} training and ${digits.test.length} test images.`);
  manualSeed(seed);
  const network = new DigitsNet();
  await trainModel(network, digits.train, { title: 'Training in float', epochs, lr: FLOAT_LR, seed });
  const trained = await top1(network, digits.test);
  const irPath = join(out, 'float.xml');
  await saveModel(network, irPath, { inputs: [digits.test.tensors[0]] });
  const float = { trained, ir: await top1(await readModel(irPath), digits.test), irPath };

  const widths: Report['widths'][number][] = [];
  for (const { bits, lr, epochShare } of WIDTHS) {
    const options = { bits, lr, seed, out, epochs: Math.ceil(epochs * epochShare) };
    widths.push({ bits, result: await runLowBits(network, digits, options) });
  }
  const irPaths = [irPath, ...widths.map(({ result }) => result.irPath)];
  const openVino = await runOpenVino(irPaths, digits.test);
  const report: Report = { testImages: digits.test.length, float, widths, openVino };
  console.log(`\nSeed ${seed}, ${epochs} epochs.`);
  console.log(await reportTable(report));
  console.log(reportNotes(report));
}

const command = defineCommand({
  meta: {
    name: 'npm run demo --',
    description: 'Quantization-aware training of handwritten digits, from data to OpenVINO IR',
  },
  args: ARGUMENTS,
  async run({ args }) {
    try {
      await run(await readOptions(args));
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof QuantGradError)) throw error;
      console.error(error.message);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    }
  },
});

await runMain(command);
