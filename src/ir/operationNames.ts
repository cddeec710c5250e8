/** Finding the definition of a layer: names of operations in any case, opset names, and older forms of operations. */
import type { OperationDefinition } from '../autograd/operation.js';
import { UnsupportedError } from '../errors.js';
import { BATCH_NORM_INFERENCE } from '../ops/neural/batchNorm.js';
import { OPERATIONS } from '../ops/operations.js';
import type { IrLayer } from './document.js';

/** The newest opset of OpenVINO 2026. A layer names the opset whose table its type is looked up in. */
const NEWEST_OPSET = 17;

const BY_NAME = new Map(
  (OPERATIONS as readonly OperationDefinition[])
    .filter(({ openvino }) => openvino !== undefined)
    .map((definition) => [(definition.openvino?.type ?? definition.type).toLowerCase(), definition]),
);

export function opsetNumber(layer: IrLayer): number {
  const match = /^opset(\d+)$/.exec(layer.version);
  const number = match ? Number(match[1]) : 0;
  if (number >= 1 && number <= NEWEST_OPSET) return number;
  throw new UnsupportedError(
    'IR_OPSET',
    `its opset '${layer.version}' is not known; opset1 to opset${NEWEST_OPSET} are.`,
    {
      layer: layer.name,
      opset: layer.version,
    },
  );
}

/** @throws UnsupportedError naming the layer, its type and its opset, if there is no such operation here. */
export function definitionOf(layer: IrLayer): OperationDefinition {
  opsetNumber(layer);
  const definition = BY_NAME.get(layer.type.toLowerCase());
  if (definition) return definition;
  throw new UnsupportedError('IR_OPERATION', `the operation ${layer.type} of ${layer.version} is not supported.`, {
    layer: layer.name,
    type: layer.type,
    opset: layer.version,
  });
}

/** For each input of a definition, the input of the layer that it is; older opsets have some in another order. */
export function inputOrder(layer: IrLayer, definition: OperationDefinition): readonly number[] {
  // Before opset5: gamma, beta, data, mean, variance.
  if (definition === (BATCH_NORM_INFERENCE as OperationDefinition) && opsetNumber(layer) < 5) return [2, 0, 1, 3, 4];
  return layer.inputs.map((_, index) => index);
}
