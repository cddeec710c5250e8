/** Running models from files. */
export { InferenceSession } from './inferenceSession.js';
