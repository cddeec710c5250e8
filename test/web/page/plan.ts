/** One whole training, as the tests do it in the page and in Node; both must give the same files. */
import { readFileSync } from 'node:fs';
import { splitDigits } from '../../../examples/digits/parse.js';
import type { Output } from '../../../web/protocol.js';
import { type DigitsSource, Session } from '../../../web/training/session.js';
import type { Plan } from './planTypes.js';

export const loadSource = (): DigitsSource =>
  splitDigits(readFileSync(new URL('../../../examples/digits/digits.csv', import.meta.url), 'utf8'), 'digits.csv');

async function trainToEnd(session: Session): Promise<void> {
  for (;;) if ((await session.takeStep()).endsRun) return;
}

/** The training in this process. */
export async function trainInNode({ seed, float, quantize, fineTune }: Plan): Promise<Session> {
  const session = Session.create(loadSource(), seed);
  await session.begin('float', float);
  await trainToEnd(session);
  await session.quantize(quantize);
  await session.begin('fineTune', fineTune);
  await trainToEnd(session);
  return session;
}

export interface Files {
  readonly xml: string;
  readonly bin: string;
}

/** Bytes as text, to be compared. */
export const toFiles = ({ xml, bin }: Pick<Output<'exportIr'>, 'xml' | 'bin'>): Files => ({
  xml: Buffer.from(xml).toString('base64'),
  bin: Buffer.from(bin).toString('base64'),
});
