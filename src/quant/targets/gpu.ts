/**
 * The GPU table (NNCF: `common/hardware/setups/gpu.py`). At 8 bits NNCF takes the CPU's. Of the two entries for
 * interpolation, by mode, NNCF's program reads the last one, without quantizers, whatever the mode.
 */
import { CPU_TARGET } from './cpu.js';
import type { TargetTable } from './target.js';

export const GPU_TARGET: TargetTable = {
  ...CPU_TARGET,
  name: 'gpu',
  operations: { ...CPU_TARGET.operations, Interpolate: { activations: [] } },
};
