/** An elementwise kernel on its own: a chain of one. */
import type { KernelAttributes, KernelName, TensorType } from '../../contract.js';
import type { ProgramOperand } from '../../program.js';
import { sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { chainCall, chainStepOf } from './chain.js';

/** Most calls that a kernel remembers: code that runs call by call repeats few. */
const REMEMBERED = 1024;

export function rowKernel<K extends KernelName>(kernel: K): WasmKernel<K> {
  const known = new Map<string, WasmCall | null>();
  return (inputs, attributes, outputs) => {
    const key = `${keyOf(inputs)}>${keyOf(outputs)}>${attributesKey(attributes)}`;
    const call = known.get(key);
    if (call !== undefined) return call;
    if (known.size >= REMEMBERED) known.clear();
    const made = lower(kernel, inputs, attributes, outputs);
    known.set(key, made);
    return made;
  };
}

function keyOf(types: readonly TensorType[]): string {
  let key = '';
  for (const { shape, dtype } of types) key += `${dtype} ${shape};`;
  return key;
}

/** The zeros are two. */
function attributesKey(attributes: object): string {
  let key = '';
  for (const [name, value] of Object.entries(attributes)) key += `${name} ${Object.is(value, -0) ? '-0' : value};`;
  return key;
}

function lower<K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): WasmCall | null {
  let last = 0;
  const give = ({ shape, dtype }: TensorType): ProgramOperand => ({
    buffer: { id: last++, origin: 'computed', dtype, length: sizeOf(shape) },
    shape,
    dtype,
  });
  const call = { kernel, attributes, inputs: inputs.map(give), outputs: outputs.map(give) };
  const step = chainStepOf(call);
  return step && chainCall([step], call.inputs, call.outputs);
}
