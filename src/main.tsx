import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { HistoryKeeper } from './client/history-keeper.ts';
import { WorkerLibrary } from './client/model-library.ts';
import { WorkerEnhancer } from './client/worker-enhancer.ts';
import { startAppShell } from './state/app-shell.ts';
import { AppShellContext } from './state/app-shell-context.ts';
import { engineOptionsFromUrl } from './state/engine-options.ts';
import { createHistory } from './state/history.ts';
import { HistoryContext } from './state/history-context.ts';
import { createModels } from './state/models.ts';
import { ModelsContext } from './state/models-context.ts';
import { createQueue } from './state/queue.ts';
import { QueueContext } from './state/queue-context.ts';
import { SessionContext } from './state/react.ts';
import { createSession } from './state/session.ts';
import { App } from './ui/App.tsx';
import './ui/base.css';

const session = createSession(
  (options) => new WorkerEnhancer(options),
  engineOptionsFromUrl(new URL(document.baseURI)),
);

const models = createModels(new WorkerLibrary());
const history = createHistory(new HistoryKeeper(), session);
const queue = createQueue(session);

// In builds alone: the development server's files change under it.
const shell = startAppShell(
  import.meta.env.PROD ? new URL('service-worker.js', document.baseURI).href : null,
  () => session.store.getState().phase.kind === 'empty' && session.store.getState().wanted === null,
);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <SessionContext value={session}>
      <AppShellContext value={shell}>
        <ModelsContext value={models}>
          <HistoryContext value={history}>
            <QueueContext value={queue}>
              <App />
            </QueueContext>
          </HistoryContext>
        </ModelsContext>
      </AppShellContext>
    </SessionContext>
  </StrictMode>,
);
