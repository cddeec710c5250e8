/** The networks of nets.py. */
import { BASIC_NETS } from './basic.js';
import { BRANCHING_NETS } from './branching.js';
import type { NetDefinition } from './net.js';
import { OPERATIONS_NETS } from './operations.js';

export { Net, type NetDefinition } from './net.js';
export const NETS: Readonly<Record<string, NetDefinition>> = { ...BASIC_NETS, ...BRANCHING_NETS, ...OPERATIONS_NETS };
