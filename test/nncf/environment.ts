/** A Python environment with the pinned NNCF, PyTorch and OpenVINO under .venv-nncf/. */
import { fileURLToPath } from 'node:url';
import { pythonOf } from '../pythonEnvironment.js';

/** The environment's interpreter. `QUANTGRAD_NNCF_PYTHON` names another one that has the packages. */
export const pythonWithNncf = (): string =>
  pythonOf({
    folder: '.venv-nncf',
    requirements: fileURLToPath(new URL('requirements.txt', import.meta.url)),
    what: 'NNCF, PyTorch and OpenVINO (about 2 GB)',
    variable: 'QUANTGRAD_NNCF_PYTHON',
  });
