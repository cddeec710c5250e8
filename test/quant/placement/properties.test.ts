/** Properties of placement that hold for every graph, on random ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { Graph, type GraphNode, type GraphValue } from '../../../src/graph/graph.js';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import { isFloating } from '../../../src/kernels/dtype.js';
import type { Module } from '../../../src/nn/module.js';
import { getConfig, loadFromConfig } from '../../../src/quant/config.js';
import { PROPAGATION_RULES } from '../../../src/quant/placement/mergeRules.js';
import {
  dataNodes,
  firstNode,
  isResult,
  quantizableInputs,
  throughIdentities,
} from '../../../src/quant/placement/operators.js';
import { type Placement, placementName, placeQuantizers } from '../../../src/quant/placement/placement.js';
import { quantize } from '../../../src/quant/quantize.js';
import {
  insertQuantizers,
  isQuantizer,
  type QuantizerInsertion,
  type QuantizerTarget,
} from '../../../src/quant/quantizer.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { targetTable } from '../../../src/quant/targets/index.js';
import { ones, randn, zeros } from '../../../src/tensor/create.js';
import { Generator } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { programArbitrary, RandomNet } from './randomNet.js';

const SHAPE = [2, 4, 6, 6];

const place = (graph: Graph, ignored: ReadonlySet<GraphNode> = new Set()): Placement =>
  placeQuantizers(graph, {
    ...{ target: CPU_TARGET, ignored, activationMode: 'symmetric', bits: { weights: 8, activations: 8 } },
  });

const graphOf = (model: Module): Graph => copyGraph(trace(model, [zeros(SHAPE)]).graph);

const isQuantizable = (graph: Graph): boolean => {
  const { weights, activations } = place(graph);
  return weights.length + activations.length > 0;
};

/** Inserts the quantizers with ranges of 1. */
function insert(graph: Graph, { weights, activations }: Placement): void {
  const insertions = [...weights, ...activations].map((placement): QuantizerInsertion => {
    const { config, target } = placement;
    const kind = 'weights' in placement ? 'weights' : 'activations';
    return { target, spec: { ...config, kind, signed: true }, parameters: [ones([1]), ones([1])] };
  });
  insertQuantizers(graph, insertions);
}

const PASSING = new Set(['quantizationAgnostic', 'concat']);
const passes = (node: GraphNode, ignored: ReadonlySet<GraphNode>): boolean =>
  PASSING.has(node.definition.quantization?.trait ?? '') &&
  CPU_TARGET.operations[node.type] !== undefined &&
  !ignored.has(node);

/** Tells whether a value is on the grid of a quantizer on every way to it. */
function gridTest(graph: Graph, ignored: ReadonlySet<GraphNode>): (value: GraphValue) => boolean {
  const live = dataNodes(graph);
  const onGrid = new Map<GraphNode, boolean>();
  for (const node of graph.nodes) {
    const inputs = node.inputs
      .map(throughIdentities)
      .filter((value) => live.has(value.node) && isFloating(value.type.dtype));
    const passed = passes(node, ignored) && inputs.length > 0 && inputs.every((value) => onGrid.get(value.node));
    onGrid.set(node, isQuantizer(node) || passed);
  }
  return (value) => onGrid.get(throughIdentities(value).node) ?? false;
}

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

/** Some of the nodes, the same for the same seed. */
function someNodes(graph: Graph, seed: number, share: number): Set<GraphNode> {
  const next = random(seed);
  return new Set(graph.nodes.filter((node) => !node.isConstant && !node.isParameter && next() < share));
}

/** Everything that decides on places. */
const variants = fc.record({
  target: fc.constantFrom('cpu' as const, 'cpu_spr' as const, 'npu' as const, 'gpu' as const),
  rule: fc.constantFrom(...PROPAGATION_RULES),
  activationMode: fc.constantFrom('symmetric' as const, 'asymmetric' as const),
  quantizeOutputs: fc.boolean(),
  transformer: fc.boolean(),
  ignoredShare: fc.constantFrom(0, 0.15),
});

describe('on random networks', () => {
  it('every operation of the target’s table has inputs on a grid, or a reason not to, whatever the options', () => {
    fc.assert(
      fc.property(
        programArbitrary(20),
        variants,
        fc.nat(),
        (program, { target: device, ignoredShare, ...options }, seed) => {
          const graph = graphOf(new RandomNet(program));
          const target = targetTable(device);
          const ignored = someNodes(graph, seed, ignoredShare);
          const placement = placeQuantizers(graph, {
            target,
            ignored,
            bits: { weights: 8, activations: 8 },
            ...options,
          });
          const { operators, reasons } = placement;
          const unquantized = new Set(
            operators.filter(({ trait }) => !PASSING.has(trait)).flatMap((operator) => operator.nodes),
          );
          const listed = operators.filter((operator) => {
            const support = target.operations[firstNode(operator).type];
            return isResult(operator) || (support !== undefined && support.activations.length > 0);
          });
          const inputs = new Map(listed.map((operator) => [operator, quantizableInputs(operator)]));
          insert(graph, placement);
          const isOnGrid = gridTest(graph, unquantized);
          for (const operator of listed) {
            const node = firstNode(operator);
            if (reasons.has(node)) continue;
            for (const { use } of inputs.get(operator) ?? []) {
              const value = isResult(operator)
                ? graph.outputs.find(({ name }) => name === node.name)?.value
                : node.inputs[use.port];
              expect(value && isOnGrid(value), `input ${use.port} of ${node.name}`).toBe(true);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('removing a quantizer leaves every other one where it is', () => {
    fc.assert(
      fc.property(programArbitrary(16), fc.nat(), (program, seed) => {
        const [whole, without] = [graphOf(new RandomNet(program)), graphOf(new RandomNet(program))];
        const placement = place(whole);
        const names = [...placement.weights, ...placement.activations].map(placementName);
        fc.pre(names.length > 1);
        const removed = names[seed % names.length];
        const rest = <P extends { readonly target: QuantizerTarget }>(list: readonly P[]): P[] =>
          list.filter((item) => placementName(item) !== removed);
        insert(whole, placement);
        const other = place(without);
        insert(without, { ...other, weights: rest(other.weights), activations: rest(other.activations) });
        const standing = (graph: Graph): string[] =>
          graph.nodes
            .filter((node) => isQuantizer(node) && node.name !== removed)
            .map(
              (node) => `${behindQuantizers(node.inputs[0]).node.name} ${node.name} ${readersOf(graph, node, removed)}`,
            )
            .sort();
        expect(standing(without)).toEqual(standing(whole));
      }),
      { numRuns: 80 },
    );
  });

  it('every quantizable input is on a grid, or feeds an operation with a constant', () => {
    fc.assert(
      fc.property(programArbitrary(24), fc.nat(), fc.boolean(), (program, seed, ignoring) => {
        const graph = graphOf(new RandomNet(program));
        const ignored = someNodes(graph, seed, ignoring ? 0.15 : 0);
        const placement = place(graph, ignored);
        const quantizable = placement.operators
          .filter(({ trait }) => trait === 'inputsQuantizable')
          .map((operator) => ({
            node: firstNode(operator),
            inputs: quantizableInputs(operator).map(({ use }) => use),
          }));
        insert(graph, placement);
        const isOnGrid = gridTest(graph, ignored);
        for (const { node, inputs } of quantizable) {
          const constantOperand =
            node.inputs.length === 2 && inputs.length === 1 && !CPU_TARGET.operations[node.type].weights;
          for (const { port } of inputs) {
            const onGrid = isOnGrid(node.inputs[port]);
            expect(onGrid || constantOperand, `input ${port} of ${node.name}`).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every weight of an operation that is quantized has one quantizer, and no other constant has', () => {
    fc.assert(
      fc.property(programArbitrary(16), fc.nat(), (program, seed) => {
        const graph = graphOf(new RandomNet(program));
        const ignored = someNodes(graph, seed, 0.2);
        const placement = place(graph, ignored);
        const weighted = graph.nodes.filter(
          (node) => CPU_TARGET.operations[node.type]?.weights && !ignored.has(node) && node.type !== 'Gather',
        );
        expect(placement.weights.map(({ target }) => target.node).sort()).toEqual(
          weighted.map(({ name }) => name).sort(),
        );
        insert(graph, placement);
        for (const node of weighted)
          expect(isQuantizer(graph.node(node.name).inputs[1].node) || throughReshape(node)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('no value is quantized twice in the same way', () => {
    fc.assert(
      fc.property(programArbitrary(24), (program) => {
        const graph = graphOf(new RandomNet(program));
        insert(graph, place(graph));
        for (const node of graph.nodes.filter(isQuantizer)) {
          let above = throughIdentities(node.inputs[0]).node;
          expect(isQuantizer(above), `${node.name} behind ${above.name}`).toBe(false);
          while (passes(above, new Set()) && above.inputs.length === 1) above = throughIdentities(above.inputs[0]).node;
          if (!isQuantizer(above)) continue;
          const kind = ({ attributes }: GraphNode): string => {
            const { mode, bits, perChannel } = attributes as { mode: string; bits: number; perChannel: boolean };
            return `${mode} ${bits} ${String(perChannel)}`;
          };
          expect(kind(above), `${node.name} behind ${above.name}`).not.toBe(kind(node));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('no value is quantized that something needs in float', () => {
    fc.assert(
      fc.property(programArbitrary(24), fc.nat(), (program, seed) => {
        const graph = graphOf(new RandomNet(program));
        const ignored = someNodes(graph, seed, 0.1);
        const placement = place(graph, ignored);
        const wanted = new Set(
          placement.operators
            .filter(({ trait }) => trait === 'inputsQuantizable')
            .flatMap((operator) => quantizableInputs(operator).map(({ use }) => `${use.node.name} ${use.port}`)),
        );
        insert(graph, placement);
        const outputs = new Set(graph.outputs.map(({ value }) => value.node));
        const uses = graph.uses();
        const seen = new Set<GraphNode>();
        const check = (node: GraphNode): void => {
          if (seen.has(node)) return;
          seen.add(node);
          expect(outputs.has(node), `${node.name} is an output`).toBe(false);
          for (const use of node.outputs.flatMap((value) => uses.get(value) ?? [])) {
            const passed = passes(use.node, ignored) || throughIdentities(use.node.outputs[0]).node !== use.node;
            if (passed) check(use.node);
            else if (!isQuantizer(use.node))
              expect(wanted.has(`${use.node.name} ${use.port}`), `${use.node.name} reads ${node.name}`).toBe(true);
          }
        };
        for (const node of graph.nodes) if (isQuantizer(node) && quantizes(node) === 'activations') check(node);
      }),
      { numRuns: 200 },
    );
  });

  it('no output of the network is quantized', () => {
    fc.assert(
      fc.property(programArbitrary(16), (program) => {
        const graph = graphOf(new RandomNet(program));
        insert(graph, place(graph));
        for (const { value } of graph.outputs) expect(isQuantizer(throughIdentities(value).node)).toBe(false);
      }),
    );
  });

  it('the order of the nodes makes no difference', () => {
    fc.assert(
      fc.property(programArbitrary(24), variants, fc.nat(), (program, { target, ignoredShare, ...options }, seed) => {
        const graph = graphOf(new RandomNet(program));
        const ignored = someNodes(graph, seed, ignoredShare);
        const placeBy = (nodes: Graph): unknown =>
          summary(
            placeQuantizers(nodes, {
              ...{ target: targetTable(target), ignored, bits: { weights: 8, activations: 8 }, ...options },
            }),
          );
        expect(placeBy(shuffle(graph, seed))).toEqual(placeBy(graph));
      }),
      { numRuns: 150 },
    );
  });

  it('quantize() runs, switched off it is the float network, and its configuration rebuilds it', async () => {
    await fc.assert(
      fc.asyncProperty(programArbitrary(12), fc.constantFrom('performance', 'mixed'), async (program, preset) => {
        const model = new RandomNet(program).eval() as RandomNet;
        const data = [randn(SHAPE, { generator: new Generator(3) })];
        fc.pre(isQuantizable(graphOf(model)));
        const quantized = await quantize(model, data, {
          ...{ preset: preset as 'performance', advancedParameters: { disableBiasCorrection: true } },
        });
        const run = (module: { forward(x: Tensor): unknown }): number[][] =>
          noGrad(() => (module.forward(data[0]) as Tensor[]).map((tensor) => [...tensor.dataSync()]));
        const rebuilt = loadFromConfig(
          new RandomNet(program).eval() as RandomNet,
          JSON.parse(JSON.stringify(getConfig(quantized))),
        );
        rebuilt.loadStateDict(quantized.stateDict());
        expect(run(rebuilt)).toEqual(run(quantized));
        expect(run(quantized).flat().every(Number.isFinite)).toBe(true);
        expect(run(quantized.disableQuantization())).toEqual(run(model));
      }),
      { numRuns: 40 },
    );
  });
});

const behindQuantizers = (value: GraphValue): GraphValue =>
  isQuantizer(value.node) ? behindQuantizers(value.node.inputs[0]) : value;

/** What reads a node's output, past the removed quantizer and those behind it. */
const readersOf = (graph: Graph, node: GraphNode, removed: string): string =>
  graph.nodes
    .filter((reader) => reader.name !== removed && reader.inputs.some((value) => sourceOf(value, removed) === node))
    .map(({ name }) => name)
    .sort()
    .join();
const sourceOf = ({ node }: GraphValue, removed: string): GraphNode =>
  node.name === removed ? node.inputs[0].node : node;

const quantizes = ({ attributes }: GraphNode): string => (attributes as { kind: string }).kind;

/** Grouped convolutions read their weights through a reshape. */
const throughReshape = (node: GraphNode): boolean => {
  const reshape = node.inputs[1].node;
  return reshape.type === 'Reshape' && isQuantizer(reshape.inputs[0].node);
};

/** The same graph with its nodes in another valid order. */
function shuffle(graph: Graph, seed: number): Graph {
  const next = random(seed);
  const rest = new Set(graph.nodes);
  const order: GraphNode[] = [];
  while (rest.size > 0) {
    const ready = [...rest].filter((node) => node.inputs.every((value) => !rest.has(value.node)));
    const chosen = ready[Math.floor(next() * ready.length)];
    rest.delete(chosen);
    order.push(chosen);
  }
  return new Graph(order, graph.inputs, graph.outputs);
}

/** Everything that was decided, without an order. */
function summary({ weights, activations }: Placement): unknown {
  const groups = new Map<unknown, string[]>();
  for (const placement of activations) {
    if (placement.group)
      groups.set(placement.group, [...(groups.get(placement.group) ?? []), placementName(placement)].sort());
  }
  return {
    kinds: [...weights, ...activations]
      .map((placement) => `${placementName(placement)} ${JSON.stringify(placement.config)}`)
      .sort(),
    groups: [...groups.values()].map((names) => names.join()).sort(),
  };
}
