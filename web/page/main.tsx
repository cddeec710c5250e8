/** Begins: a worker that trains, and the page that shows what it does. */
import { render } from 'preact';
import { EngineClient } from '../worker/client.js';
import { spawnWorker } from '../worker/spawn.js';
import { App } from './App.js';
import { Session } from './session/session.js';

const session = new Session(new EngineClient(spawnWorker));
const root = document.getElementById('app') as HTMLElement;
root.replaceChildren();
render(<App session={session} />, root);
void session.start();
