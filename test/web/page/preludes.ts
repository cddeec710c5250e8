/** Code that takes away from a worker what a browser may lack. */

export const NO_SIMD = 'WebAssembly.validate = () => false;';
export const NO_GPU =
  "Object.defineProperty(navigator, 'gpu', { value: undefined }); delete globalThis.OffscreenCanvas;";
/** As in a hidden tab, or worse. */
export const SLOW_TIMERS = '{ const inTime = setTimeout; globalThis.setTimeout = (body) => inTime(body, 60_000); }';
/** Keeps WebGL's contexts, so that a test can lose them. */
export const KEEP_CONTEXTS = `{
  const { getContext } = OffscreenCanvas.prototype;
  globalThis.contexts = [];
  OffscreenCanvas.prototype.getContext = function (...values) {
    const context = getContext.apply(this, values);
    if (context?.getExtension) contexts.push(context);
    return context;
  };
}`;
