/**
 * The order of a part's launches. Nodes of one level read nothing of each other and are packed into few launches (packing.ts);
 * host steps come between them. A pack is one array and lives as long as the last of what is in it, so what is kept for
 * long is not packed with large arrays that are not.
 */
import type { KernelName } from '../../contract.js';
import { isKernelStep, outputsOf, type ProgramBuffer } from '../../program.js';
import { MAX_LENGTH } from '../kernels/source.js';
import { canPack, packSources } from './packing.js';
import {
  type ArrayPlace,
  type ComputedNode,
  type HostNode,
  isBuffer,
  type NodeArgument,
  type Part,
  type PartNode,
  placesRead,
} from './partNode.js';

/** An array of a few elements costs little wherever it lives, and however long. */
const SMALL = 2 ** 12;

/** One launch, which computes the arrays of some nodes. */
export interface Launch {
  readonly kind: 'launch';
  readonly source: string;
  readonly length: number;
  readonly arguments: readonly NodeArgument[];
  /** The kernel that the launch counts for: that of its first node. */
  readonly kernel: KernelName;
  /** What it computes and where in its array that begins. */
  readonly offsets: ReadonlyMap<ComputedNode, number>;
}

export type Operation = Launch | HostNode;

export function scheduleNodes(
  { nodes, places }: Part,
  needed: ReadonlySet<ProgramBuffer>,
  mostArrays: number,
): Operation[] {
  const kept = new Set<ComputedNode | ProgramBuffer>([...needed].flatMap((buffer) => places.get(buffer)?.array ?? []));
  const levels = levelsOf(nodes);
  const operations: Operation[] = [];
  for (const members of levels) {
    const packs: Pack[] = [];
    for (const node of members) {
      if (node.kind === 'host') operations.push(node);
      else addToPack(packs, node, kept.has(node), mostArrays);
    }
    operations.push(...packs.map(launchOf));
  }
  return operations;
}

/** Nodes by how many others have to run before them, one after another. */
function levelsOf(nodes: readonly PartNode[]): PartNode[][] {
  const levelOf = new Map<ComputedNode | ProgramBuffer, number>();
  const levels: PartNode[][] = [];
  let host = -1;
  for (const node of nodes) {
    let level = Math.max(0, ...placesRead(node).map(({ array }) => (levelOf.get(array) ?? -1) + 1));
    if (node.kind === 'host' && !isKernelStep(node.step)) {
      // The order in which the host makes values, such as random ones, is part of the result.
      level = Math.max(level, host + 1);
      host = level;
    }
    const made = node.kind === 'host' ? outputsOf(node.step) : [node];
    for (const each of made) levelOf.set(each, level);
    while (levels.length <= level) levels.push([]);
    levels[level].push(node);
  }
  return levels;
}

interface Pack {
  readonly nodes: ComputedNode[];
  readonly places: ArrayPlace[];
  length: number;
  kept: boolean;
  readonly closed: boolean;
}

const withPlaces = (known: readonly ArrayPlace[], more: readonly ArrayPlace[]): ArrayPlace[] => {
  const all = [...known];
  for (const place of more) {
    if (!all.some(({ array, offset }) => array === place.array && offset === place.offset)) all.push(place);
  }
  return all;
};

function addToPack(packs: Pack[], node: ComputedNode, kept: boolean, mostArrays: number): void {
  const places = placesRead(node);
  const closed = !canPack(node.source);
  const fits = (pack: Pack): boolean => {
    if (pack.closed || pack.length + node.length >= MAX_LENGTH) return false;
    const shorter = kept === pack.kept ? 0 : kept ? pack.length : node.length;
    return shorter <= SMALL && withPlaces(pack.places, places).length <= mostArrays;
  };
  const pack = closed ? undefined : packs.find(fits);
  if (!pack) {
    packs.push({ nodes: [node], places: withPlaces([], places), length: node.length, kept, closed });
    return;
  }
  pack.places.splice(0, pack.places.length, ...withPlaces(pack.places, places));
  pack.nodes.push(node);
  pack.length += node.length;
  pack.kept ||= kept;
}

function launchOf({ nodes }: Pack): Launch {
  const keys = new Map<ComputedNode | ProgramBuffer, Map<number, object>>();
  const packed = packSources(nodes, (argument: NodeArgument) => {
    if (typeof argument === 'number') return null;
    const { array, offset } = argument;
    const known = keys.get(array) ?? new Map<number, object>();
    keys.set(array, known);
    const key = known.get(offset) ?? {};
    known.set(offset, key);
    return key;
  });
  const offsets = new Map<ComputedNode, number>();
  let start = 0;
  for (const node of nodes) {
    offsets.set(node, start);
    start += node.length;
  }
  const { source, length, arguments: args } = packed;
  return { kind: 'launch', source, length, arguments: args, kernel: nodes[0].kernel, offsets };
}

/** What operations read and make: an array of a launch, or a buffer that the host made or that was there before. */
export type LaunchArray = Launch | ProgramBuffer;

export interface LaunchPlace {
  readonly array: LaunchArray;
  readonly offset: number;
}

export const isLaunch = (array: LaunchArray): array is Launch => 'kind' in array;

export const arraysMade = (operation: Operation): readonly LaunchArray[] =>
  operation.kind === 'launch' ? [operation] : outputsOf(operation.step);

/** Finds the launches that compute what places stand for. */
export function launchPlaces(operations: readonly Operation[]): (place: ArrayPlace) => LaunchPlace {
  const makers = new Map<ComputedNode, Launch>();
  for (const operation of operations) {
    if (operation.kind === 'launch') for (const node of operation.offsets.keys()) makers.set(node, operation);
  }
  return ({ array, offset }) => {
    if (isBuffer(array)) return { array, offset };
    const launch = makers.get(array) as Launch;
    return { array: launch, offset: offset + (launch.offsets.get(array) as number) };
  };
}
