/**
 * The process that kill.test.ts kills: `saveLoop.js <file> <first number>` saves checkpoints 1, 2, 3, ... over one
 * another until it dies. In checkpoint n every weight is n and the momentum is -n. It prints each number when its
 * checkpoint is complete.
 */
import { writeSync } from 'node:fs';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { saveCheckpoint } from '../../../src/checkpoint/checkpoint.js';
import { Linear } from '../../../src/nn/layers/linear.js';
import { full } from '../../../src/tensor/create.js';

const [path, first] = process.argv.slice(2);
const model = new Linear(96, 96);
const fill = (value: number): void =>
  noGrad(() => {
    for (const parameter of model.parameters()) parameter.assign_(full(parameter.shape, value));
  });

for (let number = Number(first); ; number++) {
  fill(number);
  await saveCheckpoint(path, { model, momentum: full([96, 96], -number), number });
  writeSync(1, `${number}\n`);
}
