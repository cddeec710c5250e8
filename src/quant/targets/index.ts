/** The hardware tables by the names of targets. */
import { CPU_SPR_TARGET, CPU_TARGET } from './cpu.js';
import { GPU_TARGET } from './gpu.js';
import { NPU_TARGET } from './npu.js';
import type { TargetTable } from './target.js';

const TABLES = { any: CPU_TARGET, cpu: CPU_TARGET, gpu: GPU_TARGET, npu: NPU_TARGET, cpu_spr: CPU_SPR_TARGET };

export const targetTable = (device: keyof typeof TABLES): TargetTable => TABLES[device];
