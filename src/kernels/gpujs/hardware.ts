/**
 * Whether there is a hardware GPU behind WebGPU or WebGL 2, found out without loading GPU.js. A renderer in software (SwiftShader,
 * llvmpipe, Windows' basic one) computes the same numbers on the processor, much slower than WebAssembly does.
 */

/** The APIs that GPU.js reaches graphics hardware through. */
export type GraphicsMode = 'webgpu' | 'webgl2';

/** A GPU by its name, or why there is none, as the end of a sentence. */
export type HardwareFinding = { readonly renderer: string } | { readonly missing: string };

/** The part of WebGPU that tells what computes; TypeScript's library does not declare it. */
export interface WebGpu {
  requestAdapter(): Promise<WebGpuAdapter | null>;
}

interface WebGpuAdapter {
  /** Browsers before 2025 say it here. */
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly device?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
}

/** What is there to be asked: the browser, or what a test gives. */
export interface Graphics {
  readonly webGpu: WebGpu | undefined;
  /** A WebGL 2 context of a new canvas; null where there is none. */
  webGl2(settings: WebGLContextAttributes): WebGL2RenderingContext | null;
}

/** Names that software gives itself: Chromium's, Mesa's, Windows' and what macOS and others call it. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|basic render|software|\bwarp\b|\bswr\b/i;

const NAMELESS = 'a GPU without a name';

export const browserGraphics: Graphics = {
  get webGpu() {
    return typeof navigator === 'object' ? (navigator as { readonly gpu?: WebGpu }).gpu : undefined;
  },
  webGl2(settings) {
    if (typeof document === 'object') return document.createElement('canvas').getContext('webgl2', settings);
    if (typeof OffscreenCanvas === 'function') return new OffscreenCanvas(1, 1).getContext('webgl2', settings);
    return null;
  },
};

/** Looks for a hardware GPU behind an API. Never throws. */
export async function findHardware(mode: GraphicsMode, graphics: Graphics = browserGraphics): Promise<HardwareFinding> {
  try {
    return mode === 'webgpu' ? await findWebGpu(graphics) : findWebGl2(graphics);
  } catch (error) {
    return { missing: `asking for it failed (${error instanceof Error ? error.message : String(error)})` };
  }
}

async function findWebGpu({ webGpu }: Graphics): Promise<HardwareFinding> {
  if (!webGpu) return { missing: 'it is not here' };
  const adapter = await webGpu.requestAdapter();
  if (!adapter) return { missing: 'it has no adapter here' };
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info ?? {};
  const renderer = [vendor, architecture, device, description].filter((part) => part).join(' ') || NAMELESS;
  const isSoftware = isFallbackAdapter || adapter.isFallbackAdapter || SOFTWARE.test(renderer);
  return isSoftware ? softwareRenderer(renderer) : { renderer };
}

function findWebGl2({ webGl2 }: Graphics): HardwareFinding {
  const context = webGl2({});
  if (!context) return { missing: 'it is not here' };
  try {
    const renderer = rendererOf(context);
    if (SOFTWARE.test(renderer)) return softwareRenderer(renderer);
    if (!context.getExtension('EXT_color_buffer_float')) return { missing: 'it cannot render to float textures here' };
    // A browser that hides the name still knows whether its renderer is a slow one.
    const fast = webGl2({ failIfMajorPerformanceCaveat: true });
    if (!fast) return { missing: 'the browser says that it is slow here, as a renderer in software is' };
    release(fast);
    return { renderer };
  } finally {
    release(context);
  }
}

function rendererOf(context: WebGL2RenderingContext): string {
  // Some browsers name the renderer only behind the extension, others only without it.
  const extension = context.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = context.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  return typeof name === 'string' && name !== '' ? name : NAMELESS;
}

/** A page may have some sixteen contexts; the oldest is lost when there are more. */
const release = (context: WebGL2RenderingContext): void => context.getExtension('WEBGL_lose_context')?.loseContext();

const softwareRenderer = (renderer: string): HardwareFinding => ({
  missing: `it is rendered in software (${renderer})`,
});
