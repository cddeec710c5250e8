/** The program that every bundler gets: trains and quantizes a small network, and runs it again from its OpenVINO IR. */
import {
  functional,
  Generator,
  InferenceSession,
  info,
  init,
  manualSeed,
  nn,
  optim,
  quantize,
  randn,
  serializeModel,
  setThreads,
  tensor,
} from 'quantgrad';

const THREADS = 2;
/** Threads start with the first work that is worth it, and join when they have started. */
const LONGEST_WAIT = 20_000;

const sumOf = (bytes) => {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return sum;
};

/** What must be the same bits everywhere, and what depends on the page. */
export async function train() {
  const backend = await init();
  setThreads(THREADS);
  manualSeed(7);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 8, 3),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(8 * 26 * 26, 10),
  );
  const images = randn([16, 1, 28, 28], { generator: new Generator(1) });
  const labels = tensor(
    Array.from({ length: 16 }, (_, index) => index % 10),
    { dtype: 'int32' },
  );
  const quantized = await quantize(model, [images]);
  const optimizer = new optim.SGD(quantized.parameters(), { lr: 1e-3 });
  const losses = [];
  quantized.train();
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    const loss = functional.crossEntropy(quantized.forward(images), labels);
    loss.backward();
    optimizer.step();
    losses.push((await loss.data())[0]);
  }
  const files = await serializeModel(quantized.eval());
  const session = await InferenceSession.create(files);
  const results = await session.run({ [session.inputs[0].name]: images });
  const [values] = await Promise.all(Object.values(results).map((result) => result.data()));
  const running = () => backend.info?.().threads ?? 1;
  const shared = randn([512, 512], { generator: new Generator(2) });
  const isolated = globalThis.crossOriginIsolated ?? true;
  for (
    const end = Date.now() + (globalThis.expectsThreads === false ? 500 : LONGEST_WAIT);
    isolated && running() < THREADS && Date.now() < end;
  ) {
    shared.matMul(shared);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    backend: info().backend,
    isolated,
    threads: running(),
    losses,
    values: [...values.slice(0, 8)],
    bin: sumOf(files.bin),
  };
}
