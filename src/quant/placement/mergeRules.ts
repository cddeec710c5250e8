/**
 * What becomes of the quantizers of several branches at the value that they branch from (NNCF's
 * QuantizerPropagationRule): the configurations of one above the branch, and which of them stay below it.
 */
import { type QuantizerConfig, sameConfig } from '../spec.js';

export const PROPAGATION_RULES = [
  /** One quantizer above the branch, of a configuration that all branches allow, if there is one. */
  'mergeAllInOne',
  /** Every branch keeps its own. */
  'doNotMergeBranches',
  /** One above the branch if all branches allow the same configurations. */
  'mergeIfAllBranchesSame',
  /** One above the branch from which every branch could be quantized again; branches that allow anything else keep theirs. */
  'mergeWithPotentialRequantization',
] as const;

export type PropagationRule = (typeof PROPAGATION_RULES)[number];

export type ConfigList = readonly QuantizerConfig[];

export interface Merge {
  /** Configurations above the branch, best first. */
  readonly configs: ConfigList;
  /** Which of the lists' quantizers stay, by index. */
  readonly kept: ReadonlySet<number>;
}

const holds = (list: ConfigList, config: QuantizerConfig): boolean => list.some((other) => sameConfig(other, config));

const sameLists = (a: ConfigList, b: ConfigList): boolean =>
  a.length === b.length && a.every((config) => holds(b, config)) && b.every((config) => holds(a, config));

/** Whether `below` may follow `above`: it is not finer and loses nothing that `above` is bound to. */
const mayRequantize = (below: QuantizerConfig, above: QuantizerConfig): boolean =>
  below.bits <= above.bits &&
  !(below.mode === 'asymmetric' && above.mode === 'symmetric') &&
  !(below.signednessToForce === undefined && above.signednessToForce !== undefined) &&
  !(below.signednessToForce === true && above.signednessToForce === false) &&
  below.narrowRange === above.narrowRange;

/** The merge of the quantizers with these lists, or null if all stay where they are. */
export function mergeBranches(lists: readonly ConfigList[], rule: PropagationRule): Merge | null {
  const none = new Set<number>();
  const [first, ...rest] = lists;
  if (rule === 'doNotMergeBranches') return null;
  if (rule === 'mergeIfAllBranchesSame')
    return rest.every((list) => sameLists(list, first)) ? { configs: mergeConfigs(lists), kept: none } : null;
  const requantize = rule === 'mergeWithPotentialRequantization';
  const configs = mergeConfigs(lists, requantize);
  if (configs.length === 0) return null;
  return { configs, kept: requantize ? indicesOf(lists, (list) => !sameLists(list, configs)) : none };
}

const indicesOf = <T>(items: readonly T[], test: (item: T) => boolean): Set<number> =>
  new Set(items.flatMap((item, index) => (test(item) ? [index] : [])));

/**
 * Configurations that all lists hold, in order of their summed positions; ties as NNCF breaks them: more bits, per
 * tensor, symmetric.
 * @param requantize Also those that all lists could follow. They come after those that a list holds.
 */
function mergeConfigs(lists: readonly ConfigList[], requantize = false): QuantizerConfig[] {
  const candidates = lists.flat().filter((config, index, all) => all.findIndex((c) => sameConfig(c, config)) === index);
  const last = Math.max(...lists.map(({ length }) => length)) + 1;
  const position = (list: ConfigList, config: QuantizerConfig): number => {
    const index = list.findIndex((other) => sameConfig(other, config));
    return index < 0 ? last : index;
  };
  const suits = (config: QuantizerConfig) => (list: ConfigList) =>
    holds(list, config) || (requantize && list.every((other) => mayRequantize(other, config)));
  return candidates
    .filter((config) => lists.every(suits(config)))
    .map((config) => ({ config, rank: lists.reduce((total, list) => total + position(list, config), 0) }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        b.config.bits - a.config.bits ||
        Number(a.config.perChannel) - Number(b.config.perChannel) ||
        Number(a.config.mode === 'asymmetric') - Number(b.config.mode === 'asymmetric') ||
        // NNCF leaves the rest open; the order of branches must not decide.
        Number(a.config.narrowRange) - Number(b.config.narrowRange) ||
        Number(a.config.signednessToForce ?? false) - Number(b.config.signednessToForce ?? false),
    )
    .map(({ config }) => config);
}
