/** Checkpoints and the safetensors format. */
export {
  type CheckpointContents,
  deserializeCheckpoint,
  loadCheckpoint,
  type PartFactory,
  type RestoredCheckpoint,
  type RestoredModel,
  type RestoreTargets,
  type Stateful,
  saveCheckpoint,
  serializeCheckpoint,
} from './checkpoint.js';
export { CHECKPOINT_VERSION } from './manifest.js';
export { decodeSafetensors, encodeSafetensors, type HostTensor, type Safetensors } from './safetensors.js';
