/** What the two answers mean, in a sentence. */
import { percent } from '../format.js';
import type { Answer } from './Answers.js';

export interface Situation {
  readonly float: Answer | null;
  readonly quantized: Answer | null;
  readonly empty: boolean;
  /** Whether the networks have been trained at all. */
  readonly trained: boolean;
  /** What the picture shows, where that is known. */
  readonly truth: number | null;
}

export function agreement({ float, quantized, empty, trained, truth }: Situation): string {
  if (empty || !float) return 'Nothing is drawn yet.';
  const known = truth === null ? '' : ` The writer meant ${truth}.`;
  if (!trained) return `The network is not trained: it picks ${float.digit} by chance.${known}`;
  if (!quantized) return `The float network reads ${float.digit}.${known}`;
  if (float.digit === quantized.digit) {
    const change = Math.abs(float.probabilities[float.digit] - quantized.probabilities[float.digit]);
    return `Both read ${float.digit}; rounding changed how sure the network is by ${percent(change).replace('%', '')} points.${known}`;
  }
  return `They disagree: rounding turned ${float.digit} into ${quantized.digit}.${known}`;
}
