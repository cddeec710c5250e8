/** Gives inputs and outputs the names that a user asks for, and sees that no tensor name means two tensors. */
import { ValidationError } from '../errors.js';
import type { Graph, GraphValue } from '../graph/graph.js';

export interface InterfaceNames {
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
}

function checkNames(what: 'input' | 'output', names: readonly string[], count: number): void {
  const fits = Array.isArray(names) && names.length === count;
  if (!fits || names.some((name) => typeof name !== 'string' || name === '') || new Set(names).size !== count) {
    throw new ValidationError(
      'BAD_NAMES',
      `${what}Names must be ${count} different strings, one for each ${what} of the model, not ${JSON.stringify(names)}.`,
      { names },
    );
  }
}

/** Changes the graph in place. */
export function renameInterface(graph: Graph, { inputNames, outputNames }: InterfaceNames): void {
  if (inputNames) {
    checkNames('input', inputNames, graph.inputs.length);
    for (const [index, name] of inputNames.entries()) renameNode(graph, index, name);
  }
  if (outputNames) {
    checkNames('output', outputNames, graph.outputs.length);
    for (const [index, name] of outputNames.entries())
      graph.outputs[index] = { name, value: graph.outputs[index].value };
  }
  distinguishTensors(graph, outputNames !== undefined);
}

/** The names of inputs go before those of other nodes. */
function renameNode(graph: Graph, index: number, name: string): void {
  const node = graph.inputs[index];
  const names = new Set(graph.nodes.filter((each) => each !== node).map((each) => each.name));
  const other = graph.nodes.find((each) => each !== node && each.name === name);
  if (other) {
    let free = name;
    for (let count = 1; names.has(free) || free === name; count++) free = `${name}_${count}`;
    other.name = free;
  }
  node.name = name;
}

/**
 * An input and an output, or two outputs, of one name would be one tensor to OpenVINO: later ones get a number,
 * unless the user chose the names.
 */
function distinguishTensors(graph: Graph, chosen: boolean): void {
  const owners = new Map<string, GraphValue>(graph.inputs.map((node) => [node.name, node.outputs[0]]));
  for (const [index, { name, value }] of graph.outputs.entries()) {
    let free = name;
    for (let count = 1; (owners.get(free) ?? value) !== value; count++) free = `${name}_${count}`;
    if (chosen && free !== name) {
      throw new ValidationError('BAD_NAMES', `outputNames: '${name}' is the name of an input; choose another one.`, {
        names: [name],
      });
    }
    owners.set(free, value);
    graph.outputs[index] = { name: free, value };
  }
}
