/** What counts as a hardware GPU, with what browsers say of their graphics. */
import { describe, expect, it } from 'vitest';
import { findHardware, type Graphics, type WebGpu } from '../../../src/kernels/gpujs/hardware.js';

type Adapter = Awaited<ReturnType<WebGpu['requestAdapter']>>;

const none: Graphics = { webGpu: undefined, webGl2: () => null };
const webGpu = (adapter: Adapter): Graphics => ({ ...none, webGpu: { requestAdapter: async () => adapter } });

/** Graphics whose contexts say these things, and how many of them were given back. */
function webGl2({
  unmasked,
  masked = 'WebKit WebGL',
  floats = true,
  fast = true,
}: {
  unmasked?: string;
  masked?: string;
  floats?: boolean;
  fast?: boolean;
}): { readonly graphics: Graphics; readonly open: () => number } {
  let open = 0;
  const context = {
    RENDERER: 1,
    getExtension(name: string): object | null {
      if (name === 'WEBGL_debug_renderer_info') return unmasked === undefined ? null : { UNMASKED_RENDERER_WEBGL: 2 };
      if (name === 'EXT_color_buffer_float') return floats ? {} : null;
      return {
        loseContext: () => {
          open--;
        },
      };
    },
    getParameter: (parameter: number) => (parameter === 2 ? unmasked : masked),
  } as unknown as WebGL2RenderingContext;
  const give = ({ failIfMajorPerformanceCaveat = false }: WebGLContextAttributes): WebGL2RenderingContext | null => {
    if (failIfMajorPerformanceCaveat && !fast) return null;
    open++;
    return context;
  };
  return { graphics: { ...none, webGl2: give }, open: () => open };
}

describe('through WebGPU', () => {
  it('a GPU is named by what its adapter says', async () => {
    const info = { vendor: 'nvidia', architecture: 'ampere', device: '', description: '' };
    expect(await findHardware('webgpu', webGpu({ info }))).toEqual({ renderer: 'nvidia ampere' });
    expect(await findHardware('webgpu', webGpu({}))).toEqual({ renderer: 'a GPU without a name' });
  });

  it.each<[string, Adapter]>([
    ['Chromium without a GPU', { info: { vendor: 'google', architecture: 'swiftshader', isFallbackAdapter: true } }],
    ['an older Chromium', { isFallbackAdapter: true, info: { vendor: 'google' } }],
    [
      'Mesa',
      { info: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe (LLVM 17.0.6, 256 bits)' } },
    ],
    ['Windows', { info: { vendor: 'microsoft', description: 'Microsoft Basic Render Driver' } }],
  ])('software is no hardware: %s', async (_, adapter) => {
    expect(await findHardware('webgpu', webGpu(adapter))).toEqual({
      missing: expect.stringContaining('rendered in software'),
    });
  });

  it('what is missing is told apart', async () => {
    expect(await findHardware('webgpu', none)).toEqual({ missing: 'it is not here' });
    expect(await findHardware('webgpu', webGpu(null))).toEqual({ missing: 'it has no adapter here' });
    const refusing = { ...none, webGpu: { requestAdapter: () => Promise.reject(new Error('blocked by policy')) } };
    expect(await findHardware('webgpu', refusing)).toEqual({ missing: 'asking for it failed (blocked by policy)' });
  });
});

describe('through WebGL 2', () => {
  it.each([
    [
      'named behind the extension',
      { unmasked: 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 Direct3D11)' },
      /GeForce RTX 3060/,
    ],
    ['named without it', { masked: 'Mali-G78' }, /^Mali-G78$/],
    ['not named', { unmasked: '' }, /^a GPU without a name$/],
  ])('a GPU is %s, and its contexts are given back', async (_, says, name) => {
    const { graphics, open } = webGl2(says);
    expect(await findHardware('webgl2', graphics)).toEqual({ renderer: expect.stringMatching(name) });
    expect(open()).toBe(0);
  });

  it.each([
    ['SwiftShader', { unmasked: 'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)' }],
    ['llvmpipe', { masked: 'llvmpipe, or similar' }],
    ['the renderer of Windows', { unmasked: 'ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11)' }],
    ['what the browser calls slow but does not name', { masked: 'WebKit WebGL', fast: false }],
  ])('software is no hardware: %s', async (_, says) => {
    const { graphics, open } = webGl2(says);
    expect(await findHardware('webgl2', graphics)).toEqual({ missing: expect.stringContaining('software') });
    expect(open()).toBe(0);
  });

  it('float textures are needed', async () => {
    const { graphics, open } = webGl2({ unmasked: 'Adreno (TM) 305', floats: false });
    expect(await findHardware('webgl2', graphics)).toEqual({ missing: expect.stringContaining('float textures') });
    expect(open()).toBe(0);
  });

  it('it is missing in Node', async () => {
    expect(await findHardware('webgl2')).toEqual({ missing: 'it is not here' });
    expect(await findHardware('webgpu')).toEqual({ missing: 'it is not here' });
  });
});
