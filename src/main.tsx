import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { WorkerEnhancer } from './client/worker-enhancer.ts';
import { engineOptionsFromUrl } from './state/engine-options.ts';
import { SessionContext } from './state/react.ts';
import { createSession } from './state/session.ts';
import { App } from './ui/App.tsx';
import './ui/base.css';

const session = createSession(
  (options) => new WorkerEnhancer(options),
  engineOptionsFromUrl(new URL(document.baseURI)),
);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <SessionContext value={session}>
      <App />
    </SessionContext>
  </StrictMode>,
);
