/**
 * The engine that runs this, for 256-bit vectors. Bundles for browsers, where there are none, take `wideTrial.browser.ts`
 * instead: the field `browser` of package.json says so.
 */
import { selfCheck } from './selfCheck.js';
import { nodeWideEngine, type WideTrial } from './wideEngine.js';

export const ENGINE_TRIAL: WideTrial = {
  engine: nodeWideEngine,
  check: (engine, relaxed) => selfCheck(engine, relaxed),
};
