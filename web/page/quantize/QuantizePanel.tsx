/** Step 3: round the network, and train it with the rounding in place. */
import { Action } from '../controls/Action.js';
import { Choice } from '../controls/Choice.js';
import { StepHead } from '../controls/StepHead.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';
import { LevelsRuler } from './LevelsRuler.js';
import { NetworkTable } from './NetworkTable.js';

const BITS = [2, 3, 4, 5, 6, 7, 8].map((value) => ({ value, label: String(value) }));

function FineTuneButton({ session }: { session: Session }) {
  const quantized = useStore(session.store, (state) => state.quantization !== null);
  const epochs = useStore(session.store, (state) => state.settings.fineTuneEpochs);
  const free = useStore(session.store, (state) => state.task === null && state.life === 'alive');
  const run = useStore(session.store, (state) => (state.run?.phase === 'fineTune' ? state.run.state : null));
  const shared = { id: 'fine-tune', disabled: !free || !quantized };
  if (run === 'running') {
    return (
      <Action
        {...shared}
        action="pause"
        label="Pause fine-tuning"
        hint="Stops after the step in hand; nothing is lost."
        onPress={() => void session.pause()}
      />
    );
  }
  if (run === 'paused') {
    return (
      <Action
        {...shared}
        action="continue"
        label="Continue fine-tuning"
        hint="Goes on exactly where it stopped."
        onPress={() => void session.continue()}
      />
    );
  }
  const hint = quantized
    ? `Trains the rounded network for ${epochs} epochs, so that it learns to live with its few steps.`
    : 'Trains the rounded network further. Quantize it first.';
  return (
    <Action {...shared} action="start" label="Fine-tune" hint={hint} onPress={() => void session.train('fineTune')} />
  );
}

export function QuantizePanel({ session }: { session: Session }) {
  const bits = useStore(session.store, (state) => state.settings.bits);
  const free = useStore(session.store, (state) => state.task === null && state.life === 'alive');
  return (
    <section class="step" id="quantize" aria-labelledby="quantize-title">
      <StepHead id="quantize" number={3} title="Quantize">
        To quantize is to round: every number in the network moves to the nearest of a few steps. That makes the file
        smaller and lets processors count in small whole numbers, which is faster.
      </StepHead>
      <div class="quantize-choice">
        <Choice
          id="bits"
          label="Bits for each number"
          hint={`${bits} bits can tell ${2 ** bits} values apart; the float network’s 32 bits about four billion.`}
          value={bits}
          options={BITS}
          onChoose={(value) => session.setSettings({ bits: value })}
        />
        <LevelsRuler bits={bits} />
      </div>
      <div class="actions">
        <Action
          id="quantize-run"
          main
          label={`Quantize to ${bits} bits`}
          hint="Rounds a copy of the float network; takes a moment."
          disabled={!free}
          onPress={() => void session.quantize()}
        />
        <FineTuneButton session={session} />
      </div>
      <NetworkTable session={session} />
    </section>
  );
}
