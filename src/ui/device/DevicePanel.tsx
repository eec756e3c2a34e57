import type { DeviceInfo } from '../../../workers/plan/job-plan.ts';
import { useSessionState } from '../../state/react.ts';
import { formatBytes, formatCount } from '../format.ts';
import { CopyButton } from '../pieces/CopyButton.tsx';
import { Dialog } from '../pieces/Dialog.tsx';
import { type Fact, Facts } from '../pieces/Facts.tsx';
import { words } from '../words.ts';
import styles from './Device.module.css';
import { deviceReport } from './device-report.ts';
import { StorageFacts } from './StorageFacts.tsx';
import { useStorage } from './use-storage.ts';
import { browserHere, WEBGPU_ADVICE } from './webgpu-advice.ts';

/** Off by less than this is right; single precision is off by a millionth, half by a thousandth. */
const TOLERANCE = 1e-3;

/** All that is known of the device: what it runs on, whether it computes right, how fast, how much it may store; and what to change. */
export function DevicePanel({ onClose }: { readonly onClose: () => void }) {
  const device = useSessionState((state) => state.device);
  const engine = useSessionState((state) => state.engine);
  const storage = useStorage();
  const info = device.kind === 'found' ? device.info : null;
  return (
    <Dialog heading={words.device.heading} closeLabel={words.close} onClose={onClose}>
      <Verdict />
      {info?.fallbackReason == null ? null : <Advice />}
      {info === null ? null : (
        <>
          <Facts facts={deviceFacts(info)} />
          <SelfTest info={info} />
        </>
      )}
      <StorageFacts storage={storage} />
      {info?.provider === 'webgpu' || info?.fallbackReason != null ? null : <Advice />}
      <div className={styles.foot}>
        <CopyButton
          look="secondary"
          text={() => deviceReport(device, engine, storage.estimate)}
          label={words.device.copy}
        />
        <p className={styles.note}>{words.device.copyNote}</p>
      </div>
    </Dialog>
  );
}

function Verdict() {
  const device = useSessionState((state) => state.device);
  if (device.kind === 'checking') return <p>{words.device.checking}</p>;
  if (device.kind === 'failed') {
    return (
      <p className={styles.verdict} data-good={false}>
        {device.error.message} {device.error.hint}
      </p>
    );
  }
  const { provider, fallbackReason, wasmThreads } = device.info;
  if (provider === 'webgpu') {
    return (
      <p className={styles.verdict} data-good={true}>
        {words.device.good}
      </p>
    );
  }
  return (
    <p className={styles.verdict} data-good={false}>
      {fallbackReason === null ? words.device.chosenProcessor : fallbackReason} {words.device.slow}
      {wasmThreads === 1 ? ` ${words.device.oneThread}` : null}
    </p>
  );
}

function deviceFacts(info: DeviceInfo): Fact[] {
  const { fact } = words.device;
  return [
    { name: fact.provider, value: words.device.foundLong[info.provider] },
    { name: fact.name, value: info.name },
    { name: fact.precision, value: info.halfPrecision ? words.device.half : words.device.single },
    { name: fact.speed, value: words.device.gigaflops(formatCount(info.gigaflopsPerSecond)) },
    { name: fact.buffer, value: formatBytes(info.maxBufferBytes) },
    { name: fact.binding, value: formatBytes(info.maxBindingBytes) },
    ...(info.provider === 'wasm' ? [{ name: fact.threads, value: formatCount(info.wasmThreads) }] : []),
    {
      name: fact.memory,
      value: info.memoryBytes ? words.device.memory(formatCount(info.memoryBytes / 2 ** 30)) : words.device.unsaid,
    },
    { name: fact.isolated, value: crossOriginIsolated ? words.yes : words.no },
  ];
}

function SelfTest({ info: { selfTestErrors } }: { readonly info: DeviceInfo }) {
  if (selfTestErrors === undefined) return null;
  return (
    <section aria-labelledby="self-test" className={styles.part}>
      <h3 id="self-test" className={styles.subheading}>
        {words.device.selfTest}
      </h3>
      <Facts
        facts={Object.entries(selfTestErrors).map(([name, error]) => ({
          name,
          value: error <= TOLERANCE ? words.device.right(error.toExponential(0)) : words.device.wrong,
        }))}
      />
    </section>
  );
}

/** This browser's advice first, the others' folded away. */
function Advice() {
  const here = browserHere(navigator.userAgent);
  const own = WEBGPU_ADVICE.find(({ browser }) => browser === here);
  const others = WEBGPU_ADVICE.filter((each) => each !== own);
  return (
    <section aria-labelledby="webgpu-advice" className={styles.part}>
      <h3 id="webgpu-advice" className={styles.subheading}>
        {words.device.adviceHeading}
      </h3>
      {own === undefined ? null : (
        <>
          <p className={styles.browser}>{own.browser}</p>
          <ul className={styles.steps}>
            {own.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        </>
      )}
      <details className={styles.others} open={own === undefined}>
        <summary>{words.device.otherBrowsers}</summary>
        {others.map(({ browser, steps }) => (
          <div key={browser}>
            <p className={styles.browser}>{browser}</p>
            <ul className={styles.steps}>
              {steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ul>
          </div>
        ))}
      </details>
    </section>
  );
}
