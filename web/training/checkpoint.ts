/** The session as the bytes of a checkpoint, and back. */
import {
  CheckpointError,
  defaultGenerator,
  deserializeCheckpoint,
  type QuantizedModel,
  serializeCheckpoint,
} from 'quantgrad';
import { DigitsNet } from '../../examples/digits/network.js';
import { toDataset } from '../../examples/digits/parse.js';
import type { QuantizeSettings } from '../protocol.js';
import { makeLoader, Run, type RunPosition } from './run.js';
import { type DigitsSource, Session, type SessionParts } from './session.js';

/** What the page keeps besides networks, optimizer and loader. */
interface PageRecord extends Pick<SessionParts, 'seed' | 'trained' | 'accuracies' | 'curves'> {
  readonly version: typeof VERSION;
  readonly run: RunPosition | null;
  readonly quantization: QuantizeSettings | null;
}

const VERSION = 1;

/** Everything that is needed to go on. */
export function saveSession(session: Session): Promise<Uint8Array> {
  const { float, quantized, run, seed, trained, accuracies, curves } = session.parts;
  const page: PageRecord = {
    version: VERSION,
    ...{ seed, trained, accuracies, curves },
    run: run?.position ?? null,
    quantization: quantized?.settings ?? null,
  };
  return serializeCheckpoint({
    model: quantized?.model ?? float,
    // A quantized network is a copy: the float one goes on to be shown beside it.
    float,
    page,
    ...(run ? { optimizer: run.optimizer, loader: run.loader } : {}),
  });
}

/**
 * The session of a checkpoint, on the default backend.
 * @throws CheckpointError for a file that is no checkpoint, is damaged, of another network, or not of this page
 */
export function restoreSession(bytes: Uint8Array, source: DigitsSource, where = 'This file'): Session {
  const generator = defaultGenerator().state();
  try {
    const page = readPage(deserializeCheckpoint(bytes, { model: new DigitsNet() }, where).page, where);
    return rebuild(bytes, page, source, where);
  } catch (error) {
    defaultGenerator().setState(generator);
    throw error;
  }
}

function readPage(page: unknown, where: string): PageRecord {
  if (typeof page === 'object' && page !== null && 'version' in page && page.version === VERSION) {
    return page as PageRecord;
  }
  throw new CheckpointError(
    'NOT_OF_THIS_PAGE',
    `${where}: it is a checkpoint of QuantGrad, but this page has not made it, or another version has.`,
    { where },
  );
}

function rebuild(bytes: Uint8Array, page: PageRecord, source: DigitsSource, where: string): Session {
  const model = new DigitsNet();
  const float = page.quantization ? new DigitsNet() : model;
  const runs: Run[] = [];
  const restored = deserializeCheckpoint(
    bytes,
    {
      model,
      float,
      ...(page.run && {
        optimizer: (built: { readonly model: DigitsNet | QuantizedModel<DigitsNet> }) => {
          const position = page.run as RunPosition;
          const loader = makeLoader(toDataset(source.train), position.batchSize, page.seed);
          const run = new Run(position.phase === 'float' ? float : built.model, loader, position);
          runs.push(run);
          return run.optimizer;
        },
        loader: () => runs[0].loader,
      }),
    },
    where,
  );
  return new Session(source, {
    ...page,
    float,
    quantized: page.quantization && {
      model: restored.model as QuantizedModel<DigitsNet>,
      settings: page.quantization,
    },
    run: runs[0] ?? null,
  });
}
