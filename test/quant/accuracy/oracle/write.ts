/** Writes the networks as float IR for make_groups.py: `node --import tsx test/quant/accuracy/oracle/write.ts <folder>`. */
import { join } from 'node:path';
import { saveModel } from '../../../../src/ir/writer.js';
import { groupInputs, groupNets } from './nets.js';

const [folder] = process.argv.slice(2);
for (const [name, net] of Object.entries(groupNets()))
  await saveModel(net.eval(), join(folder, `${name}.xml`), {
    inputs: groupInputs().slice(0, 1),
    inputNames: ['input'],
  });
