/** Networks for which NNCF's groups of quantizers are known (groups.json): residual, concat, branches, several outputs. */
import * as nn from '../../../../src/nn/index.js';
import * as F from '../../../../src/ops/functional.js';
import { randn } from '../../../../src/tensor/create.js';
import { Generator, manualSeed } from '../../../../src/tensor/random.js';
import type { Tensor } from '../../../../src/tensor/tensor.js';

class Residual extends nn.Module {
  readonly a = new nn.Conv2d(2, 4, 3, { padding: 1 });
  readonly b = new nn.Conv2d(4, 4, 3, { padding: 1 });
  readonly c = new nn.Conv2d(4, 4, 3, { padding: 1 });
  readonly fc = new nn.Linear(4, 3);
  override forward(x: Tensor): Tensor {
    const y = F.relu(this.a.forward(x));
    const z = F.relu(F.add(this.c.forward(F.relu(this.b.forward(y))), y));
    return this.fc.forward(F.flatten(F.mean(z, [2, 3], true), 1));
  }
}

class Joined extends nn.Module {
  readonly a = new nn.Conv2d(2, 4, 1);
  readonly b = new nn.Conv2d(2, 4, 1);
  readonly c = new nn.Conv2d(8, 4, 1);
  readonly d = new nn.Conv2d(4, 2, 1);
  readonly pool = new nn.MaxPool2d(2);
  override forward(x: Tensor): Tensor {
    const joined = F.concat([F.relu(this.a.forward(x)), F.relu(this.b.forward(x))], 1);
    return this.d.forward(this.pool.forward(F.relu(this.c.forward(joined))));
  }
}

class Forked extends nn.Module {
  readonly a = new nn.Conv2d(2, 4, 3);
  readonly b = new nn.Conv2d(4, 4, 1);
  readonly c = new nn.Conv2d(4, 4, 1);
  readonly d = new nn.Conv2d(4, 4, 3, { groups: 4 });
  readonly e = new nn.Conv2d(4, 3, 1);
  override forward(x: Tensor): Tensor[] {
    const y = F.relu(this.a.forward(x));
    const z = F.multiply(F.sigmoid(this.b.forward(y)), this.c.forward(y));
    return [this.e.forward(F.relu(this.d.forward(z))), F.softmax(F.mean(z, [2, 3]), 1)];
  }
}

class Deep extends nn.Module {
  readonly stem = new nn.Conv2d(2, 4, 3, { padding: 1 });
  readonly layers = Array.from({ length: 6 }, () => new nn.Conv2d(4, 4, 3, { padding: 1 }));
  readonly fc = new nn.Linear(4 * 36, 3);
  override forward(x: Tensor): Tensor {
    let y = F.relu(this.stem.forward(x));
    for (let block = 0; block < 6; block += 2)
      y = F.relu(F.add(this.layers[block + 1].forward(F.relu(this.layers[block].forward(y))), y));
    return this.fc.forward(F.flatten(y, 1));
  }
}

export function groupNets(): Record<string, nn.Module> {
  manualSeed(3);
  return { residual: new Residual(), joined: new Joined(), forked: new Forked(), deep: new Deep() };
}

export const groupInputs = (): Tensor[] => {
  const generator = new Generator(5);
  return Array.from({ length: 2 }, () => randn([1, 2, 6, 6], { generator }));
};
