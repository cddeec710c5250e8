/** OpenVINO IR: models as `.xml` and `.bin` files. */
export type { RuntimeInfo } from './document.js';
export { ImportedModel } from './importedModel.js';
export { lower } from './lowering/lower.js';
export { type ModelSource, parseIr, readModel } from './reader.js';
export { type ModelFiles, type SaveModelOptions, saveModel, serializeModel } from './writer.js';
