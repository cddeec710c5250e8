/** Step 5: the files. */
import { useRef, useState } from 'preact/hooks';
import { Action } from '../controls/Action.js';
import { StepHead } from '../controls/StepHead.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';
import { download, pack } from './download.js';

export function TakePanel({ session }: { session: Session }) {
  const free = useStore(session.store, (state) => state.task === null && state.life === 'alive');
  const bits = useStore(session.store, (state) => state.quantization?.bits ?? null);
  const input = useRef<HTMLInputElement>(null);
  const [done, setDone] = useState('');

  const saveCheckpoint = async (): Promise<void> => {
    const bytes = await session.saveCheckpoint();
    if (!bytes) return;
    download('digits.safetensors', bytes);
    setDone('digits.safetensors was given to your browser’s downloads.');
  };
  const saveIr = async (): Promise<void> => {
    const files = await session.exportIr();
    if (!files) return;
    const name = files.network === 'float' ? 'digits-float' : `digits-int${bits ?? 8}`;
    download(`${name}.zip`, pack({ 'model.xml': files.xml, 'model.bin': files.bin }), 'application/zip');
    setDone(`${name}.zip with model.xml and model.bin was given to your browser’s downloads.`);
  };
  const load = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const loaded = await session.loadFile(file);
    setDone(loaded ? `${file.name} is loaded.` : '');
  };
  return (
    <section class="step" id="take" aria-labelledby="take-title">
      <StepHead id="take" number={5} title="Take it away">
        The network is yours. Nothing of it has left this device.
      </StepHead>
      <div class="actions">
        <Action
          id="download-checkpoint"
          label="Download checkpoint"
          hint="All of the work as one .safetensors file, to go on later exactly here."
          disabled={!free}
          onPress={() => void saveCheckpoint()}
        />
        <Action
          id="download-ir"
          label="Download for OpenVINO"
          hint={
            bits === null
              ? 'model.xml and model.bin of the float network in a zip; quantize it first for the small one.'
              : 'model.xml and model.bin of the quantized network in a zip, which Intel’s OpenVINO runs as they are.'
          }
          disabled={!free}
          onPress={() => void saveIr()}
        />
        <Action
          id="load-checkpoint"
          label="Load checkpoint…"
          hint="Replaces what is here by the contents of such a .safetensors file."
          disabled={!free}
          onPress={() => input.current?.click()}
        />
        <input
          ref={input}
          id="checkpoint-file"
          class="unseen"
          type="file"
          tabIndex={-1}
          accept=".safetensors"
          aria-label="Checkpoint file"
          onChange={(event) => {
            const field = event.currentTarget;
            // Emptied, so that choosing the same file again is a change.
            void load(field.files?.[0]).finally(() => {
              field.value = '';
            });
          }}
        />
      </div>
      <p class="done" id="take-done" aria-live="polite">
        {done}
      </p>
    </section>
  );
}
