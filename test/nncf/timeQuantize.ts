/**
 * Time, processor time and peak memory of quantize() on ResNet-18 with 300 images of 64 pixels, in a process of its own
 * that cost.ts starts.
 */
import { setThreads } from '../../src/kernels/wasm/threads/count.js';
import { models } from '../../src/nn/index.js';
import { quantize } from '../../src/quant/index.js';
import { randn } from '../../src/tensor/create.js';

setThreads(2);
const model = models.resnet18({ numClasses: 10 }).eval();
const items = Array.from({ length: 300 }, () => randn([1, 3, 64, 64]));
const started = performance.now();
const before = process.cpuUsage();
await quantize(model, items);
const { user, system } = process.cpuUsage(before);
const seconds = (performance.now() - started) / 1000;
const peakMB = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMB }));
