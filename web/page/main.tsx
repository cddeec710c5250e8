/** Begins: a worker that trains, and the page that shows what it does. */
import { render } from 'preact';
import { EngineClient } from '../worker/client.js';
import { findSpawn } from '../worker/spawn.js';
import { App } from './App.js';
import { Session } from './session/session.js';

async function begin(root: HTMLElement): Promise<void> {
  const session = new Session(new EngineClient(await findSpawn()));
  root.replaceChildren();
  render(<App session={session} />, root);
  await session.start();
}

void begin(document.getElementById('app') as HTMLElement);
