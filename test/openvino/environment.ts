/** A Python environment with the pinned OpenVINO under .venv/. */
import { fileURLToPath } from 'node:url';
import { pythonOf } from '../pythonEnvironment.js';

/** The environment's interpreter. */
export const pythonWithOpenvino = (): string =>
  pythonOf({
    folder: '.venv',
    requirements: fileURLToPath(new URL('requirements.txt', import.meta.url)),
    what: 'OpenVINO',
  });
