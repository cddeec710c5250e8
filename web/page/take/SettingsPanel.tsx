/** What computes, how fast it learns, and where it begins. */
import type { BackendChoice, EngineChoice, GpuMode } from '../../protocol.js';
import { NumberField } from '../controls/NumberField.js';
import { Select } from '../controls/Select.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';

const BACKENDS: readonly { readonly value: BackendChoice; readonly label: string }[] = [
  { value: 'auto', label: 'Automatic' },
  { value: 'wasm', label: 'WebAssembly (processor)' },
  { value: 'gpujs', label: 'GPU.js (graphics card)' },
  { value: 'reference', label: 'Plain TypeScript (slow)' },
];
const GPU_MODES: readonly { readonly value: GpuMode; readonly label: string }[] = [
  { value: 'gpu', label: 'The best there is' },
  { value: 'webgpu', label: 'WebGPU' },
  { value: 'webgl2', label: 'WebGL2' },
  { value: 'webasm', label: 'WebAssembly of GPU.js' },
  { value: 'cpu', label: 'JavaScript of GPU.js' },
];

function Engine({ session }: { session: Session }) {
  const engine = useStore(session.store, (state) => state.engine);
  const free = useStore(session.store, (state) => state.task === null);
  const choice: EngineChoice = engine?.choice ?? { backend: 'auto' };
  const most = engine?.mostThreads ?? 1;
  const threads = Array.from({ length: most }, (_, index) => String(index + 1));
  const choose = (change: Partial<EngineChoice>): void => void session.setEngine({ ...choice, ...change });
  return (
    <>
      <Select
        id="backend"
        label="Backend"
        hint="What does the arithmetic. The results agree; the speed differs."
        value={choice.backend}
        options={BACKENDS}
        disabled={!free}
        onChoose={(backend) => choose({ backend: backend as BackendChoice })}
      />
      {choice.backend === 'gpujs' && (
        <Select
          id="gpu-mode"
          label="Graphics interface"
          hint="How GPU.js reaches the graphics card, or does without one."
          value={choice.gpuMode ?? 'gpu'}
          options={GPU_MODES}
          disabled={!free}
          onChoose={(gpuMode) => choose({ gpuMode: gpuMode as GpuMode })}
        />
      )}
      <Select
        id="threads"
        label="Threads"
        hint={
          engine && !engine.crossOriginIsolated
            ? 'One here: threads need a page that is served with isolation headers.'
            : 'Processor cores that WebAssembly works on at once.'
        }
        value={String(engine?.threads ?? 1)}
        options={threads.map((value) => ({ value, label: value }))}
        disabled={!free || most === 1}
        onChoose={(value) => choose({ threads: Number(value) })}
      />
    </>
  );
}

export function SettingsPanel({ session }: { session: Session }) {
  const settings = useStore(session.store, (state) => state.settings);
  const engine = useStore(session.store, (state) => state.engine);
  const seed = useStore(session.store, (state) => state.seed);
  return (
    <section class="step" id="settings" aria-labelledby="settings-title">
      <div class="step-head">
        <h2 id="settings-title">Settings</h2>
        <p>All of them are optional.</p>
      </div>
      <div class="fields">
        <Engine session={session} />
        <NumberField
          id="learning-rate"
          label="Learning rate"
          hint="How far each correction goes. Too small is slow, too large never settles. Used at the next start or continue."
          value={settings.learningRate}
          min={0.00001}
          max={1}
          onChange={(learningRate) => session.setSettings({ learningRate })}
        />
        <NumberField
          id="epochs"
          label="Epochs"
          hint="How many times training goes through all digits."
          value={settings.epochs}
          min={1}
          max={500}
          whole
          onChange={(epochs) => session.setSettings({ epochs })}
        />
        <NumberField
          id="fine-tune-epochs"
          label="Epochs of fine-tuning"
          hint="The same for fine-tuning; fewer bits need more."
          value={settings.fineTuneEpochs}
          min={1}
          max={500}
          whole
          onChange={(fineTuneEpochs) => session.setSettings({ fineTuneEpochs })}
        />
        <NumberField
          id="seed"
          label="Seed"
          hint={
            settings.seed === seed
              ? 'The start of all dice: the same seed gives the same network.'
              : 'Press Reset in step 2 to begin with this seed.'
          }
          value={settings.seed}
          min={0}
          max={4294967295}
          whole
          onChange={(value) => session.setSettings({ seed: value })}
        />
      </div>
      <p class="hint engine-report" id="engine-report">
        {engine
          ? `Computing with ${engine.backend}, ${engine.threads === 1 ? 'one thread' : `${engine.threads} threads`}. ${engine.reasons.join(' ')}`
          : ''}
      </p>
    </section>
  );
}
