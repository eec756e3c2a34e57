/** The page's few glyphs: decoration beside words or an accessible name, never alone. */

const PATHS = {
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M6.5 5h4v14h-4zM13.5 5h4v14h-4z',
  sound: 'M4 9.5v5h3.5l5 4v-13l-5 4zM15 8.5a5 5 0 0 1 0 7M17.5 6a8.5 8.5 0 0 1 0 12',
  silence: 'M4 9.5v5h3.5l5 4v-13l-5 4zM16 9.5l5 5M21 9.5l-5 5',
  close: 'M6 6l12 12M18 6L6 18',
  shuffle: 'M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5',
  step: 'M6 5v14l9-7zM17 5h2.5v14H17z',
  stepBack: 'M18 5v14l-9-7zM4.5 5H7v14H4.5z',
  loop: 'M4 12V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 12v3a3 3 0 0 1-3 3H5M8 21l-3-3 3-3',
  fullScreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  up: 'M6 14l6-6 6 6',
  down: 'M6 10l6 6 6-6',
  wipe: 'M9 7l-5 5 5 5M15 7l5 5-5 5',
} as const;

const FILLED = new Set<keyof typeof PATHS>(['play', 'pause', 'step', 'stepBack']);

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  const filled = FILLED.has(name);
  return (
    <svg
      width="1.25em"
      height="1.25em"
      viewBox="0 0 24 24"
      fill={filled ? 'currentColor' : 'none'}
      stroke={filled ? 'none' : 'currentColor'}
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
