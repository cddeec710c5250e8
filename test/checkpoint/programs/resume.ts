/**
 * One process of resume.test.ts: `resume.ts <through | save | restore> <bits or float> <steps before> <steps after> <file>`.
 * Prints the losses of the steps after, and every bit of the final state, as JSON.
 */
import { beginRun, bitsOf, restoreRun, saveRun, train } from './training.js';

const [role, width, before, after, path] = process.argv.slice(2);
if (role === 'save') {
  const run = await beginRun(widthOf(width));
  await train(run, Number(before), () => saveRun(path, run));
} else {
  const run = role === 'through' ? await beginRun(widthOf(width)) : await restoreRun(path);
  const losses = await train(run, Number(after) + (role === 'through' ? Number(before) : 0));
  console.log(JSON.stringify({ losses: losses.slice(-Number(after)), bits: await bitsOf(run) }));
}

function widthOf(text: string): number | null {
  return text === 'float' ? null : Number(text);
}
