/** What takes a GPU away from a page, or fills its memory, from outside: the graphics objects that GPU.js makes are kept here. */

interface Device extends EventTarget {
  destroy(): void;
}

const contexts: WebGL2RenderingContext[] = [];
const devices: Device[] = [];

/** Keeps every WebGL context and WebGPU device from now on. To be called before GPU.js is loaded. */
export function watchGraphics(): void {
  const canvases = [
    typeof HTMLCanvasElement === 'function' ? HTMLCanvasElement : null,
    typeof OffscreenCanvas === 'function' ? OffscreenCanvas : null,
  ];
  for (const canvas of canvases) {
    if (!canvas) continue;
    const prototype = canvas.prototype as unknown as { getContext(...values: unknown[]): unknown };
    const original = prototype.getContext;
    prototype.getContext = function (this: unknown, ...values: unknown[]): unknown {
      const context = original.apply(this, values);
      if (context instanceof WebGL2RenderingContext && !contexts.includes(context)) contexts.push(context);
      return context;
    };
  }
  const adapter = (globalThis as { GPUAdapter?: { prototype: { requestDevice(given?: unknown): Promise<Device> } } })
    .GPUAdapter?.prototype;
  if (!adapter) return;
  const original = adapter.requestDevice;
  adapter.requestDevice = async function (given?: unknown): Promise<Device> {
    const device = await original.call(this, given);
    devices.push(device);
    return device;
  };
}

/** Takes the GPU away, as a driver that restarts does. */
export function loseGraphics(mode: string): void {
  const lost = mode === 'webgl2' ? contexts : devices;
  if (lost.length === 0) throw new Error(`No graphics of ${mode} have been seen.`);
  for (const context of contexts) if (mode === 'webgl2') context.getExtension('WEBGL_lose_context')?.loseContext();
  for (const device of devices) if (mode === 'webgpu') device.destroy();
}

/** Lets the API report what it reports when its memory is full. A real GPU cannot be filled here without filling the machine. */
export function fillGraphics(mode: string): void {
  const OUT_OF_MEMORY = 0x0505;
  if (mode === 'webgl2') {
    for (const context of contexts) {
      let reports = 1;
      const original = context.getError.bind(context);
      context.getError = () => (reports-- > 0 ? OUT_OF_MEMORY : original());
    }
    return;
  }
  const scope = globalThis as unknown as {
    GPUUncapturedErrorEvent: new (type: string, init: { error: Error }) => Event;
    GPUOutOfMemoryError: new (message: string) => Error;
  };
  for (const device of devices) {
    const error = new scope.GPUOutOfMemoryError('Buffer allocation failed.');
    device.dispatchEvent(new scope.GPUUncapturedErrorEvent('uncapturederror', { error }));
  }
}
