/** What quantize() costs beside nncf.quantize(): time and memory, each in a process of its own, one after the other. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveModel } from '../../src/ir/index.js';
import { models } from '../../src/nn/index.js';
import { pythonWithNncf } from './environment.js';
import type { Results } from './results.js';

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMB: number;
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

function measure(program: string, args: readonly string[]): Cost {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { NNCF_EXTENSION_LOAD_TIMEOUT: '0', ...process.env, OMP_NUM_THREADS: '2' },
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (status !== 0 || line === undefined) throw new Error(`${args.join(' ')} failed:\n${stderr.slice(-1000)}`);
  return JSON.parse(line) as Cost;
}

const show = ({ seconds, cpuSeconds, peakMB }: Cost): string =>
  `${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processors), ${Math.round(peakMB)} MB`;

export async function compareCost(folder: string, results: Results): Promise<void> {
  const xml = join(folder, 'cost.xml');
  const input = { shape: [1, 3, 64, 64], dtype: 'float32' as const };
  await saveModel(models.resnet18({ numClasses: 10 }).eval(), xml, { inputs: [input] });
  const python = pythonWithNncf();
  const own = measure(process.execPath, ['--import', 'tsx', pathOf('timeQuantize.ts')]);
  const torch = measure(python, [pathOf('time_quantize.py'), 'torch']);
  const openvino = measure(python, [pathOf('time_quantize.py'), xml]);
  results.check('memory of quantize()', own.peakMB <= torch.peakMB ? [] : [`${show(own)}; NNCF ${show(torch)}`]);
  // Other programs delay both sides, but not equally; the processors' time is free of that.
  const slower = own.seconds > torch.seconds && own.cpuSeconds > torch.cpuSeconds;
  results.check('time of quantize()', slower ? [`${show(own)}; NNCF ${show(torch)}`] : []);
  results.note({
    what: '`quantize()` of ResNet-18 with 300 images of 64 pixels, 2 threads: time, processor time, peak memory',
    bound: "at most NNCF's for PyTorch",
    result: `${show(own)}; NNCF for PyTorch ${show(torch)}, for OpenVINO ${show(openvino)}`,
  });
}
