/** Checkpoints and the safetensors format. */
export {
  CHECKPOINT_VERSION,
  type CheckpointContents,
  deserializeCheckpoint,
  loadCheckpoint,
  type PartFactory,
  type RestoredCheckpoint,
  type RestoreTargets,
  type Stateful,
  saveCheckpoint,
  serializeCheckpoint,
} from './checkpoint.js';
export { decodeSafetensors, encodeSafetensors, type HostTensor, type Safetensors } from './safetensors.js';
