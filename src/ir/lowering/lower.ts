/**
 * Prepares a graph for a file: OpenVINO's forms for quantizers, batch normalisation folded, constants computed, and
 * what OpenVINO is slow or wrong at expressed in another way.
 * What comes out computes the evaluation form of the model, up to rounding in float32.
 */
import type { Graph } from '../../graph/graph.js';
import { copyGraph } from '../../graph/graphModule.js';
import { decomposeBatchNorm } from './decomposeBatchNorm.js';
import { explicitPoolRounding } from './explicitPoolRounding.js';
import { foldBatchNorm } from './foldBatchNorm.js';
import { foldConstants } from './foldConstants.js';
import { keepPoolPadding } from './keepPoolPadding.js';
import { keepRounding } from './keepRounding.js';
import { lowerQuantizers } from './lowerQuantizers.js';
import { moveToHost } from './moveToHost.js';
import { removeBypassed } from './removeBypassed.js';
import { reshapeDequantization } from './reshapeDequantization.js';
import { widenPointwise } from './widenPointwise.js';

/** The lowered copy of a graph; its constants live on the reference backend. */
export async function lower(graph: Graph): Promise<Graph> {
  const copy = copyGraph(graph);
  removeBypassed(copy);
  // Codes are computed where training computes; everything after that on the host.
  await lowerQuantizers(copy);
  await moveToHost(copy);
  foldConstants(copy);
  reshapeDequantization(copy);
  foldBatchNorm(copy);
  decomposeBatchNorm(copy);
  explicitPoolRounding(copy);
  keepPoolPadding(copy);
  widenPointwise(copy);
  keepRounding(copy);
  foldConstants(copy);
  return copy;
}
