/** The page: a head, the drawing, and the steps of the story. */
import { Notices } from './controls/Notices.js';
import { DrawStage } from './draw/DrawStage.js';
import { InsidePanel } from './inside/InsidePanel.js';
import { QuantizePanel } from './quantize/QuantizePanel.js';
import type { Session } from './session/session.js';
import { useStore } from './store.js';
import { SettingsPanel } from './take/SettingsPanel.js';
import { TakePanel } from './take/TakePanel.js';
import { TrainPanel } from './train/TrainPanel.js';

const CONTENTS = [
  { id: 'draw', title: 'Draw' },
  { id: 'train', title: 'Train' },
  { id: 'quantize', title: 'Quantize' },
  { id: 'inside', title: 'Look inside' },
  { id: 'take', title: 'Take it away' },
  { id: 'settings', title: 'Settings' },
];

function Head() {
  return (
    <header class="head">
      <div class="head-bar">
        <span class="brand">QuantGrad</span>
        <nav class="contents" aria-label="On this page">
          {CONTENTS.map(({ id, title }) => (
            <a key={id} href={`#${id}`}>
              {title}
            </a>
          ))}
        </nav>
      </div>
      <div class="head-text">
        <h1>How much of a neural network can you round away?</h1>
        <p class="lead">
          A neural network is a long list of numbers. Quantization rounds them, so that its file shrinks to a quarter or
          less and it runs faster. Train a network that reads handwriting, round it, and see what it can still do. All
          of it happens here, on your device.
        </p>
      </div>
    </header>
  );
}

/** What begins and ends, for screen readers. */
function Announcer({ session }: { session: Session }) {
  const announcement = useStore(session.store, (state) => state.announcement);
  return (
    <p class="unseen" id="announcer" role="status">
      {announcement}
    </p>
  );
}

export function App({ session }: { session: Session }) {
  return (
    <div class="page">
      <a class="skip" href="#draw">
        Skip to drawing
      </a>
      <Head />
      <Announcer session={session} />
      <Notices session={session} />
      <main class="story">
        <DrawStage session={session} />
        <div class="steps">
          <TrainPanel session={session} />
          <QuantizePanel session={session} />
          <InsidePanel session={session} />
          <TakePanel session={session} />
          <SettingsPanel session={session} />
        </div>
      </main>
      <footer class="foot">
        <p>
          Made with QuantGrad, quantization-aware training in TypeScript. The digits are from the UCI set Optical
          Recognition of Handwritten Digits by E. Alpaydin and C. Kaynak (1998), licence CC BY 4.0.
        </p>
      </footer>
    </div>
  );
}
