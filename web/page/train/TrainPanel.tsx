/** Step 2: train the float network. */
import { Action } from '../controls/Action.js';
import { StepHead } from '../controls/StepHead.js';
import { percentOrDash, short, whole } from '../format.js';
import type { Session } from '../session/session.js';
import { describe } from '../session/words.js';
import { useStore } from '../store.js';
import { CurvePlots } from './CurvePlots.js';

interface Figure {
  readonly id: string;
  readonly name: string;
  readonly value: string;
}

function Figures({ session }: { session: Session }) {
  const run = useStore(session.store, (state) => state.run);
  const accuracies = useStore(session.store, (state) => state.accuracies);
  const accuracy = run?.phase === 'fineTune' ? accuracies.fineTuned : accuracies.float;
  const epoch = run ? `${run.epoch.toFixed(1)}${run.epochs === null ? '' : ` of ${run.epochs}`}` : '–';
  const running = run?.state === 'running';
  const figures: readonly Figure[] = [
    { id: 'figure-accuracy', name: 'Accuracy', value: percentOrDash(accuracy) },
    { id: 'figure-epoch', name: 'Epoch', value: epoch },
    { id: 'figure-loss', name: 'Loss', value: run?.loss == null ? '–' : short(run.loss) },
    {
      id: 'figure-speed',
      name: 'Steps a second',
      value: running && run.stepsPerSecond ? whole(run.stepsPerSecond) : '–',
    },
  ];
  return (
    <dl class="figures">
      {figures.map(({ id, name, value }) => (
        <div key={id}>
          <dt>{name}</dt>
          <dd id={id} data-empty={value === '–'}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Status({ session }: { session: Session }) {
  const words = useStore(session.store, describe);
  const busy = useStore(
    session.store,
    (state) => state.run?.state === 'running' || (state.task !== null && state.life !== 'dead'),
  );
  return (
    <p class="status" id="status" data-busy={busy}>
      {words}
    </p>
  );
}

/** The one button that starts, pauses and goes on: what it does follows from how the run stands. */
function RunButton({ session }: { session: Session }) {
  const run = useStore(session.store, (state) => state.run);
  const epochs = useStore(session.store, (state) => state.settings.epochs);
  const free = useStore(session.store, (state) => state.task === null && state.life === 'alive');
  const trained = useStore(session.store, (state) => state.accuracies.float !== null && state.run !== null);
  const shared = { id: 'train-toggle', main: true, disabled: !free };
  if (run?.state === 'running') {
    return (
      <Action
        {...shared}
        action="pause"
        label="Pause"
        hint="Stops after the step in hand; nothing is lost."
        onPress={() => void session.pause()}
      />
    );
  }
  if (run?.state === 'paused' && run.phase === 'float') {
    return (
      <Action
        {...shared}
        action="continue"
        label="Continue"
        hint="Goes on exactly where it stopped."
        onPress={() => void session.continue()}
      />
    );
  }
  return (
    <Action
      {...shared}
      action="start"
      label={trained ? `Train ${epochs} epochs more` : 'Start training'}
      hint={`Shows all training digits ${epochs} times; each time through is one epoch.`}
      onPress={() => void session.train('float')}
    />
  );
}

export function TrainPanel({ session }: { session: Session }) {
  const data = useStore(session.store, (state) => state.data);
  const free = useStore(session.store, (state) => state.task === null && state.life === 'alive');
  return (
    <section class="step" id="train" aria-labelledby="train-title">
      <StepHead id="train" number={2} title="Train">
        The network is shown {data ? whole(data.train) : 'many'} handwritten digits, guesses, and is corrected a little
        each time. {data ? whole(data.test) : 'Other'} digits that it never learns from are its test.
      </StepHead>
      <div class="actions">
        <RunButton session={session} />
        <Action
          id="train-reset"
          label="Reset"
          hint="Forgets everything and begins with random numbers. You can undo it."
          disabled={!free}
          onPress={() => void session.reset()}
        />
      </div>
      <Status session={session} />
      <Figures session={session} />
      <CurvePlots session={session} />
    </section>
  );
}
