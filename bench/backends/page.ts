/** The page in which headless Chromium measures backends. */
import type { InitOptions } from 'quantgrad';
import { findHardware, type GraphicsMode, type HardwareFinding } from '../../src/kernels/gpujs/hardware.js';
import { type BackendFigures, measureBackend, type StepSize } from './measure.js';

export interface BenchPage {
  measure(options: InitOptions, size: StepSize): Promise<BackendFigures>;
  hardware(mode: GraphicsMode): Promise<HardwareFinding>;
}

declare global {
  interface Window {
    benchPage: BenchPage;
  }
}

window.benchPage = { measure: measureBackend, hardware: (mode) => findHardware(mode) };
