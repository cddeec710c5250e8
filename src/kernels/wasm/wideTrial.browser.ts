/** What stands for `wideTrial.ts` in bundles for browsers: no browser has 256-bit vectors. */
import type { WideTrial } from './wideEngine.js';

export const ENGINE_TRIAL: WideTrial = {
  engine: {
    obstacle: () => 'only Node lets a program switch V8 to 256 bits, and this is a bundle for browsers',
    compileWide: (compile) => compile(),
  },
  check: () => null,
};
